"""A new version is classified anew, and a column that drifted is denied until its owner has looked."""

import csv
import json
from contextlib import nullcontext
from dataclasses import asdict, replace

import pytest
import sqlalchemy as sa

from classifiers.classify import Proposal
from classifiers.evidence.evidence import Evidence
from cli import sheets
from sandbox import workspace
from sandbox.books import leaves, tags
from sandbox.errors import InvalidInputError, TamperingError
from sandbox.schema import Principal, Role
from service.asked import Decisions, NewDataset
from service.audit import journal
from service.checks import books as bookcheck
from service.datasets import catalogue, registration, tagging
from service.desk import Desk


@pytest.fixture
def owner():
    return Principal("bureau", frozenset({Role.OWNER}))


@pytest.fixture
def desk(tmp_path, monkeypatch):
    monkeypatch.setenv("KEYONG_ANCHORS", str(tmp_path / "anchors"))
    workspace.create(tmp_path / "ws")
    opened = Desk(workspace.open_workspace(tmp_path / "ws"))
    yield opened
    opened.workspace.close()


class Manifest:
    lineage = "lineage-1"

    def __init__(self, version):
        self.version = version


def seen(desk, owner, version, **found):
    with desk.writing() as entry:
        proposals = [Proposal(column, tag, 0.9, (), alone=tag) for column, tag in found.items()]
        return tagging.propose(entry, owner, "health.d", Manifest(version), proposals)


def decided(desk, owner, **chosen):
    with desk.writing() as entry:
        for column, tag in chosen.items():
            where = (tags.c.lineage == Manifest.lineage) & (tags.c.column == column)
            made = {"decided_by": owner.name, "reason": "r", "changed": entry.at.isoformat()}
            entry.connection.execute(sa.update(tags).where(where).values(tag=tag, confirmed=True, **made))
        entry.log("tags", owner.name, dataset="health.d", lineage=Manifest.lineage, tags=chosen, reason="r")


def held(desk):
    with desk.reading() as connection:
        return {row.column: (row.tag, bool(row.confirmed)) for row in connection.execute(sa.select(tags))}


def checked(desk):
    with desk.reading() as connection:
        logged = bookcheck._logged(connection, None)
        bookcheck._check_tags(connection, logged.tags, logged.proposed)


def test_a_column_that_may_nearly_as_well_be_what_it_was_stays_confirmed(desk, owner):
    assert seen(desk, owner, 1, ref="general") == {}
    decided(desk, owner, ref="general")
    steps = [
        ("pi.device", ("general",), {}),
        ("pi.device", ("general", "org.id"), {}),
        # Step by step it may not become what nobody confirmed.
        ("pi.device", ("org.id",), {"ref": "pi.device"}),
    ]
    for version, (alone, likely, wanted) in enumerate(steps, 2):
        found = [Proposal("ref", alone, 0.5, (), alone=alone, likely=likely)]
        with desk.writing() as entry:
            assert tagging.propose(entry, owner, "health.d", Manifest(version), found) == wanted
    checked(desk)


@pytest.mark.parametrize(
    ("first", "chosen", "now", "confidence", "drifts"),
    [
        (
            "pi.ethnicity",
            "pi.ethnicity",
            "pi.health",
            0.6,
            True,
        ),  # its name outvotes its values
        ("pi.ethnicity", "pi.ethnicity", "pi.health", 0.5, False),  # no more likely than not
        ("pi.health", "pi.ethnicity", "pi.health", 0.9, False),  # overridden knowing that
        ("pi.event-date", "general", "pi.event-date", 0.9, False),
        ("pi.event-date", "general", "pi.name", 0.9, True),  # that was never overridden
        ("general", "pi.health", "pi.religion", 0.9, False),  # as strict as what was confirmed
        ("pi.health", "pi.health", "pi.ethnicity", 0.9, False),  # less strict
    ],
)
def test_a_column_that_by_all_evidence_seems_stricter_is_denied_again(
    desk, owner, first, chosen, now, confidence, drifts
):
    seen(desk, owner, 1, eth=first)
    decided(desk, owner, eth=chosen)
    found = [Proposal("eth", now, confidence, (), alone=first)]
    with desk.writing() as entry:
        told = tagging.propose(entry, owner, "health.d", Manifest(2), found)
    assert told == ({"eth": now} if drifts else {})
    assert held(desk) == {"eth": (now, False) if drifts else (chosen, True)}
    checked(desk)


