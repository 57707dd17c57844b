"""What statements ask of policies."""

from __future__ import annotations

import pytest
from statements import read

from jobs.uses import joined, operations, uses


def by_source(text: str) -> list[set[str]]:
    (query,) = read(text)
    return [{f"{name}:{use.value[0]}" for name, use in found} for found in uses(query)]


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("SELECT COUNT(*) FROM a.stays", set()),
        ("SELECT COUNT(free) FROM a.stays WHERE urgent", {"free:f", "urgent:f"}),
        ("SELECT ward, SUM(days) FROM a.stays GROUP BY ward", {"ward:g", "days:m"}),
        ("SELECT COUNT(DISTINCT ward) FROM a.stays", {"ward:g"}),
        ("SELECT COUNT(DISTINCT ward) FILTER (WHERE cost > 3) FROM a.stays", {"ward:g", "cost:f"}),
        (
            "SELECT COUNT(DISTINCT CASE WHEN cost > 3 THEN ward ELSE 'none' END) FROM a.stays",
            {"ward:g", "cost:g"},
        ),
        ("SELECT COUNT(DISTINCT person) FROM a.stays", set()),
        (
            "SELECT MEDIAN(cost), HISTOGRAM(days, 2), CLIPPED(sure) FROM a.stays",
            {"cost:m", "days:m", "sure:m"},
        ),
        ("SELECT CORR(days, sure) FROM a.stays", {"days:m", "sure:m"}),
        ("SELECT SUM(CASE WHEN urgent THEN days END) FROM a.stays", {"urgent:f", "days:m"}),
        ("SELECT SUM(days) FILTER (WHERE ward = 'A') FROM a.stays", {"ward:f", "days:m"}),
        ("SELECT AVG(n) FROM (SELECT person, COUNT(*) n FROM a.stays GROUP BY person) x", set()),
        ("SELECT AVG(n) FROM (SELECT person, COUNT(free) n FROM a.stays GROUP BY person) x", {"free:f"}),
        (
            "SELECT AVG(n) FROM (SELECT person, COUNT(DISTINCT free) n FROM a.stays GROUP BY person) x",
            {"free:f"},
        ),
        ("SELECT AVG(t) FROM (SELECT person, SUM(days) t FROM a.stays GROUP BY person) x", {"days:m"}),
        (
            "SELECT COUNT(*) FROM (SELECT person, SUM(days) t FROM a.stays GROUP BY person) x WHERE t > 9",
            {"days:f"},
        ),
        ("SELECT COUNT(*) FROM (SELECT person, SUM(days) t FROM a.stays GROUP BY person) x", {"days:f"}),
        (
            "SELECT w, AVG(t) FROM (SELECT person, MAX(ward) w, SUM(days) t FROM a.stays GROUP BY person "
            "HAVING MIN(cost) > 3) x WHERE t > 2 GROUP BY w",
            {"ward:g", "days:m", "days:f", "cost:f"},
        ),
        (
            "SELECT COUNT(*) FROM (SELECT person, ward, COUNT(*) n FROM a.stays GROUP BY person, ward) x",
            {"ward:g"},
        ),
        (
            "SELECT AVG(m) FROM (SELECT person, MAX(t) m FROM (SELECT person, ward, SUM(days) t FROM a.stays "
            "GROUP BY person, ward) y GROUP BY person) x",
            {"ward:g", "days:m"},
        ),
    ],
)
def test_uses_are_read_off_the_statement(text: str, found: set[str]) -> None:
    assert by_source(text) == [found]


def test_joins_ask_every_dataset_for_its_own_columns() -> None:
    text = (
        "SELECT sex, AVG(beds), SUM(days) FROM a.stays s "
        "JOIN c.wards w ON s.ward = w.ward AND w.beds > s.sure "
        "LEFT JOIN b.people p ON s.person = p.id AND p.age > s.cost GROUP BY sex"
    )
    assert by_source(text) == [
        {"ward:j", "sure:f", "cost:f", "days:m"},
        {"sex:g", "age:f"},
    ]
    (query,) = read(text)
    assert joined(query) == {"a.stays", "b.people"}


def test_a_dataset_joined_with_itself_is_asked_once() -> None:
    text = (
        "SELECT AVG(a.days), ward FROM a.stays a "
        "JOIN (SELECT person, MAX(seen) last FROM a.stays GROUP BY person) b "
        "ON a.person = b.person AND a.seen = b.last GROUP BY ward"
    )
    assert by_source(text) == [{"days:m", "ward:g", "seen:f"}]


def test_operations_are_the_words_of_policies() -> None:
    calls = {
        "COUNT(*)": "count",
        "COUNT(DISTINCT person)": "count",
        "HISTOGRAM(days, 2)": "count",
        "COUNT(DISTINCT ward)": "distinct",
        "SUM(days)": "sum",
        "AVG(days)": "avg",
        "CLIPPED(days)": "avg",
        "STDDEV(days)": "variance",
        "VAR_POP(days)": "variance",
        "MEDIAN(days)": "quantile",
        "MAX(days)": "quantile",
        "COVAR_POP(days, sure)": "correlation",
        "REGR_INTERCEPT(days, sure)": "correlation",
    }
    for call, word in calls.items():
        assert operations(read(f"SELECT {call} FROM a.stays")[0]) == {word}
    everything = read(f"SELECT {', '.join(calls)} FROM a.stays")
    assert operations(everything[0]) == set(calls.values())
