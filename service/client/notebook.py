"""Keyong from a notebook: questions in, data frames with intervals out.

Like the command line this calls the gatekeeper and nothing else, and goes the same steps: look around in the
catalogue, rehearse on mock data, explain, submit, fetch.  A frame never holds a row of the data: it holds
what was released, and its ``attrs`` say what that cost.
"""

from __future__ import annotations

import datetime as dt
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from types import TracebackType
from typing import Any, TypedDict, Unpack

import pandas as pd

from sandbox.errors import KeyongError
from sandbox.schema import Principal, exact
from service.asked import JobRequest, Mock, NewLimit
from service.client import jobfiles
from service.client.whoami import asking_principal
from service.embedded import open_gatekeeper
from service.gatekeeper import Gatekeeper
from service.messages import catalogue

Json = dict[str, Any]
Number = str | int | float


class Asked(TypedDict, total=False):
    """What may be said of a job beside its text.

    Exactly one of *epsilon* (text or a number, whose decimal text is what counts) and *error* is given; for
    several statements *error* may be one each, or *weights* divide the epsilon.  *parameters* are values of
    ``$name``.  A *template* says everything but their values.
    """

    purpose: str
    epsilon: Number | None
    error: str | Sequence[str] | None
    weights: Sequence[Number]
    group_size: int | None
    max_rows: int | None
    template: str
    parameters: Mapping[str, Any]


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
    def datasets(self, search: str | None = None) -> pd.DataFrame:
        """Return the datasets that the principal may see, one a row: all, or those that *search* finds."""
        return pd.DataFrame(self._gatekeeper.dataset_list(self._principal, search)["datasets"])

    @_told()
    def catalogue(self, dataset: str) -> pd.DataFrame:
        """Return the columns of *dataset*, one a row; ``attrs`` hold the rest of its entry.

        Among them ``description``, ``grants``, ``budget`` and ``examples``: see `Gatekeeper.dataset_show`.
        """
        entry = self._gatekeeper.dataset_show(self._principal, dataset)
        shown = pd.DataFrame(entry["columns"]).set_index("name")
        shown.attrs = {key: value for key, value in entry.items() if key != "columns"}
        return shown

    @_told()
    def mock(
        self, dataset: str, rows: int | None = None, *, units: int | None = None, seed: int = 1
    ) -> pd.DataFrame:
        """Return invented rows in the shape of *dataset*: nobody's data, the same for the same *seed*."""
        with tempfile.TemporaryDirectory() as place:
            path = Path(place) / "mock.parquet"
            wanted = Mock(rows, units, seed)
            told = self._gatekeeper.dataset_mock(self._principal, dataset, path, wanted)
            shown = pd.read_parquet(path)
        shown.attrs = {key: told[key] for key in ("mock", "dataset", "rows", "units", "seed")}
        return _marked(shown)

    @_told()
    def query(
        self, sql: str = "", *, mock: bool = False, **asked: Unpack[Asked]
    ) -> pd.DataFrame | list[pd.DataFrame]:
        """Ask *sql* and return the released rows, ``NAME_low`` and ``NAME_high`` beside each value.

        With *mock* it is rehearsed on invented data instead, at no cost, and the frames say so.  One
        statement gives a frame, several a list of them.  ``frame.attrs`` holds ``loss``, ``losses``,
        ``intervals``, ``notes``, ``job``, ``replayed``, ``mechanism``, ``mock``.  Raises a `KeyongError`.
        """
        request = _request(sql, asked)
        if mock:
            return _few(frames(self._gatekeeper.job_rehearse(self._principal, request, Mock())))
        job = self._gatekeeper.job_submit(self._principal, request)["job"]
        return _few(frames(self._gatekeeper.job_run(self._principal, job)))

    @_told()
    def explain(self, sql: str = "", **asked: Unpack[Asked]) -> Json:
        """Return what *sql* would cost and how far off it would be, or all that speaks against it.

        Reads no data, spends nothing: see `Gatekeeper.job_explain`.
        """
        return self._gatekeeper.job_explain(self._principal, _request(sql, asked))

    @_told()
    def submit(self, sql: str = "", **asked: Unpack[Asked]) -> str:
        """Decide, plan and charge, or have it wait for somebody's yes; return the job's id."""
        job: str = self._gatekeeper.job_submit(self._principal, _request(sql, asked))["job"]
        return job

    @_told()
    def wait(self, job: str) -> pd.DataFrame | list[pd.DataFrame]:
        """Bring a submitted job to its end and return its frames, as `query`."""
        return _few(frames(self._gatekeeper.job_run(self._principal, job)))

    @_told()
    def result(self, job: str) -> pd.DataFrame | list[pd.DataFrame]:
        """Return the frames of a job that has been released, as `query`."""
        return _few(frames(self._gatekeeper.job_result(self._principal, job)))

    @_told()
    def jobs(self) -> pd.DataFrame:
        """Return the principal's jobs, one a row, the newest last."""
        return pd.DataFrame(self._gatekeeper.job_list(self._principal)["jobs"])

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
    def limit(self, namespace: str, epsilon: Number, delta: Number, reason: str, **more: str) -> Json:
        """Set what all datasets of *namespace* may spend together, as `Gatekeeper.budget_limit`; a reviewer.

        *more*: ``filter`` and ``selection`` of `service.asked.NewLimit`.
        """
        wanted = NewLimit(str(epsilon), str(delta), reason, **more)
        return self._gatekeeper.budget_limit(self._principal, namespace, wanted)

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
    return _marked(shown) if result["mock"] else shown


def _few(found: list[pd.DataFrame]) -> pd.DataFrame | list[pd.DataFrame]:
    return found[0] if len(found) == 1 else found


def _marked(shown: pd.DataFrame) -> pd.DataFrame:
    shown.index.name = "MOCK"  # printed in the corner, and kept by what loses the attributes
    return shown


def _request(sql: str, asked: Asked) -> JobRequest:
    error = asked.get("error")
    one = error if isinstance(error, str) else None
    epsilon = asked.get("epsilon")
    return JobRequest(
        sql,
        asked.get("purpose", ""),
        epsilon=None if epsilon is None else str(epsilon),
        error=one,
        group_size=asked.get("group_size"),
        max_rows=asked.get("max_rows"),
        errors=() if one is not None or error is None else tuple(error),
        weights=tuple(map(str, asked.get("weights", ()))),
        template=asked.get("template", ""),
        parameters={name: _value(value) for name, value in asked.get("parameters", {}).items()},
    )


def _value(value: Any) -> jobfiles.Value:
    """A value of Python for a parameter: a number by its decimal text, a day as a day."""
    if isinstance(value, dt.date):
        return ("date", value.isoformat()[:10])
    if isinstance(value, float | Decimal):
        return jobfiles.value_of(Fraction(exact(value)))
    return jobfiles.value_of(value)
