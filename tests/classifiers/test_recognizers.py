"""Own recognisers: strict in what they accept, bounded in what their patterns cost."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import pyarrow as pa
import pytest

from classifiers import recognizers
from classifiers.classify import classify
from classifiers.evidence.sample import ColumnSample
from classifiers.recognizers import Recognizer, read_recognizers, recognizer_evidence
from sandbox.errors import InvalidInputError
from sandbox.schema import Field, Kind

GOOD: dict[str, Any] = {"name": "staff", "tag": "pi.id.generic", "words": ["工号"], "pattern": r"EMP\d{4}"}
WRONG = [
    ({"nmae": 1}, "recognizer.unknown-field"),
    ({"name": "Staff!"}, "recognizer.bad-name"),
    ({"tag": "pi.nothing"}, "recognizer.not-one-of"),
    ({"check": "mod97"}, "recognizer.not-one-of"),
    ({"words": [7]}, "recognizer.bad-words"),
    ({"pattern": "(?=x)a"}, "recognizer.bad-pattern"),
    ({"pattern": "a)(b"}, "recognizer.bad-pattern"),
    ({"pattern": "a" * 501}, "recognizer.bad-pattern"),
    ({"pattern": ".*"}, "recognizer.fits-everything"),
    ({"pattern": r"(?:\pL?){400}x0"}, "recognizer.too-many-parts"),
    ({"share": 0}, "recognizer.bad-part"),
    ({"weight": 1}, "recognizer.bad-part"),
    ({"weight": 10**400}, "recognizer.bad-part"),
    ({"share": Fraction(1, 10**400)}, "recognizer.bad-part"),
    ({"pattern": None, "words": []}, "recognizer.nothing-to-look-for"),
]


def read(*entries: Any) -> tuple[Recognizer, ...]:
    return read_recognizers({"recognizers": list(entries)}, "r.yaml", len)


def sample(*texts: str) -> ColumnSample:
    return ColumnSample(Kind.STRING, pa.array(texts, pa.string()), len(texts), len(texts))


@pytest.mark.parametrize("field", ["name", "tag"])
def test_what_is_missing_is_named(field: str) -> None:
    with pytest.raises(InvalidInputError) as refused:
        read({key: value for key, value in GOOD.items() if key != field})
    assert (refused.value.code, refused.value.facts["field"]) == ("recognizer.no-field", field)


def test_words_and_pattern_speak() -> None:
    found = recognizer_evidence(read(GOOD), "工号", sample(*(f"EMP{n:04d}" for n in range(9)), "x"))
    assert [(it.source, it.rule, it.share) for it in found] == [
        ("owner", "own:staff", None),
        ("values", "own:staff", 0.9),
    ]


@pytest.mark.parametrize(("check", "good"), [("luhn", "4111111111111111"), ("mod11", "11010519491231002X")])
def test_check_digits(check: str, good: str) -> None:
    entry = {"name": "c", "tag": "pi.id.generic", "pattern": r"\d+X?", "check": check}
    spoke = recognizer_evidence(read(entry), "c", sample(*[good] * 6))
    assert len(spoke) == 1
    assert recognizer_evidence(read(entry), "c", sample(*["3" + good[1:]] * 6)) == ()


@pytest.mark.parametrize(("change", "code"), WRONG)
def test_refused_with_its_place(change: dict[str, Any], code: str) -> None:
    with pytest.raises(InvalidInputError) as caught:
        read(GOOD | change)
    assert caught.value.code == code
    assert caught.value.facts["field"] == next(iter(change))


@pytest.mark.parametrize("data", [None, [], {"recognizers": []}, {"recognizers": {}}, {"other": [GOOD]}])
def test_not_a_list(data: Any) -> None:
    with pytest.raises(InvalidInputError, match=r"recognizer\.not-a-list"):
        read_recognizers(data, "r.yaml", len)


def test_name_twice_and_no_values() -> None:
    with pytest.raises(InvalidInputError, match=r"recognizer\.name-twice"):
        read(GOOD, GOOD)
    assert recognizer_evidence(read(GOOD), "x", sample()) == ()


@pytest.mark.parametrize(
    "pattern",
    [
        r"(a+)+b",
        r"a{999}",
        r"(?:a{9}){9}",
        r"\{900}" * 9,
        r"[{900}]{9}" * 9,
        r"[]{900}]{9}" * 9,
        r"\Qa{900}b{900}\E" * 9,
        r"\p{Han}{2,4}",
        r"[\p{Han}·]{2,30}",
        r"\pL{2,40}",
        r".{2,200}x",
        r"[一-龥]{2,50}",
        r"[0-9a-f]{128}",
        r"[a-zA-Z0-9._%+-]+@[a-zA-Z0-9.-]+\.[a-zA-Z]{2,24}",
    ],
)
def test_usual_patterns_have_few_parts(pattern: str) -> None:
    assert read(GOOD | {"pattern": pattern})[0].pattern == pattern


@pytest.mark.parametrize(
    "pattern",
    [
        r"(?:a?b){900}",
        r"(?:a{9,}b{9}){90}",
        r"(?:(?:a{3}b){9}b){30}",
        r"(?:a{0,30}){33}b",
        r"(?:ab){30}(?i){30}",
        r"(?:ab){30}\Q\E{30}",
        r"(?:\Q))))\E){300}",
        r"(?:[)]\)[]})]a){250}",
        r"(?P<a>b\{){400}",
        r"(?:\pL?\PN?){30}",
        r"[^\p{Ll}]{60}",
        r".{251}",
        r"(?:.*[aé].{0,16}){45}",
        r"(?:[éàü一]?){90}",
        r"\pL?" * 50,
    ],
)
def test_patterns_of_too_many_parts_are_refused(pattern: str) -> None:
    with pytest.raises(InvalidInputError) as refused:
        read(GOOD | {"pattern": pattern})
    assert refused.value.code == "recognizer.too-many-parts"
    assert refused.value.facts["most"] == recognizers.MOST_PARTS


@pytest.mark.parametrize(("length", "held"), [(4, 2_000), (25, 2_000), (200, 250)])
def test_a_pattern_is_held_against_some_of_many_values(monkeypatch, length: int, held: int) -> None:
    seen = []
    matches = recognizers.checks.matches
    monkeypatch.setattr(recognizers, "_hits", lambda it, texts: seen.append(texts) or matches(texts, "^0"))
    (it,) = read({"name": "half", "tag": "pi.id.generic", "pattern": r"0\d*", "share": 0.45})
    texts = [f"{half}{n:0{length - 1}}" for half in (0, 1) for n in range(500 * held // 250)]
    (spoke,) = recognizer_evidence([it], "x", sample(*texts))
    assert len(seen[0]) == held
    assert spoke.share == 0.5


@pytest.mark.parametrize("beside", [[], ["warehouse", "sku"], ["姓名", "出生日期"], ["x1", "x2"]])
def test_an_owners_words_count_whatever_the_network_reads(beside) -> None:
    """Of a name and of values that it is sure of, too."""
    own = Recognizer("lot", "pi.id.generic", words=("pallet",), weight=0.9)
    names = ["pallet_count", *beside]
    fields = [Field(name, Kind.STRING) for name in names]
    table = pa.table({name: ["a1", "b2", "c3"] * 40 for name in names})
    without, told = classify(fields, table)[0], classify(fields, table, [own])[0]
    assert without.tag == "general"
    assert (told.tag, told.alone) == ("pi.id.generic", "pi.id.generic")
    assert told.confidence >= 0.9
    assert ("owner", "own:lot") in {(hint.source, hint.rule) for hint in told.evidence}


def test_an_owners_pattern_counts_whatever_the_network_reads() -> None:
    own = Recognizer("lot", "pi.id.generic", pattern=r"oak plank \d", weight=0.9)
    fields = [Field("goods", Kind.STRING), Field("pallets", Kind.STRING)]
    table = pa.table({"goods": [f"oak plank {n % 10}" for n in range(90)], "pallets": ["3", "7", "9"] * 30})
    assert classify(fields, table)[0].tag == "general"
    told = classify(fields, table, [own])[0]
    assert told.tag == "pi.id.generic"
    assert told.confidence >= 0.9


@pytest.mark.parametrize("values", [["7 green", "7 red"], ["7 green"]])
def test_an_owners_pattern_counts_for_few_values_too(values) -> None:
    own = Recognizer("mark", "pi.criminal", pattern=r"\d (green|red)", weight=0.9)
    table = pa.table({"mark": values * 30, "nr": [f"{n:03}" for n in range(30 * len(values))]})
    told = classify([Field("mark", Kind.STRING), Field("nr", Kind.STRING)], table, [own])[0]
    assert told.tag == "pi.criminal"
    assert recognizer_evidence([own], "mark", sample()) == ()


def test_an_owners_words_do_not_hide_what_is_stricter(people) -> None:
    """Else a careless word would have resident numbers confirmed in bulk as nothing."""
    own = Recognizer("codes", "general", words=("身份证号",), weight=0.99)
    column = people.select(["身份证号"])
    (told,) = classify([Field("身份证号", Kind.STRING)], column, [own])
    assert told.tag == "pi.id.resident"


def test_a_columns_name_is_no_recogniser_of_its_owner() -> None:
    table = pa.table({"own:a": ["Ann Lee", "Max Orr"] * 30, "qty": ["3", "7"] * 30, "own:b": ["x", "y"] * 30})
    plain = table.rename_columns(["own a", "qty", "own b"])
    found = [
        [
            (it.tag, it.confidence)
            for it in classify([Field(name, Kind.STRING) for name in of.column_names], of)
        ]
        for of in (table, plain)
    ]
    assert found[0] == found[1]
