"""What a reviewer should look at, computed from the log: a pure function over its entries.

Rules and their thresholds (`Thresholds`; docs/reviewers.md lists them):

* ``burst``: one analyst asked at least *burst* questions within *burst_within*;
* ``refusals``: one person, or several asking of one dataset, were refused at least *refusals* times within
  *refusals_within*;
* ``near-duplicates``: charged questions of which two numbers are equal but for the conditions on one column,
  or one condition on several, so that one can be subtracted from the other (differencing), whoever asked;
* ``probing``: one analyst asked the same question of at least *probes* different single values within
  *probes_within*: many narrow, disjoint filters;
* ``near-limit``: a lineage has spent the share *near* of its lifetime limit, and again at *close*;
* ``namespace-near``, ``namespace-close``: so has a namespace of its own limit;
* ``namespace-limit``, ``namespace-raised``: a reviewer limited a namespace, or allowed it more than before;
* ``lowered``: an owner confirmed a column as something less strict than classification proposed;
* ``loosened``: a new version of a policy allows what the one before did not;
* ``people``: an identity, a signing key or the keys of data came or changed;
* ``removal``: a dataset was destroyed;
* ``second-lineage``: persons who were known already got a budget of their own once more;
* ``drift``: a column is not what it was when its tag was confirmed;
* ``texts``: the texts of questions left in an evidence bundle;
* ``clock``: a leaf is dated before one that stands earlier;
* ``restored``: an older copy of the books was accepted.

An alert is a reason to look, no proof of anything: the budget protects persons whether or not somebody looks.
"""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any, Final

from classifiers.taxonomy import weaker
from jobs.likeness import Likeness
from sandbox.privacy.ledger import loss_of
from sandbox.privacy.loss import ZERO, Loss
from service.audit.alike import Asked, neighbours, probes, runs, together
from service.audit.clock import Clock
from service.audit.journal import Entry, named
from service.audit.populations import NOTHING, Populations, share

HIGH: Final = "high"
LOOK: Final = "look"
NOTICE: Final = "notice"
LEVELS: Final = (HIGH, LOOK, NOTICE)
"""How urgently to look, the most urgent first."""
_OF_NAMESPACES: Final = {
    "namespace-close": HIGH,
    "namespace-near": LOOK,
    "namespace-raised": LOOK,
    "namespace-limit": NOTICE,
}
"""Rules of `service.audit.populations` → level."""


@dataclass(frozen=True, slots=True)
class Thresholds:
    """From when on something is worth a look."""

    burst: int = 20
    burst_within: dt.timedelta = dt.timedelta(minutes=10)
    refusals: int = 10
    refusals_within: dt.timedelta = dt.timedelta(days=1)
    probes: int = 5
    probes_within: dt.timedelta = dt.timedelta(days=7)
    near: Fraction = Fraction(8, 10)
    close: Fraction = Fraction(95, 100)


@dataclass(frozen=True, slots=True)
class Known:
    """What the books say beside the log: likeness by job, lifetime limits by (lineage, policy digest)."""

    likeness: Mapping[str, Sequence[Likeness]] = field(default_factory=dict)
    limits: Mapping[tuple[str, str], Loss] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Alert:
    """One reason to look: *rule*, *level*, leaves from *first* to *leaf*, by *who*, about *what*.

    *facts* fill in its sentence.
    """

    rule: str
    level: str
    first: int
    leaf: int
    time: str
    who: tuple[str, ...]
    what: tuple[str, ...]
    facts: Mapping[str, str | int] = field(default_factory=dict)

    def to_json(self) -> dict[str, Any]:
        """Return the alert as the gatekeeper answers."""
        shown = {name: getattr(self, name) for name in ("rule", "level", "first", "leaf", "time")}
        return shown | {"who": list(self.who), "what": list(self.what), "facts": dict(self.facts)}


