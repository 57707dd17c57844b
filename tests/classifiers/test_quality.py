"""Faults are counted, never shown; what is proposed holds what was seen."""

from __future__ import annotations

import datetime as dt

import pyarrow as pa
import pytest

from classifiers import faults, quality
from classifiers.domains import policy_lines, propose_domains
from classifiers.evidence.evidence import Evidence
from classifiers.quality import TableQuality, assess
from sandbox.schema import CategoricalDomain, DateDomain, Domain, Field, Kind, NumericDomain, exact

TODAY = dt.date(2026, 1, 1)


def of(values: list[str | None], kind: Kind = Kind.STRING, tag: str = "", **more: object) -> TableQuality:
    table = pa.table({"c": pa.array(values, pa.string())})
    field = Field("c", kind, missing=("?",))
    return assess(table.to_batches(), [field], {"c": tag}, today=TODAY, **more)  # type: ignore[arg-type]


def test_nulls_and_marks_are_no_problem() -> None:
    (column,) = of([None, "", "?", "a"]).columns
    assert (column.nulls, column.missing, column.filled, column.problems) == (2, 1, 1, 0)


def test_resident_ids_blanks_and_full_width() -> None:
    ids = ["11010519491231002X", "110105194912310021", " 11010519491231002X", "１１0105194912310021"]
    (column,) = of(ids, tag="pi.id.resident").columns
    assert (column.invalid, column.blanks, column.full_width, column.problems) == (2, 1, 1, 3)


def test_impossible_dates() -> None:
    days = ["2020-02-31", "20200230", "0000-00-00", "2050-01-01", "1899-12-31", "2020-02-29", "1985/3/1"]
    (column,) = of(days, tag="pi.birth-date").columns
    assert (column.impossible, column.formats, column.top_format) == (5, 3, "9-9-9")


def test_dates_of_long_ago_are_possible_but_as_births_of_anybody() -> None:
    days: list[str | None] = ["1850-05-01", "1899-12-31", "18500501", "1500-01-01", "5.1.1649", "1499-12-31"]
    for tag, wrong in (("pi.event-date", 1), ("pi.birth-date", 6)):
        assert of(days, tag=tag).columns[0].impossible == wrong


def test_impossible_births_widen_no_range_of_a_text_column_either() -> None:
    births: list[str | None] = [f"{1950 + n}-05-01" for n in range(40)]
    found = of([*births, "1850-01-01", "2150-01-01", "soon"], tag="pi.birth-date")
    assert (found.columns[0].prevailing, found.columns[0].impossible) == (Kind.DATE, 2)
    lines = policy_lines(propose_domains([Field("c", Kind.STRING)], {"c": "pi.birth-date"}, found.seen))
    assert lines == ['  "c": {use: [], dates: [1950-01-01, 1989-12-31]}']


def test_blanks_and_digits_are_looked_for_in_all_of_a_cell() -> None:
    cells: list[str | None] = [
        "x" * 199 + " " + "y" * 20,
        "x" * 250 + " ",
        "note " * 60 + "１２３",
        "\u3000x",
    ]
    (column,) = of(cells).columns
    assert (column.blanks, column.full_width, column.problems) == (2, 1, 3)


@pytest.mark.parametrize(
    "tag", ["pi.id.resident", "finance.account", "pi.id.generic", "pi.id.social", "org.id", "pi.id.foreign"]
)
def test_numbers_that_a_spreadsheet_spoilt_are_wrong_whatever_they_number(tag: str) -> None:
    cells: list[str | None] = ["6.22202E+18", "1.10101e17", "1E+17", "'11010519491231002X", "\u2018123456"]
    (column,) = of(cells, tag=tag).columns
    assert (column.invalid, column.problems) == (5, 5)
    assert of(["abc123", "12", "5E123456", "1E05", "7E12"], tag="pi.id.generic").columns[0].invalid is None