@pytest.mark.parametrize(
    ("hints", "now", "drifts"),
    [
        ([("pi.contact.mobile", "values", "phone-mixed", 0.85, 1.0)], "geo.region", True),
        ([("pi.contact.mobile", "values", "phone-mixed", 0.85, 0.8)], "geo.region", True),
        ([("pi.contact.mobile", "inside", "phone", 0.95, 0.9)], "geo.region", True),
        ([("pi.contact.mobile", "values", "phone-mixed", 0.85, 0.7)], "geo.region", False),  # not most
        ([("pi.postcode", "values", "postcode-cn", 0.4, 1.0)], "geo.region", False),  # may be anything
        (
            [("pi.contact.mobile", "names", "phone", 0.95, None)],
            "geo.region",
            False,
        ),  # a name says nothing new
        ([("pi.id.foreign", "values", "before", 0.95, 1.0)], "geo.region", False),  # as when somebody looked
        ([("pi.contact.mobile", "values", "phone-mixed", 0.85, 1.0)], "pi.health", True),
        ([("pi.contact.mobile", "values", "rarely-before", 0.85, 1.0)], "geo.region", True),
        (
            [
                ("pi.postcode", "values", "zip-5", 0.9, 1.0),
                ("pi.contact.mobile", "values", "phone-mixed", 0.85, 1.0),
            ],
            "geo.region",
            True,
        ),
    ],
)
def test_values_of_which_most_have_the_form_of_something_stricter_are_denied_again(
    desk, owner, hints, now, drifts
):
    then = (
        Evidence("pi.id.foreign", "values", "before", 0.95, 0.9),
        Evidence("pi.contact.mobile", "values", "rarely-before", 0.85, 0.1),
    )
    for version, evidence, tag in ((1, then, "geo.region"), (2, [Evidence(*it) for it in hints], now)):
        found = [Proposal("ort", tag, 0.4, tuple(evidence), alone="geo.region")]
        with desk.writing() as entry:
            told = tagging.propose(entry, owner, "health.d", Manifest(version), found)
        if version == 1:
            decided(desk, owner, ort="geo.region")
    stricter = "pi.health" if now == "pi.health" else "pi.contact.mobile"
    assert told == ({"ort": stricter} if drifts else {})
    assert held(desk) == {"ort": (stricter, False) if drifts else ("geo.region", True)}
    checked(desk)
    if drifts:
        decided(desk, owner, ort="geo.region")
        with desk.writing() as entry:
            assert tagging.propose(entry, owner, "health.d", Manifest(3), found) == {}


def test_a_confirmed_column_that_changed_its_nature_is_denied_again(desk, owner):
    assert seen(desk, owner, 1, sex="pi.gender", code="general") == {}
    decided(desk, owner, sex="pi.gender", code="general")
    assert seen(desk, owner, 2, sex="pi.gender", code="pi.id.resident") == {"code": "pi.id.resident"}
    assert held(desk) == {"sex": ("pi.gender", True), "code": ("pi.id.resident", False)}
    checked(desk)
    with desk.reading() as connection:
        last = connection.scalar(sa.select(leaves.c.entry).order_by(leaves.c.leaf.desc()).limit(1))
    said = json.loads(last)
    assert (said["kind"], said["actor"]) == ("drift", owner.name)
    assert said["facts"]["columns"] == {"code": "pi.id.resident"}