def alerts(found: Iterable[Entry], known: Known, limits: Thresholds | None = None) -> list[Alert]:
    """Return every alert that the entries of a whole log give rise to, by its last leaf."""
    chosen = limits or Thresholds()
    reader = _Reader(known, chosen)
    for entry in found:
        reader.read(entry)
    made = [*reader.made, *_bursts(reader, chosen), *_refusals(reader, chosen), *_alike(reader, chosen)]
    return sorted(made, key=lambda alert: (alert.leaf, alert.rule, alert.who))


# --- one entry at a time ----------------------------------------------------------------------------------


@dataclass(slots=True)
class _Reader:
    """What has been read so far, and the alerts that a single entry gives rise to."""

    known: Known
    limits: Thresholds
    made: list[Alert] = field(default_factory=list)
    asked: dict[str, list[Entry]] = field(default_factory=lambda: defaultdict(list))
    refused: dict[str, list[Entry]] = field(default_factory=lambda: defaultdict(list))
    decided: dict[str, Entry] = field(default_factory=dict)
    charged: dict[str, Entry] = field(default_factory=dict)
    homes: dict[str, str] = field(default_factory=dict)
    in_force: dict[str, str] = field(default_factory=dict)
    spent: dict[str, Loss] = field(default_factory=dict)
    told: dict[str, Fraction] = field(default_factory=dict)
    clock: Clock = field(default_factory=Clock)
    populations: Populations = field(init=False)

    def __post_init__(self) -> None:
        self.populations = Populations(self.limits.near, self.limits.close)

    def read(self, entry: Entry) -> None:
        """Take in *entry*."""
        if self.clock.read(entry.leaf, entry.time):
            self._say("clock", LOOK, entry)
        for rule, told in self.populations.read(entry):
            self._say(rule, _OF_NAMESPACES[rule], entry, **told)
        facts = entry.facts
        match entry.kind:
            case "decision":
                self.asked[entry.actor].append(entry)
                self.decided[facts["job"]] = entry
            case "refusal":
                self.asked[entry.actor].append(entry)
                self.refused[entry.actor].append(entry)
            case "charge":
                self._charge(entry)
            case "policy":
                self.in_force[facts["lineage"]] = facts["digest"]
                self.told.pop(facts["lineage"], None)
                rules = [rule for rule in facts.get("loosens", ()) if rule != "$"]
                if rules:
                    self._say("loosened", LOOK, entry, version=facts["version"], rules=", ".join(rules))
            case "version":
                self.homes[facts["lineage"]] = facts["dataset"]
            case _:
                self._single(entry)

    def _single(self, entry: Entry) -> None:
        facts = entry.facts
        match entry.kind:
            case "identity":
                self._say("identity", NOTICE, entry, roles=facts["roles"])
            case "identity-change":
                roles = facts["roles"] or "–"
                told = {"name": facts["name"], "roles": roles, "groups": facts["groups"] or "–"}
                self._say("identity-change", LOOK, entry, **told)
            case "identity-key":
                self._say("key", LOOK if facts.get("former") else NOTICE, entry)
            case "rotation" | "master-rotation":
                self._say("rotation", NOTICE, entry)
            case "removal":
                self._say("removal", LOOK, entry)
            case "tags":
                self._lowered(entry)
            case "lineage" if facts["reason"]:
                self._say("second-lineage", LOOK, entry, namespace=facts["namespace"], reason=facts["reason"])
            case "drift":
                self._say("drift", LOOK, entry, columns=", ".join(sorted(facts["columns"])))
            case "export" if facts["texts"]:
                self._say("texts", LOOK, entry)
            case "restored":
                self._say("restored", HIGH, entry, found=facts["found"], lost=facts["lost"])

    def _lowered(self, entry: Entry) -> None:
        chosen, proposed = entry.facts["tags"], entry.facts.get("proposed", {})
        lower = [
            f"{column}: {proposed[column]} → {chosen[column]}"
            for column in sorted(proposed)
            if weaker(chosen[column], proposed[column])
        ]
        if lower:
            self._say("lowered", LOOK, entry, columns=", ".join(lower))

    def _charge(self, entry: Entry) -> None:
        facts, lineage = entry.facts, entry.facts["lineage"]
        self.charged.setdefault(facts["job"], entry)
        spent = self.spent[lineage] = self.spent.get(lineage, ZERO) + loss_of(facts)
        limit = self.known.limits.get((lineage, self.in_force.get(lineage, "")))
        part = NOTHING if limit is None else share(spent, limit)
        for at, level in ((self.limits.close, HIGH), (self.limits.near, LOOK)):
            if part >= at and self.told.get(lineage, NOTHING) < at:
                self.told[lineage] = at
                self._say("near-limit", level, entry, percent=int(part * 100))

    def _say(self, rule: str, level: str, entry: Entry, **facts: str | int) -> None:
        named = entry.facts.get("dataset") or self.homes.get(str(entry.facts.get("lineage", "")))
        what = (str(named),) if named else ()
        at = (entry.leaf, entry.leaf, entry.time)
        self.made.append(Alert(rule, level, *at, (entry.actor,), what, facts))


