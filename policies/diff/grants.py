"""What people may ask for under new grants and could not before, by meaning and not by wording.

A grant is an *offer* to everybody it names, for each of its purposes: operations and kinds of job, until a
day, with an approval.  A request needs one offer that covers it whole, so:

* nobody gains a request iff every new offer to a name for a purpose lies within one old offer to that name
  for that purpose.  (If none holds it, the request for exactly what it offers on its last day, by somebody
  called only so, is new.)
* The first offer that fits says whose yes is needed.  Which offers fit depends on which of them hold the
  operations, so it is enough to look at intersections of their operations, on their last days; and the first
  for somebody who is called several things is the first for one or two of those names.

Names and purposes that are spoken of alike everywhere are looked at once.
"""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import combinations, product
from typing import Final

from policies.approvals import EXPIRES, Approval, Consent, Quorum, written
from policies.diff.change import Change, Direction, loosening, neutral, tightening
from policies.model import Grant


@dataclass(frozen=True, slots=True)
class _Offer:
    """What one grant offers: one of *kinds* of job with any of *operations*, up to *until*."""

    operations: frozenset[str]
    kinds: frozenset[str]
    until: dt.date
    consent: Consent
    expires: dt.timedelta
    rule: str = field(compare=False)

    def holds(self, other: _Offer) -> bool:
        """Whether whoever has this offer gains nothing by *other*, apart from an easier approval."""
        return other.operations <= self.operations and other.kinds <= self.kinds and other.until <= self.until


_Yes = tuple[Consent, dt.timedelta]
"""Whose yes is needed, and how long it counts."""
_HOUR: Final = dt.timedelta(hours=1)
_Offers = tuple[tuple[int, _Offer], ...]
"""Offers with the numbers of their grants."""


@dataclass(frozen=True, slots=True)
class _Side:
    """One policy's grants as offers by name and purpose."""

    offers: Mapping[tuple[str, str], _Offers]

    def to(self, names: Iterable[str], purpose: str) -> _Offers:
        """Return what somebody called *names* is offered for *purpose*, in order."""
        found = {item for name in names for item in self.offers.get((name, purpose), ())}
        return tuple(sorted(found, key=lambda item: item[0]))


def compare(old: Sequence[Grant], new: Sequence[Grant]) -> Iterator[Change]:
    """Yield what the grants *new* change for those whom either names."""
    before, after = _side(old), _side(new)
    found = list(_by_name(before, after))
    if list(old) == list(new):
        return
    if not any(change.direction is Direction.LOOSENS for change in found):
        found += _by_two_names(before, after)
    if not found:
        found.append(neutral("diff.same-grants", ["grants"]))
    yield from found


def _side(grants: Sequence[Grant]) -> _Side:
    offers: dict[tuple[str, str], list[tuple[int, _Offer]]] = defaultdict(list)
    for number, grant in enumerate(grants):
        offer = _Offer(
            grant.operations,
            grant.kinds,
            grant.until,
            grant.approval,
            grant.approval_expires or EXPIRES,
            f"grants[{number}]",
        )
        if grant.operations and grant.kinds:
            for key in product(grant.to, grant.purposes):
                offers[key].append((number, offer))
    return _Side({key: tuple(listed) for key, listed in offers.items()})


def _by_name(before: _Side, after: _Side) -> Iterator[Change]:
    """Compare what each name is offered, telling together those to whom the same happens."""
    purposes: dict[tuple[str, tuple[_Offer, ...], tuple[_Offer, ...]], set[str]] = defaultdict(set)
    for name, purpose in before.offers.keys() | after.offers.keys():
        pair = (_plain(before.to([name], purpose)), _plain(after.to([name], purpose)))
        if pair[0] != pair[1]:
            purposes[name, *pair].add(purpose)
    people: dict[tuple[tuple[_Offer, ...], tuple[_Offer, ...], tuple[str, ...]], set[str]] = defaultdict(set)
    for (name, old, new), listed in purposes.items():
        people[old, new, tuple(sorted(listed))].add(name)
    for (old, new, told), names in sorted(people.items(), key=lambda item: (sorted(item[1]), item[0][2])):
        yield from _told(old, new, {"who": sorted(names), "purposes": list(told)})


def _plain(offers: _Offers) -> tuple[_Offer, ...]:
    return tuple(offer for _, offer in offers)


