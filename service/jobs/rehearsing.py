"""A job rehearsed on mock data: judged, planned and measured as it would be, at no cost and on nobody's rows.

The law: no key is opened, no file of the vault is read, nothing is charged, no job is made; a refusal leaves
its leaf in the log, as that of an explanation does.  Whoever sees a dataset in the catalogue may rehearse; an
owner or reviewer to whom nothing is granted does so in the place of those to whom something is.
"""

from __future__ import annotations

from typing import Any, Final

from classifiers.mock.tables import MockTable, Size
from jobs import pipeline
from jobs.pipeline import Prepared
from policies.model import GROUP_PREFIX
from sandbox.errors import DeniedError
from sandbox.schema import Principal
from service.approvals.templates import spec_of
from service.asked import JobRequest, Mock
from service.clock import present
from service.datasets import mocking
from service.desk import Desk
from service.dossier import Dossier
from service.jobs import answers
from service.jobs import case as cases
from service.jobs.case import Case
from service.jobs.refusing import log_refusal
from service.jobs.requests import check_counts, statements
from service.numbers import loss_to_json

Json = dict[str, Any]

MOST_UNITS: Final = 100_000
"""People that are invented where nobody says how many; a rehearsal takes a second or two."""


def rehearse(desk: Desk, by: Principal, request: JobRequest, wanted: Mock) -> Json:
    """Return what the job shows of mock data, as a result that says so everywhere."""
    try:
        return _rehearsed(desk, by, request, wanted)
    except DeniedError as refusal:
        log_refusal(desk, by, request, refusal)
        raise


def _rehearsed(desk: Desk, by: Principal, request: JobRequest, wanted: Mock) -> Json:
    spec = spec_of(desk, by, request)
    with desk.reading() as connection:
        queries, case = cases.read_queries(connection, desk.workspace, by, spec.sql, rehearsed=True)
        check_counts(spec, len(queries))
        facts = case.facts(present(connection).date())
        prepared = pipeline.prepare(queries, spec, _in_place_of(by, case), facts, case.tables)
    from jobs.rehearse import rehearse as measured  # noqa: PLC0415 - the kernels, 2 s that only this needs

    sources = [_invented(found, wanted) for found in case.sources(prepared.plan)]
    looked_up = [case.tables[table.name] for table in prepared.plan.tables]
    released = measured(prepared.plan, sources, looked_up, wanted.seed)
    texts = statements(spec.sql, len(queries))
    tables = answers.tables_of(prepared.queries, texts, prepared.plan, released)
    return _shown(prepared, case, tables, [size for _, size in sources], wanted)


def _in_place_of(by: Principal, case: Case) -> Principal:
    """*by*, with the groups (or, where there are none, the name) that are granted what *by* only sees."""
    groups, name = set(by.groups), by.name
    for found in case.datasets.values():
        if found.policy is not None and not found.granted(by):
            to = {one for grant in found.policy.grants for one in grant.to}
            granted = {one.removeprefix(GROUP_PREFIX) for one in to if one.startswith(GROUP_PREFIX)}
            groups |= granted
            name = name if granted else min(to, default=name)
    return Principal(name, by.roles, frozenset(groups))


def _invented(found: Dossier, wanted: Mock) -> tuple[MockTable, Size]:
    table = mocking.table_of(found, wanted.seed)
    if wanted.rows is None and wanted.units is None:
        expected = found.policy.unit.expected_units if found.policy else None
        wanted = Mock(units=min(expected or MOST_UNITS, MOST_UNITS), seed=wanted.seed)
    return table, mocking.size_of(found, table, wanted)


def _shown(prepared: Prepared, case: Case, tables: list[Json], sizes: list[Size], wanted: Mock) -> Json:
    plan = prepared.plan
    nothing: Any = {"filter": None, "epsilon": "0", "delta": "0", "rho": None}
    found = case.sources(plan)
    return {
        "mock": True,
        "seed": wanted.seed,
        "job": None,
        "status": "mock",
        "replayed": False,
        "losses": [],
        "loss": nothing,
        "would_cost": [
            {"dataset": each.name} | loss_to_json(loss, each.filter, each.delta)
            for each, loss in zip(found, prepared.losses, strict=True)
        ],
        "datasets": [
            {"name": each.name, "version": each.manifest.version, "rows": size.rows, "units": size.units}
            for each, size in zip(found, sizes, strict=True)
        ],
        "public_tables": [{"name": table.name, "digest": table.digest} for table in plan.tables],
        "mechanism": plan.mechanism,
        "kept_until": None,
        "tables": tables,
    }
