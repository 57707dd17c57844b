"""Words with a meaning: how they are cut out, what is near what, and whose vectors a network takes."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmarks.classification import fit_meanings
from classifiers.evidence.cells import tokens_of_values
from classifiers.evidence.meanings import BAG, LONGEST, meanings, words_in
from classifiers.evidence.network import from_arrays, network, to_arrays
from classifiers.evidence.tokens import tokens_of


def closeness(one: str, other: str) -> float:
    known = meanings()
    left, right = (known.vectors[known.rows[it]] for it in (one, other))
    return float(left @ right / np.linalg.norm(left) / np.linalg.norm(right))


@pytest.mark.parametrize(
    ("word", "near", "far"),
    [
        ("vaccination", "immunization", "invoice"),
        ("salary", "wage", "voltage"),
        ("trout", "salmon", "diploma"),
        ("患者", "病人", "螺栓"),
        ("工资", "薪酬", "海拔"),
    ],
)
def test_words_of_like_meaning_are_near(word, near, far) -> None:
    assert closeness(word, near) > closeness(word, far) + 0.2


@given(st.text(st.characters(min_codepoint=0x4E00, max_codepoint=0x9FFF), min_size=1, max_size=40))
def test_chinese_is_cut_into_known_words_in_order(text) -> None:
    found, place = list(words_in(text)), 0
    for word in found:
        assert word in meanings().rows
        place = text.index(word, place) + len(word)
    assert all(len(word) <= LONGEST for word in found)


def test_the_longest_words_from_the_left() -> None:
    assert list(words_in("接种日期")) == ["接种", "日期"]
    assert list(words_in("naissance")) == ["naissance"]
    assert list(words_in("zwqchtwart")) == []


def test_names_and_values_have_their_words() -> None:
    assert tokens_of("PatientAdmissionDate")[2] == [["patient", "admission", "date"]]
    assert tokens_of("column_3")[2] == []
    assert tokens_of_values(["Registered nurse", "2020-01-01"])[2] == [["registered", "nurse"], []]


def test_a_network_trained_beside_other_vectors_is_refused() -> None:
    arrays = to_arrays(network("headers"))
    arrays[f"{BAG} digest"] = arrays[f"{BAG} digest"] + 1
    with pytest.raises(ValueError, match="train it again"):
        from_arrays(arrays)


def test_which_words_are_kept(monkeypatch) -> None:
    monkeypatch.setattr(fit_meanings, "_written", lambda known: iter(["rare"] * 4 + ["rarer"] * 3))
    monkeypatch.setattr(fit_meanings, "ENGLISH", 2)
    listed = "常用 90 n\n少见 3 n\nB超 500 n\n六个字的长词 500 n"
    assert fit_meanings.chosen(["the", ",", "of", "rare", "rarer"], listed) == ["of", "rare", "the", "常用"]


def test_both_sources_say_how_near_words_are() -> None:
    draws = np.random.default_rng(5)
    words = ["a", "b", "c", "词", "字"] + [f"word{place}" for place in range(300)]
    embedded = draws.normal(size=(len(words), 384)).astype(np.float32)
    embedded[1] = embedded[0]
    glove = {"a": [*draws.normal(size=100), 1.0, 2.0], "c": [*draws.normal(size=100), 1.0, 2.0]}
    glove["b"] = glove["a"]
    found = fit_meanings.projected(words, embedded, glove)
    assert found.shape == (len(words), fit_meanings.DIMENSIONS)
    assert np.allclose(found[0], found[1], atol=1e-5)
    assert not np.allclose(found[0], found[2], atol=1e-2)
    assert np.sqrt(np.square(found).mean()) == pytest.approx(fit_meanings.LENGTH, rel=1e-4)
