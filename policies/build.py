"""From a policy's text to an `AccessPolicy`: what its values must mean to each other.

A domain is needed where a use needs one (*measure*: bounds; *group* and *feature*: any), no share of a limit
passes the limit, a list says nothing twice.  Every refusal names the file, the line and the path.
"""

from __future__ import annotations

import math
import re
from fractions import Fraction
from typing import TYPE_CHECKING

from policies.approvals import Approval, Consent, Quorum
from policies.budget import build_budget
from policies.load import Document, Path, load, show_path
from policies.lookalikes import misleading
from policies.model import UNTAGGED, AccessPolicy, ColumnRule, Grant, TagRule, UnitRule
from sandbox.errors import InvalidInputError
from sandbox.schema import CategoricalDomain, DatasetName, DateDomain, Domain, NumericDomain, Scalar, Use

if TYPE_CHECKING:
    from policies.shape import ColumnShape, GrantShape, PolicyShape, TagShape, UnitShape

_PATTERN = re.compile(r"[a-z][a-z0-9-]*(\.[a-z][a-z0-9-]*)*(\.\*)?")


def parse(source: bytes | str, file: str) -> AccessPolicy:
    """Return the policy that the YAML text *source* says; *file* names it in errors.

    Raises `InvalidInputError` ``policy.…`` with file, line and path for the first thing that is wrong.
    """
    from policies.shape import check_shape  # noqa: PLC0415 - pydantic, 0.2 s that only a policy's text needs

    document = load(source, file)
    shape = check_shape(document)
    _refuse_lookalikes(document, shape)
    return AccessPolicy(
        dataset=DatasetName(shape.metadata.dataset),
        version=shape.metadata.version,
        owner=shape.metadata.owner,
        unit=_unit(document, shape.unit),
        budget=build_budget(document, shape.budget),
        columns=tuple(
            _column(document, name, column, selects=shape.budget.selection is not None)
            for name, column in shape.columns.items()
        ),
        grants=tuple(_grant(document, index, grant) for index, grant in enumerate(shape.grants)),
        denied=_denied(document, shape),
        joins=_joins(document, shape),
        supersedes=shape.metadata.supersedes,
        tags=tuple(_tag(document, pattern, rule) for pattern, rule in shape.tags.items()),
        minimum_count=shape.release.minimum_count if shape.release else 0,
        keep=shape.results.keep if shape.results else None,
        file=file,
        lines=document.lines,
    )


def _denied(document: Document, shape: PolicyShape) -> tuple[str, ...]:
    for pattern in shape.defaults:
        if pattern != UNTAGGED and not _PATTERN.fullmatch(pattern):
            path: Path = ("defaults", pattern)
            raise InvalidInputError(
                "policy.bad-pattern",
                file=document.file,
                line=document.line(path),
                path=show_path(path),
                untagged=UNTAGGED,
            )
    return tuple(shape.defaults)


def _tag(document: Document, pattern: str, shape: str | TagShape) -> TagRule:
    """Columns without a confirmed tag are denied as it is: ``untagged`` says nothing here."""
    path: Path = ("tags", pattern)
    if pattern == UNTAGGED or not _PATTERN.fullmatch(pattern):
        raise InvalidInputError(
            "policy.bad-tag-pattern", file=document.file, line=document.line(path), path=show_path(path)
        )
    if isinstance(shape, str):
        return TagRule(pattern, None)
    _no_repeats(document, (*path, "use"), shape.use)
    return TagRule(pattern, frozenset(map(Use, shape.use)))


def _refuse_lookalikes(document: Document, shape: PolicyShape) -> None:
    """Refuse names in which a letter passes for another one."""
    named: list[tuple[Path, str]] = [
        (("metadata", "owner"), shape.metadata.owner),
        (("unit", "key"), shape.unit.key),
        (("unit", "namespace"), shape.unit.namespace),
        *((("columns", name), name) for name in shape.columns),
    ]
    for index, grant in enumerate(shape.grants):
        for key, names in (("to", grant.to), ("purposes", grant.purposes)):
            named += [(("grants", index, key, at), name) for at, name in enumerate(names)]
        if not isinstance(grant.approval, str):
            of = grant.approval.of
            named += [(("grants", index, "approval", "of", at), name) for at, name in enumerate(of)]
    for path, name in named:
        if found := misleading(name):
            raise InvalidInputError(
                "policy.lookalike",
                file=document.file,
                line=document.line(path),
                path=show_path(path),
                character=f"{found} (U+{ord(found):04X})",
            )


