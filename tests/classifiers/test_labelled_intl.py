"""The labelled international set is what its README says: labels fit files, files fit generators."""

import datetime as dt
import gzip
from importlib import import_module
from pathlib import Path
from random import Random

import pytest
import yaml

from benchmarks.classification import labelled
from benchmarks.classification.generators.numbers import vin_check
from benchmarks.classification.generators_intl import (
    damage,
    numbers,
    numbers_more,
    numbers_third,
    people,
    real,
    tables,
)

INTL = labelled.HERE / "intl"
FOLDER = Path(people.__file__).parent
BORN = dt.date(1984, 5, 6)
NUMBERS = {
    "us.ssn": numbers.ssn,
    "es.nif": numbers.dni,
    "br.cpf": numbers.cpf,
    "br.cnpj": numbers.cnpj,
    "de.idnr": numbers.tax_id,
    "de.vat": numbers.german_vat,
    "fr.nir": lambda chance: numbers.nir(chance, BORN, True),
    "in_.aadhaar": numbers.aadhaar,
    "gb.nhs": numbers.nhs,
    "jp.in_": numbers.my_number,
    "pl.pesel": lambda chance: numbers.pesel(chance, BORN),
    "ca.sin": numbers.sin,
    "lei": numbers.lei,
    "luhn": numbers.card,
    "ean": lambda chance: numbers.ean13(chance, "400"),
    "isbn": lambda chance: numbers.ean13(chance, "978"),
    "it.codicefiscale": lambda chance: numbers_more.fiscal_code(chance, BORN, True),
    "it.iva": numbers_more.italian_vat,
    "nl.bsn": numbers_more.bsn,
    "pl.nip": numbers_more.nip,
    "pl.regon": numbers_more.regon,
    "fr.siret": numbers_more.siret,
    "pt.nif": numbers_more.portuguese_nif,
    "ch.ssn": numbers_more.ahv,
    "au.abn": numbers_more.abn,
    "se.personnummer": lambda chance: numbers_third.personnummer(chance, BORN, True),
    "se.orgnr": numbers_third.swedish_organisation,
    "fi.hetu": lambda chance: numbers_third.hetu(chance, BORN, False),
    "ie.pps": numbers_third.pps,
    "mx.curp": lambda chance: numbers_third.curp(chance, BORN, True),
}


def _all(part: str) -> list[labelled.Table]:
    return list(labelled.tables("intl", part))


@pytest.mark.parametrize("module", NUMBERS)
def test_check_digits_are_right_by_another_implementation(module):
    oracle, chance = import_module(f"stdnum.{module}"), Random(1)
    assert all(oracle.is_valid(NUMBERS[module](chance)) for _ in range(300))


@pytest.mark.parametrize("country", ["DE", "GB", "NL", "FR", "ES", "IT", "PL", "PT", "BE"])
def test_ibans_are_right_with_their_national_part(country):
    oracle, chance = import_module("stdnum.iban"), Random(2)
    assert all(oracle.is_valid(numbers_more.iban(chance, country)) for _ in range(300))


def test_vehicle_numbers_have_their_check_digit():
    chance = Random(3)
    found = [numbers.vin(chance) for _ in range(300)]
    assert all(len(vin) == 17 and vin_check(vin) == vin[8] for vin in found)


def test_labels_fit_the_files_and_no_ordinary_column_is_said_to_be_shown():
    for part in labelled.PARTS:
        for table in _all(part):
            assert table.path.is_file()
            headers = [label.column for label in table.labels]
            assert len(set(headers)) == len(headers)
            assert not any(label.values for label in table.labels if label.tag == "general")


def test_the_set_is_large_enough_and_balanced():
    generated = [table for part in labelled.PARTS for table in _all(part) if "/real/" not in table.name]
    labels = [label for table in generated for label in table.labels]
    assert len(generated) >= 60
    assert len(labels) >= 700
    ordinary = sum(not label.tag.startswith(("pi.", "finance.")) for label in labels)
    assert 0.4 <= ordinary / len(labels) <= 0.55
    assert sum(path.stat().st_size for path in INTL.rglob("*") if path.is_file()) <= 4_000_000


def test_every_tag_of_one_part_is_in_the_other():
    seen = [{label.tag for table in _all(part) for label in table.labels} for part in labelled.PARTS]
    assert seen[0] == seen[1]
    assert seen[2] <= seen[0]


def test_the_second_hand_uses_no_word_that_is_kept_for_the_held_out_part():
    known, more = (
        yaml.load((FOLDER / name).read_text(encoding="utf-8"), Loader=yaml.CSafeLoader)
        for name in ("words.yaml", "words_development.yaml")
    )
    assert known.keys() & more.keys() == {"locales"}
    assert not known["locales"].keys() & more["locales"].keys()
    kept = {word.lower() for name in known["split"] for word in known[name][2::3]}
    assert not {word.lower() for name in more.keys() - {"locales"} for word in more[name]} & kept


@pytest.mark.parametrize(
    ("part", "domain"),
    [
        ("development", "hr"),
        ("development", "taxation"),
        ("development", "airline"),
        ("development", "hotel"),
        ("heldout", "telecom"),
    ],
)
def test_the_generators_give_the_committed_tables(part, domain):
    """Compared unpacked: other builds of zlib pack the same bytes differently."""
    folder = INTL / part / domain
    for name, table in tables.specification(domain).items():
        committed = gzip.decompress((folder / f"{name}.csv.gz").read_bytes())
        assert tables.written(domain, part, name, table) == committed, name
    assert tables.labels(domain) == (folder / "labels.yaml").read_text(encoding="utf-8")


def test_the_real_tables_are_samples_of_the_datasets_in_the_repository():
    source = Path(__file__).parents[2] / "examples" / "data" / "diabetes130.csv.gz"
    if not source.is_file():
        pytest.skip("missing examples/data/diabetes130.csv.gz")
    committed = gzip.decompress((INTL / "heldout" / "real" / "diabetes130.csv.gz").read_bytes())
    assert real.sample(source) == committed


def test_damage_touches_at_most_the_share_it_says():
    values = [f"+1 415 555 {place:04d}" for place in range(1_000)]
    for seed in range(60):
        result = damage.damaged(values, Random(seed))
        changed = sum(old != new for old, new in zip(values, result, strict=True))
        assert changed <= (max(damage.SHARES) + 0.05) * len(values)
    assert damage.damaged(["", ""], Random(1)) == ["", ""]
    assert damage.masked("4111111111111111", Random(1)) == "XXXXXXXXXXXX1111"
