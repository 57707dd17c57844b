"""Mock data: of the declared shape, with valid-looking formats, the same on every machine."""

from __future__ import annotations

import datetime as dt
import hashlib
from collections import Counter
from fractions import Fraction

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from stdnum.es import dni

from classifiers.evidence import checks, measures
from classifiers.mock.columns import MockColumn, cells, unit_names
from classifiers.mock.draws import Draws
from classifiers.mock.formats import _CHINESE, _ENGLISH, format_of
from classifiers.mock.tables import BLOCK_ROWS, MockTable, Size, usual_size
from classifiers.taxonomy import core
from sandbox.schema import CategoricalDomain, DateDomain, Field, Kind, NumericDomain

CHECKED = {
    "pi.id.resident": checks.resident_ids,
    "pi.contact.mobile": measures.mobiles,
    "finance.account": checks.bank_cards,
    "pi.device": checks.imeis,
    "org.id": checks.credit_codes,
    "pi.contact.email": lambda texts: checks.matches(texts, r"^[a-z]+\d+@example\.com$"),
    "pi.health": lambda texts: checks.matches(texts, r"^[A-T]\d\d\.\d$"),
    "pi.network": lambda texts: checks.matches(texts, r"^10(\.\d{1,3}){3}$"),
}


def places(count, first=0):
    return np.arange(first, first + count, dtype=np.uint64)


def column(name="c", kind=Kind.STRING, domain=None, tag=None, **more):
    return MockColumn(Field(name, kind, **more), domain, tag)


def table(*columns, unit="id", most=5, seed=1):
    return MockTable("a.b", columns, unit, "person", most, seed)


def whole(made, size):
    return pa.Table.from_batches([made.batch(block) for block in made.blocks(size)])


@pytest.mark.parametrize("tag", CHECKED)
def test_formats_pass_their_own_checks(tag):
    made = format_of(tag, chinese=False)
    numbers = Draws(3, ("x",)).below(places(5000), made.capacity)
    assert CHECKED[tag](made.make(numbers)).all()


def test_foreign_ids_have_their_letter():
    made = format_of("pi.id.foreign", chinese=False)
    assert all(map(dni.is_valid, made.make(places(300, 12_345_678)).to_pylist()))


def test_resident_ids_are_of_no_district():
    made = format_of("pi.id.resident", chinese=True)
    texts = made.make(Draws(1, ("y",)).distinct(places(5000), made.capacity)).to_pylist()
    assert {text[2:6] for text in texts} == {"0000"}
    assert all("1940" <= text[6:10] <= "2009" for text in texts)


@pytest.mark.parametrize("words", [_CHINESE, _ENGLISH], ids=["zh", "en"])
def test_different_numbers_make_different_names(words):
    assert words.keys() <= core().tags.keys()
    for tag, made in words.items():
        ends = np.concatenate([places(3000), np.uint64(made.capacity - 1) - places(min(3000, made.capacity))])
        numbers = np.unique(ends % np.uint64(made.capacity))
        texts = made.make(numbers)
        assert not texts.null_count
        if made.distinct:
            assert len(set(texts.to_pylist())) == len(numbers), tag


@given(st.integers(1, 2**32), st.integers(0, 2**40), st.integers(1, 500))
def test_distinct_draws_are_distinct(count, seed, wanted):
    found = Draws(seed, ("n",)).distinct(places(min(count, wanted)), count)
    assert len(np.unique(found)) == min(count, wanted)
    assert int(found.max()) < count


@settings(max_examples=60)
@given(st.data(), st.integers(1, 3000), st.integers(1, 9))
def test_every_unit_has_a_row_and_none_too_many(data, units, most):
    rows = data.draw(st.integers(units, units * most))
    made = table(column("id", tag="pi.id.generic"), most=most)
    assert made.fits(Size(rows, units))
    numbers = np.concatenate([block.units for block in made.blocks(Size(rows, units))])
    counts = Counter(numbers.tolist())
    assert sum(counts.values()) == rows
    assert len(counts) == units
    assert max(counts.values()) <= most


def test_units_differ_in_their_rows():
    made = table(column("id"), most=10)
    counts = Counter(np.concatenate([b.units for b in made.blocks(Size(4000, 1000))]).tolist())
    assert len(set(counts.values())) >= 5


def test_a_block_needs_little_memory_however_large_the_table():
    made = table(column("id"), most=1000)
    for size in (Size(10**9, 10**9), Size(10**9, 10**6), Size(10**9, 3 * 10**8)):
        block = next(made.blocks(size))
        assert len(block.rows) <= 2 * BLOCK_ROWS


