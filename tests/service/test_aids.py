"""Recognisers and data dictionaries of an owner's own, given when a file is registered."""

from dataclasses import replace
from functools import partial

import pytest

from sandbox import workspace
from sandbox.errors import InvalidInputError
from sandbox.schema import Principal, Role
from service.asked import Decisions, Inspection, NewDataset, NewTable
from service.datasets import catalogue, entries, inspection, registration, tagging
from service.desk import Desk

OWNER = Principal("bureau", frozenset({Role.OWNER}))
RULES = "recognizers:\n  - {name: badge, tag: pi.id.generic, pattern: 'K-\\d{4}', weight: 0.99}\n"


@pytest.fixture
def desk(tmp_path, monkeypatch):
    monkeypatch.setenv("KEYONG_ANCHORS", str(tmp_path / "anchors"))
    workspace.create(tmp_path / "ws")
    opened = Desk(workspace.open_workspace(tmp_path / "ws"))
    yield opened
    opened.workspace.close()


def add(desk, folder, encoding="utf-8", **said):
    text = "nr,f9,f10\n" + "".join(f"{n},{n % 7}级,K-{1000 + n}\n" for n in range(60))
    (folder / "d.csv").write_bytes(text.encode(encoding))
    new = NewDataset(folder / "d.csv", "a.b", "nr", "a.person", encoding=encoding, **said)
    return registration.add(desk, OWNER, new, None)


def columns(desk):
    return {it["name"]: it for it in catalogue.classify(desk, OWNER, "a.b")["columns"]}


@pytest.mark.parametrize("encoding", ["utf-8", "gb18030", "utf-16"])
def test_a_dictionary_gives_meanings_that_classify_and_are_shown(desk, tmp_path, encoding):
    listed = "列名,含义\nf9,伤残等级\nother,x\n"
    (tmp_path / "columns.csv").write_bytes(listed.encode(encoding))
    add(desk, tmp_path, encoding, dictionary=tmp_path / "columns.csv")
    assert columns(desk)["f9"]["tag"] == "pi.health"
    shown = {it["name"]: it["description"] for it in entries.show(desk, OWNER, "a.b")["columns"]}
    assert shown == {"nr": "", "f9": "伤残等级", "f10": ""}


def test_a_meaning_of_several_lines_stays_apart(desk, tmp_path):
    (tmp_path / "columns.csv").write_bytes('f9,"伤残\r\n等级"\rf10,x\r\n'.encode())
    add(desk, tmp_path, dictionary=tmp_path / "columns.csv")
    shown = {it["name"]: it["description"] for it in entries.show(desk, OWNER, "a.b")["columns"]}
    assert shown == {"nr": "", "f9": "伤残 等级", "f10": "x"}


def test_a_dictionary_may_write_names_as_the_file_does(desk, tmp_path):
    (tmp_path / "columns.csv").write_text("姓\u3000名,who\n")
    (tmp_path / "d.csv").write_text("nr, 姓\u3000名 \n1,x\n2,y\n")
    new = NewDataset(tmp_path / "d.csv", "a.b", "nr", "a.person", dictionary=tmp_path / "columns.csv")
    registration.add(desk, OWNER, new, None)
    shown = {it["name"]: it["description"] for it in entries.show(desk, OWNER, "a.b")["columns"]}
    assert shown == {"nr": "", "姓 名": "who"}


def test_what_is_said_of_columns_may_write_names_as_the_file_does(desk, tmp_path):
    written = "证\u3000号"
    (tmp_path / "d.csv").write_text(f" {written} , n\u3000o\n1,007\n2,-\n")
    said = {"types": {"n\u3000o": "integer"}, "missing": {" n\u3000o": ("-",)}, "required": (written,)}
    new = NewDataset(tmp_path / "d.csv", "a.b", f" {written}", "a.person", **said)
    assert [it["name"] for it in registration.preview(desk, OWNER, new)["columns"]] == ["证 号", "n o"]
    registration.add(desk, OWNER, new, None)
    tagging.tag(desk, OWNER, "a.b", Decisions({written: "pi.id.generic"}, "looked"))
    assert entries.show(desk, OWNER, "a.b")["unit"] == "证 号"
    assert columns(desk)["n o"]["kind"] == "integer"
    assert columns(desk)["证 号"]["confirmed"]
    look = NewTable(tmp_path / "d.csv", "d.csv", missing={"n\u3000o": ("-",)})
    found = inspection.inspect(look, Inspection(quality=True, unit=written))
    assert found["quality"]["null_units"] == 0
    for twice in (
        {"types": {"n o": "integer", "n\u3000o": "string"}},
        {"missing": {"n o": ("-",), "n o ": ("x",)}},
    ):
        with pytest.raises(InvalidInputError) as caught:
            registration.preview(desk, OWNER, replace(new, **twice))
        assert caught.value.code == "vault.column-twice"
    with pytest.raises(InvalidInputError):
        tagging.tag(desk, OWNER, "a.b", Decisions({"n o": None, "n\u3000o": "general"}, "looked"))


