"""Statements over three public descriptions, and the settings they are planned under; no rows anywhere."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace
from fractions import Fraction
from typing import Final

from hypothesis import strategies as st

from jobs.facts import Setting, SourceFacts, TableFacts
from jobs.plan import Distinct, Measurement, Plan, Quantile, Total, Units
from jobs.planning import Budget, build
from jobs.spec import Query
from jobs.sql.names import Described
from jobs.sql.parse import parse
from sandbox.privacy.loss import Filter
from sandbox.schema import (
    CategoricalDomain,
    DatasetName,
    DateDomain,
    Digest,
    Domain,
    Field,
    Kind,
    NumericDomain,
)

DELTA: Final = Fraction(1, 10**6)
STAYS: Final = DatasetName("a.stays")
PEOPLE: Final = DatasetName("b.people")
WARDS: Final = DatasetName("c.wards")
R, T = 4, 20
"""Rows of a unit in stays: those seen, and those there can be at all."""


def _fields(**kinds: str) -> dict[str, Field]:
    required = {"sure", "ward", "age"}
    return {name: Field(name, Kind(kind), required=name in required) for name, kind in kinds.items()}


def numbers(low: int, high: int, grid: Fraction | int = 1) -> NumericDomain:
    """Return a domain of numbers."""
    return NumericDomain(Fraction(low), Fraction(high), Fraction(grid))


STAY_FIELDS: Final = _fields(
    person="string",
    days="integer",
    sure="integer",
    cost="float",
    ward="string",
    urgent="boolean",
    seen="date",
    free="string",
    vast="float",
)
STAY_DOMAINS: Final[dict[str, Domain]] = {
    "days": numbers(0, 14),
    "sure": numbers(1, 100),
    "cost": numbers(-50, 1000, Fraction(1, 100)),
    "ward": CategoricalDomain(("A", "B", "C")),
    "seen": DateDomain(dt.date(2020, 1, 1), dt.date(2021, 12, 31)),
    "vast": numbers(-(10**12), 10**12),
}
PEOPLE_FIELDS: Final = _fields(id="string", age="integer", sex="string", town="string")
PEOPLE_DOMAINS: Final[dict[str, Domain]] = {
    "age": numbers(0, 99),
    "sex": CategoricalDomain(("f", "m")),
}
WARD_FIELDS: Final = _fields(ward="string", beds="integer", region="string")
WARD_DOMAINS: Final[dict[str, Domain]] = {
    "beds": numbers(0, 500),
    "region": CategoricalDomain(("north", "south")),
}
STAYS_FACTS: Final = SourceFacts(
    STAYS, 3, STAY_FIELDS, STAY_DOMAINS, R, T, Filter.ZCDP, DELTA, frozenset({"free"})
)
PEOPLE_FACTS: Final = SourceFacts(PEOPLE, 7, PEOPLE_FIELDS, PEOPLE_DOMAINS, 2, 3, Filter.ZCDP, DELTA)
WARDS_FACTS: Final = TableFacts(WARDS, Digest("5" * 64), WARD_FIELDS, WARD_DOMAINS)

ZCDP: Final = Setting((STAYS_FACTS,), selection_delta=DELTA / 100)
PURE: Final = replace(ZCDP, sources=(replace(STAYS_FACTS, filter=Filter.PURE),))
BOTH: Final = Setting((STAYS_FACTS, PEOPLE_FACTS), (WARDS_FACTS,), selection_delta=DELTA / 100)
MIXED: Final = replace(BOTH, sources=(STAYS_FACTS, replace(PEOPLE_FACTS, filter=Filter.PURE)))


def grouped(setting: Setting, groups: int | None, rows: int | None, max_rows: int | None = None) -> Setting:
    """Return *setting* with groups bounded in every source, and other rows of a unit seen if so asked."""
    sources = (
        replace(source, max_groups=groups, max_group_rows=rows, max_rows=max_rows or source.max_rows)
        for source in setting.sources
    )
    return replace(setting, sources=tuple(sources))


def schema(name: DatasetName) -> Described:
    """Return what a statement may know of one of the three."""
    known = {
        STAYS: Described(STAY_FIELDS, "person", "ns.person"),
        PEOPLE: Described(PEOPLE_FIELDS, "id", "ns.person"),
        WARDS: Described(WARD_FIELDS, None, "", public=True),
    }
    return known[name]


def read(sql: str) -> tuple[Query, ...]:
    """Return the statements of *sql*."""
    return parse(sql, schema)


def planned(sql: str, setting: Setting = ZCDP, amount: Fraction | int = 1) -> Plan:
    """Return the plan of *sql* for *amount*."""
    return build(read(sql), setting, Budget(setting.mechanism, Fraction(amount)))


def filters(setting: Setting) -> list[Filter]:
    """Return the filters of the sources in a plan's order."""
    return [source.filter for source in sorted(setting.sources, key=lambda source: source.dataset)]