def test_mail_addresses_of_all_letters_pass() -> None:
    right = ["müller@bücher.de", "用户@例子.公司", "a.b+c@x-y.org", "o'neill@x.co.uk", "संपर्क@डाटामेल.भारत"]
    wrong: list[str | None] = ["a..b@x.org", ".a@x.org", "a@x", "a@@x.org", "@x.org", "a,b@x.org", "a@1.2"]
    wrong += ["mailto:a@x.org", "王勇<a@x.org"]
    assert of([*right, *wrong], tag="pi.contact.email").columns[0].invalid == len(wrong)


def test_impossible_dates_whose_month_is_named() -> None:
    days: list[str | None] = [
        "31-FEB-2020",
        "29-FEB-2020",
        "Feb 30, 2020",
        "31JUN2020:10:00:00",
        "1 May 2020",
    ]
    (column,) = of(days, tag="pi.birth-date").columns
    assert (column.impossible, column.invalid) == (3, 0)


YEAR = "dates: [2020-01-01, 2020-12-31]"
TENS: list[str | None] = [f"{10 * n}" for n in range(1, 9)]


@pytest.mark.parametrize(
    ("cells", "tag", "kind", "nonconforming", "proposed"),
    [
        ([*TENS, "n/a", " x"], "pi.age", Kind.INTEGER, 2, "bounds: [10, 80], grid: 1"),
        ([*TENS, "2.5", "x"], "", Kind.FLOAT, 1, "bounds: [0, 80], grid: 0.1"),
        ([*TENS, "1", "x", "y", "z"], "", None, 0, None),
        ([*TENS, "x", "007"], "", None, 0, None),
        ([*TENS, "x"], "pi.postcode", None, 0, None),
        ([*["2020-05-01"] * 8, "05/01/2020", "soon"], "pi.event-date", Kind.DATE, 2, YEAR),
        ([*["2020-05-01 10:00"] * 8, "?", "never"], "", Kind.TIMESTAMP, 1, YEAR),
    ],
)  # fmt: skip
def test_what_most_cells_of_text_are_the_others_should_be(
    cells: list[str | None], tag: str, kind: Kind | None, nonconforming: int, proposed: str | None
) -> None:
    found = of(cells, tag=tag)
    (column,) = found.columns
    assert (column.prevailing, column.nonconforming, column.problems) == (kind, nonconforming, nonconforming)
    lines = policy_lines(propose_domains([Field("c", Kind.STRING)], {"c": tag}, found.seen))
    assert lines == ([f'  "c": {{use: [], {proposed}}}'] if proposed else [])


def test_a_type_that_was_declared_is_not_questioned() -> None:
    for known in ({"typed": ["c"]}, {"unit": "c"}):
        assert of([*TENS, "x"], **known).columns[0].prevailing is None


MOBILES: list[str | None] = [f"138{n:08}" for n in range(6)]


@pytest.mark.parametrize(
    ("others", "invalid"),
    [
        (["1381234567"], 1),
        (["138123456789"], 1),
        (["12012345678"], 1),
        (["62345678"], 1),
        (["+86 138-1234-5678", "0086 13812345678", "010-62345678", "+86 10 6234 5678", "0755-6234567转8"], 0),
        (["400-123-4567", "+49 170 1234567"], 0),
        ([f"+49 170 123456{n}" for n in range(9)] + ["1381234567"], 0),
    ],
)
def test_phones_are_held_to_the_layout_that_prevails(others: list[str | None], invalid: int) -> None:
    (column,) = of(MOBILES + others, tag="pi.contact.mobile").columns
    assert (column.invalid, column.problems) == (invalid, invalid)


