"""What is wrong with the cells of one column, counted batch by batch, each looked at by its distinct cells.

What is kept does not grow with the rows: counters, at most `SHAPES` shapes and some categories.  A
cell with several faults is one problem.  Empty cells and declared marks are none; a ratio is of the others.
"""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from itertools import compress
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from classifiers import faults
from classifiers.categories import Categories, Units
from classifiers.evidence import checks
from classifiers.taxonomy import core
from sandbox.schema import Domain, Field, Kind, Use
from sandbox.vault.conform import conform_column
from sandbox.vault.written import as_read

SHAPES = 1000
PREVAILING = 0.8
_LOOKED_AT = 200
_EVER = (1800, 2200)
"""Years that dates are of which stand for a day, not for never or for ever (9999-12-31)."""
_CODE = r"^\s*[+-]?(0\d|\d{16})"
"""Of digits, in one of which a column is of codes, as where types are proposed."""


@dataclass(frozen=True, slots=True)
class ColumnQuality:
    """Counts of cells of one column; None where the question does not arise.

    *nulls*: empty or null; *missing*: declared marks; *nonconforming* to the kind (to that of its
    domain, where one is declared); *invalid* by the check of the tag, such as no date at all; *impossible*
    dates; *outside* the declared domain; *blanks* around; *full_width* digits.
    *formats*: number of shapes (at most `SHAPES`); *top_format* is the commonest and *top_share* its part.
    *problems*: cells with at least one fault among the *filled* ones.  *prevailing*: what at least
    `PREVAILING` of the cells of a text column are; *nonconforming* are then the others.
    """

    column: str
    rows: int
    nulls: int
    missing: int
    nonconforming: int
    invalid: int | None
    impossible: int | None
    outside: int | None
    blanks: int
    full_width: int
    formats: int | None
    top_format: str
    top_share: float
    problems: int
    prevailing: Kind | None

    @property
    def filled(self) -> int:
        """Cells that say something."""
        return self.rows - self.nulls - self.missing

    @property
    def ratio(self) -> float:
        """The part of the filled cells with a fault, 0 without any."""
        return self.problems / self.filled if self.filled else 0.0


@dataclass(frozen=True, slots=True)
class Seen:
    """What was seen of a column's range, for `classifiers.domains`; None: too many or nothing.

    *kind*: the column's, or the prevailing one; *low*, *high*: extremes of numbers and dates (of those within
    `_EVER`); *decimals*: most digits behind the point; *categories*: texts (of a whole number, as it is
    written shortest) and how many hold them, as `Categories` counts.
    """

    kind: Kind
    low: Any
    high: Any
    decimals: int
    categories: Mapping[str, int] | None


@dataclass(slots=True)
class _Range:
    low: Any = None
    high: Any = None
    decimals: int = 0

    def widen(self, texts: Any, values: Any) -> None:
        """Take in *values*, which stand as *texts*."""
        if pa.types.is_date(values.type) or pa.types.is_timestamp(values.type):
            years = pc.year(values)
            lived = pc.and_(pc.greater_equal(years, _EVER[0]), pc.less_equal(years, _EVER[1]))
            texts, values = texts.filter(lived), values.filter(lived)
        if pa.types.is_boolean(values.type) or values.null_count == len(values):
            return
        ends = pc.min_max(values).as_py()
        self.low = ends["min"] if self.low is None else min(self.low, ends["min"])
        self.high = ends["max"] if self.high is None else max(self.high, ends["max"])
        points = pc.extract_regex(texts.filter(values.is_valid()), r"\.(?P<d>\d*[1-9])")
        behind = pc.utf8_length(pc.struct_field(points, "d"))
        self.decimals = max(self.decimals, pc.max(behind).as_py() or 0)


