"""Outlines: enough of a plan to find its loss again, and nothing of what was asked about."""

from __future__ import annotations

import json

import pytest
from hypothesis import given, settings
from statements import BOTH, planned, statements

from jobs.codec import plan_to_json
from jobs.outline import outline, outline_digest

SECRET = (
    "SELECT ward AS alias, AVG(days * 37) AS x FROM a.stays "
    "WHERE cost > 611.25 AND free = 'needle' GROUP BY ward"
)


def test_constants_aliases_columns_and_categories_are_gone() -> None:
    text = json.dumps(outline(plan_to_json(planned(SECRET, BOTH))))
    for word in ("alias", "611", "needle", "cost", "free", '"A"'):
        assert word not in text
    assert "a.stays" in text


def test_statements_that_differ_in_a_constant_only_have_one_outline() -> None:
    one, other = (plan_to_json(planned(SECRET.replace("needle", word), BOTH)) for word in ("x", "y"))
    assert one != other
    assert outline_digest(one) == outline_digest(other)


@settings(max_examples=25)
@given(statements())
def test_every_plan_has_an_outline_of_its_bounds_and_noise(text: str) -> None:
    plan = planned(text, BOTH)
    made = outline(plan_to_json(plan))
    assert [part["rows"] for part in made["parts"]] == [part.rows for part in plan.parts]
    assert [len(part["measurements"]) for part in made["parts"]] == [
        len(part.measurements) for part in plan.parts
    ]


@pytest.mark.parametrize(
    "broken", [{}, {"parts": 3}, {"mechanism": 1, "sources": [], "tables": [], "parts": [{}]}]
)
def test_what_is_no_plan_is_refused(broken: object) -> None:
    with pytest.raises(ValueError, match="not a plan"):
        outline(broken)  # type: ignore[arg-type]
