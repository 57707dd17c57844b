"""Plates of vehicles of several countries, and codes that are none."""

from __future__ import annotations

import pyarrow as pa
import pytest

from classifiers.evidence.evidence import Evidence
from classifiers.evidence.patterns import value_evidence
from classifiers.evidence.sample import draw
from sandbox.schema import Field, Kind

_NOTHING = Evidence("", "values", "", 0)


def _best(values: list[str]) -> str:
    sample = draw([Field("c", Kind.STRING)], pa.table({"c": values}))["c"]
    return max(value_evidence([sample])[0], key=lambda hint: hint.weight, default=_NOTHING).tag


@pytest.mark.parametrize(
    "shapes",
    [
        ["{:04d} BCD"],
        ["FX {:03d} CD"],
        ["FX{:03d}CD"],
        ["GH-{:03d}-K", "{:02d}-XYZ-1"],
        ["M-AB {:04d}", "KA AB {:03d}", "B-XY-{:03d}"],
        ["ABC1D{:02d}", "ABC-{:04d}"],
        ["ABC {:02d}D", "ABC {:03d}"],
        ["{:04d} BCD", "AB-{:03d}-CD", "KR {:05d}", "HH-AB {:03d}"],
        ["品川 330 あ 12-{:02d}"],
    ],
)
def test_plates(shapes: list[str]) -> None:
    assert _best([shape.format(number) for number in range(10, 40) for shape in shapes]) == "pi.vehicle"


@pytest.mark.parametrize(
    "shape", ["ABC-{:04d}", "ABC {:03d}", "ART-{:05d}", "AB{:04d}", "ORD-2024-{:04d}", "LH {:04d}"]
)
def test_codes_of_articles_orders_and_flights_are_no_plates(shape: str) -> None:
    assert _best([shape.format(number) for number in range(10, 40)]) == ""


def test_postcodes_are_no_plates() -> None:
    assert _best([f"LS{number} {number % 10}AB" for number in range(10, 30)]) == "pi.postcode"
    assert _best([f"LS{number}{number % 10}AB" for number in range(10, 30)]) == "pi.postcode"


def test_companies_in_registers() -> None:
    assert _best([f"HRB {number}" for number in range(1000, 1030)]) == "org.id"