@pytest.mark.parametrize(
    ("rule", "right", "wrong"),
    [
        # Examples of those who give the numbers out (and of python-stdnum's documentation).
        ("nhs-gb", ["943 476 5919", "401-023-2137"], ["943 476 5918", "9434765"]),
        ("dni-es", ["54362315K", "X-2482300W"], ["54362315Z", "X2482300A", "n/a"]),
        ("bsn-nl", ["111222333", "941331490"], ["111252333", "1112223334"]),
        ("steuer-id-de", ["36 574 261 809"], ["36574261890", "36554266806"]),
        ("siren-fr", ["552 008 443", "73282932000074"], ["552008442", "73282932000079"]),
        ("orgnr-se", ["556000-4615", "880320-0016"], ["556000-4616", "880320-0018"]),
        ("cpf-br", ["390.533.447-05", "16.727.230/0001-97"], ["390.533.447-06", "16.727.230/0001-98"]),
        ("id-tw", ["A123456789"], ["A123456788"]),
        ("imei", ["490154203237518"], ["490154203237519"]),
    ],
)
def test_numbers_of_other_countries_are_held_to_the_check_of_most(
    rule: str, right: list[str | None], wrong: list[str | None]
) -> None:
    (column,) = of([*right, None, *wrong], tag="pi.id.foreign", numbers={"c": rule}).columns
    assert (column.invalid, column.problems) == (len(wrong), len(wrong))


_CANADIAN, _FRENCH = ("pi.id.foreign", "sin-ca"), ("org.id", "siren-fr")


def test_which_number_a_column_holds_is_told_by_its_values() -> None:
    hints = (
        Evidence("pi.id.foreign", "name", "id", 0.97),
        Evidence("pi.id.social", "values", "nhs-gb", 0.85, 0.9),
        Evidence("pi.contact.mobile", "values", "phone", 0.5, 0.6),
    )
    assert faults.number_of("pi.id.foreign", hints) == faults.number_of("pi.id.generic", hints) == "nhs-gb"
    assert faults.number_of("pi.contact.mobile", hints) == faults.number_of("general", hints) == ""
    assert faults.number_of("pi.id.foreign", hints[:1]) == ""
    tied = [Evidence(tag, "values", rule, 0.85, 0.9) for tag, rule in (_CANADIAN, _FRENCH)]
    assert faults.number_of("org.id", tied) == faults.number_of("org.id", tied[::-1]) == "siren-fr"
    dated = Evidence("pi.id.foreign", "values", "nric-my", 0.52, 0.9)  # a date in it is all
    assert faults.number_of("pi.id.generic", [dated]) == ""
    shape = Evidence("pi.id.foreign", "values", "ssn-us", 0.92, 0.9)  # it has no check
    assert faults.number_of("pi.id.foreign", (*hints, shape)) == ""


def test_phones_of_all_countries_pass_in_their_usual_layouts() -> None:
    phones = [
        "+49 (0)30 123-4567",
        "+49 171 1234567",
        "+49 30/1234567",
        "+49.30.1234567",
        "0171/1234567",
        "0171 / 123 45 67",
        "0171.123.45.67",
        "(030) 123-4567",
        "(030)/1234567",
        "06 12 34 56 78",
        "06.12.34.56.78",
        "+33 6.12.34.56.78",
        "07911 123456",
        "(0)7911 123456",
        "+44 (0) 20 7946 0958",
        "0049 171 1234567",
        "(415) 555-2671 x12",
        "(415) 555-2671 ext. 12",
        "+1 (415) 555.2671",
        "(+1) 415 555 2671",
        "415.555.2671",
        "1.415.555.2671",
        "13800138000",
        "0755-6234567转8",
        "6234567",
        "+81 90–1234–5678",
    ]
    assert faults.valid("pi.contact.mobile", pa.array(phones)).all()


def test_what_is_clearly_no_phone_fails() -> None:
    others = [
        "unknown",
        "call me",
        "abc1234567",
        "123",
        "12 34",
        "12345678901234567890",
        "+12345678901234567890",
        "2024-01-31",
        "2024/1/31",
        "31.01.2024",
        "01/31/2024",
        "2024-01-31 10:30",
        "1234567.89",
        "0.12345678",
        "192.168.100.200",
        "a@example.org",
        "10:30:00",
    ]
    assert not faults.valid("pi.contact.mobile", pa.array(others)).any()


def test_four_numbers_are_an_address_if_none_passes_255() -> None:
    cells: list[str | None] = ["10.0.0.1", "10.0.0.255/24", "10.0.0.256", "999.1.1.1", "fe80::1", "router"]
    assert of(cells, tag="pi.network").columns[0].invalid == 2


