"""Canonical JSON: the bytes of RFC 8785 for everything we encode, and one digest for one policy."""

from __future__ import annotations

import json
import random
from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from policies.build import parse
from policies.model import canonical as content
from policies.model import policy_digest
from sandbox import canonical
from sandbox.errors import InvalidInputError

# RFC 8785, section 3.2.3: the sorting sample, its keys and the order of their values.
SORTING = {
    "\u20ac": "Euro Sign",
    "\r": "Carriage Return",
    "\ufb33": "Hebrew Letter Dalet With Dagesh",
    "1": "One",
    "\U0001f600": "Emoji: Grinning Face",
    "\u0080": "Control",
    "\u00f6": "Latin Small Letter O With Diaeresis",
}
SORTED = [
    "Carriage Return",
    "One",
    "Control",
    "Latin Small Letter O With Diaeresis",
    "Euro Sign",
    "Emoji: Grinning Face",
    "Hebrew Letter Dalet With Dagesh",
]
# Section 3.2.2 (string and literals) and its bytes in 3.2.4; its numbers have fractions, which are not ours.
STRING = "\u20ac$\u000f\u000aA'\u0042\u0022\u005c\\\"/"
STRING_BYTES = bytes.fromhex("e282ac245c75303030665c6e4127425c225c5c5c5c5c222f")


def test_keys_stand_in_the_order_of_utf_16() -> None:
    assert list(json.loads(canonical.encode(SORTING)).values()) == SORTED


def test_the_sample_of_the_rfc() -> None:
    said = {"string": STRING, "literals": [None, True, False]}
    assert canonical.encode(said) == b'{"literals":[null,true,false],"string":"' + STRING_BYTES + b'"}'


@pytest.mark.parametrize(
    ("value", "written"),
    [
        ("\b\t\n\f\r", rb'"\b\t\n\f\r"'),
        ("\x00\x1f", rb'"\u0000\u001f"'),
        ("\x7f\u2028/", b'"\x7f\xe2\x80\xa8/"'),
        ("\U0001f600", b'"\xf0\x9f\x98\x80"'),
        ([], b"[]"),
        ({}, b"{}"),
        # Appendix B, rows that are integers: the largest that doubles tell apart, and zero.
        (0, b"0"),
        (9007199254740992, b"9007199254740992"),
        (-9007199254740992, b"-9007199254740992"),
        ({"b": {"z": 1, "a": 2}, "a": [3, "x"]}, b'{"a":[3,"x"],"b":{"a":2,"z":1}}'),
    ],
)
def test_small_vectors(value: object, written: bytes) -> None:
    assert canonical.encode(value) == written


@pytest.mark.parametrize("value", ["\ud800", {"\udc00": 1}, ["\ud83d"]])
def test_half_a_pair_is_no_text(value: object) -> None:
    with pytest.raises(UnicodeEncodeError):
        canonical.encode(value)


@pytest.mark.parametrize("value", [1.0, [float("nan")], {"a": {"b": 1e300}}, {1: 2}, {None: 1}, {True: 1}])
def test_no_floats_and_no_other_keys(value: object) -> None:
    with pytest.raises(TypeError):
        canonical.encode(value)


ANY = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text(st.characters(codec="utf-8")),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(st.text(st.characters(codec="utf-8"), max_size=3), inner, max_size=4)
    ),
    max_leaves=10,
)


@given(ANY)
def test_the_bytes_say_the_value_and_nothing_else(value: Any) -> None:
    written = canonical.encode(value)
    assert json.loads(written) == value
    assert canonical.encode(json.loads(written)) == written


# --- policies ----------------------------------------------------------------------------------------

SETS = ("use", "to", "purposes", "operations", "joins")


def relaid(value: Any, rng: random.Random) -> Any:
    """The same policy in another order: of keys everywhere, of items where a list is a set."""
    if isinstance(value, list):
        return [relaid(item, rng) for item in value]
    if not isinstance(value, dict):
        return value
    items = list(value.items())
    rng.shuffle(items)
    return {key: rng.sample(item, len(item)) if key in SETS else relaid(item, rng) for key, item in items}


