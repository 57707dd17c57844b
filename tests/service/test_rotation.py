"""New keys: the old ones open nothing afterwards, jobs go on, and a death in between loses nothing."""

from __future__ import annotations

import random
import shutil
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from dying import check_edits_are_found, check_settled, dies, stored_bytes, wraps
from stage import COUNTS, DATASET, LABS, PURPOSE, Stage, build, copied, reopen, with_labs

from sandbox.books import cleanings, wrapped_keys
from sandbox.database import Database
from sandbox.errors import DeniedError, InvalidInputError, StorageError, TamperingError
from sandbox.keys import provider, rotation
from sandbox.keys.keyring import MASTER, Keyring, _bound
from sandbox.keys.provider import FileKeyProvider, PassphraseKeyProvider
from sandbox.unlocking import opens
from sandbox.workers.serial import SerialExecutor
from service.asked import JobRequest, NewDataset
from service.embedded import open_gatekeeper

WORDS = "eight words are more than one"


@pytest.fixture(autouse=True)
def _cheap_guesses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(provider, "SCRYPT_N", 2**14)


@pytest.fixture
def stage(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Stage]:
    stage = copied(tmp_path, monkeypatch)
    yield stage
    stage.keeper.close()


def test_a_dataset_has_another_key_and_the_old_one_is_nowhere(stage: Stage) -> None:
    before = wraps(stage)
    vault = {path: path.read_bytes() for path in (stage.place / "ws" / "vault").rglob("*.parquet")}
    answer = stage.keeper.dataset_rotate(stage.bureau, DATASET)
    after = wraps(stage)
    (old,), (new,) = before.keys() - after.keys(), after.keys() - before.keys()
    children = {key for key, (under, _) in before.items() if under == old}
    assert answer == {"dataset": DATASET, "keys": len(children), "cleaned": True}
    assert children == {key for key, (under, _) in after.items() if under == new}
    kept = stored_bytes(stage.place / "ws")
    assert not any(before[key][1] in kept for key in (old, *children))
    assert all(wrapped in kept for _, wrapped in after.values())
    assert {path: path.read_bytes() for path in vault} == vault
    assert stage.ask()["status"] == "released"
    leaves = [leaf["kind"] for leaf in stage.keeper.audit_list(stage.li)["leaves"]]
    assert leaves[-5:-3] == ["rotation", "cleaning"]
    stage.keeper.audit_verify(stage.li)


def test_only_its_owner_rotates_a_dataset_and_no_analyst_the_master_key(stage: Stage) -> None:
    for somebody in (stage.wang, stage.li, stage.lab):
        with pytest.raises(DeniedError):
            stage.keeper.dataset_rotate(somebody, DATASET)
    for somebody in (stage.wang, stage.li):
        with pytest.raises(DeniedError):
            stage.keeper.key_rotate(somebody)


def test_the_old_master_key_opens_nothing(stage: Stage) -> None:
    place = stage.place / "ws"
    old_file = (place / "keyring" / "master.key").read_bytes()
    shutil.copytree(place / "keyring", stage.place / "stolen")
    shutil.copy(place / "books.sqlite", stage.place / "copied.sqlite")
    old, before = FileKeyProvider(old_file), wraps(stage)
    answer = stage.keeper.key_rotate(stage.bureau)
    assert (answer["keyring"], answer["cleaned"]) == ("file", True)
    assert answer["keys"] == sum(under == MASTER for under, _ in before.values())
    with stage.keeper._desk.reading() as connection:
        for row in connection.execute(sa.select(wrapped_keys)):
            if row.wrapped_by == MASTER:
                with pytest.raises(TamperingError):
                    old.unwrap(row.wrapped, _bound(row.key_id, row.context.encode()))
    kept = stored_bytes(place)
    assert old_file not in kept
    assert not any(wrapped in kept for under, wrapped in before.values() if under == MASTER)
    assert stage.ask()["status"] == "released"
    stage.keeper.close()
    assert opens(Database(stage.place / "copied.sqlite"), old)
    # The thief's copy of the key is of no use here; with a copy of the books of then it is.
    (place / "keyring").rename(place / "kept")
    shutil.copytree(stage.place / "stolen", place / "keyring")
    with pytest.raises(TamperingError):
        open_gatekeeper(place)
    shutil.rmtree(place / "keyring")
    (place / "kept").rename(place / "keyring")
    again = reopen(stage.place)
    assert again.ask()["replayed"]
    again.keeper.audit_verify(again.li)
    again.keeper.close()


