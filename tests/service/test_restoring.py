"""Going on from an older copy: refused until a reviewer accepts it, charged for the loss, seen for ever."""

from __future__ import annotations

import json
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from stage import DATASET, Stage, build, reopen

from sandbox import workspace as workspaces
from sandbox.audit.checkpoint import Checkpoint, sign
from sandbox.audit.merkle import root_at
from sandbox.audit.store import lookup
from sandbox.audit.verify import verify
from sandbox.errors import BudgetExceededError, DeniedError, InvalidInputError, TamperingError
from service.embedded import accept_restore, restore_workspace

FIRST = "SELECT ward, COUNT(*) FROM health.stays GROUP BY ward"
LATER = "SELECT urgent, COUNT(*) FROM health.stays GROUP BY urgent"


class Case:
    """A workspace with a release, its older copy, and what happened since."""

    def __init__(self, place: Path, **policy: Any) -> None:
        self.place = place
        stage = build(place, **policy)
        stage.ask(FIRST, "1")
        stage.keeper.close()
        shutil.copytree(place / "ws", place / "old")
        stage = reopen(place)
        stage.ask(LATER, "1")
        self.note = stage.keeper.audit_checkpoint(stage.li)["note"]
        stage.keeper.close()

    def put_back(self) -> None:
        shutil.rmtree(self.place / "ws")
        shutil.copytree(self.place / "old", self.place / "ws")

    def accept(self, name: str | None = "li", reason: str = "the disk broke") -> dict[str, Any]:
        return accept_restore(self.place / "ws", name, reason)

    def open(self) -> Stage:
        return reopen(self.place)


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Case]:
    patch = pytest.MonkeyPatch()
    place = tmp_path_factory.mktemp("kept")
    patch.setenv("KEYONG_ANCHORS", str(place / "anchors"))
    yield Case(place, more=", per_job: 2")
    patch.undo()