def test_a_later_version_may_repeat_meanings_and_not_change_them(desk, tmp_path):
    (tmp_path / "columns.csv").write_text("f9,伤残等级\n")
    lineage = add(desk, tmp_path, dictionary=tmp_path / "columns.csv")["lineage"]
    add(desk, tmp_path, dictionary=tmp_path / "columns.csv", lineage=lineage)
    (tmp_path / "columns.csv").write_text("f9,something else\n")
    with pytest.raises(InvalidInputError) as caught:
        add(desk, tmp_path, dictionary=tmp_path / "columns.csv", lineage=lineage)
    assert caught.value.code == "dataset.fixed-column"


def file_of(folder, cell="NULL", columns="nr,n"):
    (folder / "d.csv").write_text(f"{columns}\n" + "".join(f"{n},{n}\n" for n in range(40)) + f"40,{cell}\n")
    return NewDataset(folder / "d.csv", "a.b", "nr", "a.person")


@pytest.mark.parametrize("types", [{}, {"nr": "string"}])
def test_marks_for_nothing_in_the_unit_are_told(desk, tmp_path, types):
    rows = "".join(f"A{n % 17:03},{n}\n" for n in range(40))
    (tmp_path / "d.csv").write_text(f"nr,n\n{rows}-,40\nunbekannt,41\n-,42\n")
    new = NewDataset(tmp_path / "d.csv", "a.b", "nr", "a.person", types=types)
    told = [{"column": "nr", "marks": ["-", "unbekannt"], "kind": "string"}]
    assert registration.preview(desk, OWNER, new)["seem_missing"] == told
    assert registration.preview(desk, OWNER, replace(new, unit="n"))["seem_missing"] == []
    marked = replace(new, missing={"nr": ("-", "unbekannt")}, drop_null_units=True)
    added = registration.add(desk, OWNER, marked, None)["owner_report"]
    assert (added["null_units_dropped"], added["seem_missing"]) == (3, [])


def test_a_source_is_removed_once_all_is_done(desk, tmp_path):
    new = replace(file_of(tmp_path), remove_source=True)
    added = registration.add(desk, OWNER, new, None)["owner_report"]
    assert not new.path.exists()
    assert added["seem_missing"] == [{"column": "n", "marks": ["NULL"], "kind": "integer"}]
    assert entries.show(desk, OWNER, "a.b")["version"] == 1


FORMS = {"d": "date(dmy)", "m": "decimal(9,2,comma)", "n": "integer(point)"}


def german(folder, day="28.02.1999"):
    rows = (f"{n};{n + 1:02}.03.2001;1.{n:03},50;{n + 1},000\n" for n in range(9))
    (folder / "d.csv").write_text(f"nr;d;m;n\n{''.join(rows)}9;{day};-7,00;12\n")
    return NewDataset(folder / "d.csv", "a.b", "nr", "a.person", delimiter=";")


def test_a_later_version_is_read_as_the_cells_of_the_first_were_declared(desk, tmp_path):
    seen = registration.preview(desk, OWNER, german(tmp_path))
    assert seen["seem_typed"] == [
        {"column": "d", "kind": "date(dmy)"},
        {"column": "m", "kind": "float(comma)"},
    ]  # of 8,000 nobody knows
    first = registration.add(desk, OWNER, replace(german(tmp_path), types=FORMS), None)
    assert first["owner_report"]["nonconforming"] == {}
    later = replace(german(tmp_path, "28.2.99"), lineage=first["lineage"])
    kinds = {it["name"]: it["kind"] for it in registration.preview(desk, OWNER, later)["columns"]}
    assert {name: kinds[name] for name in FORMS} == FORMS
    for said in ({}, FORMS):
        more = registration.add(desk, OWNER, replace(later, types=said), None)
        assert more["owner_report"]["nonconforming"] == {"d": 1}
    with pytest.raises(InvalidInputError) as caught:
        registration.add(desk, OWNER, replace(later, types={"d": "date"}), None)
    assert (caught.value.code, caught.value.facts["registered"]) == ("dataset.fixed-column", "date(dmy)")
    assert columns(desk)["m"]["kind"] == "decimal(9,2)"  # of how a file writes it nothing is public


@pytest.mark.parametrize(
    ("days", "numbers", "code"),
    [
        (["02/28/1999", "03/31/2001"], ["1,5", "2,5"], "dataset.written-otherwise"),
        (["28.02.1999", "31.03.2001"], ["1,234.5", "2,234.5"], "dataset.written-otherwise"),
        (["28.02.1999", "31.03.2001"], ["n/a", "?"], "dataset.version-fits-nothing"),
        (["28.02.1999", "?"], ["1,5", ""], None),
        (["", ""], ["", ""], None),
        (["", ""], ["", "still here"], None),  # too few to say
    ],
)
def test_a_later_version_is_held_to_the_declared_types(desk, tmp_path, days, numbers, code):
    def file(days, numbers):
        many = 1 if "still here" in numbers else 10
        pairs = list(zip(days, numbers, strict=True)) * many
        rows = [f"{n};{day};{number}\n" for n, (day, number) in enumerate(pairs)]
        (tmp_path / "d.csv").write_text(f"nr;d;m\n{''.join(rows)}")
        return NewDataset(tmp_path / "d.csv", "a.b", "nr", "a.person", delimiter=";")

    types = {"d": "date(dmy)", "m": "float(comma)"}
    first = registration.add(desk, OWNER, replace(file(["01.02.2003"], ["7,5"]), types=types), None)
    later = replace(file(days, numbers), lineage=first["lineage"])
    for step in (registration.preview, partial(registration.add, progress=None)):
        if code is None:
            step(desk, OWNER, later)
        else:
            with pytest.raises(InvalidInputError) as caught:
                step(desk, OWNER, later)
            assert caught.value.code == code
            assert not any(cell in str(caught.value) for cell in (*days, *numbers) if len(cell) > 1)
    assert entries.show(desk, OWNER, "a.b")["version"] == (1 if code else 2)


