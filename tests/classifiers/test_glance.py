"""A glance only saves time: what it rules out would not have spoken."""

from __future__ import annotations

import pyarrow as pa
import pytest

from benchmarks.classification import labelled
from classifiers.evidence import patterns
from classifiers.evidence.checks import compact
from classifiers.evidence.glance import DIGITS, HOLDS, LENGTHS, Glance
from classifiers.evidence.patterns import PATTERNS
from classifiers.evidence.sample import draw
from sandbox.vault.propose import propose_fields
from sandbox.vault.source import open_source
from service.datasets.declared import SampledRows

TABLES = [table for chosen in labelled.SETS for table in labelled.tables(chosen, "development")][::5]


def test_only_known_patterns_are_ruled_out() -> None:
    assert HOLDS.keys() | DIGITS.keys() | LENGTHS.keys() <= {it.rule for it in PATTERNS}


@pytest.mark.parametrize("table", TABLES, ids=lambda table: table.name)
def test_without_a_glance_evidence_is_the_same(table: labelled.Table) -> None:
    """What a glance rules out would have been given up at the probe, or by all values it is looked at."""
    source = open_source(table.path)
    for column, sample in draw(propose_fields(source), SampledRows(source)).items():
        view = patterns.view_of(sample.values)
        probe = view.every(len(view.plain) // patterns.PROBED)
        glance = Glance(probe.plain.to_pylist(), probe.compact.to_pylist())
        asked = [it for it in PATTERNS if sample.kind in it.kinds and not glance.allows(it.rule, it.digits)]
        near = [it for it in asked if patterns._share(it, probe) >= it.share * patterns.PROBE_SHARE]
        assert [it.rule for it in near if patterns._evidence(it, view) is not None] == [], column


@pytest.mark.parametrize("table", TABLES[::16], ids=lambda table: table.name)
def test_all_evidence_is_the_same_without_it(table: labelled.Table, monkeypatch: pytest.MonkeyPatch) -> None:
    source = open_source(table.path)
    samples = draw(propose_fields(source), SampledRows(source))
    quick = {column: patterns.value_evidence(sample) for column, sample in samples.items()}
    monkeypatch.setattr(Glance, "allows", lambda *_: True)
    assert quick == {column: patterns.value_evidence(sample) for column, sample in samples.items()}


def test_a_wrong_glance_would_be_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Glance, "allows", lambda *_: False)
    with pytest.raises(AssertionError):
        test_without_a_glance_evidence_is_the_same(TABLES[0])


def test_a_glance_at_nothing_allows_only_what_needs_nothing() -> None:
    glance = Glance([], [])
    assert not glance.allows("email")
    assert not glance.allows("dates")
    assert glance.allows("password")


@pytest.mark.parametrize(
    ("texts", "rule", "allowed"),
    [
        (["a@b.c"] * 3, "email", True),
        (["a.b.c"] * 3, "email", False),
        (["a@b.c", *["x"] * 10], "email", True),
        (["a@b.c", *["x"] * 30], "email", False),
        (["12345678-9"] * 3, "siren-fr", True),
        (["1234567890"] * 3, "siren-fr", False),
        (["Jan 5, 2020"] * 3, "dates", True),
        (["year 2020"] * 3, "dates", False),
        (["路"] * 3, "address-zh", True),
        (["road"] * 3, "address-zh", False),
    ],
)
def test_what_values_hold_decides(texts: list[str], rule: str, allowed: bool) -> None:
    assert Glance(texts, compact(pa.array(texts)).to_pylist()).allows(rule) is allowed
