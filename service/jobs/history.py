"""What somebody has asked before of the datasets that a job reads: for whoever is to say yes to it.

Earlier jobs are told by number, day, state and cost, and by how alike their text is to this one's; the text
itself stays its analyst's.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any, Final

import sqlalchemy as sa

from jobs.sql.likeness import likeness
from sandbox.books import jobs, leaves
from sandbox.privacy import ledger
from service.dossier import Dossier
from service.jobs.answers import losses_of
from service.numbers import loss_to_json

Json = dict[str, Any]

MOST_COMPARED: Final = 500
"""Earlier jobs, newest first, that are compared with this one."""
MOST_SHOWN: Final = 5
_RANK: Final = ("same", "constants", "close")


def history(connection: sa.Connection, row: sa.RowMapping, found: Sequence[Dossier]) -> Json:
    """Return what the analyst of the job in *row* has asked of the datasets *found* before it."""
    names = {each.name for each in found}
    asked = jobs.c.principal == row["principal"]
    query = sa.select(jobs).where(asked, jobs.c.created < row["created"]).order_by(jobs.c.created.desc())
    every = [(it, json.loads(it["spec"])) for it in connection.execute(query).mappings()]
    earlier = [(it, spec) for it, spec in every if names & {item["name"] for item in spec["datasets"]}]
    sql = json.loads(row["spec"])["sql"]
    alike = [
        (it, how) for it, spec in earlier[:MOST_COMPARED] if (how := likeness(sql, spec["sql"])) is not None
    ]
    alike.sort(key=lambda pair: _RANK.index(pair[1]))  # stable: the newest of each kind first
    return {
        "jobs": len(earlier),
        "refused": sum(it["state"] == "refused" for it, _ in earlier),
        "denied": _denied(connection, row),
        "losses": [_spent(connection, each, row["principal"]) for each in found],
        "similar": len(alike),
        "most_similar": [_job(connection, it, found) | {"likeness": how} for it, how in alike[:MOST_SHOWN]],
        "last": [_job(connection, it, found) for it, _ in earlier[:MOST_SHOWN]],
    }


def _spent(connection: sa.Connection, found: Dossier, asker: str) -> Json:
    spent = ledger.spent(connection, found.lineage, principal=asker)
    return {"dataset": found.name} | loss_to_json(spent, found.filter, found.delta)


def _job(connection: sa.Connection, row: sa.RowMapping, found: Sequence[Dossier]) -> Json:
    shown = {key: row[key] for key in ("job", "created", "purpose")} | {"status": row["state"]}
    return shown | {"losses": losses_of(connection, row["job"], found)}


def _denied(connection: sa.Connection, row: sa.RowMapping) -> int:
    """Count what was denied to the analyst by a rule, of whatever dataset, before this job."""
    # Entries are canonical: the actor comes first, so that a scan need not take every leaf apart.
    actor = json.dumps(row["principal"], ensure_ascii=False)
    query = sa.select(leaves.c.entry).where(leaves.c.entry.startswith(f'{{"actor":{actor},', autoescape=True))
    entries = map(json.loads, connection.scalars(query))
    return sum(it["kind"] == "refusal" and it["time"] <= row["created"] for it in entries)
