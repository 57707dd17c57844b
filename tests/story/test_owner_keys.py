"""An owner at a terminal: a key of one's own, a policy signed with it, the key changed and lost."""

from __future__ import annotations

import json
import stat
from pathlib import Path

import pytest
from stage import policy
from terminal import Answer, typed

from sandbox.keys import provider


@pytest.fixture(autouse=True)
def _cheap_keys(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(provider, "SCRYPT_N", 2**14)


def say(line: str, *passphrases: str) -> Answer:
    """Type a command with passphrases on standard input."""
    return typed(line, "".join(f"{word}\n" for word in passphrases))


def files(place: Path) -> list[Path]:
    return sorted((place / "identities").rglob("*.key"))


def test_a_new_owner_gets_a_key_outside_the_workspace(hospital: Path) -> None:
    answer = say("--json identity new ministry --role owner", "eight or more")
    assert answer.code == 0, answer.err
    key = json.loads(answer.out)["key"]
    (path,) = files(hospital)
    assert path.name == f"ministry-{key[:8]}.key"
    assert str(path) in answer.err  # whoever loses this file loses the key
    assert json.loads(answer.out)["key_file"] == str(path)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    assert not path.is_relative_to(hospital / "ws")
    assert key[:8] in typed("identity list").out


def test_without_a_passphrase_there_is_no_key_yet(hospital: Path) -> None:
    answer = say("identity new ministry --role owner")
    assert answer.code == 0
    assert "keyong identity key ministry" in answer.err
    assert files(hospital) == []
    assert say("identity key ministry").code == 3
    assert say("--json identity key ministry", "short").error["code"] == "key.short-passphrase"
    assert say("identity key ministry", "long enough").code == 0
    assert len(files(hospital)) == 1


def test_people_who_own_nothing_are_asked_nothing(hospital: Path) -> None:
    assert say("identity new sun --role analyst").err == ""
    assert say("identity new sunny --role owner --no-key").err == ""


def test_sign_apply_change_and_lose(hospital: Path) -> None:
    path = hospital / "next.yaml"

    def write(version: int) -> None:
        before = json.loads(typed("--json --as bureau policy show health.stays").out)["digest"]
        text = policy(version=version).replace("bureau}", f"bureau, supersedes: {before}}}")
        path.write_text(text)

    # The stage pinned a key that no file holds.
    write(2)
    assert say("--json --as bureau policy sign next.yaml").error["code"] == "identity.no-key-file"
    assert say("--json identity key bureau", "x").error["code"] == "identity.no-key-file"
    assert say("identity key bureau --lost", "first words").code == 0
    assert (
        say("--json --as bureau policy sign next.yaml", "other words").error["code"] == "key.wrong-passphrase"
    )
    assert not (hospital / "next.yaml.sig").exists()
    assert say("--as bureau policy sign next.yaml", "first words").code == 0
    assert say("--as bureau policy apply next.yaml").code == 0

    # Changed with the word of the former key: what that one signs is refused from now on.
    (former,) = files(hospital)
    answer = say("identity key bureau --key-file away.key", "first words", "second words")
    assert answer.code == 0, answer.err
    write(3)
    assert say(f"--as bureau policy sign next.yaml --key-file {former}", "first words").code == 0
    refused = say("--json --as bureau policy apply next.yaml")
    assert (refused.code, refused.error["code"]) == (4, "denied.signed-by-former-key")
    assert say("policy sign next.yaml --key-file away.key", "second words").code == 0
    (hospital / "next.yaml.sig").rename(hospital / "elsewhere.sig")
    assert say("--as bureau policy apply next.yaml --signature elsewhere.sig").code == 0
    assert say("--as li audit verify").code == 0


def test_a_key_never_lies_in_the_workspace_or_over_another_file(hospital: Path) -> None:
    inside = say("--json identity key laboratory --lost --key-file ws/run/../my.key", "long enough")
    assert inside.error["code"] == "identity.key-in-workspace"
    over = say("--json identity key laboratory --lost --key-file policy.yaml", "long enough")
    assert over.error["code"] == "key.exists"
    assert "apiVersion" in (hospital / "policy.yaml").read_text()


def test_a_key_that_is_not_pinned_is_not_kept(hospital: Path) -> None:
    assert say("identity key nobody", "long enough").code == 2
    assert files(hospital) == []


def test_a_master_key_file_is_no_signing_key(hospital: Path) -> None:
    (hospital / "locked.key").write_bytes(provider.lock(bytes(32), "long enough"))
    (hospital / "locked.key").chmod(0o600)
    for name in ("locked.key", "ws/keyring/master.key"):
        answer = say(f"--json policy sign policy.yaml --key-file {name}", "long enough")
        assert answer.error["code"] == "key.damaged-file"


def test_a_short_passphrase_leaves_no_name_without_a_key(hospital: Path) -> None:
    before = typed("--json identity list").out
    assert say("--json identity new ministry --role owner", "short").error["code"] == "key.short-passphrase"
    assert typed("--json identity list").out == before
    assert files(hospital) == []
    assert say("identity new ministry --role owner", "eight or more").code == 0
    # A name that is taken is refused before anybody is asked for words, and its key stays.
    (path,) = files(hospital)
    assert say("--json identity new ministry --role owner").error["code"] == "identity.exists"
    assert files(hospital) == [path]