@pytest.mark.parametrize(
    ("cells", "formats", "top"),
    [
        ([*MOBILES, "1381234567"], 2, "9×11"),
        ([str(10**n) for n in range(9)], 1, "9"),
        ([f"{n:02X}:{7 * n:02x}:00:AB:c1:{255 - n:02X}" for n in range(32)], 1, "h:h:h:h:h:h"),
        (["123e4567-e89b-12d3-a456-426614174000", "00000000-0000-0000-0000-000000000000"], 1, "h-h-h-h-h"),
        (["d41d8cd98f00b204e9800998ecf8427e", "900150983cd24fb0d6963f7d28e17f72"], 1, "h"),
        (["E12345678", "G12345678"], 1, "A9"),
    ],
)
def test_lengths_and_hexadecimal_digits_are_formats(cells: list[str | None], formats: int, top: str) -> None:
    (column,) = of(cells).columns
    assert (column.formats, column.top_format) == (formats, top)


def test_numbers_that_name_something_have_formats() -> None:
    cells: list[str | None] = [*MOBILES, "1381234567"]
    assert of(cells, Kind.INTEGER, tag="pi.contact.mobile").columns[0].formats == 2
    assert of(cells, Kind.INTEGER).columns[0].formats is None


@pytest.mark.parametrize(
    ("cell", "fault"),
    [
        ("29/02/2020", None),
        ("02/29/2020", None),
        ("29.2.2020 10:00", None),
        ("31-12-2019", None),
        ("31122019", None),
        ("20191231.0", None),
        ("1985", None),
        ("198503", None),
        ("1985年3月", None),
        ("3 May 2019", None),
        ("3/5/85", None),
        ("２０２０-０２-２９", None),
        ("30/02/2020", "impossible"),
        ("31.04.2020", "impossible"),
        ("13-13-2019", "impossible"),
        ("29/02/2019", "impossible"),
        ("01/02/2050", "impossible"),
        ("20200230", "impossible"),
        ("99999999", "impossible"),
        ("２０２０-０２-３０", "impossible"),
        ("unknown", "invalid"),
        ("44197", "invalid"),
        ("12/2", "invalid"),
        ("123456789", "invalid"),
    ],
)
def test_a_date_in_any_order_is_possible_impossible_or_none(cell: str, fault: str | None) -> None:
    (column,) = of([cell, "2020-01-01", "2019-05-05"], tag="pi.birth-date").columns
    counted = {name for name in ("impossible", "invalid") if getattr(column, name)}
    assert counted == ({fault} if fault else set())


def test_what_ends_some_day_or_never_is_possible_and_widens_no_bounds() -> None:
    days = ["2019-05-01", "2031-12-31", "9999-12-31", "0001-01-01"]
    for tag, wrong, last in (("pi.event-date", 1, 2031), ("pi.birth-date", 3, 2019)):
        report = of(days, Kind.DATE, tag=tag)
        assert report.columns[0].impossible == wrong
        assert proposed(report, Kind.DATE) == DateDomain(dt.date(2019, 1, 1), dt.date(last, 12, 31))
    assert proposed(of(["9999-12-31"], Kind.DATE), Kind.DATE) is None


def proposed(report: TableQuality, kind: Kind) -> Domain | None:
    return propose_domains([Field("c", kind)], {}, report.seen).get("c")


def test_numbers_written_otherwise_have_the_bounds_they_mean() -> None:
    field = Field("c", Kind.DECIMAL, precision=9, scale=2, written="comma")
    batches = pa.table({"c": ["1.234,50", " -7,00", "12", "x"]}).to_batches()
    report = assess(batches, [field], {"c": ""}, today=TODAY)
    assert report.columns[0].nonconforming == 1
    assert proposed(report, Kind.DECIMAL) == NumericDomain(exact(-200), exact(1400), exact("0.1"))


def test_numbers_that_are_none() -> None:
    (column,) = of(["1", "1e300", "nan", "inf", "x"], Kind.FLOAT).columns
    assert (column.nonconforming, column.ratio) == (3, 0.6)


