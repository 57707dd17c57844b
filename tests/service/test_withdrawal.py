"""Withdrawing persons: at once, for every later job, told to nobody, kept by later versions."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from stage import COUNTS, DATASET, PURPOSE, Stage, build, copied, rows, write_csv

from sandbox.errors import DeniedError, InvalidInputError
from sandbox.schema import UNIT_TAG
from service import dossier
from service.asked import Decisions, JobRequest, NewDataset, UnitList
from service.jobs import runner

PERSONS = sorted({row["person"] for row in rows()})
LOUD = {"epsilon": 10**6, "max_rows": 10}
"""A budget with which a count is right to the unit."""


@pytest.fixture
def stage(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Stage]:
    stage = copied(tmp_path, monkeypatch, **LOUD)
    yield stage
    stage.keeper.close()


@pytest.fixture(scope="module")
def untouched(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    """A stage for what is refused."""
    stage = build(tmp_path_factory.mktemp("untouched"))
    yield stage
    stage.keeper.close()


def listed(*ids: object, **more: str) -> UnitList:
    return UnitList("\n".join(map(str, ids)).encode(), **more)


def count(stage: Stage, where: str = "TRUE") -> int:
    table = stage.ask(f"SELECT COUNT(*) AS n FROM {DATASET} WHERE {where}", epsilon="100000")["tables"][0]
    return int(table["rows"][0]["n"])


def with_rows(*ids: int) -> int:
    return sum(row["person"] in ids for row in rows())


def add(stage: Stage, table: list[dict], **more: object) -> dict:
    lineage = stage.keeper.dataset_show(stage.bureau, DATASET)["lineage"]
    source = write_csv(stage.place / "again.csv", table)
    new = NewDataset(source, DATASET, "person", "health.patient", shards=4, lineage=lineage, **more)
    answer = stage.keeper.dataset_add(stage.bureau, new)
    stage.keeper.dataset_tag(stage.bureau, DATASET, Decisions({"name": "pi.name"}, "test", above="0"))
    return answer


def test_a_unit_is_hidden_from_the_next_job_and_no_release_is_given_again(stage: Stage) -> None:
    gone = PERSONS[:3]
    everybody = count(stage)
    assert everybody == len(rows())
    assert stage.ask(f"SELECT COUNT(*) AS n FROM {DATASET} WHERE TRUE", epsilon="100000")["replayed"]
    answer = stage.keeper.dataset_withdraw(stage.bureau, DATASET, listed(*gone, gone[0], 7))
    assert {name: answer[name] for name in ("version", "read", "new", "withdrawn")} == {
        "version": 2, "read": 4, "new": 4, "withdrawn": 4,
    }  # fmt: skip
    again = stage.ask(f"SELECT COUNT(*) AS n FROM {DATASET} WHERE TRUE", epsilon="100000")
    assert not again["replayed"]
    assert int(again["tables"][0]["rows"][0]["n"]) == everybody - with_rows(*gone)
    assert stage.keeper.audit_verify(stage.li)["shards_checked"] == 8  # four files, named by two versions


def test_a_job_charged_before_is_refused_and_stays_so(stage: Stage) -> None:
    job = stage.keeper.job_submit(stage.wang, JobRequest(COUNTS, PURPOSE, epsilon="0.5"))["job"]
    stage.keeper.dataset_withdraw(stage.bureau, DATASET, listed(PERSONS[0]))
    for _ in range(2):
        with pytest.raises(DeniedError, match=r"denied\.changed-since"):
            stage.keeper.job_run(stage.wang, job)
    assert stage.keeper.job_status(stage.wang, job)["status"] == "charged"


def test_what_an_analyst_sees_is_the_same_whether_an_id_has_rows(tmp_path: Path) -> None:
    seen = []
    for number, ids in enumerate(((PERSONS[0], PERSONS[1]), (5, 6))):
        (tmp_path / str(number)).mkdir()
        stage = build(tmp_path / str(number))
        stage.keeper.dataset_withdraw(stage.bureau, DATASET, listed(*ids))
        shown = stage.keeper.dataset_show(stage.wang, DATASET)
        explained = stage.keeper.job_explain(stage.wang, JobRequest(COUNTS, PURPOSE, epsilon="0.5"))
        with stage.keeper._desk.reading() as connection:
            found = dossier.read(connection, stage.keeper._desk.workspace, DATASET)
            inputs = runner._shards(stage.keeper._desk, connection, found, ["ward"])
        sizes = [len(shard.withdrawn) >= 0 and sorted(shard.keys) for shard in inputs]
        seen.append([{**shown, "lineage": ""}, explained, sizes, len(found.manifest.text()) // 1000])
        stage.keeper.close()
    assert seen[0] == seen[1]


def test_withdrawing_the_same_again_changes_nothing(stage: Stage) -> None:
    first = stage.keeper.dataset_withdraw(stage.bureau, DATASET, listed(PERSONS[0]))
    size = stage.keeper.audit_list(stage.li)["size"]
    again = stage.keeper.dataset_withdraw(stage.bureau, DATASET, listed(f"  00{PERSONS[0]} "))
    assert (again["new"], again["version"], again["digest"]) == (0, first["version"], first["digest"])
    assert stage.keeper.audit_list(stage.li)["size"] == size
    more = stage.keeper.dataset_withdraw(stage.bureau, DATASET, listed(PERSONS[1]))
    assert (more["version"], more["withdrawn"]) == (3, 2)
    assert count(stage) == len(rows()) - with_rows(*PERSONS[:2])


def test_only_keyed_tags_are_kept_and_only_with_them_their_key(stage: Stage) -> None:
    stage.keeper.dataset_withdraw(stage.bureau, DATASET, listed(PERSONS[0]))
    desk = stage.keeper._desk
    with desk.reading() as connection:
        found = dossier.read(connection, desk.workspace, DATASET)
        shards = runner._shards(desk, connection, found, ["ward"])
    assert [len(tag) for tag in found.manifest.withdrawn] == [32]
    assert sum(len(shard.withdrawn) for shard in shards) == 1
    assert all(UNIT_TAG in shard.keys for shard in shards)
    said = json.dumps(stage.keeper.audit_list(stage.li)) + found.manifest.text()
    assert f'"{PERSONS[0]}"' not in said
    assert str(PERSONS[0]) not in json.dumps(stage.keeper.audit_list(stage.li)["leaves"][-1]["facts"])
    assert f"{PERSONS[0]}" not in repr(listed(PERSONS[0]))


def test_a_later_file_does_not_bring_them_back_unless_they_are_readmitted(stage: Stage) -> None:
    gone, back = PERSONS[:4], PERSONS[:2]
    stage.keeper.dataset_withdraw(stage.bureau, DATASET, listed(*gone))
    added = add(stage, rows())
    assert added["owner_report"]["withdrawn_dropped"] == with_rows(*gone)
    assert added["owner_report"]["rows"] == len(rows()) - with_rows(*gone)
    assert count(stage) == len(rows()) - with_rows(*gone)
    # Nothing is left to hide in these files, so workers are told of nobody.
    desk = stage.keeper._desk
    with desk.reading() as connection:
        manifest = dossier.read(connection, desk.workspace, DATASET).manifest
    assert (manifest.withdrawn, len(manifest.dropped)) == ((), 4)
    assert add(stage, rows(), readmit=listed(*back, 12345))["owner_report"]["withdrawn_dropped"] == with_rows(
        *gone[2:]
    )
    assert count(stage) == len(rows()) - with_rows(*gone[2:])
    leaves = stage.keeper.audit_list(stage.li)["leaves"]
    readmissions = [leaf["facts"] for leaf in leaves if leaf["kind"] == "readmission"]
    assert [(facts["version"], facts["units"]) for facts in readmissions] == [(4, 2)]
    stage.keeper.dataset_withdraw(stage.bureau, DATASET, listed(back[0]))
    assert count(stage) == len(rows()) - with_rows(back[0], *gone[2:])
    stage.keeper.audit_verify(stage.li)


def test_a_file_is_taken_as_if_it_did_not_hold_them(stage: Stage) -> None:
    gone = PERSONS[0]
    stage.keeper.dataset_withdraw(stage.bureau, DATASET, listed(gone))
    with pytest.raises(InvalidInputError, match=r"vault\.no-rows"):
        add(stage, [row for row in rows() if row["person"] == gone])


def test_nobody_was_withdrawn_from_a_new_dataset(stage: Stage) -> None:
    new = NewDataset(
        write_csv(stage.place / "new.csv", rows()), "health.other", "person", "other", readmit=listed(1)
    )
    with pytest.raises(InvalidInputError, match=r"dataset\.nothing-withdrawn"):
        stage.keeper.dataset_add(stage.bureau, new)


@pytest.mark.parametrize(
    ("units", "code"),
    [
        (listed(), "units.none"),
        (listed("person", "", "  "), "units.not-ids"),  # blanks are no ids
        (listed("person"), "units.none"),
        (listed(1001, "not a number", "also not"), "units.not-ids"),
        (listed("1001,1002"), "units.ragged"),
        (listed('"1001'), "units.bad-csv"),
        (listed("a,b", "1,2", column="person"), "units.no-such-column"),
        (listed("a,person", "1"), "units.ragged"),
        (listed("a,person", "1", column="person"), "units.ragged"),
        (listed("", "person", "1001", column="person"), "units.no-such-column"),  # no first line of names
        (UnitList("身份证\n".encode("gb18030")), "units.not-encoded"),
        (UnitList(b"1", encoding="no-such"), "units.not-encoded"),
        (UnitList(b"\x00\xff"), "units.not-encoded"),
        (UnitList(b"1" * 200_000), "units.bad-csv"),
        (UnitList(b"\n" * (64 * 2**20 + 1)), "units.too-long"),
    ],
)
def test_a_list_is_taken_whole_or_not_at_all(untouched: Stage, units: UnitList, code: str) -> None:
    with pytest.raises(InvalidInputError) as refused:
        untouched.keeper.dataset_withdraw(untouched.bureau, DATASET, units)
    assert refused.value.code == code
    assert "not a number" not in str(refused.value)
    assert untouched.keeper.dataset_show(untouched.wang, DATASET)["version"] == 1


def test_lists_of_every_shape_mean_the_same(stage: Stage) -> None:
    one, two = PERSONS[:2]
    shapes = [
        UnitList(f"\ufeffperson\r\n{one}\r\n\r\n{two}".encode()),
        UnitList(f'name,person\n"a,b",{one}\nc,"{two}"\n'.encode(), column="person"),
        UnitList(f'name,"  person\u3000no"\n"a,b",{one}\nc,"{two}"\n'.encode(), column="person\u3000no "),
        UnitList(f" person \n{one}\n{two}".encode()),
        UnitList(f"{one}\n{two}\n".encode("utf-16"), encoding="utf-16"),
        UnitList(f"+{one}\n{two}.0\n".encode()),
    ]
    answers = [stage.keeper.dataset_withdraw(stage.bureau, DATASET, units) for units in shapes]
    assert [(answer["read"], answer["new"]) for answer in answers] == [(2, 2)] + [(2, 0)] * (len(shapes) - 1)


def test_only_the_owner_withdraws(stage: Stage) -> None:
    for somebody in (stage.wang, stage.li, stage.lab):
        with pytest.raises(DeniedError):
            stage.keeper.dataset_withdraw(somebody, DATASET, listed(PERSONS[0]))
    assert stage.keeper.dataset_show(stage.wang, DATASET)["version"] == 1


def test_rows_that_are_their_own_units_have_no_ids(stage: Stage) -> None:
    source = write_csv(stage.place / "rows.csv", rows())
    new = NewDataset(source, "health.rows", "row", "row", types={"ward": "string"})
    stage.keeper.dataset_add(stage.bureau, new)
    with pytest.raises(InvalidInputError, match=r"dataset\.no-unit-ids"):
        stage.keeper.dataset_withdraw(stage.bureau, "health.rows", listed(1))


def test_a_manifest_has_room_for_so_many(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("service.datasets.withdrawing.MOST_WITHDRAWN", 3)
    stage.keeper.dataset_withdraw(stage.bureau, DATASET, listed(1, 2, 3))
    with pytest.raises(InvalidInputError, match=r"dataset\.too-many-withdrawn"):
        stage.keeper.dataset_withdraw(stage.bureau, DATASET, listed(4))


def test_text_units_are_read_as_the_file_was(tmp_path: Path) -> None:
    stage = build(tmp_path, table=[row | {"person": f"p é {row['person']}"} for row in rows()], **LOUD)
    decomposed = f"  p e\u0301 {PERSONS[0]} "
    stage.keeper.dataset_withdraw(stage.bureau, DATASET, listed(decomposed, "nobody-canary-4711"))
    assert count(stage) == len(rows()) - with_rows(PERSONS[0])
    for path in (tmp_path / "ws").rglob("*"):
        for name in (f"é {PERSONS[0]}", f"e\u0301 {PERSONS[0]}", "nobody-canary-4711"):
            assert not path.is_file() or name.encode() not in path.read_bytes()
    stage.keeper.close()