# --- many entries of one person ---------------------------------------------------------------------------


def _bursts(reader: _Reader, limits: Thresholds) -> Iterator[Alert]:
    for who, asked in reader.asked.items():
        for run in runs(asked, limits.burst, limits.burst_within):
            yield _of_run("burst", LOOK, run, who)


def _refusals(reader: _Reader, limits: Thresholds) -> Iterator[Alert]:
    of: dict[str, list[Entry]] = defaultdict(list)
    for who, refused in reader.refused.items():
        for run in runs(refused, limits.refusals, limits.refusals_within):
            yield _of_run("refusals", LOOK, run, who)
        for entry in refused:
            for dataset in named(entry):
                of[dataset].append(entry)
    for dataset, refused in of.items():
        for run in runs(sorted(refused, key=_leaf), limits.refusals, limits.refusals_within):
            people = sorted({entry.actor for entry in run})
            if len(people) > 1:
                yield _of_run("refusals", LOOK, run, *people, what=(dataset,))


def _leaf(entry: Entry) -> int:
    return entry.leaf


def _of_run(rule: str, level: str, run: Sequence[Entry], *who: str, what: tuple[str, ...] = ()) -> Alert:
    about = what or tuple(sorted({name for entry in run for name in named(entry)}))
    facts = {"count": len(run), "minutes": int((run[-1].at - run[0].at).total_seconds() // 60) + 1}
    last = run[-1]
    return Alert(rule, level, run[0].leaf, last.leaf, last.time, who, about, facts)


# --- questions that are alike -----------------------------------------------------------------------------


def _alike(reader: _Reader, limits: Thresholds) -> Iterator[Alert]:
    by_shape: dict[str, list[Asked]] = defaultdict(list)
    for job, entry in reader.charged.items():
        for like in reader.known.likeness.get(job, ()):
            by_shape[like.shape].append(Asked(entry, like))
    near: list[list[Entry]] = []
    probed: dict[tuple[int, ...], tuple[list[Entry], set[str]]] = {}
    for alike in by_shape.values():
        near.extend([one.entry for one in group] for group in neighbours(alike))
        for run, columns in probes(alike, limits.probes, limits.probes_within):
            found = [one.entry for one in run]
            probed.setdefault(tuple(map(_leaf, found)), (found, set()))[1].update(columns)
    for found, looked_at in probed.values():
        yield _of_alike("probing", HIGH, reader, found, columns=", ".join(sorted(looked_at)))
    known = {leaf for leaves in probed for leaf in leaves}
    for group in together(near):
        if not set(map(_leaf, group)) <= known:
            yield _of_alike("near-duplicates", HIGH if len(group) > 2 else LOOK, reader, group)


def _of_alike(rule: str, level: str, reader: _Reader, found: Sequence[Entry], **facts: str | int) -> Alert:
    jobs = [entry.facts["job"] for entry in found]
    about = {name for job in jobs for name in named(reader.decided[job])}
    who = tuple(sorted({entry.actor for entry in found}))
    told = {"count": len(found), "jobs": ", ".join(jobs[:5]) + (" …" if len(jobs) > 5 else ""), **facts}
    first, last = found[0], found[-1]
    return Alert(rule, level, first.leaf, last.leaf, last.time, who, tuple(sorted(about)), told)