def test_outside_of_a_declared_domain() -> None:
    ten = NumericDomain(exact(0), exact(10), exact(1))
    assert of(["1", "11"], Kind.INTEGER, domains={"c": ten}).columns[0].outside == 1
    assert of(["a", "b"], domains={"c": CategoricalDomain(("a",))}).columns[0].outside == 1


def test_native_cells_of_any_zone_and_type_are_not_faulty() -> None:
    moments = [dt.datetime(2020, 2, 29, 12), None, dt.datetime(2021, 1, 1)]
    of_types = {
        "shanghai": (Kind.TIMESTAMP, pa.array(moments, pa.timestamp("us", "Asia/Shanghai"))),
        "naive": (Kind.TIMESTAMP, pa.array(moments, pa.timestamp("ns"))),
        "day": (Kind.DATE, pa.array(moments, pa.date64())),
        "coded": (Kind.STRING, pa.array(["a", "b", "a"]).dictionary_encode()),
        "large": (Kind.STRING, pa.array(["a", "b", None], pa.large_string())),
        "nothing": (Kind.STRING, pa.nulls(3)),
    }
    table = pa.table({name: column for name, (_, column) in of_types.items()})
    for missing in ((), ("NA",)):
        fields = [Field(name, kind, missing=missing) for name, (kind, _) in of_types.items()]
        found = assess(table.to_batches(), fields, {}, today=TODAY)
        assert [column.problems for column in found.columns] == [0] * len(fields)
        assert found.seen["shanghai"].low == dt.datetime(2020, 2, 29, 12)


HUNDRED = NumericDomain(exact(0), exact(100), exact(1))
RECENT = DateDomain(dt.date(2000, 1, 1), TODAY)


@pytest.mark.parametrize(
    ("values", "kind", "domain", "nonconforming", "outside"),
    [
        (["0", "119", "n/a", "n/a"], Kind.STRING, HUNDRED, 2, 1),
        (["true", "false"], Kind.BOOLEAN, HUNDRED, 2, 0),
        (["20200101", "7"], Kind.INTEGER, RECENT, 1, 0),
        (["2020-01-01", "1999-01-01", "?", "soon"], Kind.STRING, RECENT, 1, 1),
        (["yes", "no", "maybe"], Kind.STRING, CategoricalDomain((True, False)), 1, 0),
        (["01", "2", "3"], Kind.STRING, CategoricalDomain((1, 2)), 0, 1),
        (["1.0", "2.5"], Kind.FLOAT, CategoricalDomain((1, 2)), 0, 1),
        (["1", "01"], Kind.INTEGER, CategoricalDomain(("1", None)), 0, 1),
        (["yes"], Kind.STRING, CategoricalDomain((True, "yes")), 0, 0),
    ],
)
def test_cells_are_read_as_the_domain_means_them(
    values: list[str | None], kind: Kind, domain: Domain, nonconforming: int, outside: int
) -> None:
    (column,) = of(values, kind, domains={"c": domain}).columns
    assert (column.nonconforming, column.outside) == (nonconforming, outside)


def test_rows_beyond_the_first_of_a_unit(monkeypatch) -> None:
    few = of(["a", "a", "b", None], unit="c")
    assert (few.duplicates, few.null_units, few.approximate) == (1, 1, False)
    monkeypatch.setattr(quality, "_HASHES", 1024)
    many = of([str(i % 20_000) for i in range(40_000)], unit="c")
    assert many.approximate
    assert many.duplicates is not None
    assert abs(many.duplicates - 20_000) < 20_000 / 5  # six standard errors of 1/sqrt(1024)


def test_units_are_those_of_registration() -> None:
    ids = ["1", "01", " 1", "1.0", "?", ""]
    as_numbers, as_texts = of(ids, Kind.INTEGER, unit="c"), of([*ids, " ", "e\u0301", "é"], unit="c")
    assert (as_numbers.duplicates, as_numbers.null_units) == (3, 2)
    assert (as_texts.duplicates, as_texts.null_units) == (2, 3)


def test_nothing_at_all() -> None:
    assert of([]).ratio == of([None]).ratio == 0


