"""From a domain's specification (``domains/<domain>.yaml``) to its tables and labels, always the same.

A table is ``rows``, ``distinct`` (different people as a share of the rows), ``born`` (years), ``locale``
(countries of its people) and ``columns``: header → ``[TAG] KIND ARGUMENTS``.  Without a tag the kind's own
holds.  A tag that is given is one the values alone do not show, unless a ``!`` follows it; ``?`` in its place
says the same of the kind's own tag.  A header ``~…`` is none: the column is called after its place.  Every
column has random numbers of its own, seeded by its name.
"""

from __future__ import annotations

import csv
import gzip
import io
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Any

import yaml

from benchmarks.classification.generators_intl import damage, people
from benchmarks.classification.generators_intl.kinds import KINDS, WRAPPERS, make
from benchmarks.classification.generators_intl.makers import Row

SECOND_HAND = (
    "legal", "campus", "energy", "marketplace", "realty", "donations", "taxation", "fitness", "logistics",
)  # fmt: skip
"""Domains that somebody else wrote, later, without sight of the held-out part."""
THIRD_HAND = (
    "airline", "library", "justice", "biobank", "pharmacy", "gaming", "vehicles", "elections", "payroll_eu",
    "immigration",
)  # fmt: skip
"""Domains of yet another hand, later still, without sight of the held-out part or of the classifier."""
FOURTH_HAND = (
    "wealth", "card_payments", "pension_fund", "crowdfunding", "school_district", "child_welfare",
    "elder_care", "veterinary", "crm_saas", "ad_tech", "hotel", "ride_share",
)  # fmt: skip
"""Domains of three more hands, last, without sight of the held-out part or of the classifier."""
FIFTH_HAND = (
    "labour_studies", "household_panels", "consumer_analytics", "cohorts_trials", "learning_studies",
    "behaviour_experiments",
)  # fmt: skip
"""Tables for analysis, most about persons without any name or number, of two more hands."""
SIXTH_HAND = (
    "web_shops", "intranets", "stock_books", "club_sheets", "booking_apps", "device_fleets",
)  # fmt: skip
"""Tables of applications and small sheets, about persons by plain keys and as often about things."""
SEVENTH_HAND = ("natural_measurements", "works_and_teams", "places_and_markets", "machine_logs")
"""Tables of things under names that persons' data have, and some about persons under the same names."""
EIGHTH_HAND = ("published_tables_1", "published_tables_2", "published_tables_3", "published_tables_4")
"""The variables of published data sets, filled anew."""
FIRST_HAND = ("retail", "hr", "travel", "lending")
FRESH = (
    "museum", "dental", "crypto_exchange", "mortgage_servicing", "telehealth", "refugee_aid",
    "sports_federation", "parking_authority", "coworking", "e_learning", "genealogy", "waste_services",
    "music_rights", "farm_subsidies", "betting", "casting", "fisheries", "dating",
)  # fmt: skip
"""Domains that are only measured, of hands that saw neither the classifier nor the other parts."""
PARTS = {
    "development": (
        *FIRST_HAND,
        *SECOND_HAND,
        *THIRD_HAND,
        *FOURTH_HAND,
        *FIFTH_HAND,
        *SIXTH_HAND,
        *SEVENTH_HAND,
        *EIGHTH_HAND,
    ),
    "heldout": ("clinic", "telecom", "insurance", "public"),
    "fresh": FRESH,
}
_TAGGED = ("pi.", "finance.", "org.", "geo.", "general")


@dataclass(frozen=True, slots=True)
class Column:
    """A column: *header*, label (*tag*, *values*: shown by the values alone) and the words of its *kind*."""

    header: str
    tag: str
    values: bool
    kind: tuple[str, ...]


def column(header: str, place: int, text: str) -> Column:
    """Return what *text* specifies for the column at *place* (from 1)."""
    said, kind = "", text.split(" ")
    if kind[0] == "?" or kind[0].startswith(_TAGGED):
        said, *kind = kind
    usual = KINDS[next(word for word in kind if word not in WRAPPERS)]
    shown = said.endswith("!") if said else usual.values and kind[0] != "masked"
    name = f"column_{place}" if header.startswith("~") else header
    return Column(name, said.rstrip("!?") or usual.tag, shown, tuple(kind))


def specification(domain: str) -> dict[str, Any]:
    """Return the tables of a domain as they are written."""
    path = Path(__file__).parent / "domains" / f"{domain}.yaml"
    found: dict[str, Any] = yaml.safe_load(path.read_text(encoding="utf-8"))
    return found


def columns(table: dict[str, Any]) -> list[Column]:
    """Return the columns of a table's specification."""
    return [
        column(str(header), place, text) for place, (header, text) in enumerate(table["columns"].items(), 1)
    ]


def _rows(name: str, part: str, table: dict[str, Any]) -> Iterator[Row]:
    chance, count = Random(f"rows of {name}"), int(table["rows"])
    first, last = (int(year) for year in table.get("born", "1938 2005").split(" "))
    locales = table["locale"].split(" ")
    distinct = max(1, round(count * float(table.get("distinct", 1))))
    known = [
        [people.person(chance, chance.choice(locales), (first, last)) for _ in range(2)]
        for _ in range(distinct)
    ]
    for index in range(count):
        person, other = known[index] if index < distinct else chance.choice(known)
        yield Row(person, other, index, part)


def written(domain: str, part: str, name: str, table: dict[str, Any]) -> bytes:
    """Return a table as UTF-8 CSV."""
    full, specs = f"{domain}.{name}", columns(table)
    rows = list(_rows(full, part, table))
    cells = [_cells(full, spec, rows) for spec in specs]
    out = io.StringIO()
    lines = csv.writer(out, lineterminator="\n")
    lines.writerow([spec.header for spec in specs])
    lines.writerows(zip(*cells, strict=True))
    return out.getvalue().encode()


def _cells(name: str, spec: Column, rows: Iterable[Row]) -> list[str]:
    chance = Random(f"column {spec.header} of {name}")
    return damage.damaged([make(row, chance, spec.kind) for row in rows], chance)


def labels(domain: str) -> str:
    """Return a domain's labels as YAML."""
    found = {
        name: [{"column": spec.header, "tag": spec.tag, "values": spec.values} for spec in columns(table)]
        for name, table in specification(domain).items()
    }
    return yaml.safe_dump(found, allow_unicode=True, sort_keys=False, default_flow_style=None, width=200)


def write(root: Path) -> None:
    """Write every domain's tables and labels below *root*."""
    for part, domains in PARTS.items():
        for domain in domains:
            folder = root / part / domain
            folder.mkdir(parents=True, exist_ok=True)
            for name, table in specification(domain).items():
                packed = gzip.compress(written(domain, part, name, table), mtime=0)
                (folder / f"{name}.csv.gz").write_bytes(packed)
            (folder / "labels.yaml").write_text(labels(domain), encoding="utf-8")