def test_from_a_file_to_a_passphrase_and_back(stage: Stage) -> None:
    place = stage.place / "ws"
    assert stage.keeper.key_rotate(stage.bureau, WORDS)["keyring"] == "passphrase"
    assert [path.name for path in (place / "keyring").iterdir()] == ["passphrase.json"]
    stage.keeper.close()
    with pytest.raises(InvalidInputError, match=r"key\.passphrase-needed"):
        open_gatekeeper(place)
    with pytest.raises(InvalidInputError, match=r"key\.wrong-passphrase"):
        open_gatekeeper(place, passphrase=lambda: "another one altogether")
    keeper = open_gatekeeper(place, passphrase=lambda: WORDS, executor="serial")
    with pytest.raises(InvalidInputError, match=r"key\.rotate-how"):
        keeper.key_rotate(stage.bureau)
    with pytest.raises(InvalidInputError, match=r"key\.short-passphrase"):
        keeper.key_rotate(stage.bureau, "short")
    assert keeper.key_rotate(stage.bureau, key_file=True)["keyring"] == "file"
    keeper.close()
    again = reopen(stage.place)
    assert again.ask()["status"] == "released"
    assert sorted(path.name for path in place.glob("*keyring*")) == ["keyring"]
    again.keeper.close()


def test_wrapped_keys_swapped_between_datasets_are_refused_after_rotation_too(stage: Stage) -> None:
    with_labs(stage)
    stage.keeper.dataset_rotate(stage.bureau, DATASET)
    stage.keeper.dataset_rotate(stage.lab, LABS)
    stage.keeper.key_rotate(stage.bureau)
    with stage.keeper._desk.workspace.database.transaction() as connection:
        rows = {
            row.context: row
            for row in connection.execute(sa.select(wrapped_keys))
            if '"purpose":"dataset"' in row.context
        }
        one, other = rows.values()
        for mine, theirs in ((one, other), (other, one)):
            chosen = sa.update(wrapped_keys).where(wrapped_keys.c.key_id == mine.key_id)
            connection.execute(chosen.values(wrapped=theirs.wrapped))
    job = stage.keeper.job_submit(stage.wang, JobRequest(COUNTS, PURPOSE, epsilon="0.1"))["job"]
    with pytest.raises(TamperingError) as refused:
        stage.keeper.job_run(stage.wang, job)
    assert (refused.value.code, refused.value.exit_code) == ("key.unwrap-failed", 7)


class _Meanwhile(SerialExecutor):
    """Does something before the first shard of a job is worked on."""

    act: Callable[[], object]

    def run(self, work, progress=None):
        self.act()
        return super().run(work, progress)


@pytest.mark.parametrize("act", ["dataset_rotate", "key_rotate"])
def test_a_job_that_runs_meanwhile_ends_well(stage: Stage, act: str) -> None:
    other = reopen(stage.place)
    job = stage.keeper.job_submit(stage.wang, JobRequest(COUNTS, PURPOSE, epsilon="0.1"))["job"]
    executor = _Meanwhile(stage.place / "ws" / "run")
    arguments = (DATASET,) if act == "dataset_rotate" else ()
    executor.act = lambda: getattr(other.keeper, act)(other.bureau, *arguments)
    stage.keeper._executor = executor
    assert stage.keeper.job_run(stage.wang, job)["status"] == "released"
    other.keeper.audit_verify(other.li)
    other.keeper.close()


