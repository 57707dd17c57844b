"""Presidio's pattern recognisers beside ours, in an environment of their own, fed by files.

    python -m venv benchmarks/data/peers/presidio
    benchmarks/data/peers/presidio/bin/pip install presidio-analyzer

`peer_presidio.py` runs there; it reads the sampled values of every column and writes the column's entity.
"""

from __future__ import annotations

import json
import re
import subprocess
import tempfile
from collections.abc import Sequence
from pathlib import Path

from benchmarks.classification.labelled import Table, samples
from classifiers.taxonomy import GENERAL

PYTHON = Path(__file__).parents[1] / "data" / "peers" / "presidio" / "bin" / "python"
VALUES = 50
"""Distinct values a column that Presidio gets: its 91 recognisers look at some 200 cells in a second."""

TAGS = (
    (r"CREDIT_CARD|CRYPTO|IBAN_CODE|US_BANK_NUMBER", "finance.account"),
    (r"DATE_TIME", "pi.event-date"),
    (r"EMAIL_ADDRESS", "pi.contact.email"),
    (r"PHONE_NUMBER", "pi.contact.mobile"),
    (r"URL", "pi.contact.online"),
    (r"IP_ADDRESS", "pi.network"),
    (r"MAC_ADDRESS", "pi.device"),
    (r".*(POSTCODE|POSTAL_CODE|PLZ)", "pi.postcode"),
    (r".*(VEHICLE_REGISTRATION|LICENSE_PLATE|KFZ)", "pi.vehicle"),
    (r".*(PASSPORT|DRIV|LICENSE|FUEHRERSCHEIN|ID(ENTITY)?_CARD|VOTER).*", "pi.id.document"),
    (r".*(HEALTH_INSURANCE|MEDICARE|MBI).*", "pi.id.social"),
    (r".*(ABN|ACN|UEN|GSTIN|VAT|BRN|ORGANISATIONSNUMMER|COMPANY|HANDELS|ABA_).*", "org.id"),
    (r"UUID|US_(CLAIM|PRESCRIPTION|PRIOR|REFERRAL|NPI|PROVIDER).*", "pi.id.generic"),
)
"""Entities → tags, the first that fits; any other (national numbers) is `pi.id.foreign`."""


def propose(tables: Sequence[Table]) -> dict[str, list[tuple[str, float]]] | None:
    """Return what is proposed, without confidence, by table; None where Presidio is not installed."""
    if not PYTHON.exists():
        return None
    with tempfile.TemporaryDirectory() as folder:
        given, result = Path(folder, "values.json"), Path(folder, "entities.json")
        given.write_text(json.dumps({it.name: samples(it.path, VALUES) for it in tables}), encoding="utf-8")
        subprocess.run([PYTHON, Path(__file__).with_name("peer_presidio.py"), given, result], check=True)
        found = json.loads(result.read_text(encoding="utf-8"))
    return {name: [(_tag(entity), 0.0) for entity in entities] for name, entities in found.items()}


def _tag(entity: str | None) -> str:
    if entity is None:
        return GENERAL
    return next((tag for rule, tag in TAGS if re.fullmatch(rule, entity)), "pi.id.foreign")
