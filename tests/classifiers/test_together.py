"""Columns looked at together are what each one is by itself."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from benchmarks.classification import labelled
from classifiers.evidence import dictionaries, freetext, inside, patterns, statistics
from classifiers.evidence.checks import compact, matches, normalise, together
from classifiers.evidence.patterns import PATTERNS, View
from classifiers.evidence.sample import ColumnSample, draw
from sandbox.vault.propose import propose_fields
from sandbox.vault.source import open_source
from service.datasets.declared import SampledRows

TABLES = [table for chosen in labelled.SETS for table in labelled.tables(chosen, "development")]
PARTS = (
    "13812345678",
    "110101199003077758",
    " ",
    "-",
    "A1",
    "z",
    "@b.co",
    "(",
    "x",
    "京A12345",
    "路3号",
    "\n",
    "7",
)
TEXTS = st.lists(st.sampled_from(PARTS), max_size=4).map("".join)
COLUMNS = st.lists(st.lists(TEXTS, max_size=8), max_size=4)


def _samples(table: labelled.Table) -> list[ColumnSample]:
    source = open_source(table.path)
    return list(draw(propose_fields(source), SampledRows(source)).values())


@given(COLUMNS)
def test_together_is_one_by_one(columns: list[list[str]]) -> None:
    arrays = [pa.array(it, pa.string()) for it in columns]
    for work in (pc.utf8_length, compact):
        assert [it.to_pylist() for it in together(arrays, work)] == [work(it).to_pylist() for it in arrays]
    masks = together(arrays, lambda texts: matches(texts, r"\d"))
    assert [it.tolist() for it in masks] == [matches(it, r"\d").tolist() for it in arrays]


@pytest.mark.parametrize("table", TABLES[::40], ids=lambda table: table.name)
def test_evidence_of_a_table_is_that_of_its_columns(table: labelled.Table) -> None:
    samples = _samples(table)
    assert patterns.value_evidence(samples) == [patterns.value_evidence([it])[0] for it in samples]


@given(st.sampled_from(PATTERNS), COLUMNS.filter(bool))
@settings(max_examples=500)
def test_whether_a_value_may_fit_is_its_own_affair(
    pattern: patterns.Pattern, columns: list[list[str]]
) -> None:
    plain = [normalise(pa.array(it, pa.string())) for it in columns]
    views = [View(it, compact(it)) for it in plain]
    alone = [
        [pattern.each(View(pa.array([it]), compact(pa.array([it]))))[0] for it in texts.to_pylist()]
        for texts in plain
    ]
    whole = View(pa.concat_arrays(plain), pa.concat_arrays([it.compact for it in views]))
    assert pattern.each(whole).tolist() == [it for of_one in alone for it in of_one]
    for view, may in zip(views, alone, strict=True):
        fits = may if pattern.beside is None or not may else pattern.beside(view)
        assert sum(fits) <= sum(may)
        share = np.mean(may or 0)
        expected = np.mean(fits) if pattern.beside and share >= pattern.share else share
        assert list(patterns._shares(pattern, [view])) == [expected]


@pytest.mark.parametrize("table", TABLES[::40], ids=lambda table: table.name)
def test_no_more_fit_than_may(table: labelled.Table) -> None:
    for view in patterns.views_of(_samples(table)):
        for pattern in PATTERNS:
            if pattern.beside is not None and len(view.plain):
                assert pattern.beside(view).sum() <= pattern.each(view).sum(), pattern.rule


@given(st.lists(TEXTS, max_size=6))
def test_what_is_in_a_text_is_in_all_together(texts: list[str]) -> None:
    for kind in inside.KINDS:
        assert kind.regex.search("\n".join(texts)) or not any(map(kind.regex.search, texts)), kind.name


@pytest.mark.parametrize("table", TABLES[::80], ids=lambda table: table.name)
def test_a_share_is_exact_where_it_speaks(table: labelled.Table) -> None:
    for sample in _samples(table):
        spread = statistics._spread(sample)
        for rule in statistics.RULES if spread else ():
            whole = sum(map(bool, map(rule.shape.fullmatch, spread.texts))) / len(spread.texts)
            assert spread.share(rule.shape) == (whole if whole >= statistics.SHARE else 0)


@given(st.text("0123456789 .,-:/()#²½٣一a", max_size=12).map(dictionaries.fold))
def test_texts_without_a_letter_are_in_the_lists_they_would_be_in(text: str) -> None:
    quick = dictionaries._rules(text, dictionaries.key_of(text))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(dictionaries, "_LETTER", dictionaries.re.compile(""))
        assert dictionaries._rules(text, dictionaries.key_of(text)) == quick


def test_no_column_is_no_evidence() -> None:
    assert patterns.value_evidence([]) == freetext.text_evidence([]) == []
