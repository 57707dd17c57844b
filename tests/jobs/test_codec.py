"""Plans, presentations and releases as JSON: nothing lost, nothing unknown let in, one digest per request."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Callable
from dataclasses import replace
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given, settings
from statements import BOTH, PURE, ZCDP, planned, read, statements

from jobs.codec import (
    plan_from_json,
    plan_to_json,
    presentation_from_json,
    presentation_to_json,
    released_from_json,
    released_to_json,
)
from jobs.plan import Plan, Released
from jobs.replay import parse_plan, replay_key, replay_key_of_text
from sandbox import canonical

RICH = (
    "SELECT s.ward, AVG(cost) AS mean, MEDIAN(cost), HISTOGRAM(days, 2), COUNT(DISTINCT s.ward) "
    "FROM a.stays s LEFT JOIN c.wards w ON s.ward = w.ward AND w.beds > 3 "
    "JOIN b.people p ON s.person = p.id "
    "GROUP BY ROLLUP(s.ward, sure) HAVING COUNT(*) > 1.5 ORDER BY mean DESC LIMIT 3"
)
PER_UNIT = (
    "SELECT free, AVG(n), CLIPPED(n) FROM (SELECT person, free, COUNT(*) n FROM a.stays "
    "GROUP BY person, free HAVING MAX(ward) > 'A') x GROUP BY free"
)


def again(plan: Plan) -> Plan:
    return plan_from_json(json.loads(canonical.encode(plan_to_json(plan))))


@pytest.mark.parametrize("text", [RICH, PER_UNIT, f"{RICH}; {PER_UNIT}"])
def test_plans_survive_json(text: str) -> None:
    plan = planned(text, BOTH)
    assert again(plan) == plan
    assert plan_to_json(again(plan)) == plan_to_json(plan)


@given(statements())
def test_every_plan_survives_json(text: str) -> None:
    assert again(planned(text, BOTH)) == planned(text, BOTH)


def test_categories_keep_their_types() -> None:
    one = planned("SELECT CASE WHEN days > 3 THEN 1 ELSE 0 END AS k, COUNT(*) FROM a.stays GROUP BY k")
    two = planned("SELECT CASE WHEN days > 3 THEN TRUE ELSE FALSE END AS k, COUNT(*) FROM a.stays GROUP BY k")
    assert [type(value) for value in again(two).answers[0].keys[0].categories or ()] != [
        type(value) for value in again(one).answers[0].keys[0].categories or ()
    ]
    assert replay_key(one, ["d"], ["p"]) != replay_key(two, ["d"], ["p"])


def _set(path: tuple[Any, ...], value: Any) -> Callable[[Any], None]:
    def change(data: Any) -> None:
        *above, last = path
        for step in above:
            data = data[step]
        data[last] = value

    return change


@pytest.mark.parametrize(
    "change",
    [
        _set(("mechanism",), "none"),
        _set(("parts", 0, "frame", 0, 0), "table-scan"),
        _set(("parts", 0, "frame", 0, 1), "full"),
        _set(("parts", 0, "measurements", 0, 0), "exact"),
        _set(("parts", 0, "measurements", 0), ["units"]),
        _set(("parts", 0, "rows"), "many"),
        _set(("answers", 0, "recipes", 0, 0), "max"),
        _set(("sources", 0), ["a.stays"]),
        lambda data: data.pop("tables"),
        lambda data: data["parts"][0].pop("within"),
        lambda data: data["parts"][0]["keys"][0].append(1),
    ],
)
def test_what_is_no_plan_is_refused(change: Callable[[Any], None]) -> None:
    data = json.loads(canonical.encode(plan_to_json(planned(RICH, BOTH))))
    change(data)
    with pytest.raises(ValueError):
        plan_from_json(data)


def test_presentations_survive_json() -> None:
    text = f"{RICH}; SELECT COUNT(*) AS n FROM a.stays"
    queries, plan = read(text), planned(text, BOTH)
    shown = presentation_from_json(json.loads(canonical.encode(presentation_to_json(queries))), plan)
    for query, back in zip(queries, shown, strict=True):
        assert (back.outputs, back.having, back.order, back.limit) == (
            query.outputs,
            query.having,
            query.order,
            query.limit,
        )
        assert (back.keys, back.sets) == (query.keys, query.sets)


def test_releases_survive_json() -> None:
    selected = Released(((None, True), ("x", dt.date(2020, 1, 2)), (1, 2.5)), ((10**30, -1, 0),))
    plain = Released(None, ((1, 2), ()))
    held = json.loads(canonical.encode(released_to_json([selected, plain])))
    assert released_from_json(held) == (selected, plain)


def test_replay_keys_tell_apart_what_differs_and_nothing_else() -> None:
    text = "SELECT ward, SUM(days) AS s FROM a.stays GROUP BY ward"
    plan = planned(text)
    others = [
        planned(text, amount=Fraction(1, 2)),
        planned(text, PURE),
        planned(text, replace(ZCDP, max_rows=3)),
        planned("SELECT ward, SUM(days) FROM a.stays WHERE days > 1 GROUP BY ward"),
        planned("SELECT ward, sure, SUM(days) FROM a.stays GROUP BY GROUPING SETS ((ward), (sure))"),
    ]
    keys = [replay_key(item, ["d"], ["p"]) for item in (plan, *others)]
    keys += [replay_key(plan, ["e"], ["p"]), replay_key(plan, ["d"], ["q"]), replay_key(plan, ["p"], ["d"])]
    assert len(set(keys)) == len(keys)
    renamed = planned("SELECT ward AS w, SUM(days) AS t FROM a.stays GROUP BY ward ORDER BY t LIMIT 1")
    assert replay_key(renamed, ["d"], ["p"]) == keys[0]


def test_the_order_of_statements_is_no_part_of_a_replay_key() -> None:
    one, two = "SELECT COUNT(*) FROM a.stays", "SELECT AVG(days) FROM a.stays WHERE urgent"
    keys = {replay_key(planned(f"{a}; {b}"), ["d"], ["p"]) for a, b in ((one, two), (two, one))}
    assert len(keys) == 1


@settings(max_examples=25)
@given(statements())
def test_replay_keys_of_stored_text_are_those_of_the_plan(text: str) -> None:
    plan = planned(text, BOTH)
    stored = canonical.encode(plan_to_json(plan)).decode()
    said, measured = parse_plan(stored)
    assert said == json.loads(stored)
    assert replay_key_of_text(measured, ("d",), ("p",)) == replay_key(plan, ["d"], ["p"])


NO_PLANS = ["", "{}", '{"answers":', '{"answers":[]}', '{"answers":[],"answers":[]}', "[]", "1.5"]


@pytest.mark.parametrize("text", NO_PLANS)
def test_what_is_no_text_of_a_plan_is_a_value_error(text: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        parse_plan(text)