def test_an_override_stands_while_the_proposal_stays_what_it_was(desk, owner):
    seen(desk, owner, 1, nr="pi.id.generic")
    decided(desk, owner, nr="general")
    assert seen(desk, owner, 2, nr="pi.id.generic") == {}
    assert seen(desk, owner, 3, nr="general") == {}  # what its owner said already
    assert held(desk) == {"nr": ("general", True)}
    assert seen(desk, owner, 4, nr="pi.id.generic") == {"nr": "pi.id.generic"}


def test_what_nobody_confirmed_follows_the_newest_version(desk, owner):
    seen(desk, owner, 1, a="general")
    assert seen(desk, owner, 2, a="pi.health") == {}
    assert held(desk) == {"a": ("pi.health", False)}


def test_a_confirmation_put_back_behind_the_log_is_found(desk, owner):
    seen(desk, owner, 1, a="general")
    decided(desk, owner, a="general")
    seen(desk, owner, 2, a="pi.health")
    with desk.writing() as entry:
        entry.connection.execute(sa.update(tags).values(tag="general", confirmed=True))
    with pytest.raises(TamperingError):
        checked(desk)


def add(desk, owner, folder, rows, **said):
    (folder / "d.csv").write_text("nr,info\n" + "".join(f"{nr},{info}\n" for nr, info in rows))
    new = NewDataset(folder / "d.csv", "health.d", "nr", "health.person", filter="zcdp", **said)
    return registration.add(desk, owner, new, None)


def test_kinds_of_persons_that_become_telling_are_told_to_their_owner(desk, owner, tmp_path):
    def file_of(*kinds):
        names = [f"{'王李张刘'[n % 4]}{'明华强芳丽'[n % 5]}" for n in range(90)]
        lines = [f"{n},{name},{kinds[n % len(kinds)]}\n" for n, name in enumerate(names)]
        (tmp_path / "k.csv").write_text("nr,姓名,人员类别\n" + "".join(lines))
        return NewDataset(tmp_path / "k.csv", "civil.d", "nr", "civil.person", filter="zcdp")

    first = registration.add(desk, owner, file_of("在职职工", "退休职工", "学生"), None)
    tagging.tag(desk, owner, "civil.d", Decisions({}, "in bulk", above="0"))
    later = replace(file_of("在职职工", "刑满释放人员", "社区矫正人员"), lineage=first["lineage"])
    again = registration.add(desk, owner, later, None)
    assert again["owner_report"]["drifted"] == {"人员类别": "pi.criminal"}


def test_a_file_whose_column_turns_into_e_mails_is_told_to_its_owner(desk, owner, tmp_path):
    calm = [(n, f"box {n % 3}") for n in range(60)]
    first = add(desk, owner, tmp_path, calm)
    assert first["owner_report"]["drifted"] == {}
    tagging.tag(desk, owner, "health.d", Decisions({"nr": None, "info": "org.name"}, " looked at "))
    checked(desk)
    held_now = {it["name"]: it for it in catalogue.classify(desk, owner, "health.d")["columns"]}
    assert (held_now["info"]["proposed"], held_now["info"]["tag"]) == ("general", "org.name")
    assert held_now["info"]["decision"] == held_now["nr"]["decision"]
    assert (held_now["nr"]["decision"]["by"], held_now["nr"]["decision"]["reason"]) == (
        owner.name,
        "looked at",
    )
    mails = [(n, f"person{n}@example.org") for n in range(60)]
    again = add(desk, owner, tmp_path, mails, lineage=first["lineage"])
    assert again["owner_report"]["drifted"] == {"info": "pi.contact.email"}
    columns = {it["name"]: it for it in catalogue.classify(desk, owner, "health.d")["columns"]}
    assert (columns["info"]["tag"], columns["info"]["confirmed"]) == ("pi.contact.email", False)
    assert (columns["info"]["decision"], columns["info"]["drifted_from"]) == (None, "org.name")
    assert columns["nr"]["confirmed"]
    checked(desk)
    # Nobody has looked yet: the next version does not make it forget.
    add(desk, owner, tmp_path, mails, lineage=first["lineage"])
    columns = {it["name"]: it for it in catalogue.classify(desk, owner, "health.d")["columns"]}
    assert columns["info"]["drifted_from"] == "org.name"
    # It is looked at by name: all above a confidence leaves it out, however sure its proposal is.
    told = tagging.tag(desk, owner, "health.d", Decisions({}, "in bulk", above="0"))
    assert (told["confirmed"], told["unconfirmed"], told["drifted"]) == ({}, ["info"], ["info"])
    told = tagging.tag(desk, owner, "health.d", Decisions({"info": None}, "looked", above="0"))
    assert (told["unconfirmed"], told["drifted"]) == ([], [])
    checked(desk)


