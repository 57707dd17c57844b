"""The labelled Chinese set is what its README says: labels fit files, files fit generators and standards."""

import csv
import gzip
import io
from pathlib import Path
from random import Random

import pytest
import stdnum.cn.uscc
import stdnum.imei
import stdnum.luhn
import yaml

from benchmarks.classification.generators import damage, makers_more, numbers, people, tables
from classifiers.taxonomy import core

ZH = Path(__file__).parents[2] / "benchmarks" / "classification" / "zh"
FOLDERS = {domain: ZH / part / domain for part, domains in tables.PARTS.items() for domain in domains}
MEGABYTE = 1_000_000


def _labels(domain: str) -> dict[str, list[dict]]:
    return yaml.load((FOLDERS[domain] / "labels.yaml").read_text(encoding="utf-8"), Loader=yaml.CSafeLoader)


def _table(path: Path) -> list[list[str]]:
    return list(csv.reader(io.StringIO(gzip.decompress(path.read_bytes()).decode())))


@pytest.fixture(scope="module")
def labelled() -> list[dict]:
    return [entry for domain in FOLDERS for entries in _labels(domain).values() for entry in entries]


@pytest.mark.parametrize("domain", FOLDERS)
def test_labels_name_every_column_in_order(domain):
    labels, folder = _labels(domain), FOLDERS[domain]
    assert sorted(labels) == sorted(path.name.removesuffix(".csv.gz") for path in folder.glob("*.csv.gz"))
    for name, entries in labels.items():
        header = _table(folder / f"{name}.csv.gz")[0]
        assert [entry["column"] for entry in entries] == header
        assert len(set(header)) == len(header)
        places = {f"column_{place}" for place in range(1, len(header) + 1)}
        unnamed = [title for title in header if title.startswith("column_")]
        assert set(unnamed) <= places


def test_every_tag_is_one_of_the_taxonomy_and_only_personal_ones_are_shown(labelled):
    assert {entry["tag"] for entry in labelled} <= set(core().tags)
    assert {type(entry["values"]) for entry in labelled} == {bool}
    assert not any(entry["values"] for entry in labelled if entry["tag"] == "general")


def test_the_set_is_large_enough_and_balanced(labelled):
    counts = {domain: len(_labels(domain)) for domain in FOLDERS}
    assert min(counts.values()) >= 4
    assert sum(counts.values()) >= 60
    assert len(labelled) >= 620
    ordinary = sum(not entry["tag"].startswith(("pi.", "finance.")) for entry in labelled)
    assert 0.4 <= ordinary / len(labelled) <= 0.5
    unnamed = sum(entry["column"].startswith("column_") for entry in labelled)
    assert 0.03 <= unnamed / len(labelled) <= 0.08
    assert sum(path.stat().st_size for path in ZH.rglob("*") if path.is_file()) <= 5 * MEGABYTE


NEWER = {"pi.activity"}
"""Tags younger than the held-out part, of which the Chinese one holds no column that has them."""


def test_every_personal_tag_of_the_development_part_is_measured_on_the_held_out_part_too():
    seen = {
        part: {
            entry["tag"] for domain in domains for entries in _labels(domain).values() for entry in entries
        }
        for part, domains in tables.PARTS.items()
    }
    assert seen["development"] - NEWER == seen["heldout"]
    assert seen["fresh"] <= seen["development"]


@pytest.mark.parametrize("domain", ["school", "tourism", "customs", "leasing", "market_regulation"])
def test_the_generators_give_the_committed_tables(domain):
    """Compared unpacked: other builds of zlib pack the same bytes differently."""
    for name, table in tables.specification(domain).items():
        committed = gzip.decompress((FOLDERS[domain] / f"{name}.csv.gz").read_bytes())
        assert tables.written(domain, name, table) == committed, name
    assert tables.labels(domain) == (FOLDERS[domain] / "labels.yaml").read_text(encoding="utf-8")


def _horner(body: str) -> str:
    """ISO 7064 MOD 11-2 another way than the generator computes it."""
    remainder = 0
    for digit in body:
        remainder = (remainder + int(digit)) * 2 % 11
    check = (12 - remainder) % 11
    return "X" if check == 10 else str(check)


def test_people_agree_with_their_resident_number():
    chance = Random(3)
    for turn in range(300):
        place = chance.choice(people.places())
        person = people.person(chance, place, turn % 2 == 0)
        assert person.number[-1] == _horner(person.number[:-1])
        assert person.number[:6] == place.code
        assert person.number[6:14] == f"{person.born:%Y%m%d}"
        assert int(person.number[16]) % 2 == (0 if person.woman else 1)


def test_check_digits_are_right_by_another_implementation():
    chance = Random(4)
    for _ in range(300):
        assert stdnum.luhn.is_valid(numbers.card(chance))
        assert stdnum.imei.is_valid(numbers.imei(chance))
        assert stdnum.cn.uscc.is_valid(numbers.uscc(chance, "330106"))
        assert not stdnum.luhn.is_valid(numbers.not_luhn(chance, 16))
        wrong = numbers.wrong_resident(chance)
        assert wrong[-1] != _horner(wrong[:-1])


def _kept() -> set[str]:
    """Words of the long lists that the development part never shows."""
    lists = people.data("words").values()
    shown = {word for words in lists for place, word in enumerate(words) if len(words) < 12 or place % 3 != 2}
    return {part for words in lists for word in set(words) - shown for part in (word, word.split(" ")[-1])}


def test_the_second_hand_uses_no_word_that_is_kept_for_the_held_out_part():
    lists = people.data("words_development")
    assert not lists.keys() & people.data("words").keys()
    assert not {word for words in lists.values() for word in words} & _kept()


def test_sums_in_words():
    known = {
        0: "零元整", 10: "壹拾元整", 305: "叁佰零伍元整", 12_300: "壹万贰仟叁佰元整",
        100_001: "壹拾万零壹元整", 3_000_020: "叁佰万零贰拾元整",
    }  # fmt: skip
    assert {value: makers_more.capital(value) for value in known} == known


def test_sim_cards_have_their_check_digit():
    chance = Random(6)
    assert all(stdnum.luhn.is_valid(makers_more.MORE["iccid"].make(None, chance, ())) for _ in range(100))


def test_known_numbers():
    assert numbers.resident_check("11010519491231002") == "X", "the example of GB 11643-1999"
    assert numbers.luhn_check("7992739871") == "3"
    assert numbers.vin_check("1M8GDM9AXKP042788") == "X"
    chance = Random(5)
    assert {len(numbers.vin(chance)) for _ in range(50)} == {17}
    assert {len(numbers.plate(chance, "浙A")) for _ in range(200)} == {7, 8}


def test_damage_touches_at_most_the_share_it_says_and_stars_only_what_is_personal():
    values = [people.mobile(Random(place)) for place in range(1_000)]
    for seed in range(60):
        result = damage.damaged(values, Random(seed), personal=False)
        changed = sum(old != new for old, new in zip(values, result, strict=True))
        assert changed <= (max(damage.SHARES) + 0.05) * len(values)
        assert not any("*" in value for value in result)
    assert damage.damaged(["", ""], Random(1), personal=True) == ["", ""]
    assert damage.masked("王芳", Random(1)) == "王*"
