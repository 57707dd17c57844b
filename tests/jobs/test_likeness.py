"""How alike questions are: by their words, not by blanks, case or constants."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jobs.sql.likeness import likeness

ONE = "SELECT ward, COUNT(*) AS n FROM health.stays WHERE days > 3 AND ward = 'A' GROUP BY ward"


@pytest.mark.parametrize(
    ("other", "how"),
    [
        (ONE, "same"),
        (ONE.lower().replace("'a'", "'A'").replace(" ", "  ") + ";", "same"),
        (ONE.replace("3", "4"), "constants"),
        (ONE.replace("'A'", "'B'"), "constants"),
        (ONE.replace("AND ward = 'A'", "AND ward = 'A' AND urgent"), "close"),
        (ONE.replace("ward = 'A'", "ward <> 'A'"), "close"),
        ("SELECT COUNT(*) AS n FROM health.stays", None),
        ("SELECT 'unfinished", None),
        ("", None),
    ],
)
def test_likeness(other: str, how: str | None) -> None:
    assert likeness(ONE, other) == how
    assert likeness(other, ONE) == how


@given(st.text(max_size=60), st.text(max_size=60))
def test_any_text_is_compared(one: str, other: str) -> None:
    assert likeness(one, one) == "same"
    assert likeness(one, other) in ("same", "constants", "close", None)


def test_long_texts_are_not_compared_word_by_word() -> None:
    long = f"SELECT COUNT(*) FROM a.b WHERE x IN ({', '.join(map(str, range(3000)))})"
    assert likeness(long, long.replace("2999", "3000")) == "constants"
    assert likeness(long, f"{long} AND y") is None
