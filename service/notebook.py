"""Keyong from a notebook: questions in, data frames with intervals out.

Like the command line this calls the gatekeeper and nothing else.  A frame never holds a row of the data:
it holds what was released, and its ``attrs`` say what that cost.
"""

from __future__ import annotations

from pathlib import Path
from types import TracebackType
from typing import Any

import pandas as pd

from sandbox.schema import Principal
from service.embedded import open_gatekeeper
from service.gatekeeper import Gatekeeper, JobRequest
from service.whoami import asking_principal

Json = dict[str, Any]


class Connection:
    """An open workspace and who asks; also a context manager."""

    def __init__(self, gatekeeper: Gatekeeper, principal: Principal) -> None:
        self._gatekeeper = gatekeeper
        self._principal = principal

    def query(
        self,
        sql: str,
        *,
        purpose: str,
        epsilon: str | float | None = None,
        error: str | None = None,
        group_size: int | None = None,
        max_rows: int | None = None,
    ) -> pd.DataFrame:
        """Ask *sql* and return the released rows, ``NAME_low`` and ``NAME_high`` beside each value.

        Exactly one of *epsilon* (text or a number, whose decimal text is what counts) and *error* is given.
        ``frame.attrs`` holds ``loss``, ``job``, ``replayed``, ``mechanism``.  Raises a `KeyongError`.
        """
        asked = JobRequest(sql, purpose, _text(epsilon), error, group_size, max_rows)
        job = self._gatekeeper.job_submit(self._principal, asked)["job"]
        return frame(self._gatekeeper.job_run(self._principal, job))

    def explain(
        self, sql: str, *, purpose: str, epsilon: str | float | None = None, error: str | None = None
    ) -> Json:
        """Return what *sql* would cost and how far off it would be; reads no data, spends nothing."""
        return self._gatekeeper.job_explain(self._principal, JobRequest(sql, purpose, _text(epsilon), error))

    def budget(self, dataset: str) -> Json:
        """Return limit, spent and remaining losses of *dataset*, as `Gatekeeper.budget_show`."""
        return self._gatekeeper.budget_show(self._principal, dataset)

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


def frame(result: Json) -> pd.DataFrame:
    """Return a release (as `Gatekeeper.job_result`) as a data frame with its cost in ``attrs``."""
    names: list[str] = []
    for column in result["columns"]:
        name = column["name"]
        names += [name] if column["kind"] == "key" else [name, f"{name}_low", f"{name}_high"]
    table = pd.DataFrame(result["rows"], columns=pd.Index(names))
    table.attrs = {key: result[key] for key in ("loss", "job", "replayed", "mechanism")}
    return table


def _text(epsilon: str | float | None) -> str | None:
    return None if epsilon is None else str(epsilon)
