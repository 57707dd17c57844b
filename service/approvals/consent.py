"""Whose yes a job needs, as the policies that judged it say; and what exactly a yes is bound to.

The rules of a stored job are read from the very policies it was judged by, found by their digests and checked
against them, never from those in force now: a yes is to what was asked.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any, Final

import sqlalchemy as sa

from jobs.pipeline import Prepared
from jobs.plan import PublicTable, Source
from policies.approvals import EXPIRES, Approval, Party, Quorum, Rule, written
from policies.build import parse
from policies.model import AccessPolicy, Grant, policy_digest
from sandbox import canonical
from sandbox.books import datasets, lineages, policies
from sandbox.errors import DeniedError, TamperingError
from sandbox.schema import DatasetName
from service.approvals.agreed import agreed
from service.dossier import Dossier

Json = dict[str, Any]

NOBODY: Final = Quorum(1, frozenset())
"""The rule of jobs that were asked by an older build, which did not record their grants: no yes is enough."""
BOUND: Final = ("plan", "datasets", "grants", "tables")
"""The facts of a decision that a yes is bound to: if one of them changes, it is to something else."""


def rules_of_plan(
    prepared: Prepared, sources: Sequence[Dossier], asker: str, beforehand: Collection[DatasetName] = ()
) -> tuple[Rule, ...]:
    """Return the rules that ask for somebody's yes, as the policies in force say.

    Owners of the datasets *beforehand* have said it beforehand.
    Raises `DeniedError` if only *asker* could give it: nobody approves their own job.
    """
    found = []
    for source in sources:
        number = prepared.allowed[source.name].grant
        assert source.policy is not None  # it has just allowed the job
        rule = _rule(source.name, source.owner, source.policy.grants[number], asker)
        if rule.hopeless():
            at = f"grants[{number}].approval"
            where = source.policy.where(("grants", number, "approval"))
            raise DeniedError("denied.nobody-approves", rule=at, where=where, dataset=source.name)
        found.append(rule)
    return _open(found, beforehand)


def _open(rules: Iterable[Rule], beforehand: Collection[DatasetName]) -> tuple[Rule, ...]:
    """Leave out the rules that need nobody, and those that only an owner's yes was wanting to."""
    return tuple(
        rule
        for rule in rules
        if rule.parties and not (rule.dataset in beforehand and rule.consent is Approval.OWNER)
    )


class Judges:
    """The policies that stored jobs were judged by, each read and checked once."""

    def __init__(self, connection: sa.Connection) -> None:
        self._connection = connection
        self._homes: dict[str, tuple[str, str]] = {}
        self._policies: dict[tuple[str, int], AccessPolicy] = {}
        self._rules: dict[tuple[object, ...], tuple[Rule, ...]] = {}

    def rules(self, row: sa.RowMapping) -> tuple[Rule, ...]:
        """Return the rules of a stored job; raises `TamperingError` if its policy is not what it was."""
        return self.rules_for(json.loads(row["spec"]), row["principal"], row["created"])

    def rules_for(self, spec: Mapping[str, Any], asker: str, created: str) -> tuple[Rule, ...]:
        """As `rules`, of a job of *asker* that asked *spec* at the instant *created*."""
        rules = self.rules_of(spec["datasets"], asker)
        if not rules or "template" not in spec:
            return rules
        names = [(DatasetName(item["name"]), item["policy"]) for item in spec["datasets"]]
        places = [(name, self._home(name)[0], policy) for name, policy in names]
        return _open(rules, agreed(self._connection, spec["template"], places, created))

    def rules_of(self, judged: Sequence[Json], asker: str) -> tuple[Rule, ...]:
        """Return the rules of a job of *asker*; *judged* as in its row.  Equal ones are made once."""
        alike = (asker, *(tuple(sorted(item.items())) for item in judged))
        if alike not in self._rules:
            rules = (self._rule(item, asker) for item in judged)
            self._rules[alike] = tuple(rule for rule in rules if rule.parties)
        return self._rules[alike]

    def _rule(self, item: Json, asker: str) -> Rule:
        name = DatasetName(item["name"])
        lineage, owner = self._home(name)
        if "grant" not in item:
            return Rule(name, owner, NOBODY, asker)
        policy = self._policy(lineage, item["policy_version"])
        if policy_digest(policy) != item["policy"]:
            raise TamperingError("policy.changed", lineage=lineage, version=item["policy_version"])
        return _rule(name, owner, policy.grants[item["grant"]], asker)

    def _home(self, name: DatasetName) -> tuple[str, str]:
        if name not in self._homes:
            home = sa.select(lineages.c.lineage, lineages.c.owner).join(
                datasets, datasets.c.lineage == lineages.c.lineage
            )
            lineage, owner = self._connection.execute(home.where(datasets.c.name == name)).one()
            self._homes[name] = (lineage, owner)
        return self._homes[name]

    def _policy(self, lineage: str, version: int) -> AccessPolicy:
        if (lineage, version) not in self._policies:
            chosen = (policies.c.lineage == lineage) & (policies.c.version == version)
            source = self._connection.scalar(sa.select(policies.c.source).where(chosen))
            if source is None:
                raise TamperingError("policy.version-missing", lineage=lineage)
            self._policies[lineage, version] = parse(source, "policy")
        return self._policies[lineage, version]


def _rule(name: DatasetName, owner: str, grant: Grant, asker: str) -> Rule:
    return Rule(name, owner, grant.approval, asker, grant.approval_expires or EXPIRES)


def whose(name: DatasetName, owner: str, grant: Grant, asker: str) -> Json | None:
    """Return whose yes *grant* asks for, as `rule_to_json`; None if nobody's."""
    rule = _rule(name, owner, grant, asker)
    return rule_to_json(rule) if rule.parties else None


def bound_facts(
    sources: Sequence[Source], tables: Sequence[PublicTable], judged: Sequence[Json], plan_digest: str
) -> Json:
    """Return the facts that a decision's leaf and a yes hold: see `BOUND`; *judged* as in a job's row."""
    return {
        "datasets": [
            {"dataset": source.dataset, "version": source.version, "policy": item["policy"]}
            for source, item in zip(sources, judged, strict=True)
            if source.dataset == item["name"]
        ],
        "grants": {item["name"]: item["grant"] for item in judged if "grant" in item},
        "tables": {table.name: table.digest for table in tables},
        "plan": plan_digest,
    }


def spec_text(spec: Mapping[str, Any]) -> str:
    """Return what a decision's leaf says, salted, of a job's row: all of it but what it came to."""
    return canonical.write({**spec, "replay_of": None}).decode()


def bound(facts: Json) -> str:
    """Return the digest of what a yes is bound to."""
    return canonical.digest({name: facts[name] for name in BOUND})


def summary(rules: Sequence[Rule]) -> str:
    """Return whose yes is needed in few words: ``auto``, or the rules that ask for one."""
    texts = dict.fromkeys(written(rule.consent) for rule in rules)
    return "; ".join(texts) or Approval.AUTO.value


def rule_to_json(rule: Rule) -> Json:
    """Return ``{"dataset", "rule", "expires_hours", "parties": [{"party", "need", "of"}]}``."""
    return {
        "dataset": rule.dataset,
        "rule": written(rule.consent),
        "expires_hours": int(rule.expires.total_seconds()) // 3600,
        "parties": [party_to_json(party) for party in rule.parties],
    }


def party_to_json(party: Party) -> Json:
    """Return a party: the ``owner``, a ``reviewer``, or so many of those ``named``."""
    return {"party": party.kind, "need": party.need, "of": sorted(party.of)}