def _joins(document: Document, shape: PolicyShape) -> frozenset[DatasetName]:
    _no_repeats(document, ("joins",), shape.joins)
    return frozenset(map(DatasetName, shape.joins))


def _unit(document: Document, shape: UnitShape) -> UnitRule:
    if shape.most_rows is not None and shape.most_rows < shape.max_rows:
        path: Path = ("unit", "most_rows")
        raise InvalidInputError(
            "policy.most-rows-too-small",
            file=document.file,
            line=document.line(path),
            path=show_path(path),
            max_rows=shape.max_rows,
        )
    return UnitRule(**shape.model_dump())


def _column(document: Document, name: str, shape: ColumnShape, *, selects: bool) -> ColumnRule:
    at: Path = ("columns", name)
    _no_repeats(document, (*at, "use"), shape.use or [])
    domain = _domain(document, at, shape)
    uses = frozenset(map(Use, shape.use or []))
    selected = _selected(document, at, shape, selects=selects)
    if Use.MEASURE in uses and not isinstance(domain, NumericDomain):
        path = (*at, "use")
        raise InvalidInputError(
            "policy.measure-needs-bounds", file=document.file, line=document.line(path), path=show_path(path)
        )
    if domain is None and uses & ({Use.FEATURE} if selected else {Use.GROUP, Use.FEATURE}):
        path = (*at, "use")
        raise InvalidInputError(
            "policy.use-needs-domain", file=document.file, line=document.line(path), path=show_path(path)
        )
    return ColumnRule(name, uses, domain, shape.description, selected, shape.use is None)


def _selected(document: Document, at: Path, shape: ColumnShape, *, selects: bool) -> bool:
    """Return whether the column's keys may be selected: it is grouped by, and its δ is paid for."""
    if shape.keys is None:
        return False
    path = (*at, "keys")
    file, line, shown = document.file, document.line(path), show_path(path)
    if shape.use is not None and Use.GROUP not in shape.use:
        raise InvalidInputError("policy.keys-without-group", file=file, line=line, path=shown)
    if shape.categories is not None:
        raise InvalidInputError("policy.keys-beside-categories", file=file, line=line, path=shown)
    if not selects:
        raise InvalidInputError("policy.keys-need-selection", file=file, line=line, path=shown)
    return True


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
    for key in ("to", "purposes", "operations", "kinds"):
        _no_repeats(document, ("grants", index, key), getattr(shape, key))
    return Grant(
        frozenset(shape.to),
        frozenset(shape.purposes),
        frozenset(shape.operations),
        shape.until,
        _approval(document, ("grants", index), shape),
        shape.approval_expires,
        frozenset(shape.kinds),
    )


def _approval(document: Document, at: Path, shape: GrantShape) -> Consent:
    """Return whose yes a job needs; refuses what nobody could give, and an expiry of nothing."""
    path = (*at, "approval", "of")
    if isinstance(shape.approval, str):
        if shape.approval == Approval.AUTO and shape.approval_expires is not None:
            path = (*at, "approval_expires")
            raise InvalidInputError(
                "policy.nothing-expires", file=document.file, line=document.line(path), path=show_path(path)
            )
        return Approval(shape.approval)
    need, of = shape.approval.need, shape.approval.of
    _no_repeats(document, path, of)
    if not any(name.startswith("group:") for name in of) and len(of) < need:
        raise InvalidInputError(
            "policy.too-few-to-approve",
            file=document.file,
            line=document.line(path),
            path=show_path(path),
            need=need,
            named=len(of),
        )
    return Quorum(need, frozenset(of))


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
