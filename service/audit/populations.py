"""What the log tells of limits on namespaces, entry by entry.  Pure."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any, Final

from sandbox.privacy.ledger import loss_of
from sandbox.privacy.loss import ZERO, Filter, Loss
from sandbox.privacy.namespaces import NamespaceLimit, counted, limit_from
from service.audit.journal import Entry

NOTHING: Final = Fraction(0)
Found = tuple[str, dict[str, Any]]
"""A rule of `service.audit.alerts` and the facts of its sentence."""


@dataclass(slots=True)
class Populations:
    """Limits of namespaces, and what their lineages were charged, as far as the log was read."""

    near: Fraction
    close: Fraction
    _limits: dict[str, NamespaceLimit] = field(default_factory=dict)
    _homes: dict[str, str] = field(default_factory=dict)
    _spent: dict[tuple[str, Filter], Loss] = field(default_factory=dict)
    _told: dict[str, Fraction] = field(default_factory=dict)

    def read(self, entry: Entry) -> Iterator[Found]:
        """Take in *entry*; yield what there is to say of it."""
        facts = entry.facts
        match entry.kind:
            case "lineage":
                self._homes[facts["lineage"]] = facts["namespace"]
            case "namespace-limit":
                yield self._changed(facts)
                yield from self._near(facts["namespace"])
            case "charge":
                namespace = self._homes.get(facts["lineage"], "")
                for filter_ in Filter:
                    before = self._spent.get((namespace, filter_), ZERO)
                    self._spent[namespace, filter_] = before + counted(filter_, loss_of(facts))
                yield from self._near(namespace)

    def _changed(self, facts: dict[str, Any]) -> Found:
        namespace, limit = facts["namespace"], limit_from(facts)
        former = self._limits.get(namespace)
        self._limits[namespace] = limit
        self._told.pop(namespace, None)
        raised = former is not None and not _at_most(limit, former)
        told = {key: facts[key] for key in ("namespace", "epsilon", "reason")}
        return "namespace-raised" if raised else "namespace-limit", told

    def _near(self, namespace: str) -> Iterator[Found]:
        limit = self._limits.get(namespace)
        if limit is None:
            return
        part = share(self._spent.get((namespace, limit.filter), ZERO), limit.loss)
        for at, rule in ((self.close, "namespace-close"), (self.near, "namespace-near")):
            if part >= at and self._told.get(namespace, NOTHING) < at:
                self._told[namespace] = at
                yield rule, {"namespace": namespace, "percent": int(part * 100)}


def _at_most(new: NamespaceLimit, old: NamespaceLimit) -> bool:
    """Whether *new* allows nothing that *old* did not; what cannot be compared may."""
    return new.filter is old.filter and new.delta <= old.delta and new.loss.fits(old.loss)


def share(spent: Loss, limit: Loss) -> Fraction:
    """Return the largest share that ε or ρ has of what is allowed of it."""
    pairs = ((spent.epsilon_pico, limit.epsilon_pico), (spent.rho_pico, limit.rho_pico))
    return max((Fraction(one, most) for one, most in pairs if most), default=NOTHING)
