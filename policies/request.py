"""What a job asks of a policy, read off the job without touching data."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

from sandbox.privacy.loss import Loss
from sandbox.schema import DatasetName, Principal, Use


@dataclass(frozen=True, slots=True)
class Request:
    """Columns x uses x operations x loss, by whom and what for.

    *operations* are names of `policies.model.OPERATIONS`, *kind* is one of `policies.model.KINDS`.  *joined*
    are the private datasets whose units are joined with this one's, *tables* the public tables looked up,
    *selects* the columns whose group keys are not declared but selected.  *max_rows* is the row bound the job
    asks for, None for the policy's own.  *today* is the day of asking (UTC), so that deciding needs no clock.
    *loss* is carried for whoever records the request: limits are checked by the ledger, which alone knows
    what is left.
    """

    dataset: DatasetName
    principal: Principal
    purpose: str
    uses: frozenset[tuple[str, Use]]
    operations: frozenset[str]
    loss: Loss
    max_rows: int | None
    today: dt.date
    joined: frozenset[DatasetName] = frozenset()
    tables: frozenset[DatasetName] = frozenset()
    selects: frozenset[str] = frozenset()
    kind: str = "sql"
