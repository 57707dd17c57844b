"""FROM clauses of every shape: as an analyst writes them, and as plain SQL with bounds and clamps in it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from surface import MOST, MOST_PEOPLE, R_PEOPLE, R


@dataclass(frozen=True)
class Number:
    """A measurable expression: ours, DuckDB's, its clamp, its grid."""

    ours: str
    low: int
    high: int
    grid: int = 1
    plain: str = ""

    @property
    def clamped(self) -> str:
        inside = f"greatest(least(({self.plain or self.ours})::DOUBLE, {self.high}), {self.low})"
        return f"(round_even({inside} / {self.grid}, 0) * {self.grid})"

    @property
    def there(self) -> str:
        return f"(({self.plain or self.ours}) IS NOT NULL)"


@dataclass(frozen=True)
class Rows:
    """A FROM clause: ours, DuckDB's, keys (expression → categories), conditions, numbers, the unit."""

    ours: str
    plain: str
    keys: dict[str, list[Any]]
    conditions: list[str]
    numbers: list[Number]
    unit: str


WARD, CITY = ["A", "B", "C", None], ["North", "South", "East"]
DAYS, COST, AGE = Number("days", 0, 14), Number("cost", 0, 1000, 10), Number("age", 0, 99)
BOUNDED = f"(SELECT * FROM stays WHERE o < {R})"
PEOPLE = f"(SELECT * FROM people WHERE o < {R_PEOPLE})"


def clamp(value: str, low: int, high: int) -> str:
    # DuckDB's LEAST and GREATEST leave nulls out.
    return f"CASE WHEN {value} IS NOT NULL THEN greatest(least({value}, {high}), {low}) END"


def _first(inner: str, bound: int, order: str, unit: str = "person") -> str:
    """The first rows of each unit."""
    ranked = f"row_number() OVER (PARTITION BY {unit} ORDER BY {order})"
    return f"(SELECT * FROM (SELECT *, {ranked} AS place FROM {inner}) WHERE place <= {bound})"


TOTALS = (
    "SELECT person, COUNT(*) AS n, SUM(days) AS total, MAX(cost) AS most, MIN(days) AS least, "
    "AVG(days) AS mean, COUNT(DISTINCT ward) AS wards FROM {source} {where} GROUP BY person {having}"
)
PLAIN_TOTALS = (
    f"SELECT person, {clamp('COUNT(*)', 0, MOST)} AS n, {clamp('SUM(days)', 0, 14 * MOST)} AS total, "
    f"{clamp('MAX(cost)', 0, 1000)} AS most, {clamp('MIN(days)', 0, 14)} AS least, "
    f"{clamp('AVG(days)', 0, 14)} AS mean, {clamp('COUNT(DISTINCT ward)', 0, MOST)} AS wards "
    "FROM stays {where} GROUP BY person"
)
PER_UNIT_NUMBERS = [
    Number("n", 0, MOST), Number("total", 0, 14 * MOST), Number("least", 0, 14), Number("wards", 0, MOST),
    Number("most", 0, 1000, 10), Number("LEAST(n, 3)", 0, 3), Number("n + wards", 0, 2 * MOST),
]  # fmt: skip
STAY_KEYS = {
    "ward": WARD,
    "urgent": [True, False, None],
    "days > 7": [True, False, None],
    "date_trunc('quarter', seen)": [f"2020-{month:02d}-01" for month in (1, 4, 7, 10)] + [None],
    "width_bucket(days, 0, 15, 3)": [0, 1, 2, 3, 4, None],
}
STAY_CONDITIONS = [
    "days BETWEEN 2 AND 9",
    "ward = 'A'",
    "ward IS NULL",
    "cost > 500.5",
    "NOT urgent",
    "days % 2 = 0",
]
STAY_NUMBERS = [
    DAYS,
    COST,
    Number("days * 2", 0, 28, 2),
    Number("COALESCE(days, 3)", 0, 14),
    Number("LEAST(days, 5)", 0, 5),
]


def _per_unit(where: str, having: str) -> Rows:
    ours = TOTALS.format(source="health.stays", where=where, having=having)
    plain = PLAIN_TOTALS.format(where=where)
    after = having.replace("HAVING COUNT(*)", "WHERE n") if having else ""
    return Rows(
        f"({ours}) AS p",
        f"(SELECT * FROM ({plain}) {after}) AS p",
        {"n": [*range(MOST + 1)], "n > 2": [True, False, None], "wards": [*range(MOST + 1)]},
        ["n >= 2", "total > 20", "most IS NULL", "least < 3 OR wards = 1"],
        PER_UNIT_NUMBERS,
        "person",
    )


def _nested() -> Rows:
    inner = "SELECT person, ward, COUNT(*) AS c FROM {source} GROUP BY person, ward"
    plain = f"SELECT person, ward, {clamp('COUNT(*)', 0, MOST)} AS c FROM stays GROUP BY person, ward"
    outer = "SELECT person, MAX(c) AS most, COUNT(*) AS n FROM ({inner}) AS i GROUP BY person"
    values = f"{clamp('MAX(c)', 0, MOST)} AS most, {clamp('COUNT(*)', 0, MOST)} AS n"
    bounded = f"SELECT person, {values} FROM ({plain}) GROUP BY person"
    return Rows(
        f"({outer.format(inner=inner.format(source='health.stays'))}) AS p",
        f"({bounded}) AS p",
        {"most": [*range(MOST + 1)]},
        ["most > 1", "n = 2"],
        [Number("most", 0, MOST), Number("n", 0, MOST)],
        "person",
    )


