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
    source = open_source(table.path)
    samples = draw(propose_fields(source), SampledRows(source))
    looked_at = []
    for (column, sample), view in zip(samples.items(), patterns.views_of(samples.values()), strict=True):
        ruled_out = {it.rule for it in PATTERNS if not view.glance.allows(it.rule, it.digits)}
        looked_at.append((column, sample, view, ruled_out))
    for pattern in PATTERNS:
        asked = [it for it in looked_at if it[1].kind in pattern.kinds and pattern.rule in it[3]]
        shares = patterns._shares(pattern, [view for _, _, view, _ in asked])
        for (column, _, view, _), share in zip(asked, shares, strict=True):
            assert patterns._evidence(pattern, share, len(view.plain)) is None, (column, pattern.rule)


@pytest.mark.parametrize("table", TABLES[::16], ids=lambda table: table.name)
def test_all_evidence_is_the_same_without_it(table: labelled.Table, monkeypatch: pytest.MonkeyPatch) -> None:
    source = open_source(table.path)
    samples = draw(propose_fields(source), SampledRows(source))
    quick = patterns.value_evidence(samples.values())
    monkeypatch.setattr(Glance, "allows", lambda *_: True)
    assert quick == patterns.value_evidence(samples.values())


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
