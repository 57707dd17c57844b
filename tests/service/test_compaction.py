"""Compaction: the rows of those who left are gone, everybody else's are the very same."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
import sqlalchemy as sa
from dying import check_edits_are_found, check_settled, dies, stored_bytes, wraps
from stage import COUNTS, DATASET, PURPOSE, Stage, build, copied, reopen, rows, write_csv

from sandbox.books import cleanings
from sandbox.errors import DeniedError, JobFailedError, StorageError, TamperingError
from sandbox.schema import UNIT_TAG
from sandbox.vault.access import open_column_keys
from sandbox.vault.manifest import Manifest
from sandbox.vault.parquet import read_batches
from sandbox.vault.shard import stored_columns
from sandbox.workers.dispatch import WorkerLostError
from sandbox.workers.serial import SerialExecutor
from sandbox.workers.worker import Worker
from service import dossier
from service.asked import JobRequest, NewDataset, UnitList

PERSONS = sorted({row["person"] for row in rows()})
GONE = PERSONS[::4]


@pytest.fixture
def stage(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Stage]:
    stage = copied(tmp_path, monkeypatch)
    yield stage
    stage.keeper.close()


def withdraw(stage: Stage, *ids: int) -> None:
    stage.keeper.dataset_withdraw(stage.bureau, DATASET, UnitList("\n".join(map(str, ids)).encode()))


def manifest_of(stage: Stage) -> Manifest:
    with stage.keeper._desk.reading() as connection:
        return dossier.read(connection, stage.keeper._desk.workspace, DATASET).manifest


def batches(stage: Stage, manifest: Manifest) -> list[list[pa.RecordBatch]]:
    """Every batch of every shard, engine columns included."""
    workspace, columns = stage.keeper._desk.workspace, stored_columns(manifest.fields)
    with workspace.database.reading() as connection:
        keys = open_column_keys(manifest, connection, workspace.keyring, columns)
    place = workspace.vault / manifest.directory
    return [
        list(read_batches(place / file.name, file, granted, columns))
        for file, granted in zip(manifest.files, keys, strict=True)
    ]


def stored(stage: Stage, manifest: Manifest) -> list[list[dict[str, Any]]]:
    """Every row of every shard."""
    return [[row for batch in shard for row in batch.to_pylist()] for shard in batches(stage, manifest)]


def held(stage: Stage, manifest: Manifest, column: str) -> list[set[str]]:
    """The texts that each shard's file holds of *column*, in rows or not."""
    return [
        {text for batch in shard for text in batch.column(column).dictionary.to_pylist()}
        for shard in batches(stage, manifest)
    ]


def test_no_text_of_those_who_left_stays_in_any_file(stage: Stage) -> None:
    """Nor of rows in other shards, nor in a version registered later."""
    people = [{"person": number, "name": f"Name of {number}"} for number in range(300)]
    gone = {row["name"] for row in people[::4]}

    def registered(lineage: str | None) -> Manifest:
        source = write_csv(stage.place / "names.csv", people)
        new = NewDataset(source, "health.names", "person", "health.names", shards=4, lineage=lineage)
        stage.keeper.dataset_add(stage.bureau, new)
        with stage.keeper._desk.reading() as connection:
            return dossier.read(connection, stage.keeper._desk.workspace, "health.names").manifest

    first = held(stage, registered(None), "name")
    assert set.union(*first) == {row["name"] for row in people}
    assert sum(map(len, first)) == len(people)  # in one shard each
    ids = "\n".join(str(row["person"]) for row in people[::4]).encode()
    stage.keeper.dataset_withdraw(stage.bureau, "health.names", UnitList(ids))
    stage.keeper.dataset_compact(stage.bureau, "health.names")
    with stage.keeper._desk.reading() as connection:
        manifest = dossier.read(connection, stage.keeper._desk.workspace, "health.names").manifest
    assert set.union(*held(stage, manifest, "name")) == {row["name"] for row in people} - gone
    again = registered(stage.keeper.dataset_show(stage.bureau, "health.names")["lineage"])
    assert set.union(*held(stage, again, "name")) == {row["name"] for row in people} - gone


def test_the_rows_that_stay_are_the_very_same_and_the_others_are_nowhere(stage: Stage) -> None:
    first = manifest_of(stage)
    before, keys = stored(stage, first), wraps(stage)
    withdraw(stage, *GONE)
    answer = stage.keeper.dataset_compact(stage.bureau, DATASET)
    assert answer == {"dataset": DATASET, "version": 3, "rewritten": True, "destroyed": 1, "cleaned": True}
    third = manifest_of(stage)
    assert stored(stage, third) == [[row for row in shard if row["person"] not in GONE] for shard in before]
    assert (third.withdrawn, len(third.dropped), third.stored) == ((), len(GONE), None)
    vault = stage.place / "ws" / "vault"
    assert [path.name for path in vault.iterdir()] == [third.directory]
    assert {path.name for path in (vault / third.directory).iterdir()} == {file.name for file in third.files}
    dead = [keys[key][1] for shard in first.key_ids for key in shard]
    kept = stored_bytes(stage.place / "ws")
    assert len(dead) == 4 * 11
    assert not any(wrapped in kept for wrapped in dead)
    assert set(wraps(stage)).isdisjoint(key for shard in first.key_ids for key in shard)
    assert stage.ask()["status"] == "released"
    verified = stage.keeper.audit_verify(stage.li)
    assert verified["shards_checked"] == 4  # of the versions that are
    doctor = {check["name"]: check["ok"] for check in stage.keeper.doctor()["checks"]}
    assert doctor["compacted"]
    assert doctor["vault"]


