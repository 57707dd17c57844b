"""From a domain's specification (``domains/<domain>.yaml``) to tables and labels, always the same bytes.

A table is ``rows``, ``distinct`` (how many different people, as a share of the rows), ``born`` (years),
``local`` (share of one city) and ``columns``: header → ``[TAG] KIND ARGUMENTS``.  Without a tag the kind's
own one holds.  A tag that is given is one that the values alone do not show, unless a ``!`` follows it;
``weak`` in place of the tag says the same of the kind's own.  A header ``~…`` is none: the column is called
after its place.  Every column has random numbers of its own, seeded by its name, so that changing one changes
no other.
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

from benchmarks.classification.generators import damage, people
from benchmarks.classification.generators.kinds import KINDS, WRAPPERS, make
from benchmarks.classification.generators.makers import Row

SECOND_HAND = (
    "police", "court", "tax", "housing", "company_hr", "ecommerce", "telecom_operator", "insurer",
    "utilities", "tourism", "agriculture", "culture", "environment", "epidemic", "procurement",
)  # fmt: skip
"""Domains that somebody else wrote, later, without sight of the held-out part."""
THIRD_HAND = (
    "securities", "customs", "railway", "postal", "grid", "construction",
    "veterans", "blood_centre", "exams", "microloan", "patents", "nursing_home",
)  # fmt: skip
"""Domains of yet another hand, later still, without sight of the held-out part or of the classifier."""
FOURTH_HAND = (
    "provident_fund", "payments", "trusts_funds", "leasing", "credit_bureau", "pawn_guarantee",
    "labour_arbitration", "disabled_federation", "talent_archive", "trade_union", "real_estate_registry",
    "notary_legal_aid", "checkup", "ride_hailing", "property_mgmt", "recruitment", "fire_safety", "surveys",
)  # fmt: skip
"""Domains of three more hands, last, without sight of the held-out part or of the classifier."""
FIFTH_HAND = (
    "panel_studies", "staff_analytics", "user_analytics", "cohort_studies", "pupil_studies",
    "field_experiments",
)  # fmt: skip
"""Tables for analysis, most about persons without any name or number, of two more hands."""
SIXTH_HAND = (
    "school_systems", "stock_systems", "office_systems", "community_apps", "device_registers",
    "service_orders",
)  # fmt: skip
"""Tables of applications and small sheets, about persons by plain keys and as often about things."""
SEVENTH_HAND = ("field_measurements", "media_catalogues", "city_statistics", "factory_records")
"""Tables of things under names that persons' data have, and some about persons under the same names."""
FIRST_HAND = ("civil_affairs", "hospital", "school", "transport")
FRESH = (
    "family_doctor", "research_admin", "vehicle_admin", "immigration", "community_correction", "funeral",
    "sports_events", "religious_affairs", "livestream", "heating_water", "village_finance", "auctions",
    "lottery", "tobacco_monopoly", "seafarers", "coal_mine", "matchmaking", "reservoir_resettlement",
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
    ),
    "heldout": ("bank", "social_security", "market_regulation"),
    "fresh": FRESH,
}
_TAGGED = ("pi.", "finance.", "org.", "geo.", "general")
_NOT_PERSONAL = ("org.", "geo.", "general", "pi.activity")
"""Never starred; pi.activity because its columns were general when their cells were made."""


@dataclass(frozen=True, slots=True)
class Column:
    """A column: *header*, label (*tag*, *values*: shown by the values alone) and the words of its *kind*."""

    header: str
    tag: str
    values: bool
    kind: tuple[str, ...]


def column(header: str, place: int, text: str) -> Column:
    """Return what *text* specifies for the column at *place* (from 1)."""
    tag, kind = "", text.split(" ")
    if kind[0] == "weak" or kind[0].startswith(_TAGGED):
        tag, *kind = kind
    main = next(word for word in kind if word not in WRAPPERS)
    usual = KINDS[main]
    name = tag.rstrip("!") if tag and tag != "weak" else usual.tag
    shown = tag.endswith("!") if tag else usual.values
    return Column(f"column_{place}" if header.startswith("~") else header, name, shown, tuple(kind))


def specification(domain: str) -> dict[str, Any]:
    """Return the tables of a domain as they are written."""
    found: dict[str, Any] = people.data(f"domains/{domain}")
    return found


def columns(table: dict[str, Any]) -> list[Column]:
    """Return the columns of a table's specification."""
    return [column(header, place, text) for place, (header, text) in enumerate(table["columns"].items(), 1)]


def _households(
    chance: Random, table: dict[str, Any]
) -> list[tuple[people.Person, people.Person, people.Organisation]]:
    """The people of a table, each with somebody of the other sex and an organisation, most of one city."""
    first, last = (int(year) for year in table.get("born", "1938 2006").split(" "))
    home, share = chance.choice(people.places()), float(table.get("local", 0.75))
    found = []
    for _ in range(max(1, round(int(table["rows"]) * float(table.get("distinct", 1))))):
        place, woman = people.near(chance, home, share), chance.random() < 0.5
        other = people.person(chance, place, not woman)
        organisation = people.organisation(chance, place)
        found.append((people.person(chance, place, woman, (first, last)), other, organisation))
    return found


def _rows(domain: str, name: str, table: dict[str, Any]) -> Iterator[Row]:
    chance, heldout = Random(f"rows of {domain}.{name}"), domain in PARTS["heldout"]
    known = _households(chance, table)
    for index in range(int(table["rows"])):
        found = known[index] if index < len(known) else chance.choice(known)
        yield Row(*found, index, heldout)


def _cells(name: str, spec: Column, rows: Iterable[Row], clean: bool) -> list[str]:
    chance = Random(f"column {spec.header} of {name}")
    values = [make(row, chance, spec.kind) for row in rows]
    return values if clean else damage.damaged(values, chance, not spec.tag.startswith(_NOT_PERSONAL))


def written(domain: str, name: str, table: dict[str, Any]) -> bytes:
    """Return a table as UTF-8 CSV."""
    full, specs = f"{domain}.{name}", columns(table)
    rows = list(_rows(domain, name, table))
    cells = [_cells(full, spec, rows, clean=len(rows) == 1) for spec in specs]
    out = io.StringIO()
    lines = csv.writer(out, lineterminator="\n")
    lines.writerow([spec.header for spec in specs])
    lines.writerows(zip(*cells, strict=True))
    return out.getvalue().encode()


def labels(domain: str) -> str:
    """Return a domain's labels as YAML."""
    found = {
        name: [{"column": spec.header, "tag": spec.tag, "values": spec.values} for spec in columns(table)]
        for name, table in specification(domain).items()
    }
    return yaml.safe_dump(found, allow_unicode=True, sort_keys=False, default_flow_style=None, width=200)


def write(folder: Path, domain: str) -> None:
    """Write a domain's tables and labels into *folder*."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, table in specification(domain).items():
        packed = gzip.compress(written(domain, name, table), mtime=0)
        (folder / f"{name}.csv.gz").write_bytes(packed)
    (folder / "labels.yaml").write_text(labels(domain), encoding="utf-8")
