"""Keyong from a notebook: questions in, data frames with intervals out.

Like the command line this calls the gatekeeper and nothing else.  A frame never holds a row of the data:
it holds what was released, and its ``attrs`` say what that cost.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import Any

import pandas as pd

from sandbox.errors import KeyongError
from sandbox.schema import Principal
from service.asked import JobRequest
from service.embedded import open_gatekeeper
from service.gatekeeper import Gatekeeper
from service.messages import catalogue
from service.whoami import asking_principal

Json = dict[str, Any]
Number = str | int | float


@contextmanager
def _told() -> Iterator[None]:
    """Let a traceback end with the message that the command line would print."""
    try:
        yield
    except KeyongError as error:
        error.add_note(catalogue.text(error, catalogue.language()))
        raise


class Connection:
    """An open workspace and who asks; also a context manager."""

    def __init__(self, gatekeeper: Gatekeeper, principal: Principal) -> None:
        self._gatekeeper = gatekeeper
        self._principal = principal

    @_told()
    def query(
        self,
        sql: str,
        *,
        purpose: str,
        epsilon: Number | None = None,
        error: str | Sequence[str] | None = None,
        weights: Sequence[Number] = (),
        group_size: int | None = None,
        max_rows: int | None = None,
    ) -> pd.DataFrame | list[pd.DataFrame]:
        """Ask *sql* and return the released rows, ``NAME_low`` and ``NAME_high`` beside each value.

        Exactly one of *epsilon* (text or a number, whose decimal text is what counts) and *error* is given;
        for several statements *error* may be one each, or *weights* divide the epsilon.  One statement gives
        a frame, several a list of them.  ``frame.attrs`` holds ``loss``, ``losses``, ``intervals``,
        ``notes``, ``job``, ``replayed``, ``mechanism``.  Raises a `KeyongError`.
        """
        asked = _request(
            sql,
            purpose,
            epsilon=epsilon,
            error=error,
            weights=weights,
            group_size=group_size,
            max_rows=max_rows,
        )
        return self.wait(self._gatekeeper.job_submit(self._principal, asked)["job"])

    @_told()
    def explain(
        self,
        sql: str,
        *,
        purpose: str,
        epsilon: Number | None = None,
        error: str | Sequence[str] | None = None,
        weights: Sequence[Number] = (),
        group_size: int | None = None,
        max_rows: int | None = None,
    ) -> Json:
        """Return what *sql* would cost and how far off it would be; reads no data, spends nothing."""
        asked = _request(
            sql,
            purpose,
            epsilon=epsilon,
            error=error,
            weights=weights,
            group_size=group_size,
            max_rows=max_rows,
        )
        return self._gatekeeper.job_explain(self._principal, asked)

    @_told()
    def wait(self, job: str) -> pd.DataFrame | list[pd.DataFrame]:
        """Bring *job* to its end, one that waited for approval too, and return its rows as `query` does."""
        found = frames(self._gatekeeper.job_run(self._principal, job))
        return found[0] if len(found) == 1 else found

    @_told()
    def status(self, job: str) -> Json:
        """Return how *job* stands, and whose yes it has or misses, as `Gatekeeper.job_status`."""
        return self._gatekeeper.job_status(self._principal, job)

    @_told()
    def pending(self) -> pd.DataFrame:
        """Return the jobs that wait for the principal's yes, one a row."""
        return pd.DataFrame(self._gatekeeper.job_pending(self._principal)["jobs"])

    @_told()
    def show(self, job: str) -> Json:
        """Return what an approver needs to know of *job*, as `Gatekeeper.job_show`."""
        return self._gatekeeper.job_show(self._principal, job)

    @_told()
    def approve(self, job: str, reason: str = "") -> Json:
        """Say yes to *job*, as `Gatekeeper.job_approve`; with the last yes it is charged."""
        return self._gatekeeper.job_approve(self._principal, job, reason)

    @_told()
    def reject(self, job: str, reason: str) -> Json:
        """Say no to *job*, for a *reason* that its analyst is told."""
        return self._gatekeeper.job_reject(self._principal, job, reason)

    @_told()
    def budget(self, dataset: str) -> Json:
        """Return limit, spent and remaining losses of *dataset*, as `Gatekeeper.budget_show`."""
        return self._gatekeeper.budget_show(self._principal, dataset)

    @_told()
    def datasets(self) -> pd.DataFrame:
        """Return the datasets that the principal may see, one a row."""
        return pd.DataFrame(self._gatekeeper.dataset_list(self._principal)["datasets"])

    def close(self) -> None:
        """End workers and close the books."""
        self._gatekeeper.close()

    def __enter__(self) -> Connection:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


@_told()
def connect(workspace: str | Path | None = None, as_: str | None = None) -> Connection:
    """Open *workspace* (default: KEYONG_WORKSPACE, else the nearest above here) in the name of *as_*.

    Without *as_* the only stored identity asks; raises `UsageError` if there are none or several.
    """
    gatekeeper = open_gatekeeper(Path(workspace) if workspace is not None else None)
    try:
        return Connection(gatekeeper, asking_principal(gatekeeper, as_))
    except BaseException:
        gatekeeper.close()
        raise


def frames(result: Json) -> list[pd.DataFrame]:
    """Return a release (as `Gatekeeper.job_result`) as one data frame a statement, its cost in ``attrs``.

    Where a table has rows of totals, a column ``_totals`` names the keys that a row is a total over: its null
    there is no null category.
    """
    return [_frame(result, table) for table in result["tables"]]


def _frame(result: Json, table: Json) -> pd.DataFrame:
    rows = table["rows"]
    values = [column["name"] for column in table["columns"] if column["kind"] != "key"]
    names: list[str] = []
    for column in table["columns"]:
        name = column["name"]
        names += [name, f"{name}_low", f"{name}_high"] if name in values else [name]
    if any("_totals" in row for row in rows):
        names.append("_totals")
    shown = pd.DataFrame(rows, columns=pd.Index(names))
    shown.attrs = {key: result[key] for key in ("loss", "losses", "job", "replayed", "mechanism")}
    shown.attrs["intervals"] = {name: [f"{name}_low", f"{name}_high"] for name in values}
    shown.attrs["notes"] = [note["key"] for note in table["notes"]]
    shown.attrs["mock"] = result["mock"]
    if result["mock"]:
        shown.index.name = "MOCK"  # printed in the corner, and kept by what loses the attributes
    return shown


def _request(
    sql: str,
    purpose: str,
    *,
    epsilon: Number | None,
    error: str | Sequence[str] | None,
    weights: Sequence[Number],
    group_size: int | None,
    max_rows: int | None,
) -> JobRequest:
    one = error if isinstance(error, str) else None
    return JobRequest(
        sql,
        purpose,
        epsilon=None if epsilon is None else str(epsilon),
        error=one,
        group_size=group_size,
        max_rows=max_rows,
        errors=() if one is not None or error is None else tuple(error),
        weights=tuple(map(str, weights)),
    )