def _told(old: Sequence[_Offer], new: Sequence[_Offer], whom: Mapping[str, list[str]]) -> Iterator[Change]:
    yield from _reach(old, new, whom)
    yield from _days(old, new, whom)
    yield from _combined(old, new, whom)
    yield from _consents(old, new, whom)


def _beyond(offers: Iterable[_Offer], known: Sequence[_Offer]) -> list[str]:
    """Return the grants whose offers lie in none of the *known* ones."""
    return [offer.rule for offer in offers if not any(other.holds(offer) for other in known)]


def _atoms(offers: Iterable[_Offer]) -> dict[tuple[str, str], dt.date]:
    """Return until when each operation in each kind of job is offered."""
    found: dict[tuple[str, str], dt.date] = {}
    for offer in offers:
        for atom in product(offer.kinds, offer.operations):
            found[atom] = max(offer.until, found.get(atom, offer.until))
    return found


def _reach(old: Sequence[_Offer], new: Sequence[_Offer], whom: Mapping[str, list[str]]) -> Iterator[Change]:
    before, after = _atoms(old), _atoms(new)
    for kinds, operations, until in _rectangles({a: day for a, day in after.items() if a not in before}):
        yield loosening(
            "diff.may-ask", _beyond(new, old), **whom, kinds=kinds, operations=operations, until=until
        )
    for kinds, operations, _ in _rectangles({a: day for a, day in before.items() if a not in after}):
        told = {"kinds": kinds, "operations": operations}
        yield tightening("diff.may-not-ask", _beyond(old, new), **whom, **told)


def _days(old: Sequence[_Offer], new: Sequence[_Offer], whom: Mapping[str, list[str]]) -> Iterator[Change]:
    before, after = _atoms(old), _atoms(new)
    moved: dict[tuple[dt.date, dt.date], dict[tuple[str, str], dt.date]] = defaultdict(dict)
    for atom in before.keys() & after.keys():
        if before[atom] != after[atom]:
            moved[before[atom], after[atom]][atom] = after[atom]
    for (was, now), atoms in sorted(moved.items()):
        for kinds, operations, until in _rectangles(atoms):
            told = {"kinds": kinds, "operations": operations}
            if now > was:
                yield loosening(
                    "diff.longer", _beyond(new, old), **whom, **told, until=until, old=was.isoformat()
                )
            else:
                yield tightening(
                    "diff.shorter", _beyond(old, new), **whom, **told, until=until, old=was.isoformat()
                )


def _rectangles(
    atoms: Mapping[tuple[str, str], dt.date],
) -> Iterator[tuple[list[str], list[str], str]]:
    """Yield (kinds, operations, last day) that together are exactly *atoms*."""
    by_kind: dict[tuple[str, dt.date], set[str]] = defaultdict(set)
    for (kind, operation), day in atoms.items():
        by_kind[kind, day].add(operation)
    kinds: dict[tuple[tuple[str, ...], dt.date], list[str]] = defaultdict(list)
    for (kind, day), operations in sorted(by_kind.items()):
        kinds[tuple(sorted(operations)), day].append(kind)
    for (told, day), listed in kinds.items():
        yield listed, list(told), day.isoformat()


def _combined(
    old: Sequence[_Offer], new: Sequence[_Offer], whom: Mapping[str, list[str]]
) -> Iterator[Change]:
    """What is offered as before one by one, and in one job or until one day only on the other side."""
    before, after = _atoms(old), _atoms(new)
    for offer in new:
        known = all(before.get(atom, dt.date.min) >= offer.until for atom in _atoms([offer]))
        if known and not any(other.holds(offer) for other in old):
            yield loosening("diff.together", [offer.rule], **whom, **_shown(offer))
    for offer in old:
        known = all(after.get(atom, dt.date.min) >= offer.until for atom in _atoms([offer]))
        if known and not any(other.holds(offer) for other in new):
            yield tightening("diff.apart", [offer.rule], **whom, **_shown(offer))


def _shown(offer: _Offer) -> dict[str, list[str] | str]:
    return {
        "kinds": sorted(offer.kinds),
        "operations": sorted(offer.operations),
        "until": offer.until.isoformat(),
    }


# --- whose yes ------------------------------------------------------------------------------------------