def test_domains_hold_what_was_seen_and_leave_out_the_rare() -> None:
    fields = [Field("age", Kind.INTEGER), Field("g", Kind.STRING), Field("d", Kind.DATE)]
    rows = [("17", "F", "2020-03-01"), ("96", "no", "2021-04-01")] * 10 + [("50", "rare", "2020-03-01")]
    table = pa.table(dict(zip(("age", "g", "d"), map(list, zip(*rows, strict=True)), strict=True)))
    found = assess(table.to_batches(), fields, {}, today=TODAY)
    assert policy_lines(propose_domains(fields, {}, found.seen)) == [
        '  "age": {use: [], bounds: [10, 100], grid: 1}',
        '  "g": {use: [], categories: ["F", "no"]}',
        '  "d": {use: [], dates: [2020-01-01, 2021-12-31]}',
    ]
    assert propose_domains(fields, {"age": "pi.id.generic"}, found.seen).keys() == {"g", "d"}
    assert propose_domains(fields, {}, found.seen, unit="g").keys() == {"age", "d"}


def test_codes_are_categories_and_whole_numbers_have_a_whole_grid() -> None:
    field = Field("c", Kind.INTEGER)
    seen = of(["1", "2", "+1"] * 10 + ["9"], Kind.INTEGER).seen
    assert policy_lines(propose_domains([field], {"c": "pi.gender"}, seen)) == [
        '  "c": {use: [], categories: [1, 2]}'
    ]
    assert policy_lines(propose_domains([field], {"c": "pi.age"}, seen)) == [
        '  "c": {use: [], bounds: [1, 9], grid: 1}'
    ]
    of_prices = of(["1.5", "1.25"] * 10, Kind.FLOAT).seen
    assert policy_lines(propose_domains([Field("c", Kind.FLOAT)], {}, of_prices)) == [
        '  "c": {use: [], bounds: [1.25, 1.5], grid: 0.01}'
    ]


def test_categories_are_of_units_not_of_rows() -> None:
    rows = [(f"{n}", "common", "1") for n in range(10)] + [
        ("0", "one person's", f"{'0' * n}2") for n in range(40)
    ]
    table = pa.table(dict(zip(("id", "g", "code"), map(list, zip(*rows, strict=True)), strict=True)))
    fields = [Field("id", Kind.STRING), Field("g", Kind.STRING), Field("code", Kind.INTEGER)]
    for unit, common, codes in (("id", '"common"', "1"), (None, '"common", "one person\'s"', "1, 2")):
        # In batches of three, as what one unit holds must not count once for each.
        found = assess(table.to_batches(3), fields, {}, today=TODAY, unit=unit)
        lines = policy_lines(
            propose_domains(fields, {"id": "pi.id.generic", "code": "pi.gender"}, found.seen)
        )
        assert lines == [
            f'  "g": {{use: [], categories: [{common}]}}',
            f'  "code": {{use: [], categories: [{codes}]}}',
        ]


@pytest.mark.parametrize(
    ("cells", "proposed"),
    [
        (["short", "x" * 201], None),
        (["short", "x" * 200], ["short", "x" * 200]),
        (["F", " ", "\u3000", "F "], ["F", "F "]),
        ([" "], None),
    ],
)
def test_categories_are_whole_cells_and_none_is_blank(
    cells: list[str | None], proposed: list[str] | None
) -> None:
    field = Field("c", Kind.STRING)
    found = propose_domains([field], {}, of(cells * 10).seen)
    assert found == ({"c": CategoricalDomain(tuple(proposed))} if proposed else {})


@pytest.mark.parametrize(
    ("cell", "shape"),
    [
        ("+", "?"),
        ("🙂", "?"),
        ("٣٤", "#"),
        ("Ⅲ级", "#文"),
        ("√ √", "?"),
        ("-7", "-9"),
        ("a🙂", "a?"),
        ("1,5", "9,9"),
    ],
)
def test_a_shape_never_is_the_cell(cell: str, shape: str) -> None:
    assert faults.shapes(pa.array([cell])) == [shape]