def test_a_confirmed_column_shows_what_it_seems_in_the_newest_version(desk, owner, tmp_path):
    first = add(desk, owner, tmp_path, [(n, f"box {n % 3}") for n in range(60)])
    tagging.tag(desk, owner, "health.d", Decisions({"nr": None, "info": None}, "r"))

    def shown():
        (column,) = (
            it for it in catalogue.classify(desk, owner, "health.d")["columns"] if it["name"] == "info"
        )
        return column["tag"], column["proposed"], column["seems"], column["confidence"], column["hints"]

    assert shown()[:3] == ("general", "general", "general")
    hint = Evidence("pi.address", "values", "address", 0.4, 0.5)
    manifest = Manifest(2)
    manifest.lineage = first["lineage"]
    for confidence in (0.4, 0.45):  # two versions
        found = [Proposal("info", "pi.address", confidence, (hint,), alone="general")]
        with desk.writing() as entry:
            assert tagging.propose(entry, owner, "health.d", manifest, found) == {}
    assert shown() == ("general", "general", "pi.address", "0.45", [asdict(hint)])
    checked(desk)
    # Whoever confirms it again has looked at this.
    tagging.tag(desk, owner, "health.d", Decisions({"info": "general"}, "numbers of boxes"))
    assert shown() == ("general", "pi.address", "pi.address", "0.45", [asdict(hint)])
    (*_, said) = (entry.facts for entry in _entries(desk, "tags"))
    assert said["proposed"] == {"info": "pi.address"}
    checked(desk)


@pytest.mark.parametrize(("language", "title"), [("en", "pi.name (Personal name)"), ("zh", "pi.name (姓名)")])
def test_an_unknown_tag_is_answered_with_what_the_known_ones_mean(
    desk, owner, tmp_path, monkeypatch, language, title
):
    monkeypatch.setenv("KEYONG_LANG", language)
    add(desk, owner, tmp_path, [(n, "x") for n in range(9)])
    with pytest.raises(InvalidInputError, match=r"dataset\.misspelt-tag") as refused:
        tagging.tag(desk, owner, "health.d", Decisions({"info": "name"}, "r"))
    assert title in refused.value.facts["near"]


@pytest.mark.parametrize("change", [{"decided_by": "nobody"}, {"reason": "other"}, {"changed": "2020-01-01"}])
def test_who_confirmed_is_held_against_the_log(desk, owner, tmp_path, change):
    add(desk, owner, tmp_path, [(n, "x") for n in range(9)])
    tagging.tag(desk, owner, "health.d", Decisions({"info": "general"}, "looked at"))
    checked(desk)
    with desk.writing() as entry:
        entry.connection.execute(sa.update(tags).where(tags.c.column == "info").values(**change))
    with pytest.raises(TamperingError):
        checked(desk)


