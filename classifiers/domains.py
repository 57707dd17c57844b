"""Domains proposed from what a file holds, for its owner to declare as public knowledge, or not.

Bounds are rounded outwards to numbers a person would say, dates to whole years, categories left out that
fewer than `RAREST` units have (rows, of a file without a unit).  Whole numbers that only tell groups apart
(a code of gender) are categories.  None of this makes them private: a bound that was read off the data is a
fact about the data, and declaring it discloses that fact.  The owner should declare what was known before.
"""

from __future__ import annotations

import datetime as dt
import json
import math
from collections.abc import Iterable, Mapping
from decimal import Decimal
from fractions import Fraction

from classifiers.categories import RAREST
from classifiers.tally import Seen
from classifiers.taxonomy import IdentifierRole, core
from sandbox.errors import InvalidInputError
from sandbox.schema import CategoricalDomain, DateDomain, Domain, Field, Kind, NumericDomain, Use, exact
from sandbox.vault.header import mentions_somebody

_FINEST = 6
_WIDEST = Decimal(10) ** 15
_STEPS = (Fraction(1), Fraction(2), Fraction(5), Fraction(10))


def propose_domains(
    fields: Iterable[Field], tags: Mapping[str, str], seen: Mapping[str, Seen], unit: str | None = None
) -> dict[str, Domain]:
    """Return a domain for each column that can have one.

    None where it names a person, is the *unit* or is free text.
    """
    known = core().tags
    found: dict[str, Domain] = {}
    for field in fields:
        tag = known.get(tags.get(field.name, ""))
        named = tag is not None and (tag.role is IdentifierRole.DIRECT or tag.name == "pi.text")
        if named or field.name == unit:
            continue
        coded = tag is not None and Use.MEASURE not in tag.uses
        if (domain := propose_domain(seen[field.name], coded=coded)) is not None:
            found[field.name] = domain
    return found


def propose_domain(seen: Seen, *, coded: bool = False) -> Domain | None:
    """Return a domain that holds what was *seen* but for rare categories, or None.

    *coded*: whole numbers stand for groups.
    """
    if coded and seen.kind is Kind.INTEGER and seen.categories:
        codes = sorted(map(int, _common(seen.categories)))
        return CategoricalDomain(tuple(codes)) if codes else None
    if seen.kind.numeric:
        return _bounds(seen)
    if seen.kind in (Kind.DATE, Kind.TIMESTAMP):
        if seen.low is None:
            return None
        return DateDomain(dt.date(seen.low.year, 1, 1), dt.date(seen.high.year, 12, 31))
    common = _common(seen.categories or {})
    if not common or any(map(mentions_somebody, seen.categories or {})):  # others may name people unseen
        return None
    return CategoricalDomain((True, False) if seen.kind is Kind.BOOLEAN else tuple(sorted(common)))


def policy_lines(domains: Mapping[str, Domain]) -> list[str]:
    """Return *domains* as lines for ``columns:`` of a policy; names and texts are quoted (JSON is YAML)."""
    return [f"  {_text(name)}: {{use: [], {_written(domain)}}}" for name, domain in domains.items()]


def _written(domain: Domain) -> str:
    if isinstance(domain, NumericDomain):
        low, high, grid = map(_decimal, (domain.low, domain.high, domain.grid))
        return f"bounds: [{low}, {high}], grid: {grid}"
    if isinstance(domain, DateDomain):
        return f"dates: [{domain.low}, {domain.high}]"
    return f"categories: [{', '.join(_text(value) for value in domain.values)}]"


def _text(value: object) -> str:
    return json.dumps(value, ensure_ascii=False)


def _decimal(number: Fraction) -> str:
    return f"{Decimal(number.numerator) / Decimal(number.denominator):f}"


def _bounds(seen: Seen) -> NumericDomain | None:
    if seen.low is None:
        return None
    low, high = exact(seen.low), exact(seen.high)
    if max(abs(low), abs(high)) > _WIDEST:
        return None
    behind = 0 if seen.kind is Kind.INTEGER else min(seen.decimals, _FINEST)
    finest = Fraction(1, 10**behind)
    step = max(_human((high - low) / 10 or Fraction(1)), finest)
    try:
        return NumericDomain(low // step * step, -(-high // step) * step or step, finest)
    except InvalidInputError:  # one value only, on a step
        return None


def _common(seen: Mapping[str, int]) -> list[str]:
    return [text for text, holders in seen.items() if holders >= RAREST]


def _human(width: Fraction) -> Fraction:
    """Return 1, 2 or 5 times a power of ten, the least that is not below *width*."""
    power = Fraction(10) ** math.floor(math.log10(width))
    return next(step * power for step in _STEPS if step * power >= width)
