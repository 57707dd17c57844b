"""The fast way to canonical bytes writes what the careful one does."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sandbox import canonical
from sandbox.audit import verify_bundle

TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=8)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | TEXT,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXT, inner, max_size=4),
    max_leaves=12,
)


@given(VALUES)
def test_all_three_write_the_same(value: object) -> None:
    careful = canonical._by_code_units(value)
    assert canonical.write(value) == canonical.encode(value) == verify_bundle.canonical(value) == careful
    assert canonical.parse(careful.decode()) == value


def test_keys_beyond_the_basic_plane_are_ordered_by_code_units() -> None:
    value = {"\ufb00": 1, "\U00010000": 2}
    assert list(json.loads(canonical.write(value))) == ["\U00010000", "\ufb00"]


@pytest.mark.parametrize("text", ["1.5", "[1e3]", "NaN", '{"a":-Infinity}'])
def test_floats_are_refused(text: str) -> None:
    with pytest.raises(ValueError, match="no floats"):
        canonical.parse(text)