def _consents(
    old: Sequence[_Offer], new: Sequence[_Offer], whom: Mapping[str, list[str]]
) -> Iterator[Change]:
    """Yield how approval changes for what both sides offer."""
    told: dict[tuple[_Yes, _Yes], tuple[set[str], dict[str, None]]] = defaultdict(lambda: (set(), {}))
    for operations, kinds in _questions([*old, *new]):
        sides = _reached(old, operations, kinds), _reached(new, operations, kinds)
        for day in {offer.until for side in sides for offer in side}:
            was, now = (next((offer for offer in side if day <= offer.until), None) for side in sides)
            if was and now:
                asked, rules = told[(was.consent, was.expires), (now.consent, now.expires)]
                asked |= operations
                rules[now.rule] = None
    for (before, after), (asked, rules) in sorted(told.items(), key=_shown_pair):
        facts = {**whom, "operations": sorted(asked)}
        if before[0] != after[0]:
            yield _approval(before[0], after[0], rules, facts)
        if before[1] != after[1] and Approval.AUTO not in (before[0], after[0]):
            hours = {"old": before[1] // _HOUR, "new": after[1] // _HOUR}
            if after[1] > before[1]:
                yield loosening("diff.yes-longer", rules, **facts, **hours)
            else:
                yield tightening("diff.yes-shorter", rules, **facts, **hours)


def _shown_pair(item: tuple[tuple[_Yes, _Yes], tuple[set[str], object]]) -> list[str]:
    (before, after), (asked, _) = item
    return [written(before[0]), written(after[0]), *sorted(asked)]


def _approval(was: Consent, now: Consent, rules: Iterable[str], facts: Mapping[str, list[str]]) -> Change:
    change = tightening if _as_strict(now, was) else loosening
    return change("diff.approval", rules, **facts, approval_before=written(was), approval=written(now))


def _as_strict(one: Consent, other: Consent) -> bool:
    """Whether whatever satisfies the rule *one* satisfies *other*, as far as can be told without people."""
    if isinstance(one, Quorum) and isinstance(other, Quorum):
        return one.of <= other.of and one.need >= other.need
    if one == Approval.OWNER_AND_REVIEWER and other == Approval.OWNER:
        return True
    return other in (Approval.AUTO, one)


def _questions(offers: Sequence[_Offer]) -> Iterator[tuple[frozenset[str], frozenset[str]]]:
    """Yield the sets of operations and kinds that all others are treated like."""
    sets = {offer.operations for offer in offers}
    while more := {a & b for a, b in combinations(sets, 2)} - sets:
        sets |= more
    kinds = {frozenset({kind}) for offer in offers for kind in offer.kinds}
    return product(sets - {frozenset()}, kinds)


def _reached(offers: Sequence[_Offer], operations: frozenset[str], kinds: frozenset[str]) -> list[_Offer]:
    """Return the offers that are the first on some day: those that last longer than all before them."""
    found: list[_Offer] = []
    for offer in offers:
        fits = operations <= offer.operations and kinds <= offer.kinds
        if fits and (not found or offer.until > found[-1].until):
            found.append(offer)
    return found


def _by_two_names(before: _Side, after: _Side) -> Iterator[Change]:
    """Find who is called two things that are treated as before, and comes to another grant first now."""
    sides = (before.offers, after.offers)
    listed = (offer for side in sides for offers in side.values() for _, offer in offers)
    if len({(offer.consent, offer.expires) for offer in listed}) < 2:
        return
    alike: dict[tuple[_Offers, _Offers, str], str] = {}
    for name, purpose in sorted(before.offers.keys() | after.offers.keys()):
        alike.setdefault((before.to([name], purpose), after.to([name], purpose), purpose), name)
    by_purpose: dict[str, list[str]] = defaultdict(list)
    for (_, _, purpose), name in alike.items():
        by_purpose[purpose].append(name)
    for purpose, names in sorted(by_purpose.items()):
        for pair in combinations(names, 2):
            old, new = _plain(before.to(pair, purpose)), _plain(after.to(pair, purpose))
            whom = {"who": list(pair), "purposes": [purpose]}
            for change in _consents(old, new, whom):
                if change.direction is Direction.LOOSENS:
                    yield loosening("diff.order", change.rules, **change.facts)