def test_doctor_tells_of_what_is_to_be_compacted(stage: Stage) -> None:
    withdraw(stage, GONE[0])
    (check,) = [check for check in stage.keeper.doctor()["checks"] if check["name"] == "compacted"]
    assert (check["ok"], check["detail"]) == (False, "1 datasets to compact, 0 cleanings under way")


def test_they_stay_withdrawn_afterwards(stage: Stage) -> None:
    withdraw(stage, *GONE)
    stage.keeper.dataset_compact(stage.bureau, DATASET)
    lineage = stage.keeper.dataset_show(stage.bureau, DATASET)["lineage"]
    source = write_csv(stage.place / "again.csv", rows())
    new = NewDataset(source, DATASET, "person", "health.patient", shards=4, lineage=lineage)
    report = stage.keeper.dataset_add(stage.bureau, new)["owner_report"]
    assert report["withdrawn_dropped"] == sum(row["person"] in GONE for row in rows())
    # The version before is superseded, and nobody has rows to lose: it is only destroyed.
    answer = stage.keeper.dataset_compact(stage.bureau, DATASET)
    assert (answer["version"], answer["rewritten"], answer["destroyed"]) == (4, False, 1)
    size = stage.keeper.audit_list(stage.li)["size"]
    answer = stage.keeper.dataset_compact(stage.bureau, DATASET)
    assert (answer["destroyed"], answer["cleaned"]) == (0, True)
    assert stage.keeper.audit_list(stage.li)["size"] == size
    stage.keeper.audit_verify(stage.li)


def test_everybody_may_leave(stage: Stage) -> None:
    withdraw(stage, *PERSONS)
    stage.keeper.dataset_compact(stage.bureau, DATASET)
    assert stored(stage, manifest_of(stage)) == [[], [], [], []]
    assert stage.ask()["status"] == "released"


def test_only_the_owner_compacts(stage: Stage) -> None:
    for somebody in (stage.wang, stage.li, stage.lab):
        with pytest.raises(DeniedError):
            stage.keeper.dataset_compact(somebody, DATASET)


class _Meanwhile(SerialExecutor):
    """Compacts before the first shard of a job is read."""

    act: Callable[[], object]

    def run(self, work, progress=None):
        self.act()
        return super().run(work, progress)


@pytest.mark.parametrize("act", ["dataset_compact", "dataset_remove"])
def test_a_job_whose_files_go_while_it_reads_fails_and_says_why(stage: Stage, act: str) -> None:
    withdraw(stage, GONE[0])
    other = reopen(stage.place)
    job = stage.keeper.job_submit(stage.wang, JobRequest(COUNTS, PURPOSE, epsilon="0.1"))["job"]
    executor = _Meanwhile(stage.place / "ws" / "run")
    executor.act = lambda: getattr(other.keeper, act)(other.bureau, DATASET)
    stage.keeper._executor = executor
    with pytest.raises(JobFailedError, match=r"job\.data-destroyed"):
        stage.keeper.job_run(stage.wang, job)
    assert stage.keeper.job_status(stage.wang, job)["failure"] == "job.data-destroyed"
    with pytest.raises(DeniedError):
        stage.keeper.job_run(stage.wang, job)
    other.keeper.audit_verify(other.li)
    other.keeper.close()


class _Dropping(SerialExecutor):
    """Loses the first worker of each shard after it has written its file."""

    lost = 0

    def _hire(self, position: str) -> Worker:
        worker = super()._hire(position)
        if position != "combiner" and self.lost < 3:
            shard = worker.shard

            def drop(*arguments: bytes) -> bytes:
                if self.lost < 3:
                    self.lost += 1
                    shard(*arguments)
                    raise WorkerLostError
                return shard(*arguments)

            worker.shard = drop  # type: ignore[method-assign]
        return worker


def test_what_a_lost_worker_wrote_is_not_kept(stage: Stage) -> None:
    withdraw(stage, *GONE)
    executor = _Dropping(stage.place / "ws" / "run")
    stage.keeper._executor = executor
    stage.keeper.dataset_compact(stage.bureau, DATASET)
    assert executor.lost == 3
    third = manifest_of(stage)
    folder = stage.place / "ws" / "vault" / third.directory
    assert {path.name for path in folder.iterdir()} == {file.name for file in third.files}
    stage.keeper.audit_verify(stage.li)