ROWS: Final = {
    "a.stays": (
        ("days", "sure", "cost", "days * cost", "LEAST(sure, 9)"),
        ("ward", "month(seen)", "sure"),
    ),
    "(SELECT days, ward FROM a.stays WHERE urgent) x": (("days",), ("ward",)),
    "(SELECT person, COUNT(*) AS n, SUM(cost) AS total, AVG(days) AS mean, MAX(ward) AS last "
    "FROM a.stays GROUP BY person HAVING COUNT(*) > 1) x": (("n", "total", "mean"), ("n", "last")),
    "(SELECT person, ward, MIN(days) AS least, COUNT(DISTINCT seen) AS dates FROM a.stays "
    "GROUP BY person, ward) x": (("least", "dates"), ("ward",)),
    "(SELECT person, MAX(n) AS most FROM (SELECT person, ward, COUNT(*) AS n FROM a.stays "
    "GROUP BY person, ward) y GROUP BY person) x": (("most",), ("most",)),
    "a.stays s JOIN b.people p ON s.person = p.id AND s.days < p.age": (("days", "age"), ("ward", "sex")),
    "b.people p LEFT JOIN (SELECT person, SUM(days) AS total FROM a.stays GROUP BY person) s "
    "ON p.id = s.person": (("age", "total"), ("sex",)),
    "a.stays s ANTI JOIN b.people p ON s.person = p.id": (("sure", "cost"), ("ward",)),
    "a.stays s LEFT JOIN c.wards w ON s.ward = w.ward": (("days", "beds"), ("s.ward", "region")),
}
"""FROM items with numbers and keys over them."""
ONE_NUMBER: Final = (
    "COUNT({0})",
    "SUM({0})",
    "AVG({0})",
    "VAR_SAMP({0})",
    "STDDEV_POP({0})",
    "MEDIAN({0})",
    "QUANTILE_CONT({0}, 0.9)",
    "MIN({0})",
    "HISTOGRAM({0}, 3)",
    "CLIPPED({0})",
    "SUM({0}) FILTER (WHERE {1} > 2)",
)
TWO_NUMBERS: Final = ("CORR({0}, {1})", "COVAR_SAMP({0}, {1})", "REGR_SLOPE({0}, {1})")


def told(plan: Plan) -> list[list[str]]:
    """Say in a few words what is measured, part by part."""
    return [sorted(phrase(item) for item in part.measurements) for part in plan.parts]


def phrase(item: Measurement) -> str:
    """Say in a few words what a measurement is."""
    match item:
        case Total(present, (), _, None):
            return f"count/{len(present)}"
        case Total(present, (), _, axis) if axis:
            return f"bars/{axis.bins}"
        case Total(present, (factor,)):
            return f"sum@{factor.origin}/{len(present)}"
        case Total(present, factors, shift):
            return f"{'square' if len({*factors}) == 1 else 'product'}-{shift}/{len(present)}"
        case Units(present):
            return f"units/{len(present)}"
        case Distinct(key):
            return f"distinct/{len(key.categories or ())}"
        case Quantile(_, draws):
            return "quantile/" + ",".join(f"{draw.quantile}{draw.side}" for draw in draws)


@st.composite
def statements(draw: st.DrawFn) -> str:
    """Generate a statement of any shape that can be planned under `BOTH`."""
    source = draw(st.sampled_from(sorted(ROWS)))
    columns, keys = ROWS[source]
    one = st.builds(str.format, st.sampled_from(ONE_NUMBER), *[st.sampled_from(columns)] * 2)
    two = st.builds(str.format, st.sampled_from(TWO_NUMBERS), *[st.sampled_from(columns)] * 2)
    calls = draw(st.lists(one | two | st.just("COUNT(*)"), min_size=1, max_size=4, unique=True))
    chosen = draw(st.lists(st.sampled_from(keys), max_size=2, unique=True))
    form = draw(st.sampled_from(("{}", "ROLLUP({})", "CUBE({})"))) if chosen else ""
    group = f" GROUP BY {form.format(', '.join(chosen))}" if chosen else ""
    return f"SELECT {', '.join(calls)} FROM {source}{group}"
