"""What happened in one month, as data: spending, questions, refusals, policies, alerts, sign-offs."""

from __future__ import annotations

import datetime as dt
import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import sqlalchemy as sa

from policies.build import parse
from sandbox.audit.store import read_head
from sandbox.books import charges, datasets, lineages, namespace_limits, policies
from sandbox.errors import InvalidInputError
from sandbox.privacy import namespaces
from sandbox.privacy.ledger import loss_of
from sandbox.privacy.loss import ZERO, Filter, Loss, limit_of_epsilon
from sandbox.privacy.namespaces import NamespaceLimit
from sandbox.schema import Principal, Role, exact
from service.audit import journal, watch
from service.audit.alerts import alerts
from service.audit.journal import Entry
from service.desk import Desk, require
from service.numbers import loss_to_json

Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Span:
    """A month in UTC: from *begin* up to, but without, *end*."""

    name: str
    begin: dt.datetime
    end: dt.datetime

    @classmethod
    def parse(cls, text: str) -> Span:
        """Return the month that ``2026-11`` says."""
        if not re.fullmatch(r"[0-9]{4}-(0[1-9]|1[0-2])", text, re.ASCII) or text.startswith("0000"):
            raise InvalidInputError("audit.bad-month", month=text[:20])
        begin = dt.datetime(int(text[:4]), int(text[5:]), 1, tzinfo=dt.UTC)
        following = (begin + dt.timedelta(days=31)).replace(day=1) if text != "9999-12" else begin
        return cls(text, begin, following)

    def holds(self, time: str) -> bool:
        """Whether an ISO 8601 instant in UTC lies in the month."""
        return self.begin.isoformat() <= time < self.end.isoformat()


def show(desk: Desk, by: Principal, month: str) -> Json:
    """Return the month's report; see `service.gates.audit`."""
    require(by, Role.REVIEWER)
    span = Span.parse(month)
    with desk.reading() as connection:
        head = read_head(connection, desk.workspace.log.key)
        every = list(journal.entries(connection))
        found = [entry for entry in every if span.holds(entry.time)]
        raised = alerts(every, watch.known(connection))
        return {
            "month": month,
            "log": {"origin": head.origin, "size": head.size, "root": head.root.hex()},
            "counts": dict(sorted(Counter(map(_counted, found)).items())),
            "datasets": _datasets(connection, span, found),
            "namespaces": _namespaces(connection, span),
            "analysts": _analysts(found),
            "refusals": _refusals(found),
            "policies": [_policy(entry) for entry in found if entry.kind == "policy"],
            "alerts": [one.to_json() for one in raised if span.holds(one.time)],
            "sign_offs": [_sign_off(entry) for entry in found if entry.kind == "sign-off"],
        }


def _counted(entry: Entry) -> str:
    return entry.verdict or "other"


def _policy(entry: Entry) -> Json:
    facts = entry.facts
    shown = {key: facts[key] for key in ("dataset", "version", "digest")}
    return shown | {"time": entry.time, "who": entry.actor, "loosens": list(facts.get("loosens", ()))}


def _sign_off(entry: Entry) -> Json:
    facts = {key: entry.facts[key] for key in ("until", "note")}
    return {"leaf": entry.leaf, "time": entry.time, "who": entry.actor, **facts}


# --- spending -------------------------------------------------------------------------------------------


def _datasets(connection: sa.Connection, span: Span, found: Sequence[Entry]) -> list[Json]:
    fixed = {row["lineage"]: row for row in connection.execute(sa.select(lineages)).mappings()}
    counted = {
        kind: Counter(name for entry in found if entry.kind == kind for name in journal.named(entry))
        for kind in ("decision", "refusal")
    }
    rows = connection.execute(sa.select(datasets).order_by(datasets.c.name))
    return [
        _dataset(connection, span, row.name, fixed[row.lineage])
        | {"asked": counted["decision"][row.name], "refused": counted["refusal"][row.name]}
        for row in rows
    ]