def test_whoever_holds_a_replaced_master_key_is_told_and_wraps_nothing_by_it(stage: Stage) -> None:
    other = reopen(stage.place)
    other.keeper.key_rotate(other.bureau)
    before = wraps(other)
    job = stage.keeper.job_submit(stage.wang, JobRequest(COUNTS, PURPOSE, epsilon="0.1"))["job"]
    source = stage.place / "stays.csv"
    new = NewDataset(source, "health.more", "person", "another", types={"ward": "string"})
    for act in (
        lambda: stage.keeper.job_run(stage.wang, job),
        lambda: stage.keeper.dataset_add(stage.bureau, new),
        lambda: stage.keeper.dataset_rotate(stage.bureau, DATASET),
        lambda: stage.keeper.key_rotate(stage.bureau),
    ):
        with pytest.raises(StorageError, match=r"key\.rotated-meanwhile"):
            act()
    assert wraps(other) == before
    assert other.keeper.job_run(other.wang, job)["status"] == "released"
    other.keeper.close()


def test_a_cleaning_waits_for_readers_and_is_ended_later(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    scrub = Database.scrub
    monkeypatch.setattr(Database, "scrub", lambda self: scrub(self, patience=0.1))
    before = wraps(stage)
    other = reopen(stage.place)
    with other.keeper._desk.reading() as connection:
        connection.execute(sa.select(wrapped_keys)).all()
        assert not stage.keeper.dataset_rotate(stage.bureau, DATASET)["cleaned"]
        reopen(stage.place).keeper.close()  # does not wait, either
        stage.keeper.audit_verify(stage.li)
    stage.keeper.close()
    again = reopen(stage.place)
    with again.keeper._desk.reading() as connection:
        assert all(row.done for row in connection.execute(sa.select(cleanings)))
    kept = stored_bytes(stage.place / "ws")
    assert not any(wrapped in kept for key, (_, wrapped) in before.items() if key not in wraps(again))
    again.keeper.audit_verify(again.li)
    again.keeper.close()
    other.keeper.close()


def test_an_edit_of_the_books_is_found(stage: Stage) -> None:
    stage.keeper.dataset_rotate(stage.bureau, DATASET)
    check_edits_are_found(
        stage,
        "DELETE FROM cleanings",
        "UPDATE cleanings SET done = ''",
        "INSERT INTO cleanings VALUES (1, '')",
        "UPDATE wrapped_keys SET key_id = 'x' WHERE context LIKE '%\"dataset\"%'",
    )


# --- deaths ---------------------------------------------------------------------------------------------


ACTS: dict[str, Callable[[Stage], object]] = {
    "dataset": lambda stage: stage.keeper.dataset_rotate(stage.bureau, DATASET),
    "master": lambda stage: stage.keeper.key_rotate(stage.bureau),
}


def settled(place: Path) -> tuple[bytes, dict[str, tuple[str, bytes]], list[dict[str, Any]]]:
    """Open what a death has left; everything must work.  Return the master key, all keys, the log."""
    stage = reopen(place)
    check_settled(stage)
    found = wraps(stage), stage.keeper.audit_list(stage.li, limit=10**6)["leaves"]
    stage.keeper.close()
    assert [path.name for path in (place / "ws").iterdir() if "keyring" in path.name] == ["keyring"]
    return (place / "ws" / "keyring" / "master.key").read_bytes(), *found


def deaths(place: Path, act: str, count: int) -> None:
    stage = build(place, epsilon=1000)
    stage.ask(epsilon="0.002")
    stage.keeper.close()
    whole = dies(place, ACTS[act], -1)
    assert whole > 100
    key, before, leaves = settled(place)
    changed = 0
    for _ in range(count):
        dies(place, ACTS[act], random.randint(1, whole))
        after, now, log = settled(place)
        told = any(leaf["kind"] in ("rotation", "master-rotation") for leaf in log[len(leaves) :])
        assert (before != now) == told
        assert (key != after) == (told and act == "master")
        kept = stored_bytes(place / "ws")
        gone = [wrapped for one, (_, wrapped) in before.items() if now.get(one, ("", b""))[1] != wrapped]
        assert bool(gone) == told
        assert not any(wrapped in kept for wrapped in gone)
        changed += told
        key, before, leaves = after, now, log
    assert count < 20 or 0 < changed < count


@pytest.mark.parametrize("act", ACTS)
def test_a_death_anywhere_loses_nothing(tmp_path: Path, act: str) -> None:
    deaths(tmp_path, act, 2)


@pytest.mark.soak
@pytest.mark.parametrize("act", ACTS)
def test_many_deaths_anywhere_lose_nothing(tmp_path: Path, act: str) -> None:
    deaths(tmp_path, act, 150)


@pytest.fixture
def cut(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> Callable[[bool], Path]:
    """Rotate to a passphrase and stop before the files change, after or before the books do."""

    def run(committed: bool) -> Path:
        with monkeypatch.context() as patch:
            patch.setattr(rotation, "end", lambda *_, **__: None)
            if not committed:
                patch.setattr(Keyring, "rewrap", lambda *_: 1 / 0)
            with suppress(ZeroDivisionError):
                stage.keeper.key_rotate(stage.bureau, WORDS)
        stage.keeper.close()
        return stage.place / "ws"

    return run


def test_a_cut_off_change_that_the_books_know_wants_the_new_passphrase(cut: Callable[[bool], Path]) -> None:
    place = cut(True)
    for wrong in (None, lambda: "not this one either"):
        with pytest.raises(InvalidInputError, match=r"key\.rotation-cut-off"):
            open_gatekeeper(place, passphrase=wrong)
    assert sorted(path.name for path in place.glob("keyring*")) == ["keyring", "keyring.next"]
    open_gatekeeper(place, passphrase=lambda: WORDS).close()
    assert [path.name for path in (place / "keyring").iterdir()] == ["passphrase.json"]
    assert sorted(path.name for path in place.glob("keyring*")) == ["keyring"]


def test_a_cut_off_change_that_the_books_do_not_know_is_dropped(cut: Callable[[bool], Path]) -> None:
    place = cut(False)
    open_gatekeeper(place, passphrase=lambda: "whatever was typed").close()
    assert [path.name for path in (place / "keyring").iterdir()] == ["master.key"]
    assert sorted(path.name for path in place.glob("keyring*")) == ["keyring"]


def test_no_key_is_destroyed_where_none_opens_the_books(tmp_path: Path) -> None:
    (tmp_path / "keyring").mkdir()
    FileKeyProvider.create(tmp_path / "keyring")
    rotation.begin(tmp_path, WORDS)
    with pytest.raises(TamperingError):
        rotation.settle(tmp_path, lambda: WORDS, lambda _: False)
    assert (tmp_path / "keyring" / "master.key").exists()
    assert isinstance(
        rotation.settle(tmp_path, lambda: WORDS, lambda key: isinstance(key, PassphraseKeyProvider)),
        PassphraseKeyProvider,
    )
    assert not (tmp_path / "keyring" / "master.key").exists()


def test_a_draft_is_gone_once_somebody_has_opened(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as patch:  # dies between the draft's files and its name
        patch.setattr(rotation, "_wipe", lambda _: None)
        patch.setattr(Path, "rename", lambda *_: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            rotation.begin(stage.place / "ws", None)
    assert len(list((stage.place / "ws").glob(".keyring-*/master.key"))) == 1
    reopen(stage.place).keeper.close()
    assert [path.name for path in (stage.place / "ws").iterdir() if "keyring" in path.name] == ["keyring"]


def test_between_the_renames(tmp_path: Path) -> None:
    (tmp_path / "keyring").mkdir()
    FileKeyProvider.create(tmp_path / "keyring")
    rotation.begin(tmp_path, None)
    new = (tmp_path / "keyring.next" / "master.key").read_bytes()
    (tmp_path / "keyring").rename(tmp_path / "keyring.old")
    assert rotation.under_way(tmp_path)
    rotation.settle(tmp_path, None, lambda _: True)
    assert (tmp_path / "keyring" / "master.key").read_bytes() == new
    assert not rotation.under_way(tmp_path)


def test_a_backup_is_one_of_books_and_key_that_belong_together(stage: Stage) -> None:
    stage.keeper.backup(stage.bureau, stage.place / "first")
    stage.keeper.key_rotate(stage.bureau)
    stage.keeper.backup(stage.bureau, stage.place / "second")
    for name in ("first", "second"):
        key = FileKeyProvider.open(stage.place / name / "keyring")
        assert opens(Database(stage.place / name / "books.sqlite"), key)
    rotation.begin(stage.place / "ws", None)
    with pytest.raises(StorageError, match=r"key\.rotated-meanwhile"):
        stage.keeper.backup(stage.bureau, stage.place / "third")
    assert not (stage.place / "third").exists()