def test_no_key_travels_in_clear(stage: Stage) -> None:
    heard: list[bytes] = []

    class Listening(SerialExecutor):
        def _call(self, handle, method, *arguments):
            outcome = super()._call(handle, method, *arguments)
            heard.extend([*arguments, outcome.reply or b""])
            return outcome

    withdraw(stage, *GONE)
    stage.keeper._executor = Listening(stage.place / "ws" / "run")
    stage.keeper.dataset_compact(stage.bureau, DATASET)
    manifest = manifest_of(stage)
    with stage.keeper._desk.reading() as connection:
        keyring = stage.keeper._desk.workspace.keyring
        keys = open_column_keys(manifest, connection, keyring, [*stored_columns(manifest.fields), UNIT_TAG])
    whole = b"\n".join(heard)
    assert len(heard) > 4
    for shard in keys:
        for key in shard.values():
            assert key not in whole
            assert key.hex().encode() not in whole


def test_workers_that_fail_change_nothing(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    withdraw(stage, *GONE)
    with monkeypatch.context() as patch:
        patch.setattr("sandbox.vault.compact.write_shard", lambda *_: 1 / 0)
        with pytest.raises(StorageError, match=r"dataset\.not-compacted"):
            stage.keeper.dataset_compact(stage.bureau, DATASET)
    assert manifest_of(stage).version == 2
    assert len(list((stage.place / "ws" / "vault").iterdir())) == 1
    assert stage.keeper.dataset_compact(stage.bureau, DATASET)["rewritten"]


def test_an_edit_of_the_books_is_found(stage: Stage) -> None:
    withdraw(stage, *GONE)
    stage.keeper.dataset_compact(stage.bureau, DATASET)
    check_edits_are_found(
        stage,
        "DELETE FROM destructions",
        "UPDATE destructions SET version = 3",
        "INSERT INTO wrapped_keys SELECT replace(m.value, '\"', ''), 'x', 'master', x'00' FROM "
        "(SELECT json_extract(manifest, '$.key_ids[0][0]') AS value FROM versions WHERE version = 1) m",
        "DELETE FROM wrapped_keys WHERE context LIKE '%\"footer\"%' OR context LIKE '%\"ward\"%'",
    )


def test_a_file_of_a_destroyed_version_does_not_come_back(stage: Stage) -> None:
    withdraw(stage, *GONE)
    first, vault = manifest_of(stage), stage.place / "ws" / "vault"
    copy = {path.name: path.read_bytes() for path in (vault / first.directory).iterdir()}
    stage.keeper.dataset_compact(stage.bureau, DATASET)
    (vault / first.directory).mkdir()
    for name, content in copy.items():
        (vault / first.directory / name).write_bytes(content)
    with pytest.raises(TamperingError, match=r"key\.missing"):
        stored(stage, first)
    stage.keeper.audit_verify(stage.li)


def _act(stage: Stage) -> None:
    stage.keeper.dataset_compact(stage.bureau, DATASET)


def deaths(place: Path, count: int) -> None:
    stage = build(place, epsilon=1000)
    stage.ask(epsilon="0.002")
    people = iter(random.sample(PERSONS, len(PERSONS)))
    withdraw(stage, next(people))
    stage.keeper.close()
    whole = dies(place, _act, -1)
    assert whole > 1000
    compacted = 0
    for _ in range(count):
        stage = reopen(place)
        if not manifest_of(stage).withdrawn:
            withdraw(stage, next(people, 1))
        before, keys = manifest_of(stage), wraps(stage)
        stage.keeper.close()
        dies(place, _act, random.randint(1, whole))
        stage = reopen(place)
        check_settled(stage)
        after = manifest_of(stage)
        with stage.keeper._desk.reading() as connection:
            assert all(row.done for row in connection.execute(sa.select(cleanings)))
        if after.version == before.version:
            assert wraps(stage) == keys
        else:
            compacted += 1
            kept = stored_bytes(place / "ws")
            assert not any(keys[key][1] in kept for shard in before.key_ids for key in shard)
            assert [path.name for path in (place / "ws" / "vault").iterdir()] == [after.directory]
        stage.keeper.close()
    assert count < 20 or 0 < compacted < count


def test_a_death_anywhere_loses_nothing(tmp_path: Path) -> None:
    deaths(tmp_path, 3)


@pytest.mark.soak
def test_many_deaths_anywhere_lose_nothing(tmp_path: Path) -> None:
    deaths(tmp_path, 150)


@pytest.mark.ray
def test_by_workers_of_their_own(tmp_path: Path) -> None:
    stage = build(tmp_path, executor="ray")
    before = stored(stage, manifest_of(stage))
    withdraw(stage, *GONE)
    heard: list[tuple[str, int, int]] = []
    stage.keeper.dataset_compact(stage.bureau, DATASET, lambda *said: heard.append(said))
    assert heard[-1] == ("write", 4, 4)
    assert stored(stage, manifest_of(stage)) == [
        [row for row in shard if row["person"] not in GONE] for shard in before
    ]
    stage.keeper.close()