@pytest.mark.parametrize(
    "text",
    [
        "date(ymd)", "date(comma)", "float(dmy)", "string(comma)", "boolean(dmy)", "decimal(comma)", "date()",
        "decimal(9,2,dmy)", "decimal(9)", "decimal(9,2,comma,point)", "date(dmy,mdy)", "date(dmy", "date(9)",
    ],
)  # fmt: skip
def test_a_form_goes_with_its_kinds_alone(desk, tmp_path, text):
    with pytest.raises(InvalidInputError) as caught:
        registration.preview(desk, OWNER, replace(german(tmp_path), types={"d": text}))
    assert caught.value.code == "dataset.bad-type"


def test_a_first_look_shows_of_a_later_version_what_was_declared(desk, tmp_path):
    new = file_of(tmp_path)
    seen = registration.preview(desk, OWNER, new)
    assert not seen["declared"]
    assert seen["seem_missing"] == [{"column": "n", "marks": ["NULL"], "kind": "integer"}]
    lineage = registration.add(desk, OWNER, replace(new, missing={"n": ["NULL"]}), None)["lineage"]
    later = registration.preview(desk, OWNER, replace(file_of(tmp_path, "-"), lineage=lineage))
    assert later["declared"]
    assert not later["seem_missing"]
    assert [it["kind"] for it in later["columns"]] == ["integer", "integer"]


@pytest.mark.parametrize(
    ("said", "columns", "code"),
    [
        ({}, "nr,n", "dataset.exists"),
        ({"name": "no name"}, "nr,n", "dataset.bad-name"),
        ({"missing": {"n": ["-"]}, "later": True}, "nr,n", "dataset.fixed-column"),
        ({"later": True}, "nr,m", "vault.other-columns"),
        ({"name": "a.c", "namespace": "b.person", "unit": "m"}, "nr,n", "vault.no-such-unit"),
        ({"name": "a.c", "namespace": "b.person", "shards": 3}, "nr,n", "vault.bad-shards"),
    ],
)
def test_a_first_look_refuses_what_registering_refuses(desk, tmp_path, said, columns, code):
    lineage = registration.add(desk, OWNER, file_of(tmp_path), None)["lineage"]
    new = replace(
        file_of(tmp_path, columns=columns), lineage=lineage if said.pop("later", False) else None, **said
    )
    codes = []
    for refused in (
        lambda: registration.preview(desk, OWNER, new),
        lambda: registration.add(desk, OWNER, new, None),
    ):
        with pytest.raises(InvalidInputError) as caught:
            refused()
        codes.append(caught.value.code)
    assert codes == [code, code]


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (b"", "dataset.dictionary-fits-nothing"),
        (b"nothing,here\n", "dataset.dictionary-fits-nothing"),
        (b"f9,\xff\xfe\n", "dataset.dictionary-encoding"),
        (b"f9,of the patient\nf9,of the clinic\n", "dataset.meaning-twice"),
        (b"f9," + b"x" * 301 + b"\n", "dataset.long-meaning"),
        (b"f9," + b"x" * 2**20, "recognizer.too-long"),
        (b'f9,"' + b"x\n" * 100_000, "dataset.bad-dictionary"),
    ],
)
def test_a_dictionary_that_says_nothing_is_refused(desk, tmp_path, content, code):
    (tmp_path / "columns.csv").write_bytes(content)
    with pytest.raises(InvalidInputError) as caught:
        add(desk, tmp_path, dictionary=tmp_path / "columns.csv")
    assert caught.value.code == code


def test_recognisers_speak_when_a_file_is_registered(desk, tmp_path):
    (tmp_path / "rules.yaml").write_text(RULES)
    add(desk, tmp_path, recognizers=tmp_path / "rules.yaml")
    found = columns(desk)["f10"]
    assert found["tag"] == "pi.id.generic"
    assert any(hint["rule"] == "own:badge" for hint in found["hints"])


@pytest.mark.parametrize("content", ["", " \n"])
def test_an_empty_file_of_recognisers_is_no_policy(desk, tmp_path, content):
    (tmp_path / "rules.yaml").write_text(content)
    with pytest.raises(InvalidInputError) as caught:
        add(desk, tmp_path, recognizers=tmp_path / "rules.yaml")
    assert caught.value.code == "recognizer.not-a-list"
