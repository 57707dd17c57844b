"""Strict YAML: scalars of the 1.2 core schema, exact numbers, every trap refused with its line, quickly."""

from __future__ import annotations

import math
import os
import re
import subprocess
import sys
from fractions import Fraction
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from policies.load import MAX_DEPTH, load, show_path
from sandbox.errors import InvalidInputError
from tests.support.effort import at_most

ROOT = Path(__file__).resolve().parents[2]


def value(text: str) -> object:
    return load(f"a: {text}", "p.yaml").data["a"]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("NO", "NO"),
        ("No", "No"),
        ("on", "on"),
        ("yes", "yes"),
        ("12:30", "12:30"),
        ("2027-12-31", "2027-12-31"),
        ("010", 10),
        ("0o17", 15),
        ("0x1F", 31),
        ("-12", -12),
        ("+12", 12),
        ("1_000", "1_000"),
        ("1e-6", Fraction(1, 10**6)),
        ("0.1", Fraction(1, 10)),
        (".5", Fraction(1, 2)),
        ("5.", Fraction(5)),
        ("1e3", Fraction(1000)),
        ("e3", "e3"),
        ("~", None),
        ("null", None),
        ("nUll", "nUll"),
        ("", None),
        ("true", True),
        ("TRUE", True),
        ("tRue", "tRue"),
        ("'1'", "1"),
        ('"null"', "null"),
        ("'.inf'", ".inf"),
        ("inf", "inf"),
        ("NaN", "NaN"),
        ("'<<'", "<<"),
        ("[NO, No]", ["NO", "No"]),
    ],
)
def test_core_schema(text: str, expected: object) -> None:
    got = value(text)
    assert got == expected
    assert type(got) is type(expected)


@pytest.mark.parametrize(
    ("text", "code", "line"),
    [
        ("a: 1\nb: 2\na: 3", "policy.duplicate-key", 3),
        ("a: 1\nb:\n  'c': 2\n  c: 3", "policy.duplicate-key", 4),
        ("a: &x 1", "policy.alias", 1),
        ("a: 1\nb: *a", "policy.alias", 2),
        ("&k a: 1", "policy.alias", 1),
        ("a: !!str 1", "policy.tag", 1),
        ("a: ! 1", "policy.tag", 1),
        ("a:\n  - !!python/object/apply:os.system [x]", "policy.tag", 2),
        ("a:\n  <<: {b: 1}", "policy.merge-key", 2),
        ("%YAML 1.1\n---\na: 1", "policy.directive", 1),
        ("a: 1\n---\nb: 1", "policy.more-documents", 2),
        ("a: .inf", "policy.not-finite", 1),
        ("a: -.INF", "policy.not-finite", 1),
        ("a: 1\nb: [1, .nan]", "policy.not-finite", 2),
        ("a: 1\ntrue: 2", "policy.key-not-text", 2),
        ("a: 1\n7: 2", "policy.key-not-text", 2),
        ("? [a]\n: 1", "policy.key-not-text", 1),
        ("a: 1\nb: [", "policy.not-yaml", 3),
        ("a:\n\tb: 1", "policy.not-yaml", 2),
        ("a: 1\nb: \x07", "policy.invisible-character", 2),
        ("a: 1\nb: \u202egp.exe", "policy.invisible-character", 2),
        ('a: 1\nb: "\\x07"', "policy.invisible-character", 2),
        ("a: 1\u2028b: 2", "policy.invisible-character", 1),
        ("a: " + "9" * 900, "policy.number-too-long", 1),
        ("a: 1e9999999999", "policy.number-too-long", 1),
        ("a: " + "[" * MAX_DEPTH + "]" * MAX_DEPTH, "policy.too-deep", 1),
    ],
)
def test_refused_with_line(text: str, code: str, line: int) -> None:
    with pytest.raises(InvalidInputError) as caught:
        load(text, "p.yaml")
    assert (caught.value.code, caught.value.facts["line"]) == (code, line)


@pytest.mark.parametrize(
    ("source", "code"),
    [
        (b"", "policy.empty"),
        (b"# only a comment", "policy.empty"),
        (b"a: \xe9", "policy.not-utf-8"),
        ("a: \ud800", "policy.not-utf-8"),
        (b"a: 1\x00", "policy.invisible-character"),
    ],
)
def test_refused_files(source: bytes | str, code: str) -> None:
    with pytest.raises(InvalidInputError) as caught:
        load(source, "p.yaml")
    assert caught.value.code == code