def _dataset(connection: sa.Connection, span: Span, name: str, fixed: Mapping[Any, Any]) -> Json:
    before, during = ZERO, ZERO
    by_person: dict[str, Loss] = defaultdict(lambda: ZERO)
    rows = sa.select(charges).where(charges.c.lineage == fixed["lineage"])
    for row in connection.execute(rows).mappings():
        if row["charged"] < span.begin.isoformat():
            before += loss_of(row)
        elif span.holds(row["charged"]):
            during += loss_of(row)
            by_person[row["principal"]] += loss_of(row)
    filter_, delta = Filter(fixed["filter"]), exact(fixed["delta"])
    version, limit = _limit(connection, span, fixed["lineage"], filter_, delta)

    def shown(loss: Loss) -> Json:
        return loss_to_json(loss, filter_, delta)

    return {
        "dataset": name,
        "owner": fixed["owner"],
        "policy_version": version,
        "limit": None if limit is None else shown(limit),
        "before": shown(before),
        "during": shown(during),
        "after": shown(before + during),
        "people": [{"who": who, "loss": shown(loss)} for who, loss in sorted(by_person.items())],
    }


def _namespaces(connection: sa.Connection, span: Span) -> list[Json]:
    """Return what the datasets of every limited namespace spent together, by the limit of the month's end."""
    names = connection.scalars(sa.select(namespace_limits.c.namespace).distinct())
    limits = (namespaces.current(connection, name, span.end) for name in sorted(names))
    return [_namespace(connection, span, limit) for limit in limits if limit is not None]


def _namespace(connection: sa.Connection, span: Span, limit: NamespaceLimit) -> Json:
    before, during = ZERO, ZERO
    home = lineages.c.lineage == charges.c.lineage
    rows = sa.select(charges).join(lineages, home).where(lineages.c.namespace == limit.namespace)
    for row in connection.execute(rows).mappings():
        if row["charged"] < span.begin.isoformat():
            before += namespaces.counted(limit.filter, loss_of(row))
        elif span.holds(row["charged"]):
            during += namespaces.counted(limit.filter, loss_of(row))
    figures = {"limit": limit.loss, "before": before, "during": during, "after": before + during}
    shown = {name: loss_to_json(loss, limit.filter, limit.delta) for name, loss in figures.items()}
    return {"namespace": limit.namespace, **shown}


def _limit(
    connection: sa.Connection, span: Span, lineage: str, filter_: Filter, delta: Fraction
) -> tuple[int | None, Loss | None]:
    """Return version and lifetime limit of the policy in force when the month ended."""
    chosen = (policies.c.lineage == lineage) & (policies.c.applied < span.end.isoformat())
    newest = sa.select(policies).where(chosen).order_by(policies.c.version.desc()).limit(1)
    row = connection.execute(newest).mappings().first()
    if row is None:
        return None, None
    epsilon = parse(row["source"], "policy").budget.epsilon
    return row["version"], limit_of_epsilon(filter_, epsilon, delta)


# --- people ---------------------------------------------------------------------------------------------


def _analysts(found: Iterable[Entry]) -> list[Json]:
    """Return, for everybody who asked, what became of their questions."""
    people: dict[str, Counter[str]] = defaultdict(Counter)
    for entry in found:
        if entry.kind in ("decision", "refusal", "replay", "release"):
            people[entry.actor][entry.kind] += 1
    return [
        {
            "who": who,
            "allowed": counts["decision"],
            "refused": counts["refusal"],
            "released": counts["release"],
            "replayed": counts["replay"],
        }
        for who, counts in sorted(people.items())
    ]


def _refusals(found: Iterable[Entry]) -> list[Json]:
    counted = Counter(
        (
            entry.actor,
            tuple(journal.named(entry)),
            str(entry.facts.get("purpose") or ""),
            str(entry.facts["code"]),
            str(entry.facts["rule"]),
        )
        for entry in found
        if entry.kind == "refusal"
    )
    return [
        {"who": who, "datasets": list(about), "purpose": purpose, "code": code, "rule": rule, "count": count}
        for (who, about, purpose, code, rule), count in sorted(
            counted.items(), key=lambda item: (-item[1], item[0])
        )
    ]
