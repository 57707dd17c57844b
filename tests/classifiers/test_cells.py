"""Values read together: what no list holds, what stands beside, what is never said, and odd cells."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from benchmarks.classification import labelled
from benchmarks.classification.fit_networks import FOLDERS, read
from classifiers.evidence.cells import ALONE, BESIDE, cell_evidence, tokens_of_values, values_read
from classifiers.evidence.reading import LEAST, OWN
from classifiers.evidence.sample import ColumnSample
from classifiers.taxonomy import GENERAL, core
from sandbox.schema import Kind

COMPLAINTS = ["sore throat since friday", "twisted ankle, swollen", "migraine with aura", "itchy rash on arm"]
TRADES = ["roof tiler", "night porter", "assistant bookkeeper", "crane driver", "head gardener"]
病情 = ["反复咳嗽三天", "左膝关节疼痛", "头晕伴恶心", "慢性胃炎复查"]
CELLS = st.lists(st.text(max_size=300), max_size=6, unique=True)


def sample(values: list[str]) -> ColumnSample:
    return ColumnSample(Kind.STRING, pa.array(values, pa.string()), len(values), len(values))


def likeliest(columns: list[list[str]], place: int, source: str = BESIDE) -> str:
    names = [f"column_{it}" for it in range(len(columns))]
    hints = cell_evidence(names, [sample(it) for it in columns])[place]
    return max((it for it in hints if it.source == source), key=lambda it: it.weight).tag


@given(st.lists(CELLS, min_size=1, max_size=5))
@settings(deadline=None)
def test_chances_of_known_tags_whatever_the_cells(columns) -> None:
    names = [f"column_{it}" for it in range(len(columns))]
    found = cell_evidence(names, [sample(it) for it in columns])
    assert len(found) == len(columns)
    for hints in found:
        for source in (ALONE, BESIDE):
            of_source = [it for it in hints if it.source == source]
            assert len({it.tag for it in of_source}) == len(of_source)
            assert all(LEAST < it.weight < 1 and it.tag in core().tags for it in of_source)
            assert sum(it.weight for it in of_source) < 1.001


def test_words_that_no_list_holds() -> None:
    assert likeliest([COMPLAINTS], 0, ALONE) == "pi.health"
    assert likeliest([TRADES], 0, ALONE) == "pi.work"
    assert likeliest([病情], 0, ALONE) == "pi.health"
    assert likeliest([["oak plank 40 mm", "steel bolt M8", "wall paint, white"]], 0, ALONE) == GENERAL


def test_the_same_amounts_are_read_by_what_stands_beside_them() -> None:
    amounts = ["1250.00", "890.50", "2310.75", "640.00"]
    people = [["Quirke, Aoife", "Banda, Chisomo", "Petrov, Ilya"], COMPLAINTS, amounts]
    goods = [
        ["SKU-10442", "SKU-88213", "SKU-30917"],
        ["oak plank 40 mm", "steel bolt M8", "wall paint, white"],
        amounts,
        ["pcs", "kg", "box of 10"],
        ["12", "400", "35"],
    ]
    assert likeliest(people, 2) == "finance.personal"
    assert likeliest(goods, 2) == GENERAL


def test_what_is_said_names_columns_and_never_a_value() -> None:
    columns = {"a": ["Quirke, Aoife", "Banda, Chisomo"], "b": COMPLAINTS, "c": ["1250.00", "890.50"]}
    for place, hints in enumerate(cell_evidence(list(columns), [sample(it) for it in columns.values()])):
        for hint in hints:
            assert hint.share is None
            assert hint.rule == OWN or set(hint.rule.split(", ")) <= {*columns} - {"abc"[place]}


def test_nothing_is_said_of_columns_without_values() -> None:
    assert cell_evidence(["a", "b"], [sample([]), sample([])]) == ((), ())
    nothing, something = cell_evidence(["a", "b"], [sample([]), sample(COMPLAINTS)])
    assert not nothing
    assert {it.source for it in something} == {ALONE, BESIDE}


def test_full_width_signs_and_blanks_do_not_matter() -> None:
    assert tokens_of_values([" １２３ＡＢ "]) == tokens_of_values(["123AB"])


def test_the_order_of_values_does_not_matter() -> None:
    one, other = (cell_evidence(["a"], [sample(it)])[0] for it in (TRADES, TRADES[::-1]))
    assert {it.tag: it.weight for it in one} == pytest.approx({it.tag: it.weight for it in other}, rel=1e-4)


def test_few_values_are_read_of_many_and_of_very_many_columns_fewer() -> None:
    many = sample([f"v{it}" for it in range(9000)])
    assert len(values_read([many])[0]) == 48
    assert {len(it) for it in values_read([many] * 10_000)} == {10}
    assert values_read([sample(["a", "b"])]) == [["a", "b"]]


def test_long_cells_cost_no_more_than_their_beginning() -> None:
    assert tokens_of_values(["long " * 100_000]) == tokens_of_values([("long " * 100)])


def test_every_column_learned_from_has_values_and_a_known_tag() -> None:
    files = [it for folder in FOLDERS["cells"] for it in (labelled.HERE / folder).glob("*/*.txt")]
    columns = [(file, column) for file in files for table in read(file) for column in table]
    assert len(columns) > 40_000
    assert all(it.name and it.tag in core().tags for _, it in columns)
    assert np.mean([len(it.values) for _, it in columns]) > 4
    empty = [(file, it) for file, it in columns if not it.values]
    assert {file.parent.name for file, _ in empty} <= {"published"}  # what names somebody is not kept
    assert len(empty) < 500
