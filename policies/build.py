"""From a policy's text to an `AccessPolicy`: what its values must mean to each other.

A domain is needed where a use needs one (*measure*: bounds; *group* and *feature*: any), no share of a limit
passes the limit, a list says nothing twice.  Every refusal names the file, the line and the path.
"""

from __future__ import annotations

import math
import re
from fractions import Fraction
from typing import TYPE_CHECKING

from policies.load import Document, Path, load, show_path
from policies.model import (
    UNTAGGED,
    AccessPolicy,
    Approval,
    BudgetRule,
    ColumnRule,
    Grant,
    UnitRule,
    WindowRule,
)
from sandbox.errors import InvalidInputError
from sandbox.privacy.loss import ATTO, MAX_EPSILON, Filter, limit_of_epsilon
from sandbox.schema import CategoricalDomain, DatasetName, DateDomain, Domain, NumericDomain, Scalar, Use

if TYPE_CHECKING:
    from policies.shape import BudgetShape, ColumnShape, GrantShape, PolicyShape

_PATTERN = re.compile(r"untagged|[a-z][a-z0-9-]*(\.[a-z][a-z0-9-]*)*(\.\*)?")


def parse(source: bytes | str, file: str) -> AccessPolicy:
    """Return the policy that the YAML text *source* says; *file* names it in errors.

    Raises `InvalidInputError` ``policy.…`` with file, line and path for the first thing that is wrong.
    """
    from policies.shape import check_shape  # noqa: PLC0415 - pydantic, 0.2 s that only a policy's text needs

    document = load(source, file)
    shape = check_shape(document)
    return AccessPolicy(
        dataset=DatasetName(shape.metadata.dataset),
        version=shape.metadata.version,
        owner=shape.metadata.owner,
        unit=UnitRule(shape.unit.key, shape.unit.namespace, shape.unit.max_rows, shape.unit.expected_units),
        budget=_budget(document, shape.budget),
        columns=tuple(_column(document, name, column) for name, column in shape.columns.items()),
        grants=tuple(_grant(document, index, grant) for index, grant in enumerate(shape.grants)),
        denied=_denied(document, shape),
        file=file,
        lines=document.lines,
    )


def _denied(document: Document, shape: PolicyShape) -> tuple[str, ...]:
    for pattern in shape.defaults:
        if not _PATTERN.fullmatch(pattern):
            path: Path = ("defaults", pattern)
            raise InvalidInputError(
                "policy.bad-pattern",
                file=document.file,
                line=document.line(path),
                path=show_path(path),
                untagged=UNTAGGED,
            )
    return tuple(shape.defaults)


def _budget(document: Document, shape: BudgetShape) -> BudgetRule:
    at: Path = ("budget",)
    limit = _epsilon(document, (*at, "epsilon"), shape.epsilon, Fraction(MAX_EPSILON))
    window = shape.window
    if window:
        _epsilon(document, (*at, "window", "epsilon"), window.epsilon, limit)
    for key, share in (("per_job", shape.per_job), ("per_analyst", shape.per_analyst)):
        if share is not None:
            _epsilon(document, (*at, key), share, limit)
    whole = (shape.delta * ATTO).denominator == 1  # losses count δ in 10^-18
    if not (0 < shape.delta < 1 and whole if shape.filter == Filter.ZCDP else shape.delta == 0):
        path = (*at, "delta")
        raise InvalidInputError(
            "policy.bad-delta", file=document.file, line=document.line(path), path=show_path(path)
        )
    for key in ("epsilon", "per_job", "per_analyst"):
        _countable(document, (*at, key), shape, getattr(shape, key))
    _countable(document, (*at, "window", "epsilon"), shape, window.epsilon if window else None)
    pacing = WindowRule(window.every, window.epsilon) if window else None
    return BudgetRule(Filter(shape.filter), limit, shape.delta, shape.per_job, shape.per_analyst, pacing)


def _epsilon(document: Document, path: Path, epsilon: Fraction, limit: Fraction) -> Fraction:
    if not 0 < epsilon <= limit:
        raise InvalidInputError(
            "policy.bad-epsilon",
            file=document.file,
            line=document.line(path),
            path=show_path(path),
            limit=str(limit),
        )
    return epsilon


def _countable(document: Document, path: Path, shape: BudgetShape, epsilon: Fraction | None) -> None:
    """Refuse a limit that comes to nothing in the units losses are counted in: every job would be refused."""
    try:
        if epsilon is not None:
            limit_of_epsilon(Filter(shape.filter), epsilon, shape.delta)
    except InvalidInputError:
        raise InvalidInputError(
            "policy.epsilon-too-small", file=document.file, line=document.line(path), path=show_path(path)
        ) from None