@pytest.fixture
def case(kept: Case, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Case:
    """A copy of the workspace put back to its older state, and what outside remembers."""
    shutil.copytree(kept.place, tmp_path / "c")
    monkeypatch.setenv("KEYONG_ANCHORS", str(tmp_path / "c" / "anchors"))
    made = Case.__new__(Case)
    made.place, made.note = tmp_path / "c", kept.note
    return made


def spent(stage: Stage) -> float:
    return float(stage.keeper.budget_show(stage.li, DATASET)["spent"]["rho"])


def test_restoring_tells_whether_the_copy_will_be_refused(case: Case, tmp_path: Path) -> None:
    newest = restore_workspace(case.place / "ws", tmp_path / "newest")
    assert newest == {"workspace": str(tmp_path / "newest"), "refused": None}
    older = restore_workspace(case.place / "old", tmp_path / "older")["refused"]
    with pytest.raises(TamperingError) as caught:
        workspaces.open_workspace(tmp_path / "older")
    assert older == {"code": caught.value.code, "facts": caught.value.facts}
    assert older["code"] == "log.rolled-back"
    fork_off(tmp_path / "older", 5)
    forked = restore_workspace(tmp_path / "older", tmp_path / "forked")["refused"]
    with pytest.raises(TamperingError) as caught:
        workspaces.open_workspace(tmp_path / "forked")
    assert forked == {"code": "log.forked", "facts": caught.value.facts}


def fork_off(place: Path, entries: int) -> None:
    """Let the log of an older copy go on in its own way."""
    workspace = workspaces.open_workspace(place, to_accept_a_restore=True)
    with workspace.database.transaction() as connection:
        for number in range(entries):
            entry = {"kind": "backup", "time": "2026-11-23T08:00:00+00:00", "actor": "x"}
            workspace.log.append(connection, entry | {"facts": {"files": number}})
    workspace.close()


@pytest.mark.parametrize("note", ["", "no note", "keyong/x\n99999\n"])
def test_restoring_does_not_stumble_over_what_opening_refuses(case: Case, tmp_path: Path, note: str) -> None:
    (anchor,) = (case.place / "anchors").glob("*.checkpoint")
    anchor.write_text(note)
    assert restore_workspace(case.place / "old", tmp_path / "b")["refused"] is None
    with pytest.raises(TamperingError, match="bad-checkpoint"):
        workspaces.open_workspace(tmp_path / "b")


def test_an_older_copy_is_refused_until_it_is_accepted(case: Case) -> None:
    case.put_back()
    with pytest.raises(TamperingError, match="rolled-back") as caught:
        case.open()
    assert caught.value.exit_code == 7
    told = case.accept()
    assert (told["how"], told["lost"] - told["found"], told["jobs"]) == ("log.rolled-back", 3, 1)
    stage = case.open()
    assert stage.ask(LATER, "0.5")["tables"]
    found = stage.keeper.audit_verify(stage.li)
    assert found["restored"] == [{"leaf": told["leaf"], "found": told["found"], "lost": told["lost"]}]
    leaf = json.loads(stage.keeper.audit_show(stage.li, told["leaf"])["entry"])
    assert leaf["actor"] == "li"
    assert leaf["facts"]["note"] == case.note
    assert leaf["facts"]["reason"] == "the disk broke"


def test_what_may_have_been_spent_is_charged(case: Case) -> None:
    before = case.open()
    truth = spent(before)
    before.keeper.close()
    case.put_back()
    told = case.accept()
    stage = case.open()
    # One job of at most ε 2 may be lost: not less than was spent, and exactly what the policy allows one.
    assert spent(stage) > truth
    limits = stage.keeper.budget_show(stage.li, DATASET)
    (charge,) = [one for one in limits["charges"] if one["job"] == f"lost-{told['leaf']}"]
    assert charge["loss"]["rho"] == limits["per_job"]["rho"]


def test_without_a_limit_per_job_everything_left_is_charged(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KEYONG_ANCHORS", str(tmp_path / "anchors"))
    case = Case(tmp_path)
    case.put_back()
    case.accept()
    stage = case.open()
    assert stage.keeper.budget_show(stage.li, DATASET)["remaining"]["rho"] == "0"
    with pytest.raises(BudgetExceededError):
        stage.ask(LATER, "0.001")
    stage.apply(version=2, epsilon=9)  # the owner may give more, for all to see
    assert stage.ask(LATER, "0.001")["tables"]
    stage.keeper.audit_verify(stage.li)


def test_lost_charges_stand_in_the_evidence(case: Case) -> None:
    case.put_back()
    told = case.accept()
    stage = case.open()
    stage.keeper.audit_export(stage.li, case.place / "bundle")
    script, kept = case.place / "bundle" / "verify_bundle.py", case.place / "lost"
    kept.write_text(case.note)
    command = [sys.executable, "-I", str(script), str(case.place / "bundle")]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout
    assert f"leaf {told['leaf']}: an older copy was accepted" in done.stdout
    done = subprocess.run([*command, "--kept", str(kept)], capture_output=True, text=True, check=False)
    assert done.returncode == 7


def test_a_checkpoint_of_the_lost_part_stays_evidence(case: Case) -> None:
    case.put_back()
    told = case.accept()
    stage = case.open()
    for number in range(4):  # the log grows past what was lost
        stage.keeper.identity_new(f"z{number}", ["analyst"], [])
    with pytest.raises(TamperingError) as caught:
        stage.keeper.audit_verify(stage.li, [case.note])
    assert (caught.value.code, caught.value.facts["leaf"]) == ("log.lost-part", told["leaf"])
    notes = list((case.place / "anchors").glob("*.lost-*"))
    assert [path.read_text() for path in notes] == [case.note]


def test_a_fork_is_refused_until_it_is_accepted(case: Case, monkeypatch: pytest.MonkeyPatch) -> None:
    """A copy worked on elsewhere, longer than what was seen here, and signed with the real key."""
    case.put_back()
    monkeypatch.setenv("KEYONG_ANCHORS", str(case.place / "elsewhere"))
    stage = case.open()
    for number in range(6):
        stage.keeper.identity_new(f"z{number}", ["analyst"], [])
    stage.keeper.close()
    monkeypatch.setenv("KEYONG_ANCHORS", str(case.place / "anchors"))
    with pytest.raises(TamperingError, match="forked"):
        case.open()
    told = case.accept()
    assert told["how"] == "log.forked"
    stage = case.open()
    assert stage.keeper.audit_verify(stage.li)["restored"][0]["lost"] == told["lost"]


def test_a_tail_cut_with_the_real_key_is_refused(case: Case, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever holds the key can sign a shorter log; what was kept elsewhere says that it was longer."""
    stage = case.open()
    workspace = stage.keeper._desk.workspace  # type: ignore[attr-defined]
    with workspace.database.transaction() as connection:
        size = workspace.log.head(connection).size - 2
        connection.exec_driver_sql("DELETE FROM leaves WHERE leaf >= ?", (size,))
        connection.exec_driver_sql("DELETE FROM nodes WHERE (position + 1) << level > ?", (size,))
        cut = Checkpoint(workspace.log.key.name, size, root_at(lookup(connection), size))
        note = sign(cut, workspace.log._signing_key)
        connection.exec_driver_sql("UPDATE checkpoints SET size = ?, note = ?", (size, note))
    with workspace.database.reading() as connection:
        assert verify(connection, workspace.log.key).head == cut, "it holds in itself"
    with pytest.raises(TamperingError, match="rolled-back"):
        case.open()
    monkeypatch.setenv("KEYONG_ANCHORS", str(case.place / "nothing-remembered"))
    stage = case.open()
    with pytest.raises(TamperingError, match="shorter-than-kept"):
        stage.keeper.audit_verify(stage.li, [case.note])


def test_only_a_reviewer_accepts_and_says_why(case: Case) -> None:
    with pytest.raises(InvalidInputError, match="nothing-lost"):
        case.accept()
    case.put_back()
    for name in ("bureau", "wang"):
        with pytest.raises(DeniedError):
            case.accept(name)
    for name, reason in ((None, "x"), ("li", " "), ("li", "x" * 300)):
        with pytest.raises(InvalidInputError):
            case.accept(name, reason)
    with pytest.raises(TamperingError):
        case.open()


def test_a_copy_that_was_changed_is_not_accepted(case: Case) -> None:
    case.put_back()
    books = sqlite3.connect(case.place / "ws" / "books.sqlite")
    books.execute("UPDATE charges SET rho_pico = 1")
    books.commit()
    books.close()
    with pytest.raises(TamperingError, match="books-differ"):
        case.accept()


def test_a_crash_before_the_new_anchor_charges_once(case: Case, monkeypatch: pytest.MonkeyPatch) -> None:
    case.put_back()
    with monkeypatch.context() as patch:
        patch.setattr(workspaces.Anchor, "begin_again", lambda *_: (_ for _ in ()).throw(OSError(28, "full")))
        with pytest.raises(OSError, match="full"):
            case.accept()
    with pytest.raises(TamperingError):
        case.open()
    case.accept()
    stage = case.open()
    jobs = [one["job"] for one in stage.keeper.budget_show(stage.li, DATASET)["charges"]]
    assert len([job for job in jobs if job.startswith("lost-")]) == 1
    assert len(stage.keeper.audit_verify(stage.li)["restored"]) == 1


def test_a_charge_called_lost_needs_an_accepted_restore(case: Case) -> None:
    stage = case.open()
    desk = stage.keeper._desk  # type: ignore[attr-defined]
    with desk.writing() as entry:
        row = dict(entry.connection.exec_driver_sql("SELECT * FROM charges LIMIT 1").mappings().one())
        names = ", ".join(name for name in row if name != "charge")
        entry.connection.exec_driver_sql(
            f"INSERT INTO charges ({names}) SELECT {names.replace('job', repr('lost-1'))} "
            "FROM charges LIMIT 1"
        )
        moved = {key: row[key] for key in ("lineage", "epsilon_pico", "rho_pico", "delta_atto")}
        entry.log("charge", "wang", job="lost-1", **moved)
        entry.connection.exec_driver_sql(
            "UPDATE charges SET charged = ? WHERE job = 'lost-1'", (entry.at.isoformat(),)
        )
    with pytest.raises(TamperingError, match="lost-1"):
        stage.keeper.audit_verify(stage.li)


def test_a_clock_that_was_set_back_is_reported(case: Case) -> None:
    """Keyong itself lets no leaf be older than the one before; another build, or a forger, may have."""
    stage = case.open()
    workspace = stage.keeper._desk.workspace  # type: ignore[attr-defined]
    with workspace.database.transaction() as connection:
        old = {
            "kind": "backup",
            "time": "2001-01-01T00:00:00+00:00",
            "actor": "bureau",
            "facts": {"files": 1},
        }
        workspace.log.append(connection, old)
    found = stage.keeper.audit_verify(stage.li)
    assert found["clock_back"] == {"leaves": 1, "first": found["size"] - 1}


def test_a_backup_put_back_at_once_is_not_older_than_what_was_seen(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KEYONG_ANCHORS", str(tmp_path / "anchors"))
    stage = build(tmp_path)
    stage.ask(FIRST, "1")
    told = stage.keeper.backup(stage.bureau, tmp_path / "copy")
    stage.keeper.close()
    assert told["files"] == sum(path.is_file() for path in (tmp_path / "copy").rglob("*"))
    shutil.rmtree(tmp_path / "ws")
    assert workspaces.restore(tmp_path / "copy", tmp_path / "ws") is None
    again = reopen(tmp_path)
    assert again.ask(LATER, "1")
    again.keeper.close()
