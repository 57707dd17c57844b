"""Alerts: each rule fires on what it is about and keeps silent about what is usual."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from statements import BOTH, planned, statements

from jobs.codec import plan_to_json
from jobs.likeness import Likeness, likeness
from sandbox.privacy.loss import Loss
from service.audit.alerts import Known, Thresholds, alerts
from service.audit.journal import Entry
from service.audit.telling import alert, loosened

START = dt.datetime(2026, 11, 23, 8, tzinfo=dt.UTC)


class Log:
    """A log by hand: entries follow each other by a minute unless told otherwise."""

    def __init__(self) -> None:
        self.entries: list[Entry] = []
        self.at = START
        self.plans: dict[str, tuple[Likeness, ...]] = {}

    def add(self, kind: str, actor: str = "wang", minutes: float = 1, **facts: Any) -> None:
        self.at += dt.timedelta(minutes=minutes)
        self.entries.append(Entry(len(self.entries), kind, self.at.isoformat(), actor, facts))

    def ask(self, text: str, actor: str = "wang", minutes: float = 60, rho: int = 1, amount: int = 1) -> None:
        job = f"job-{len(self.entries)}"
        self.plans[job] = likeness(plan_to_json(planned(text, BOTH, amount)))
        self.add("decision", actor, minutes, job=job, datasets=[{"dataset": "a.stays"}], purpose="p")
        self.add("charge", actor, 0, job=job, lineage="L", epsilon_pico=0, rho_pico=rho, delta_atto=0)

    def rules(self, **more: Any) -> list[str]:
        return [one.rule for one in self.found(**more)]

    def found(self, **more: Any) -> list[Any]:
        return alerts(self.entries, Known(self.plans, more.pop("limits", {})), **more)


def count(where: str = "", measure: str = "COUNT(*)") -> str:
    return f"SELECT {measure} FROM a.stays{f' WHERE {where}' if where else ''}"


def asked(*texts: str, **more: Any) -> Log:
    log = Log()
    for text in texts:
        log.ask(text, **more)
    return log


# --- differencing -----------------------------------------------------------------------------------------

NEAR = [
    ("", "days = 3"),
    ("days > 3", "days > 4"),
    ("days > 3", "days >= 4"),
    ("days > 3 AND ward = 'A'", "ward = 'A'"),
    ("days > 3 AND ward = 'A'", "ward = 'A' AND days > 2"),
    ("ward IN ('A', 'B')", "ward IN ('A', 'B', 'C')"),
    ("ward IN ('A', 'B')", "ward = 'A'"),
    ("ward = 'A' OR ward = 'B'", "ward = 'A'"),
    ("days BETWEEN 3 AND 5", "days BETWEEN 2 AND 6"),
    ("ward = 'A'", "ward = 'A' AND days <> 3 AND days <> 4"),
    ("ward = 'A'", "ward = 'A' AND NOT (days = 3 AND urgent)"),
]
FAR = [
    ("days > 3 AND ward = 'A'", "days > 4 AND ward = 'B'"),
    ("", "days > 3 AND ward = 'A'"),
    ("days > 3", "cost > 3 AND sure > 2"),
]


@pytest.mark.parametrize("pair", NEAR)
@pytest.mark.parametrize("who", ["wang", "zhao"])
def test_questions_that_differ_in_one_condition_are_near(pair: tuple[str, str], who: str) -> None:
    log = Log()
    log.ask(count(pair[0]))
    log.ask(count(pair[1]), actor=who)
    (alert,) = log.found()
    assert alert.rule == "near-duplicates"
    assert set(alert.who) == {"wang", who}
    assert alert.facts["count"] == 2


@pytest.mark.parametrize("pair", FAR)
def test_questions_that_differ_in_more_are_not(pair: tuple[str, str]) -> None:
    assert asked(*map(count, pair)).rules() == []


SAME_NUMBER = [
    ("COUNT(*) FILTER (WHERE days > 3)", "", "COUNT(*) FILTER (WHERE days > 4)", ""),
    ("COUNT(*) FILTER (WHERE days > 3 AND ward = 'A')", "", "COUNT(*) FILTER (WHERE ward = 'A')", ""),
    ("COUNT(*) FILTER (WHERE ward IN ('A', 'B'))", "", "COUNT(*) FILTER (WHERE ward IN ('A', 'B', 'C'))", ""),
    ("COUNT(*)", "ward = 'A'", "COUNT(*) FILTER (WHERE ward = 'A' AND days <> 3)", ""),
    ("SUM(CASE WHEN days > 3 THEN 1 ELSE 0 END)", "", "COUNT(*)", "days > 4"),
    ("SUM(CASE WHEN ward IN ('A', 'B') THEN cost ELSE 0 END)", "", "SUM(cost)", "ward IN ('A', 'B', 'C')"),
    ("COUNT(*), AVG(cost)", "days > 3", "COUNT(*)", "days > 4"),
    ("SUM(LEAST(cost, 500))", "", "SUM(LEAST(cost, 501))", ""),
    ("AVG(cost)", "ward = 'A'", "AVG(cost), MEDIAN(cost)", "ward = 'B'"),
    ("MEDIAN(cost)", "days > 3", "MEDIAN(cost)", "days > 4"),
    ("COUNT(DISTINCT ward)", "days > 3", "COUNT(DISTINCT ward)", "days > 4"),
]


@pytest.mark.parametrize("texts", SAME_NUMBER)
@pytest.mark.parametrize("who", ["wang", "zhao"])
def test_a_condition_is_one_wherever_it_stands(texts: tuple[str, str, str, str], who: str) -> None:
    log = Log()
    log.ask(count(texts[1], texts[0]))
    log.ask(count(texts[3], texts[2]), actor=who)
    (found,) = log.found()
    assert (found.rule, set(found.who), found.facts["count"]) == ("near-duplicates", {"wang", who}, 2)


def test_one_more_category_in_a_key_or_a_filter_before_grouping_is_near() -> None:
    def by(categories: str) -> str:
        key = f"CASE WHEN ward IN ({categories}) THEN 'x' ELSE 'y' END"
        return f"SELECT {key} AS k, COUNT(*) FROM a.stays GROUP BY k"

    assert asked(by("'A'"), by("'A', 'B'")).rules() == ["near-duplicates"]
    grouped = "SELECT ward, COUNT(*) FROM a.stays{} GROUP BY ward"
    assert asked(grouped.format(""), grouped.format(" WHERE days <> 3")).rules() == ["near-duplicates"]


def test_statements_of_a_job_are_compared_with_those_of_other_jobs() -> None:
    together = "; ".join((count("days > 3"), count("ward = 'A'", "AVG(cost)")))
    assert asked(together).rules() == []
    assert asked(together, count("days > 4")).rules() == ["near-duplicates"]


def test_a_question_and_its_own_filter_are_not_compared() -> None:
    assert asked(count("", "COUNT(*), COUNT(*) FILTER (WHERE days > 3)")).rules() == []


def test_other_row_bounds_are_no_other_question() -> None:
    log = Log()
    for text, rows in ((count("days > 3"), 4), (count("days > 4"), 2)):
        log.ask(text)
        plan = plan_to_json(planned(text, BOTH))
        plan["parts"][0]["rows"] = plan["parts"][0]["frame"][0][-1] = rows
        log.plans[f"job-{len(log.entries) - 2}"] = likeness(plan)
    assert log.rules() == ["near-duplicates"]


def test_other_questions_are_not_near() -> None:
    assert asked(count("days > 3"), count("days > 4", "SUM(cost)")).rules() == []
    assert asked(count("days > 3"), count("days > 4") + " GROUP BY ward").rules() == []


def test_the_same_question_at_another_price_is_no_difference() -> None:
    log = Log()
    for amount in (1, 2, 3):
        log.ask(count("days > 3"), amount=amount)
    assert log.rules() == []


def test_a_chain_of_near_questions_is_one_alert() -> None:
    where = [f"days > {n}" for n in range(4)]
    (alert,) = asked(*map(count, where)).found()
    assert (alert.rule, alert.level, alert.facts["count"]) == ("near-duplicates", "high", 4)


@settings(max_examples=25, deadline=None)
@given(statements(), st.integers(1, 9))
def test_likeness_knows_neither_noise_nor_order(text: str, amount: int) -> None:
    one, other = (likeness(plan_to_json(planned(text, BOTH, each))) for each in (1, amount))
    assert one == other


def test_likeness_keeps_no_constant() -> None:
    (told,) = likeness(plan_to_json(planned(count("free = 'needle' AND days = 7"), BOTH)))
    assert "needle" not in repr(told)
    assert told.columns == {"free", "days"}
    with pytest.raises(ValueError, match="not a plan"):
        likeness({"parts": [{}], "sources": [], "tables": []})


# --- probing ----------------------------------------------------------------------------------------------


def probes(number: int, **more: Any) -> Log:
    return asked(*(count(f"free = 'p{n}' AND ward = 'A'") for n in range(number)), **more)


def test_many_single_values_are_probing() -> None:
    (alert,) = probes(6).found()
    assert (alert.rule, alert.level, alert.facts["count"]) == ("probing", "high", 6)
    assert alert.facts["columns"] == "free, ward"
    assert alert.what == ("a.stays",)


def test_probing_in_filters_of_what_is_counted_is_probing_too() -> None:
    texts = [
        count("", f"COUNT(*) FILTER (WHERE free = 'p{n}'), AVG(cost) FILTER (WHERE free = 'p{n}')")
        for n in range(6)
    ]
    (found,) = asked(*texts).found()
    assert (found.rule, found.facts["count"], found.facts["columns"]) == ("probing", 6, "free")


def test_a_few_or_slow_ones_are_not() -> None:
    assert probes(4).rules() == ["near-duplicates"]
    assert probes(6, minutes=3 * 24 * 60).rules() == ["near-duplicates"]


def test_ranges_are_not_probing() -> None:
    assert "probing" not in asked(*(count(f"days > {n}") for n in range(8))).rules()


# --- counts -----------------------------------------------------------------------------------------------


def many(kind: str, minutes: Iterable[float], who: str = "wang") -> Log:
    log = Log()
    for each in minutes:
        facts = (
            {"code": "c", "rule": "r"}
            if kind == "refusal"
            else {"job": str(len(log.entries)), "datasets": []}
        )
        log.add(kind, who, each, **facts)
    return log


def test_bursts() -> None:
    assert many("decision", [0.4] * 25).rules() == ["burst"]
    assert many("decision", [1] * 25).rules() == []
    assert many("decision", [0.4] * 19).rules() == []
    two = many("decision", [0.4] * 25 + [60 * 24] + [0.4] * 25)
    assert [alert.facts["count"] for alert in two.found()] == [25, 26]


def test_many_refusals_of_one_person() -> None:
    assert many("refusal", [60] * 12).rules() == ["refusals"]
    assert many("refusal", [60 * 24] * 12).rules() == []
    log = many("refusal", [60] * 6)
    for _ in range(6):
        log.add("refusal", "zhao", 1, code="c", rule="r")
    assert log.rules() == []


def test_many_refusals_of_several_people_about_one_dataset() -> None:
    log = Log()
    for number in range(12):
        about = [{"dataset": "a.stays"}, *([{"dataset": "a.labs"}] if number < 3 else [])]
        log.add("refusal", ("wang", "zhao")[number % 2], 60, code="c", rule="r", datasets=about)
    (found,) = log.found()
    assert (found.rule, found.who, found.what) == ("refusals", ("wang", "zhao"), ("a.stays",))
    assert alert(found.to_json(), "en").endswith("asking of a.stays.")
    for _ in range(10):
        log.add("refusal", "wang", 1, code="c", rule="r", datasets=[{"dataset": "a.stays"}])
    assert [(one.who, one.what) for one in log.found()] == [
        (("wang",), ("a.labs", "a.stays")),
        (("wang", "zhao"), ("a.stays",)),
    ]


@given(st.lists(st.floats(0, 30), max_size=60), st.integers(2, 6), st.integers(1, 60))
def test_runs_hold_every_dense_stretch(gaps: list[float], least: int, within: int) -> None:
    chosen = Thresholds(burst=least, burst_within=dt.timedelta(minutes=within))
    log = many("decision", gaps)
    times = [entry.at for entry in log.entries]
    dense = {
        place
        for end in range(least - 1, len(times))
        if times[end] - times[end - least + 1] <= chosen.burst_within
        for place in range(end - least + 1, end + 1)
    }
    found = [alert for alert in log.found(limits=None) if False] or alerts(log.entries, Known(), chosen)
    covered = {place for alert in found for place in range(alert.first, alert.leaf + 1)}
    assert dense <= covered
    assert bool(dense) == bool(found)


# --- single entries ---------------------------------------------------------------------------------------


def test_spending_close_to_the_limit_is_told_twice() -> None:
    log = Log()
    log.add("policy", "bureau", lineage="L", dataset="a.stays", version=1, digest="d1", loosens=["$"])
    for _ in range(10):
        log.ask(count("days > 3"), rho=10)
    limits = {("L", "d1"): Loss(rho_pico=100)}
    assert [(one.rule, one.level, one.facts["percent"]) for one in log.found(limits=limits)] == [
        ("near-limit", "look", 80),
        ("near-limit", "high", 100),
    ]


SINGLE: list[tuple[str, dict[str, Any], str]] = [
    ("policy", {"lineage": "L", "version": 2, "digest": "d", "loosens": ["budget.epsilon"]}, "loosened"),
    (
        "tags",
        {"dataset": "a.b", "tags": {"nr": "general"}, "proposed": {"nr": "pi.id.generic"}, "reason": "r"},
        "lowered",
    ),
    ("identity", {"roles": "reviewer", "groups": ""}, "identity"),
    ("identity-key", {"key": "k", "former": "j"}, "key"),
    ("rotation", {"lineage": "L", "key": "k", "keys": 3}, "rotation"),
    ("removal", {"lineage": "L", "dataset": "a.b", "keys": 3}, "removal"),
    ("lineage", {"lineage": "L", "namespace": "n", "reason": "another owner"}, "second-lineage"),
    ("drift", {"lineage": "L", "dataset": "a.b", "columns": {"x": "pi.name"}}, "drift"),
    ("export", {"texts": True}, "texts"),
    ("restored", {"found": 3, "lost": 9}, "restored"),
]
USUAL: list[tuple[str, dict[str, Any]]] = [
    ("policy", {"lineage": "L", "version": 1, "digest": "d", "loosens": ["$"]}),
    ("policy", {"lineage": "L", "version": 2, "digest": "d", "loosens": []}),
    ("policy", {"lineage": "L", "version": 2, "digest": "d"}),
    ("lineage", {"lineage": "L", "namespace": "n", "reason": ""}),
    ("tags", {"dataset": "a.b", "tags": {"nr": "general"}, "reason": "older leaves do not say what was"}),
    ("tags", {"dataset": "a.b", "tags": {"nr": "general"}, "proposed": {}, "reason": "as proposed"}),
    (
        "tags",
        {"dataset": "a.b", "tags": {"x": "pi.health"}, "proposed": {"x": "general"}, "reason": "stricter"},
    ),
    ("export", {"texts": False}),
    ("backup", {"files": 3}),
    ("sign-off", {"until": 3, "root": "r", "note": ""}),
    ("something-newer", {"any": 1}),
]


@pytest.mark.parametrize(("kind", "facts", "rule"), SINGLE)
def test_one_entry_is_enough(kind: str, facts: dict[str, Any], rule: str) -> None:
    log = Log()
    log.add(kind, "bureau", **facts)
    assert log.rules() == [rule]


def test_lowered_columns_are_named() -> None:
    log = Log()
    chosen = {"nr": "general", "note": "pi.health", "sex": "pi.gender"}
    proposed = {"nr": "pi.id.resident", "note": "general"}
    log.add("tags", "bureau", dataset="a.b", lineage="L", tags=chosen, proposed=proposed, reason="r")
    (alert,) = log.found()
    assert (alert.who, alert.what) == (("bureau",), ("a.b",))
    assert alert.facts == {"columns": "nr: pi.id.resident → general"}


def test_words_of_alerts_are_in_the_language_asked_for() -> None:
    log = Log()
    log.add("identity", "zhou", roles="analyst,reviewer", groups="")
    (told,) = (one.to_json() for one in log.found())
    assert alert(told, "en") == "zhou became known as analyst, reviewer."
    assert alert(told, "zh") == "新增身份 zhou，角色 分析员、审查员。"
    assert (loosened(["$"], "en"), loosened(["$"], "zh")) == ("first policy", "首份策略")
    assert loosened(["budget.epsilon", "grants[0]"], "zh") == "budget.epsilon, grants[0]"


@pytest.mark.parametrize(("kind", "facts"), USUAL)
def test_usual_entries_are_none(kind: str, facts: dict[str, Any]) -> None:
    log = Log()
    log.add(kind, "bureau", **facts)
    assert log.rules() == []


def test_a_clock_that_goes_back_is_told() -> None:
    log = Log()
    log.add("backup", files=1)
    log.add("backup", minutes=-5, files=1)
    log.add("backup", files=1)
    assert [(one.rule, one.leaf) for one in log.found()] == [("clock", 1), ("clock", 2)]