def _column(document: Document, name: str, shape: ColumnShape) -> ColumnRule:
    at: Path = ("columns", name)
    _no_repeats(document, (*at, "use"), shape.use)
    domain = _domain(document, at, shape)
    uses = frozenset(map(Use, shape.use))
    if Use.MEASURE in uses and not isinstance(domain, NumericDomain):
        path = (*at, "use")
        raise InvalidInputError(
            "policy.measure-needs-bounds", file=document.file, line=document.line(path), path=show_path(path)
        )
    if domain is None and uses & {Use.GROUP, Use.FEATURE}:
        path = (*at, "use")
        raise InvalidInputError(
            "policy.use-needs-domain", file=document.file, line=document.line(path), path=show_path(path)
        )
    return ColumnRule(name, uses, domain, shape.description)


def _domain(document: Document, at: Path, shape: ColumnShape) -> Domain | None:
    written = [key for key in ("categories", "bounds", "dates") if getattr(shape, key) is not None]
    if len(written) > 1:
        path = (*at, written[1])
        raise InvalidInputError(
            "policy.two-domains",
            file=document.file,
            line=document.line(path),
            path=show_path(path),
            other=written[0],
        )
    if shape.grid is not None and shape.bounds is None:
        path = (*at, "grid")
        raise InvalidInputError(
            "policy.grid-without-bounds", file=document.file, line=document.line(path), path=show_path(path)
        )
    if shape.categories is not None:
        return _categories(document, (*at, "categories"), shape.categories)
    if shape.bounds is not None:
        return _numbers(document, (*at, "bounds"), shape.bounds, shape.grid)
    return _days(document, (*at, "dates"), shape)


def _categories(document: Document, path: Path, values: list[object]) -> CategoricalDomain:
    read = [_category(document, (*path, index), value) for index, value in enumerate(values)]
    _no_repeats(document, path, read)
    try:
        return CategoricalDomain(tuple(read))
    except InvalidInputError:
        raise InvalidInputError(
            "policy.no-categories", file=document.file, line=document.line(path), path=show_path(path)
        ) from None


def _category(document: Document, path: Path, value: object) -> Scalar:
    """A category with a decimal point is a double, which is how such columns are stored and compared."""
    if isinstance(value, Fraction):
        if abs(value) > Fraction(math.floor(1.7e308)):
            raise InvalidInputError(
                "policy.number-too-long", file=document.file, line=document.line(path), path=show_path(path)
            )
        return float(value)
    assert value is None or isinstance(value, str | int)  # checked by the shape
    return value


def _numbers(document: Document, path: Path, bounds: list[Fraction], grid: Fraction | None) -> NumericDomain:
    low, high = bounds
    if grid is None and (low.denominator != 1 or high.denominator != 1):
        raise InvalidInputError(
            "policy.needs-grid", file=document.file, line=document.line(path), path=show_path(path)
        )
    try:
        return NumericDomain(low, high, Fraction(1) if grid is None else grid)
    except InvalidInputError:
        raise InvalidInputError(
            "policy.bad-bounds", file=document.file, line=document.line(path), path=show_path(path)
        ) from None


def _days(document: Document, path: Path, shape: ColumnShape) -> DateDomain | None:
    if shape.dates is None:
        return None
    low, high = shape.dates
    if high < low:
        raise InvalidInputError(
            "policy.bad-dates", file=document.file, line=document.line(path), path=show_path(path)
        )
    return DateDomain(low, high)


def _grant(document: Document, index: int, shape: GrantShape) -> Grant:
    for key in ("to", "purposes", "operations"):
        _no_repeats(document, ("grants", index, key), getattr(shape, key))
    return Grant(
        frozenset(shape.to),
        frozenset(shape.purposes),
        frozenset(shape.operations),
        shape.until,
        Approval(shape.approval),
    )


def _no_repeats(document: Document, path: Path, values: list[Scalar] | list[str]) -> None:
    # True == 1 in Python, so the type is part of what makes two values equal.
    seen: dict[tuple[type, Scalar], int] = {}
    for index, value in enumerate(values):
        first = seen.setdefault((type(value), value), index)
        if first != index:
            raise InvalidInputError(
                "policy.written-twice",
                file=document.file,
                line=document.line((*path, index)),
                path=show_path((*path, index)),
                first=show_path((*path, first)),
            )