def test_what_was_proposed_is_logged_and_held_against_the_books(desk, owner, tmp_path):
    add(desk, owner, tmp_path, [(n, f"person{n}@example.org") for n in range(60)])
    tagging.tag(desk, owner, "health.d", Decisions({"info": "general", "nr": None}, "test mails"))
    (said,) = (entry.facts for entry in _entries(desk, "tags"))
    assert said["proposed"] == {"info": "pi.contact.email"}
    checked(desk)
    for column, forged in (("info", '{"tag": "general"}'), ("info", "[]"), ("nr", '{"tag": "pi.name"}')):
        with desk.reading() as connection:
            kept = connection.scalar(sa.select(tags.c.evidence).where(tags.c.column == column))
        for evidence, sound in ((forged, False), (kept, True)):
            with desk.writing() as entry:
                chosen = tags.c.column == column
                entry.connection.execute(sa.update(tags).where(chosen).values(evidence=evidence))
            with nullcontext() if sound else pytest.raises(TamperingError):
                checked(desk)


def _entries(desk, kind):
    with desk.reading() as connection:
        return list(journal.of_kind(connection, kind))


def test_a_sheet_decides_about_what_it_showed(desk, owner, tmp_path, monkeypatch):
    """Columns unconfirmed, confirmed or decided otherwise, unless they changed meanwhile."""
    monkeypatch.setenv("KEYONG_LANG", "en")
    add(desk, owner, tmp_path, [(n, f"person{n}@example.org") for n in range(60)])

    def by_sheet(name, meanwhile, **decisions):
        shown = catalogue.classify(desk, owner, "health.d")
        sheets.write(tmp_path / name, shown["columns"], "pipl", shown["levels"]["pipl"]["titles"], "health.d")
        with (tmp_path / name).open(encoding="utf-8-sig", newline="") as file:
            head, *lines = csv.reader(file)
        for line in lines:
            line[9] = decisions.get(line[0], "")
        with (tmp_path / name).open("w", encoding="utf-8", newline="") as file:
            csv.writer(file).writerows([head, *lines])
        if meanwhile is not None:
            tagging.tag(desk, owner, "health.d", meanwhile)
        said = sheets.read(tmp_path / name, "utf-8", "health.d")
        return tagging.tag(
            desk, owner, "health.d", Decisions(said.tags, "sheet", reasons=said.reasons, seen=said.seen)
        )

    assert by_sheet("1", None, info="ok", nr="general")["confirmed"] == {
        "nr": "general",
        "info": "pi.contact.email",
    }
    assert by_sheet("2", None, info="ok", nr="ok")["confirmed"] == {
        "nr": "general",
        "info": "pi.contact.email",
    }
    assert by_sheet("3", None, nr="Record or person number")["confirmed"] == {"nr": "pi.id.generic"}
    before = held(desk)
    with pytest.raises(InvalidInputError) as caught:
        by_sheet("4", Decisions({"info": "general"}, "another window"), info="ok", nr="ok")
    assert (caught.value.code, caught.value.facts["columns"]) == ("dataset.other-tags", ["info"])
    assert held(desk) == before | {"info": ("general", True)}
    checked(desk)


def test_what_protects_less_than_was_proposed_is_told(desk, owner, tmp_path):
    add(desk, owner, tmp_path, [(n, f"person{n}@example.org") for n in range(60)])
    told = tagging.tag(desk, owner, "health.d", Decisions({"nr": None, "info": "general"}, "invented"))
    assert told["weaker"] == {"info": "pi.contact.email"}
    again = tagging.tag(desk, owner, "health.d", Decisions({"info": "pi.id.resident"}, "to be sure"))
    assert again["weaker"] == {}


def test_columns_may_have_reasons_of_their_own_each_with_a_leaf(desk, owner, tmp_path):
    add(desk, owner, tmp_path, [(n, f"person{n}@example.org") for n in range(60)])
    said = Decisions({"nr": None, " info": "电子邮箱"}, "looked", reasons={"info ": " they\nare "})
    told = tagging.tag(desk, owner, "health.d", said)
    assert told["confirmed"] == {"nr": "pi.id.generic", "info": "pi.contact.email"}
    logged = {it.facts["reason"]: it.facts["tags"] for it in _entries(desk, "tags")}
    assert logged == {"looked": {"nr": "pi.id.generic"}, "they are": {"info": "pi.contact.email"}}
    columns = {it["name"]: it for it in catalogue.classify(desk, owner, "health.d")["columns"]}
    assert columns["info"]["decision"]["reason"] == "they are"
    checked(desk)


