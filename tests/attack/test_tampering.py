"""Tampering: whatever is edited, cut, swapped or copied back is refused as tampering (exit code 7)."""

from __future__ import annotations

import shutil
import sqlite3
from collections.abc import Callable
from pathlib import Path

import pytest
from stage import Stage, build, reopen

from sandbox.errors import KeyongError, TamperingError

Attack = Callable[[Path], None]


@pytest.fixture
def worked(tmp_path: Path) -> Stage:
    """A workspace with one release in it, closed."""
    stage = build(tmp_path)
    stage.keeper.identity_new("zhao", ["analyst"], [])
    stage.ask()
    stage.keeper.close()
    return stage


def books(place: Path, *statements: str) -> None:
    connection = sqlite3.connect(place / "ws" / "books.sqlite")
    for statement in statements:
        connection.execute(statement)
    connection.commit()
    connection.close()


def shards(place: Path) -> list[Path]:
    return sorted((place / "ws" / "vault").rglob("*.parquet"))


def swap_shards(place: Path) -> None:
    one, other = shards(place)[:2]
    spare = one.with_name("spare")
    one.rename(spare)
    other.rename(one)
    spare.rename(other)


def flip_shard(place: Path) -> None:
    path = shards(place)[0]
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(bytes(content))


def cut_shard(place: Path) -> None:
    path = shards(place)[0]
    path.write_bytes(path.read_bytes()[:-1])


def swap_wrapped_keys(place: Path) -> None:
    of_wards = "context LIKE '%ward%' LIMIT 2"
    books(
        place,
        f"CREATE TEMP TABLE two AS SELECT key_id, wrapped FROM wrapped_keys WHERE {of_wards}",
        "UPDATE wrapped_keys SET wrapped = (SELECT wrapped FROM two WHERE two.key_id <> wrapped_keys.key_id) "
        "WHERE key_id IN (SELECT key_id FROM two)",
    )


def sql(*statements: str) -> Attack:
    return lambda place: books(place, *statements)


FOUND_BY_VERIFY: dict[str, Attack] = {
    "a leaf edited": sql("UPDATE leaves SET entry = replace(entry, 'wang', 'zhao')"),
    "a leaf cut out": sql("DELETE FROM leaves WHERE leaf = 3"),
    "the last leaf cut off": sql("DELETE FROM leaves WHERE leaf = (SELECT MAX(leaf) FROM leaves)"),
    "two leaves swapped": sql(
        "UPDATE leaves SET leaf = -1 WHERE leaf = 2",
        "UPDATE leaves SET leaf = 2 WHERE leaf = 3",
        "UPDATE leaves SET leaf = 3 WHERE leaf = -1",
    ),
    "a node edited": sql("UPDATE nodes SET hash = zeroblob(32) WHERE level = 1 AND position = 0"),
    "the checkpoint edited": sql("UPDATE checkpoints SET note = replace(note, 'keyong', 'keyomg')"),
    "a charge lowered": sql("UPDATE charges SET rho_pico = 1"),
    "a charge removed": sql("DELETE FROM charges"),
    "a release changed": sql("UPDATE releases SET result = replace(result, '[[', '[[\"0\",')"),
    "a release invented": sql("INSERT INTO releases SELECT 'job-x', result, digest, released FROM releases"),
    "a release removed": sql("DELETE FROM releases"),
    "the policy loosened": sql("UPDATE policies SET source = replace(source, 'epsilon: 8', 'epsilon: 80')"),
    "the policy removed": sql("DELETE FROM policies"),
    "the filter changed": sql("UPDATE lineages SET delta = '0.0001'"),
    "a tag confirmed behind the owner's back": sql(
        "UPDATE tags SET tag = 'general' WHERE \"column\" = 'name'"
    ),
    "the manifest edited": sql(
        "UPDATE versions SET manifest = replace(manifest, '\"version\":1', '\"version\":2')"
    ),
    "a role added": sql("UPDATE principals SET roles = 'analyst,owner' WHERE name = 'wang'"),
    "a group added": sql("UPDATE principals SET groups = groups || ',others'"),
    "an identity invented": sql(
        "INSERT INTO principals SELECT 'x', roles, groups, created FROM principals LIMIT 1"
    ),
    "an identity removed": sql("DELETE FROM principals WHERE name = 'zhao'"),
    "a charge put on somebody else": sql("UPDATE charges SET principal = 'zhao'"),
    "a charge moved out of its window": sql("UPDATE charges SET charged = '2001' || substr(charged, 5)"),
    "a charge with an odd time": sql("UPDATE charges SET charged = 'never'"),
    "a lineage's reason changed": sql("UPDATE lineages SET reason = 'agreed'"),
    "a policy ascribed to another": sql("UPDATE policies SET applied_by = 'zhao'"),
    "a dataset renamed": sql("UPDATE datasets SET name = 'health.others'"),
    "a dataset hidden": sql("DELETE FROM datasets"),
    "a job's text changed": sql("UPDATE jobs SET spec = replace(spec, 'COUNT', 'count')"),
    "a job's purpose changed": sql("UPDATE jobs SET purpose = 'billing'"),
    "a job given to another": sql("UPDATE jobs SET principal = 'zhao'"),
    "a job's row bound raised": sql("""UPDATE jobs SET plan = replace(plan, '"rows":3', '"rows":9')"""),
    "a job's plan broken": sql("UPDATE jobs SET plan = '{}'"),
    "a job's answer taken for another's": sql("UPDATE jobs SET replay_key = substr(replay_key, 2) || 'x'"),
    "a job made a replay": sql(
        """UPDATE jobs SET spec = replace(spec, '"replay_of":null', '"replay_of":"x"')"""
    ),
    "a job put back": sql("UPDATE jobs SET state = 'awaiting-approval'"),
    "a job removed": sql("DELETE FROM jobs"),
    "shards swapped": swap_shards,
    "a shard bit flipped": flip_shard,
    "a shard cut": cut_shard,
    "a shard removed": lambda place: shards(place)[0].unlink(),
}


