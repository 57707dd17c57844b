"""From a statement to rows, below the ledger: thousands of jobs at a very high ε are not to be paid for.

Even ε = 10^6 leaves noise in a correlation that is one of many measurements, so the noise is taken down
by 10^9 again, and the witness of payment says so.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import replace
from typing import Any

from surface import EPSILON, Surface, purpose

from jobs import pipeline
from jobs.pipeline import Inputs, Paid, Prepared
from jobs.plan import Measurement, Plan, Quantile, Released
from jobs.planning import plan_losses
from jobs.results import tabulate
from jobs.spec import JobSpec
from sandbox.schema import JobId
from service.jobs import case, runner

_LESS = 10**9


def prepared(lab: Surface, sql: str) -> tuple[Prepared, Inputs]:
    """Return the plan of *sql*, with next to no noise, and the files that it reads."""
    desk = lab.keeper._desk
    with desk.reading() as connection:
        queries, found = case.read_queries(connection, desk.workspace, lab.wang, sql)
        spec = JobSpec(sql, purpose(), epsilon=EPSILON)
        ready = pipeline.prepare(queries, spec, lab.wang, found.facts(dt.date(2026, 1, 1)), found.tables)
        sharp = replace(ready, plan=_sharp(ready.plan))
        return sharp, runner._inputs(desk, connection, found, sharp.plan)


def _sharp(plan: Plan) -> Plan:
    parts = (
        replace(part, measurements=tuple(_sharper(item) for item in part.measurements)) for part in plan.parts
    )
    return replace(plan, parts=tuple(parts))


def _sharper(item: Measurement) -> Measurement:
    if isinstance(item, Quantile):
        return replace(item, draws=tuple(replace(draw, rate=draw.rate * _LESS) for draw in item.draws))
    return replace(item, scale=item.scale / _LESS)


def release(lab: Surface, ready: Prepared, inputs: Inputs) -> tuple[Released, ...]:
    """Run the plan on serial workers."""
    losses = plan_losses(ready.plan, [lab.filter] * len(ready.plan.sources))
    paid = tuple((number, lab.filter, loss) for number, loss in enumerate(losses))
    return pipeline.execute(Paid(JobId("job-test"), paid), ready.plan, inputs, lab.executor)


def answers(lab: Surface, sql: str, statement: int = 0) -> list[dict[str, Any]]:
    """Return the rows of one statement."""
    ready, inputs = prepared(lab, sql)
    released = release(lab, ready, inputs)
    return list(tabulate(ready.queries[statement], ready.plan, statement, released).rows)