@pytest.mark.parametrize(
    ("said", "code"),
    [
        (
            Decisions({"nr": None, "info": None}, "r", seen={"nr": "pi.id.generic", "info": "general"}),
            "dataset.other-tags",
        ),
        (Decisions({"nr": None, "info": None}, "r", reasons={"info": ""}), "dataset.no-reason"),
        (Decisions({"nr": None, "info": "e-mail"}, "r"), "dataset.misspelt-tag"),
        (Decisions({"nr": None, "info": "zzz"}, "r"), "dataset.unknown-tag"),
        (Decisions({"nr": "fine", "info": "zzz"}, "r"), "dataset.unknown-tags"),
        (Decisions({"nr": None, "inof": None}, "r"), "dataset.misspelt-column"),
        (Decisions({"nr": None, "qqq": None}, "r"), "dataset.unknown-column"),
        (
            Decisions({"nr": None}, "r", reasons={"nr": "110101199003070003 asked"}),
            "words.somebody-in-reason",
        ),
        (Decisions({"nr": None}, "mail to dpo@example.org"), "words.somebody-in-reason"),
    ],
)
def test_of_several_decisions_all_are_taken_or_none(desk, owner, tmp_path, said, code):
    add(desk, owner, tmp_path, [(n, f"person{n}@example.org") for n in range(60)])
    before = held(desk)
    with pytest.raises(InvalidInputError) as caught:
        tagging.tag(desk, owner, "health.d", said)
    assert caught.value.code == code
    assert (held(desk), list(_entries(desk, "tags"))) == (before, [])


@pytest.mark.parametrize("reason", [" \n", "x" * 201])
def test_a_decision_needs_a_reason(desk, owner, tmp_path, reason):
    add(desk, owner, tmp_path, [(n, "x") for n in range(9)])
    before = held(desk)
    with pytest.raises(InvalidInputError) as caught:
        tagging.tag(desk, owner, "health.d", Decisions({"info": "org.name"}, reason))
    assert caught.value.code == "dataset.no-reason"
    assert held(desk) == before
    assert (before["info"][0] != "org.name", before["info"][1]) == (True, False)


def test_ages_of_children_raise_the_level_unless_their_owner_says_they_are_none(desk, owner, tmp_path):
    (tmp_path / "d.csv").write_text("nr,age\n" + "".join(f"{n},{3 + n % 9}\n" for n in range(60)))
    registration.add(desk, owner, NewDataset(tmp_path / "d.csv", "s.pupils", "nr", "s.child"), None)
    found = catalogue.classify(desk, owner, "s.pupils")["levels"]["pipl"]
    assert (found["level"], found["combinations"]) == ("sensitive", ["minors"])
    tagging.tag(desk, owner, "s.pupils", Decisions({"age": "general"}, "grades, not ages"))
    assert catalogue.classify(desk, owner, "s.pupils")["levels"]["pipl"]["combinations"] == []


def test_books_that_hold_sentences_as_evidence_are_read(desk, owner, tmp_path):
    add(desk, owner, tmp_path, [(n, "x") for n in range(9)])
    with desk.writing() as entry:
        entry.connection.execute(sa.update(tags).values(evidence='["name: info → general (0.90)"]'))
    found = catalogue.classify(desk, owner, "health.d")["columns"]
    assert [(it["proposed"] == it["tag"], it["hints"]) for it in found] == [(True, []), (True, [])]
    # What they proposed nobody knows: nothing is logged as proposed.
    told = tagging.tag(desk, owner, "health.d", Decisions({"info": "pi.health", "nr": None}, "r"))
    again = tagging.tag(desk, owner, "health.d", Decisions({"info": "general"}, "r"))
    assert [entry.facts["proposed"] for entry in _entries(desk, "tags")] == [{}, {}]
    assert told["weaker"] == again["weaker"] == {}
    checked(desk)