@settings(max_examples=60)
@given(seed=st.integers(0, 10**9), flow=st.sampled_from([True, False, None]), width=st.integers(20, 200))
def test_another_layout_is_the_same_policy(text: str, seed: int, flow: bool | None, width: int) -> None:
    again = yaml.safe_dump(
        relaid(yaml.load(text, Loader=yaml.BaseLoader), random.Random(seed)),
        sort_keys=False,
        default_flow_style=flow,
        width=width,
        allow_unicode=bool(seed % 2),
    )
    # BaseLoader reads every scalar as text: take the quotes off what was a number, a day or null.
    plain = "\n".join(f"{line}  # {seed}" if seed % 3 else line for line in again.splitlines())
    assert policy_digest(parse(unquoted(plain), "b.yaml")) == policy_digest(parse(text, "a.yaml"))


def unquoted(text: str) -> str:
    import re

    return re.sub(r"'([0-9][0-9.e-]*|null)'", r"\1", text)


CHANGES = [
    ("version: 1", "version: 2"),
    ("owner: health-bureau", "owner: other"),
    ("owner: health-bureau", "owner: health-bureau, supersedes: " + "ab" * 32),
    ("max_rows: 4", "max_rows: 5"),
    ("max_rows: 4", "max_rows: 4, max_groups: 4"),
    ("max_rows: 4", "max_rows: 4, max_group_rows: 4"),
    ("expected_units: 70000", "expected_units: 70001"),
    ("epsilon: 8", "epsilon: 8.000000000001"),
    ("delta: 1e-6", "delta: 1.000000000001e-6"),
    ("per_job: 1", "per_job: 2"),
    ("every: week", "every: day"),
    ('"pi.*": deny, ', ""),
    ("[null, Norm", "[Norm, null"),
    ("Norm", "norm"),
    ("bounds: [1, 14]", "bounds: [1, 15]"),
    ("grid: 1", "grid: 0.5"),
    ("2020-01-01", "2020-01-02"),
    ("use: [group], dates", "use: [group, filter], dates"),
    ("group:researchers", "researchers"),
    ("readmission-statistics", "readmission_statistics"),
    ("[count, sum", "[count, distinct, sum"),
    ("until: 2027-12-31", "until: 2028-01-01"),
    ("approval: auto", "approval: owner"),
]


@pytest.mark.parametrize(("old", "new"), CHANGES)
def test_another_content_is_another_policy(text: str, old: str, new: str) -> None:
    assert old in text
    assert policy_digest(parse(text.replace(old, new, 1), "p")) != policy_digest(parse(text, "p"))


@settings(max_examples=150)
@given(st.data())
def test_equal_digests_mean_equal_policies(text: str, data: st.DataObject) -> None:
    """Any edit of one character is refused, or changes the digest exactly if it changes the policy."""
    place = data.draw(st.integers(0, len(text) - 1))
    edited = text[:place] + data.draw(st.sampled_from("01 ax.-_,\n")) + text[place + 1 :]
    try:
        policy, before = parse(edited, "p"), parse(text, "p")
    except InvalidInputError:
        return
    assert (policy_digest(policy) == policy_digest(before)) == (content(policy) == content(before))
    assert (policy == before) == (policy_digest(policy) == policy_digest(before)) or reordered(policy, before)


def reordered(one: Any, other: Any) -> bool:
    """Whether two policies differ in an order that says nothing (of columns, of denied tags) only."""
    return (set(one.columns), set(one.denied)) == (set(other.columns), set(other.denied))


def test_a_policy_holds_no_integer_beyond_a_double(text: str) -> None:
    def integers(value: Any) -> list[int]:
        if isinstance(value, dict):
            return [n for item in value.values() for n in integers(item)]
        if isinstance(value, list):
            return [n for item in value for n in integers(item)]
        return [value] if isinstance(value, int) else []

    largest = text.replace("expected_units: 70000", f"expected_units: {10**12}")
    assert max(integers(content(parse(largest, "p")))) == 10**12 < 2**53
    with pytest.raises(InvalidInputError):
        parse(text.replace("expected_units: 70000", f"expected_units: {10**12 + 1}"), "p")