@pytest.mark.parametrize(
    "text",
    [
        "[" * 20_000,
        "{a: " * 20_000,
        "- " * 20_000,
        "? " * 20_000,
        "a: " * 300_000,
        "a: " + "x" * 10_000_000,
        'a: "' + "x" * 990_000,
        "a: " + "9" * 990_000,
        "a: 0x" + "f" * 990_000,
        "[" + "1," * 490_000 + "]",
        "[" + "[]," * 300_000 + "]",
        "".join(f"k{i}: 1\n" for i in range(70_000)),
        "a: &a [x, x]\nb: &b [*a, *a]\nc: [*b, *b]\n" * 10_000,
        "&a " * 300_000,
        "\n" * 990_000 + "%",
    ],
    ids=lambda text: f"{text[:8]!r}x{len(text)}",
)
def test_hostile_files_cost_no_more_than_their_size(text: str) -> None:
    with at_most(20), pytest.raises(InvalidInputError):
        load(text, "p.yaml")


def test_byte_order_mark_says_nothing() -> None:
    source = b"\xef\xbb\xbfa: 1"
    assert load(source, "p.yaml").data == load(source.decode(), "p.yaml").data == {"a": 1}


def test_positions() -> None:
    document = load("a:\n  b:\n    - 1\n    - c: 2\n", "p.yaml")
    assert [document.line(path) for path in [(), ("a",), ("a", "b", 1, "c"), ("a", "x", "y")]] == [1, 1, 4, 1]
    assert show_path(("a", "b", 1, "c")) == "a.b[1].c"
    assert show_path(()) == "$"


@given(st.text(max_size=60))
def test_any_text_loads_or_is_refused(text: str) -> None:
    try:
        data = load(text, "p.yaml").data
    except InvalidInputError:
        return
    assert no_floats(data)


@settings(max_examples=300)
@given(st.text("ab:-[]{}'\"#&*!%|>?, \n0.1e<~", max_size=40))
def test_any_yaml_like_text_loads_or_is_refused(text: str) -> None:
    test_any_text_loads_or_is_refused.hypothesis.inner_test(text)


@given(st.decimals(allow_nan=False, allow_infinity=False, min_value=-(10**9), max_value=10**9, places=9))
def test_numbers_are_exact(number: object) -> None:
    got = value(str(number))
    assert isinstance(got, int | Fraction)
    assert got == Fraction(str(number))


JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(10**30), 10**30)
    | st.text(st.characters(codec="utf-8", categories=("L", "N", "P", "Zs"))),
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.text("abc_", min_size=1), inner, max_size=4)
    ),
    max_leaves=12,
)


@given(JSON)
def test_json_is_read_as_json(data: object) -> None:
    """JSON is a subset of YAML 1.2, so the json module is an independent writer."""
    import json

    assert load(json.dumps(data, ensure_ascii=False), "p.yaml").data == data


def no_floats(data: object) -> bool:
    if isinstance(data, dict):
        return all(map(no_floats, data.values()))
    if isinstance(data, list):
        return all(map(no_floats, data))
    return not isinstance(data, float)


def test_floats_agree_with_python_where_both_read_a_number() -> None:
    for text in ("1", "1.5", "-0.0", "1e3", "1E-3", ".5", "5."):
        assert re.fullmatch(r"[-+.0-9eE]+", text)
        assert math.isclose(float(Fraction(value(text))), float(text), abs_tol=0)  # type: ignore[arg-type]


def test_a_hostile_policy_takes_less_than_a_second_and_bounded_memory(text: str) -> None:
    """From the text to the policy, in a process of its own: whatever memory libyaml takes counts."""
    script = ROOT / "tests" / "support" / "hostile_policies.py"
    told = subprocess.run(
        [sys.executable, str(script)],
        input=text,
        capture_output=True,
        text=True,
        check=True,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )
    rows = dict(line.split() for line in told.stdout.splitlines())
    base, peak = int(rows.pop("base")), int(rows.pop("peak"))
    assert len(rows) == 21
    assert {name: seconds for name, seconds in rows.items() if float(seconds) >= 1} == {}
    assert peak - base < 100_000, f"{(peak - base) / 1000:.0f} MB; the texts are up to 10 MB"