DOMAINS = [
    column("i", Kind.INTEGER, NumericDomain(Fraction(-3), Fraction(12), Fraction(3))),
    column("f", Kind.FLOAT, NumericDomain(Fraction(0), Fraction(1), Fraction(1, 8))),
    column(
        "d", Kind.DECIMAL, NumericDomain(Fraction(-5), Fraction(5), Fraction("0.05")), precision=6, scale=2
    ),
    column("w", Kind.INTEGER, NumericDomain(Fraction(-(2**62)), Fraction(2**62), Fraction(2**40))),
    column("t", Kind.DATE, DateDomain(dt.date(2020, 2, 28), dt.date(2020, 3, 1))),
    column("m", Kind.TIMESTAMP, DateDomain(dt.date(2020, 2, 28), dt.date(2020, 3, 1))),
    column("s", Kind.STRING, CategoricalDomain(("a", "b'", None))),
    column("n", Kind.DECIMAL, CategoricalDomain((1, 2.5)), precision=4, scale=1),
    column("b", Kind.BOOLEAN, CategoricalDomain((True, None))),
]


def inside(value, domain):
    match domain:
        case NumericDomain(low, high, grid):
            return low <= Fraction(value) <= high and (Fraction(value) - low) % grid == 0
        case DateDomain(low, high):
            return low <= (value.date() if isinstance(value, dt.datetime) else value) <= high
    return value in domain.values


@pytest.mark.parametrize("it", DOMAINS, ids=lambda it: it.field.name)
def test_cells_lie_in_the_declared_domain(it):
    values = cells(it, Draws(1, ("c",)), places(600), chinese=False)
    known = [value for value in values.to_pylist() if value is not None]
    assert all(inside(value, it.domain) for value in known)
    assert len(set(known)) > 1 or it.field.name == "b"
    if isinstance(it.domain, CategoricalDomain):
        assert bool(values.null_count) == (None in it.domain.values)
    else:
        assert 0 < values.null_count < 60
    required = MockColumn(Field("c", it.field.kind, True, (), it.field.precision, it.field.scale), it.domain)
    assert cells(required, Draws(1, ("c",)), places(600), chinese=False).null_count == 0


def test_numbers_have_their_middle_more_often_than_their_ends():
    it = column("i", Kind.INTEGER, NumericDomain(Fraction(0), Fraction(8), Fraction(1)), required=True)
    counts = Counter(cells(it, Draws(1, ("c",)), places(9000), chinese=False).to_pylist())
    assert counts[4] > counts[0] * 2
    assert counts[4] > counts[8] * 2
    assert set(counts) == set(range(9))


def test_rows_of_a_person_agree_about_the_person():
    made = table(
        column("id", tag="pi.id.resident"), column("who", tag="pi.name"), column("dx", tag="pi.health")
    )
    frame = whole(made, Size(900, 300)).to_pandas().fillna("")
    by = frame.groupby("id")
    assert len(by) == 300
    assert by["who"].nunique().max() == 1
    assert by["dx"].nunique().max() > 1


def test_units_are_the_same_in_every_dataset_of_the_namespace_as_text_and_as_integer():
    draws = Draws(1, ("unit", "person"))
    texts = unit_names(column(tag="pi.id.generic"), draws, places(50), chinese=False)
    numbers = unit_names(column(kind=Kind.INTEGER, tag="pi.id.generic"), draws, places(50), chinese=True)
    assert texts.to_pylist() == [str(number) for number in numbers.to_pylist()]


def test_a_cell_depends_on_nothing_but_its_place():
    parts = (column("id", tag="pi.contact.mobile"), column("x", Kind.FLOAT), column("y", tag="pi.name"))
    size = Size(500, 200)
    every, some = whole(table(*parts), size), whole(table(parts[0], parts[2]), size)
    assert every["y"].to_pylist() == some["y"].to_pylist()
    made = table(*parts)
    (block,) = made.blocks(size)
    apart = made.shuffled(block)
    assert sorted(apart.rows.tolist()) == block.rows.tolist()
    assert made.column("x", apart).to_pylist() != made.column("x", block).to_pylist()
    order = np.argsort(apart.rows)
    assert made.column("x", apart).take(pa.array(order)).equals(made.column("x", block))


def test_a_seed_means_the_same_for_ever():
    columns = [column("id", tag="pi.id.resident"), *DOMAINS]
    older = sorted(core().tags.keys() - {"pi.activity"})
    columns += [column(tag, Kind.STRING, None, tag) for tag in older]
    columns += [column(kind.value, kind) for kind in Kind if kind is not Kind.DECIMAL]
    said = []
    for seed, name in ((1, "x"), (1, "列"), (2, "x")):
        made = whole(table(*columns, column(name, Kind.INTEGER), seed=seed), Size(400, 150))
        texts = [pc.fill_null(values.cast(pa.string()), "∅").to_pylist() for values in made.itercolumns()]
        said.append(hashlib.sha256(repr(texts).encode()).hexdigest()[:16])
    assert said == ["b57443721b056fde", "f7eacd973e1b96b0", "df9416491fa12520"]


def test_the_usual_size_fits():
    for most in (1, 2, 7):
        made = table(column("id"), most=most)
        for rows, units in ((None, None), (None, 10), (999, None), (1, None)):
            assert made.fits(usual_size(made, rows, units))
    alone = table(column("x"), unit="row", most=3)
    assert usual_size(alone, 7, None) == Size(7, 7)
    assert not alone.fits(Size(8, 7))