def _joined(kind: str) -> Rows:
    pairs = f"{BOUNDED} AS s {kind} JOIN {PEOPLE} AS r ON s.person = r.id"
    wanted = f"SELECT s.*, r.sex, r.age, r.city, r.o AS ro FROM {pairs}"
    keys: dict[str, list[Any]] = {"ward": WARD, "urgent": [True, False, None]}
    lost = [None] if kind == "LEFT" else []
    keys |= {"sex": ["f", "m", *lost], "city": [*CITY, *lost], "age > 50": [True, False, None]}
    return Rows(
        f"health.stays AS s {kind} JOIN people.registry AS r ON s.person = r.id",
        f"{_first(f'({wanted})', max(R, R_PEOPLE), 'o, ro')} AS j",
        keys,
        [*STAY_CONDITIONS, "age > 40", "sex = 'f'", "city IS NULL"],
        [*STAY_NUMBERS, AGE, Number("age - days", -14, 99)],
        "person",
    )


def _kept(kind: str) -> Rows:
    pairs = f"{BOUNDED} AS s {kind} JOIN {PEOPLE} AS r ON s.person = r.id"
    return Rows(
        f"health.stays AS s {kind} JOIN people.registry AS r ON s.person = r.id",
        f"(SELECT s.* FROM {pairs}) AS j", STAY_KEYS, STAY_CONDITIONS, STAY_NUMBERS, "person",
    )  # fmt: skip


def _looked_up(kind: str) -> Rows:
    numbered = "(SELECT *, row_number() OVER () AS wo FROM wards)"
    pairs = f"{BOUNDED} AS s {kind} JOIN {numbered} AS w ON s.ward = w.ward"
    lost = [None] if kind == "LEFT" else []
    return Rows(
        f"health.stays AS s {kind} JOIN ref.wards AS w ON s.ward = w.ward",
        f"{_first(f'(SELECT s.*, w.region, w.beds, w.wo FROM {pairs})', R, 'o, wo')} AS j",
        {"region": ["north", "south", "west", "none", *lost], "urgent": [True, False, None]},
        ["days > 3", "beds > 5", "region = 'north'"],
        [DAYS, COST, Number("beds", 1, 99)],
        "person",
    )


def _registered_totals() -> Rows:
    ours = f"({TOTALS.format(source='health.stays', where='', having='')}) AS p"
    plain = f"({PLAIN_TOTALS.format(where='')}) AS p"
    pairs = f"SELECT p.*, r.sex, r.age, r.o AS ro FROM {plain} JOIN {PEOPLE} AS r ON p.person = r.id"
    return Rows(
        f"{ours} JOIN people.registry AS r ON p.person = r.id",
        f"{_first(f'({pairs})', R_PEOPLE, 'ro')} AS j",
        {"sex": ["f", "m"], "n": [*range(MOST + 1)]},
        ["n > 1", "age < 60"],
        [Number("n", 0, MOST), AGE, Number("total", 0, 14 * MOST)],
        "person",
    )


def _both_totals() -> Rows:
    ours = f"({TOTALS.format(source='health.stays', where='', having='')}) AS p"
    registry = "(SELECT id, COUNT(*) AS entries, MAX(age) AS age FROM people.registry GROUP BY id) AS r"
    values = f"{clamp('COUNT(*)', 0, MOST_PEOPLE)} AS entries, {clamp('MAX(age)', 0, 99)} AS age"
    plain_registry = f"(SELECT id, {values} FROM people GROUP BY id) AS r"
    plain = f"({PLAIN_TOTALS.format(where='')}) AS p"
    return Rows(
        f"{ours} LEFT JOIN {registry} ON p.person = r.id",
        f"(SELECT p.*, r.entries, r.age FROM {plain} LEFT JOIN {plain_registry} ON p.person = r.id) AS j",
        {"n": [*range(MOST + 1)], "entries": [*range(MOST_PEOPLE + 1), None]},
        ["n > 1", "age < 60", "entries IS NULL"],
        [Number("n", 0, MOST), AGE, Number("total", 0, 14 * MOST), Number("entries", 0, MOST_PEOPLE)],
        "person",
    )


SHAPES = [
    Rows("health.stays", f"{BOUNDED} AS s", STAY_KEYS, STAY_CONDITIONS, STAY_NUMBERS, "person"),
    Rows(
        "(SELECT person, ward, days, cost, urgent, seen FROM health.stays WHERE days > 1) AS s",
        f"(SELECT * FROM {BOUNDED} WHERE days > 1) AS s", STAY_KEYS, STAY_CONDITIONS, STAY_NUMBERS, "person",
    ),
    _per_unit("", ""), _per_unit("WHERE urgent", ""), _per_unit("", "HAVING COUNT(*) > 1"),
    _nested(), _joined("INNER"), _joined("LEFT"), _kept("SEMI"), _kept("ANTI"),
    _looked_up("INNER"), _looked_up("LEFT"), _registered_totals(), _both_totals(),
]  # fmt: skip


def every_call(rows: Rows, keep: str = "") -> str:
    """Aggregates of every kind; *keep*: of the rows where it holds."""
    x, y = rows.numbers[0].ours, rows.numbers[1].ours
    calls = [
        "COUNT(*)", f"COUNT({x})", f"COUNT(DISTINCT {rows.unit})", f"SUM({y})", f"AVG({x})",
        f"CORR({x}, {y})",
        f"QUANTILE_CONT({y}, 0.9)", f"HISTOGRAM({x}, 2)", f"COUNT(DISTINCT {next(iter(rows.keys))})",
    ]  # fmt: skip
    filtered = f" FILTER (WHERE {keep})" if keep else ""
    return ", ".join(f"{call}{filtered} AS c{number}" for number, call in enumerate(calls))


def grouped(rows: Rows, keep: str = "") -> str:
    keys = ", ".join(list(rows.keys)[:2])
    return f"SELECT {every_call(rows, keep)} FROM {rows.ours} GROUP BY {keys}"