@dataclass(slots=True)
class _Reading:
    """Another way to read the cells, which is the column's if enough of them speak for it."""

    votes: int = 0
    failing: int = 0
    problems: int = 0
    range: _Range = field(default_factory=_Range)

    def add(self, votes: Any, fits: Any, others: Any, times: Any) -> None:
        """Count cells that speak for it, fail it, and fail it or have one of the *others* among faults."""
        self.votes += int(times[votes].sum())
        self.failing += int(times[~fits].sum())
        self.problems += int(times[~fits | others].sum())


@dataclass(slots=True)
class Tally:
    """The running counts of one column; *typed*: nobody asks what else it might be than its type.

    *number*: the rule of the number that its values mostly are, whose check they are held to.
    """

    declared: Field
    tag: str
    domain: Domain | None
    today: dt.date
    typed: bool = False
    number: str = ""
    counts: Counter[str] = field(default_factory=Counter)
    shapes: Counter[str] = field(default_factory=Counter)
    categories: Categories = field(default_factory=Categories)
    range: _Range = field(default_factory=_Range)
    chinese: _Reading = field(default_factory=_Reading)
    kinds: dict[Kind, _Reading] = field(default_factory=dict)
    textual: bool = False

    def __post_init__(self) -> None:
        others = _readable(self.tag)
        coded = self.declared.kind is Kind.INTEGER and not others  # numbers of phones, say
        self.textual = self.declared.kind is Kind.STRING or coded
        if self.domain is not None:
            self.declared = faults.meant(self.declared, self.domain)
        elif self.textual and not self.typed:
            self.kinds = {kind: _Reading() for kind in others}

    def add(self, column: Any, units: Units | None = None) -> None:
        """Count a batch's cells; *units* are those of its rows."""
        coded = _plain(column).dictionary_encode()
        cells, self.counts["rows"] = coded.dictionary, self.counts["rows"] + len(coded)
        texts = cells.cast(pa.string())
        times = np.bincount(coded.indices.drop_null().to_numpy(), minlength=len(texts))
        empty = checks.matches(texts, r"^$")
        marked = np.asarray(pc.is_in(texts, pa.array(self.declared.missing, pa.string())), bool) & ~empty
        self.counts["nulls"] += int(coded.null_count + times[empty].sum())
        self.counts["missing"] += int(times[marked].sum())
        keep = ~(empty | marked)
        if keep.any():
            filled = pa.array(keep)
            values = conform_column(cells.filter(filled), self.declared)
            self._faults(texts.filter(filled), values, times[keep])
            if self.categories.accepts(texts.filter(filled)):
                codes = coded.indices.fill_null(-1).to_numpy()
                held = list(compress(units.holders(codes, len(texts)), keep)) if units else None
                groups = values if self.declared.kind is Kind.INTEGER else texts.filter(filled)
                self.categories.add(groups.to_pylist(), times[keep], held)

    def _faults(self, texts: Any, values: Any, times: Any) -> None:
        short = pc.utf8_slice_codeunits(texts, 0, _LOOKED_AT)
        found = {
            "nonconforming": np.asarray(values.is_null(), bool),
            "blanks": np.asarray(pc.not_equal(pc.utf8_trim_whitespace(texts), texts), bool),
            "full_width": checks.matches(texts, r"[\x{ff10}-\x{ff19}]"),
        }
        typed = self.declared.kind in (Kind.DATE, Kind.TIMESTAMP)
        if (
            not (typed and self.tag in faults.DATES)
            and (valid := faults.valid(self.tag, short, self.number)) is not None
        ):
            found["invalid"] = ~valid
        if self.tag in faults.DATES or typed:
            # What is to happen, or ends some day, lies after today.
            found["impossible"] = faults.impossible(short, self.today if self.tag == faults.BIRTH else None)
        if self.domain is not None:
            found["outside"] = faults.outside(values, self.domain)
        real = pa.array(~found["impossible"] if "impossible" in found else np.ones(len(texts), bool))
        self._read_otherwise(texts, short, (found, real), times)
        for name, mask in found.items():
            self.counts[name] += int(times[mask].sum())
        self.counts["checked"] += int(times.sum())
        self.counts["problems"] += int(times[_any(found)].sum())
        self._describe(short, pc.if_else(real, values, None), times)

    def _read_otherwise(
        self, texts: Any, short: Any, faulty: tuple[Mapping[str, Any], Any], times: Any
    ) -> None:
        """Count how the texts read otherwise; *faulty*: their faults, and which of them may widen a range."""
        found, real = faulty
        if self.tag == faults.PHONE:
            self.chinese.add(*faults.chinese_phones(short), _any(found, but="invalid"), times)
        others = _any(found, but="nonconforming")
        for kind, reading in self.kinds.items():
            values = conform_column(texts, replace(self.declared, kind=kind))
            fits = np.asarray(values.is_valid(), bool)
            reading.add(fits, fits, others, times)
            reading.range.widen(short, pc.if_else(real, values, None))
        if self.kinds:
            self.counts["codes"] += int(times[checks.matches(short, _CODE)].sum())

    def _prevailing(self) -> Kind | None:
        """Return what the cells of a text column are, if enough are the same: of two kinds the narrower."""
        numbers = not self.counts["codes"]
        found = {kind: it.votes for kind, it in self.kinds.items() if numbers or not kind.numeric}
        best = max(found, key=lambda kind: found[kind], default=None)
        return best if best and 0 < PREVAILING * self.counts["checked"] <= found[best] else None

    def _describe(self, short: Any, values: Any, times: Any) -> None:
        if self.textual:
            for shape, count in zip(faults.shapes(short), times.tolist(), strict=True):
                if shape in self.shapes or len(self.shapes) < SHAPES:
                    self.shapes[shape] += count
        if self.declared.written and self.declared.kind.numeric:
            short = as_read(pc.utf8_trim_whitespace(short), self.declared.kind, self.declared.written)
        if self.declared.kind is not Kind.STRING:
            self.range.widen(short, values)

    def result(self) -> ColumnQuality:
        """Return the counts so far."""
        count, prevailing = Counter(self.counts), self._prevailing()
        if prevailing:
            reading = self.kinds[prevailing]
            count["nonconforming"], count["problems"] = reading.failing, reading.problems
        if self.chinese.votes * 2 > count["checked"]:
            count["invalid"], count["problems"] = self.chinese.failing, self.chinese.problems
        shapes = faults.merged(self.shapes)
        top, times = shapes.most_common(1)[0] if shapes else ("", 0)
        return ColumnQuality(
            column=self.declared.name,
            rows=count["rows"],
            nulls=count["nulls"],
            missing=count["missing"],
            nonconforming=count["nonconforming"],
            invalid=count.get("invalid"),
            impossible=count.get("impossible"),
            outside=count.get("outside"),
            blanks=count["blanks"],
            full_width=count["full_width"],
            formats=len(shapes) if self.textual else None,
            top_format=top,
            top_share=times / count["checked"] if count["checked"] else 0.0,
            problems=count["problems"],
            prevailing=prevailing,
        )

    def seen(self) -> Seen:
        """Return the range so far."""
        prevailing = self._prevailing()
        found = self.kinds[prevailing].range if prevailing else self.range
        kind = prevailing or self.declared.kind
        return Seen(kind, found.low, found.high, found.decimals, self.categories.counts())


def _readable(tag: str) -> tuple[Kind, ...]:
    """Return what cells of text with *tag* may be: codes and names are texts even where they are digits."""
    if tag in faults.DATES:
        return Kind.DATE, Kind.TIMESTAMP
    known = core().tags.get(tag)
    measured = known is None or Use.MEASURE in known.uses
    return (Kind.INTEGER, Kind.FLOAT, Kind.DATE, Kind.TIMESTAMP) if measured else ()


def _any(found: Mapping[str, Any], but: str = "") -> Any:
    return np.logical_or.reduce([mask for name, mask in found.items() if name != but])


def _plain(column: Any) -> Any:
    if pa.types.is_dictionary(column.type):
        column = column.cast(column.type.value_type)
    return column.cast(pa.string()) if pa.types.is_null(column.type) else column