def verified(place: Path) -> None:
    stage = reopen(place)
    stage.keeper.audit_verify(stage.li)


@pytest.mark.parametrize("attack", FOUND_BY_VERIFY.values(), ids=FOUND_BY_VERIFY.keys())
def test_verify_finds_it(worked: Stage, attack: Attack) -> None:
    attack(worked.place)
    with pytest.raises(TamperingError) as caught:
        verified(worked.place)
    assert caught.value.exit_code == 7


FOUND_BY_A_QUERY: dict[str, Attack] = {
    "shards swapped": swap_shards,
    "a shard bit flipped": flip_shard,
    "a shard cut": cut_shard,
    "a shard removed": lambda place: shards(place)[0].unlink(),
    "wrapped keys swapped": swap_wrapped_keys,
    "the manifest edited": FOUND_BY_VERIFY["the manifest edited"],
    "the policy loosened": FOUND_BY_VERIFY["the policy loosened"],
    "the last leaf cut off": FOUND_BY_VERIFY["the last leaf cut off"],
}


@pytest.mark.parametrize("attack", FOUND_BY_A_QUERY.values(), ids=FOUND_BY_A_QUERY.keys())
def test_a_query_finds_it(worked: Stage, attack: Attack) -> None:
    attack(worked.place)
    with pytest.raises(TamperingError):
        reopen(worked.place).ask(epsilon="0.25")


def test_older_books_copied_back_are_refused(worked: Stage) -> None:
    old = worked.place / "old.sqlite"
    shutil.copy(worked.place / "ws" / "books.sqlite", old)
    stage = reopen(worked.place)
    stage.ask(epsilon="0.25")
    stage.keeper.close()
    for path in (worked.place / "ws").glob("books.sqlite*"):
        path.unlink()
    shutil.copy(old, worked.place / "ws" / "books.sqlite")
    (worked.place / "ws" / "books.sqlite").chmod(0o600)
    with pytest.raises(TamperingError, match="rolled-back"):
        reopen(worked.place)


def test_an_older_backup_restored_is_refused(worked: Stage) -> None:
    stage = reopen(worked.place)
    stage.keeper.backup(stage.bureau, worked.place / "backup")
    stage.ask(epsilon="0.25")
    stage.keeper.close()
    shutil.rmtree(worked.place / "ws")
    from service.embedded import restore_workspace

    restore_workspace(worked.place / "backup", worked.place / "ws")
    with pytest.raises(TamperingError, match="rolled-back"):
        reopen(worked.place)


def test_a_fresh_backup_restores_and_answers(worked: Stage) -> None:
    from service.embedded import restore_workspace

    stage = reopen(worked.place)
    before = stage.ask()
    assert before["replayed"]
    # The backup's own leaf is the last: a copy taken at the very end is what a restore accepts.
    stage.keeper.close()
    shutil.copytree(worked.place / "ws", worked.place / "copy")
    shutil.rmtree(worked.place / "ws")
    restore_workspace(worked.place / "copy", worked.place / "ws")
    assert reopen(worked.place).ask()["tables"] == before["tables"]


def test_keys_of_another_workspace_open_nothing(
    worked: Stage, tmp_path_factory: pytest.TempPathFactory
) -> None:
    other = build(tmp_path_factory.mktemp("other"))
    other.keeper.close()
    shutil.rmtree(worked.place / "ws" / "keyring")
    shutil.copytree(other.place / "ws" / "keyring", worked.place / "ws" / "keyring")
    with pytest.raises(KeyongError) as caught:
        reopen(worked.place)
    assert caught.value.exit_code == 7
