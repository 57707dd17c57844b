"""Policies that their owner did not sign: refused when applied, and found when slipped in later."""

from __future__ import annotations

import json
import shutil
import sqlite3
from collections.abc import Callable
from pathlib import Path

import owners
import pytest
from stage import Stage, build, policy, reopen, rows, write_csv

from policies import store
from policies.build import parse
from policies.model import policy_digest
from policies.sign import key_id, public_half, sign
from sandbox.errors import DeniedError, InvalidInputError, KeyongError, TamperingError
from service.asked import Decisions, NewDataset


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("built")
    build(place).keeper.close()
    return place


@pytest.fixture
def stage(built: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Stage:
    """A copy for each test, with a memory of its own of how long the log was."""
    monkeypatch.setenv("KEYONG_ANCHORS", str(tmp_path / "anchors"))
    shutil.copytree(built, tmp_path / "copy")
    return reopen(tmp_path / "copy")


def draft(stage: Stage, **options: object) -> Path:
    """The next policy of the stays, not signed yet."""
    path = stage.place / "next.yaml"
    path.write_text(policy(version=2, **options))
    owners.succeed(stage.keeper, stage.bureau, path)
    return path


def refused(stage: Stage, path: Path, error: type[KeyongError] = DeniedError) -> str:
    """Apply *path* as the owner, which must be refused and change nothing; return the code."""
    before = stage.keeper.policy_show(stage.bureau, "health.stays")
    with pytest.raises(error) as caught:
        stage.keeper.policy_apply(stage.bureau, path)
    assert stage.keeper.policy_show(stage.bureau, "health.stays") == before
    if error is DeniedError:
        last = stage.keeper.audit_list(stage.li)["leaves"][-1]
        assert (last["kind"], last["facts"]["code"]) == ("refusal", caught.value.code)
    return caught.value.code


def test_an_owner_signs_and_the_log_says_who(stage: Stage) -> None:
    path = draft(stage, epsilon=7)
    before = stage.keeper.policy_show(stage.bureau, "health.stays")["digest"]
    owners.write_signature(path, owners.key_of("bureau"))
    answer = stage.keeper.policy_apply(stage.bureau, path)
    assert (answer["version"], answer["supersedes"]) == (2, 1)
    leaf = next(it for it in reversed(stage.keeper.audit_list(stage.li)["leaves"]) if it["kind"] == "policy")
    assert leaf["facts"]["signer"] == key_id(public_half(owners.key_of("bureau")))
    assert leaf["facts"]["supersedes"] == before
    assert leaf["facts"]["digest"] == answer["digest"]
    assert stage.keeper.policy_show(stage.bureau, "health.stays")["key"] == leaf["facts"]["signer"]
    stage.keeper.audit_verify(stage.li)


def test_no_signature(stage: Stage) -> None:
    assert refused(stage, draft(stage), InvalidInputError) == "policy.not-signed"
    (stage.place / "next.yaml.sig").write_text("signed, the owner")
    assert refused(stage, draft(stage), InvalidInputError) == "policy.bad-signature-file"


def test_the_signature_of_another_datasets_owner(stage: Stage) -> None:
    path = draft(stage)
    owners.write_signature(path, owners.key_of("laboratory"))
    assert refused(stage, path) == "denied.signed-by-another"
    with pytest.raises(DeniedError) as caught:  # nor may that owner bring it
        stage.keeper.policy_apply(stage.lab, path)
    assert caught.value.code == "denied.unknown-dataset"


def test_a_key_that_is_not_pinned(stage: Stage) -> None:
    path = draft(stage)
    owners.write_signature(path, owners.key_of("bureau", 2))
    assert refused(stage, path) == "denied.signed-by-another"


def test_an_owner_without_a_key(stage: Stage) -> None:
    stage.keeper.identity_new("ministry", ["owner"], [])
    ministry = stage.keeper.principal("ministry")
    source = write_csv(stage.place / "more.csv", rows(20))
    new = NewDataset(source, "health.more", "person", "health.other", shards=4, types={"ward": "string"})
    stage.keeper.dataset_add(ministry, new)
    stage.keeper.dataset_tag(ministry, "health.more", Decisions({}, "test", above="0"))
    path = stage.place / "more.yaml"
    text = policy().replace("health.stays", "health.more").replace("health.patient", "health.other")
    path.write_text(text.replace("owner: bureau", f"owner: ministry, supersedes: {'ab' * 32}"))
    owners.write_signature(path, owners.key_of("ministry"))
    with pytest.raises(InvalidInputError) as nothing:
        stage.keeper.policy_apply(ministry, path)
    assert nothing.value.code == "policy.supersedes-nothing"
    path.write_text(text.replace("owner: bureau", "owner: ministry"))
    owners.write_signature(path, owners.key_of("ministry"))
    with pytest.raises(DeniedError) as caught:
        stage.keeper.policy_apply(ministry, path)
    assert caught.value.code == "denied.owner-without-key"
    owners.pin(stage.keeper, "ministry")
    stage.keeper.policy_apply(ministry, path)


def test_the_signature_of_another_policy(stage: Stage) -> None:
    path = draft(stage, epsilon=7)
    signature = owners.write_signature(path, owners.key_of("bureau"))
    path.write_text(path.read_text().replace("epsilon: 7", "epsilon: 70"))
    assert refused(stage, path) == "denied.signature-of-another"
    forged = json.loads(signature.read_text()) | {"digest": policy_digest(parse(path.read_text(), "p"))}
    signature.write_text(json.dumps(forged))
    assert refused(stage, path) == "denied.bad-signature"


def test_another_key_under_the_owners_key_id(stage: Stage) -> None:
    path = draft(stage)
    mine = sign(policy_digest(parse(path.read_text(), "p")), owners.key_of("laboratory"))
    other = json.loads(mine.text()) | {"key": key_id(public_half(owners.key_of("bureau")))}
    (stage.place / "next.yaml.sig").write_text(json.dumps(other))
    assert refused(stage, path) == "denied.bad-signature"


def test_an_old_policy_with_its_old_signature_does_not_come_back(stage: Stage) -> None:
    first = stage.place / "policy.yaml"
    old, old_signature = first.read_text(), (stage.place / "policy.yaml.sig").read_text()
    stage.apply(version=2, epsilon=2)
    first.write_text(old)
    (stage.place / "policy.yaml.sig").write_text(old_signature)
    assert refused(stage, first, InvalidInputError) == "policy.wrong-version"
    # The same rules under the next number need a new signature.
    first.write_text(old.replace("version: 1", "version: 3"))
    owners.succeed(stage.keeper, stage.bureau, first)
    assert refused(stage, first) == "denied.signature-of-another"


def test_what_it_takes_the_place_of_must_be_named(stage: Stage) -> None:
    path = stage.place / "next.yaml"
    path.write_text(policy(version=2))
    owners.write_signature(path, owners.key_of("bureau"))
    in_force = stage.keeper.policy_show(stage.bureau, "health.stays")["digest"]
    for text in (
        policy(version=2),
        policy(version=2).replace("bureau}", f"bureau, supersedes: {'ab' * 32}}}"),
    ):
        path.write_text(text)
        owners.write_signature(path, owners.key_of("bureau"))
        for do in (stage.keeper.policy_validate, stage.keeper.policy_apply):
            with pytest.raises(InvalidInputError) as caught:
                do(stage.bureau, path)
            assert caught.value.code == "policy.wrong-supersedes"
            assert caught.value.facts["expected"] == in_force


def test_after_a_change_of_keys_the_new_one_signs(stage: Stage) -> None:
    path = draft(stage, epsilon=7)
    owners.write_signature(path, owners.key_of("bureau"))
    owners.pin(stage.keeper, "bureau", 2)
    assert refused(stage, path) == "denied.signed-by-former-key"
    stage.ask()  # what the former key signed stays in force
    owners.write_signature(path, owners.key_of("bureau", 2))
    stage.keeper.policy_apply(stage.bureau, path)
    stage.keeper.audit_verify(stage.li)
    assert stage.ask(epsilon="0.25")["replayed"] is False


def test_a_key_is_replaced_with_the_word_of_the_one_before(stage: Stage) -> None:
    public = public_half(owners.key_of("bureau", 3))
    for word in ("", "00" * 64, owners.endorse("laboratory", public, owners.key_of("bureau"))):
        with pytest.raises(DeniedError) as caught:
            stage.keeper.identity_key(stage.bureau, public, word)
        assert caught.value.code == "identity.key-not-endorsed"
    stage.keeper.identity_key(stage.bureau, public, "lost")
    leaf = stage.keeper.audit_list(stage.li)["leaves"][-1]
    assert (leaf["kind"], leaf["facts"]["endorsement"]) == ("identity-key", "")
    with pytest.raises(InvalidInputError) as again:
        stage.keeper.identity_key(stage.bureau, public_half(owners.key_of("bureau")), "lost")
    assert again.value.code == "identity.key-known"
    stage.keeper.audit_verify(stage.li)


@pytest.mark.parametrize("public", ["", "xyz", "AB" * 32, "00" * 31, "é" * 64])
def test_what_is_no_key_is_not_pinned(stage: Stage, public: str) -> None:
    with pytest.raises(InvalidInputError):
        stage.keeper.identity_key(stage.bureau, public, "lost")


# --- in the books ------------------------------------------------------------------------------------


def edit(*statements: str) -> Callable[[Stage], None]:
    def attack(stage: Stage) -> None:
        connection = sqlite3.connect(stage.place / "ws" / "books.sqlite")
        for statement in statements:
            connection.execute(statement)
        connection.commit()
        connection.close()

    return attack


def swap_key(stage: Stage) -> None:
    """Put one's own key in the place of the owner's, and sign a looser policy with it."""
    mine = owners.key_of("mallory")
    text = policy(epsilon=800)
    digest = policy_digest(parse(text, "p"))
    signed = sign(digest, mine)
    connection = sqlite3.connect(stage.place / "ws" / "books.sqlite")
    connection.execute(
        "UPDATE owner_keys SET key = ?, public = ? WHERE principal = 'bureau'",
        (signed.key, public_half(mine)),
    )
    connection.execute("UPDATE policies SET source = ?, digest = ?", (text, digest))
    connection.execute("UPDATE policy_signatures SET key = ?, signature = ?", (signed.key, signed.signature))
    connection.commit()
    connection.close()


IN_THE_BOOKS: dict[str, Callable[[Stage], None]] = {
    "the key swapped, the policy signed with it": swap_key,
    "the public key edited": edit(
        f"UPDATE owner_keys SET public = '{public_half(owners.key_of('mallory'))}' WHERE principal = 'bureau'"
    ),
    "the key given to another": edit("UPDATE owner_keys SET principal = 'wang' WHERE principal = 'bureau'"),
    "the key's leaf moved": edit("UPDATE owner_keys SET leaf = 0 WHERE principal = 'bureau'"),
    "the keys removed": edit("DELETE FROM owner_keys"),
    "the signature edited": edit("UPDATE policy_signatures SET signature = '00' || substr(signature, 3)"),
    "the signature stripped": edit("DELETE FROM policy_signatures"),
    "the signature stripped as if older than signing": edit(
        "UPDATE policy_signatures SET key = '', signature = ''"
    ),
    "stripped, and another leaf named": edit(
        "UPDATE policy_signatures SET key = '', signature = '', leaf = 0"
    ),
    "no leaf named": edit("UPDATE policy_signatures SET leaf = 99999"),
    "an odd leaf named": edit("UPDATE policy_signatures SET leaf = 'x'"),
}


@pytest.mark.parametrize("attack", IN_THE_BOOKS.values(), ids=IN_THE_BOOKS.keys())
def test_edits_are_found_by_the_next_decision_and_by_verify(
    stage: Stage, attack: Callable[[Stage], None]
) -> None:
    attack(stage)
    with pytest.raises(TamperingError) as asked:
        stage.ask()
    with pytest.raises(TamperingError) as verified:
        stage.keeper.audit_verify(stage.li)
    assert asked.value.exit_code == verified.value.exit_code == 7


@pytest.mark.parametrize(
    "attack",
    [
        edit("DELETE FROM owner_keys WHERE former <> ''"),  # the former key is in use again
        edit("UPDATE owner_keys SET endorsement = ''"),
        edit("UPDATE owner_keys SET former = ''"),
        edit("UPDATE owner_keys SET pinned = '2001-01-01T00:00:00+00:00'"),
    ],
)
def test_edits_of_keys_that_sign_nothing_yet_are_found_by_verify(
    stage: Stage, attack: Callable[[Stage], None]
) -> None:
    owners.pin(stage.keeper, "bureau", 2)
    stage.keeper.audit_verify(stage.li)
    attack(stage)
    with pytest.raises(TamperingError):
        stage.keeper.audit_verify(stage.li)


# --- before there were signatures ----------------------------------------------------------------------


@pytest.fixture
def older(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Stage:
    """A workspace as format 3 left it: a policy in force whose leaf tells of no signer, and no new tables."""

    def apply(keeper, by, path: Path) -> None:
        source = path.read_text()
        with keeper._desk.writing() as entry:
            lineage = entry.connection.exec_driver_sql("SELECT lineage FROM datasets").scalar()
            said = store.apply(entry.connection, lineage, source, "p", by=by.name, at=entry.at)
            entry.log(
                "policy", by.name, dataset=said.dataset, lineage=lineage, version=said.version,
                digest=policy_digest(said),
            )  # fmt: skip

    with monkeypatch.context() as patch:
        patch.setattr(owners, "apply", apply)
        patch.setattr(owners, "pin", lambda keeper, name: None)
        stage = build(tmp_path)
    stage.keeper.close()
    edit("DROP TABLE owner_keys", "DROP TABLE policy_signatures")(stage)
    identity = stage.place / "ws" / "keyong.json"
    identity.write_text(json.dumps(json.loads(identity.read_text()) | {"format": 3}))
    return stage


def test_a_policy_older_than_signatures_stays_in_force(older: Stage) -> None:
    stage = reopen(older.place)
    assert stage.ask()["status"] == "released"
    stage.keeper.audit_verify(stage.li)
    with pytest.raises(DeniedError) as caught:
        stage.apply(version=2)
    assert caught.value.code == "denied.owner-without-key"
    owners.pin(stage.keeper, "bureau")
    stage.apply(version=2)
    stage.keeper.audit_verify(stage.li)
    # From here on there is no way back to a policy without a signature.
    edit("UPDATE policy_signatures SET key = '', signature = '' WHERE version = 2")(stage)
    with pytest.raises(TamperingError):
        stage.ask(epsilon="0.25")


def test_an_edited_policy_does_not_pass_for_an_older_one(older: Stage) -> None:
    stage = reopen(older.place)
    text = policy(epsilon=800)
    connection = sqlite3.connect(stage.place / "ws" / "books.sqlite")
    digest = policy_digest(parse(text, "p"))
    connection.execute("UPDATE policies SET source = ?, digest = ?", (text, digest))
    connection.commit()
    with pytest.raises(TamperingError):
        stage.ask()
    with pytest.raises(TamperingError):
        stage.keeper.audit_verify(stage.li)


def test_a_migration_that_was_killed_is_done_again(older: Stage) -> None:
    reopen(older.place).keeper.close()
    identity = older.place / "ws" / "keyong.json"
    identity.write_text(json.dumps(json.loads(identity.read_text()) | {"format": 3}))
    stage = reopen(older.place)
    stage.ask()
    stage.keeper.audit_verify(stage.li)
