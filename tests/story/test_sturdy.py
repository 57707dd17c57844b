"""Full disks, other processes, Ctrl-C, a workspace that is not as it should be: told, nothing half-done."""

from __future__ import annotations

import json
import os
import resource
import signal
import sqlite3
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from owners import key_of, write_signature
from stage import COUNTS, build
from terminal import SLOW, ended, started, typed

from policies.build import parse
from policies.model import policy_digest
from sandbox import database

ASK = ["--as", "wang", "query", COUNTS, "--epsilon", "0.1"]


def charges() -> list[str]:
    answer = typed("--json --as bureau budget show health.stays")
    return [charge["job"] for charge in json.loads(answer.out)["charges"]]


def add(path: Path, name: str) -> list[str]:
    what = ["--unit", "u", "--namespace", name, "--yes", "--shards", "2"]
    return ["--as", "bureau", "dataset", "add", str(path), "--name", name, *what]


def table(path: Path, rows: int) -> Path:
    path.write_text("u,v\n" + "".join(f"{n},{n * 7919 % 100003}\n" for n in range(rows)))
    return path


def successor(first: Path, second: Path) -> None:
    """Write and sign the second version of the policy *first*, which is in force."""
    policy = parse(first.read_bytes(), str(first))
    text = first.read_text().replace("version: 1", "version: 2")
    second.write_text(text.replace("owner: bureau", f"owner: bureau, supersedes: {policy_digest(policy)}"))
    write_signature(second, key_of("bureau"))


# --- full and failing disks ---------------------------------------------------------------------------


@pytest.fixture
def small(tmp_path: Path) -> Iterator[Path]:
    """A disk of 4 MiB."""
    place = tmp_path / "small"
    place.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", "size=4m,mode=700", "tmpfs", str(place)]
    if os.geteuid() != 0 or subprocess.run(command, check=False, capture_output=True).returncode:
        pytest.skip("a disk of our own needs the right to mount one")
    yield place
    subprocess.run(["umount", "-l", str(place)], check=True)


def fill(disk: Path, left: int) -> None:
    """Leave *left* KiB on *disk*."""
    filler = disk / "filler"
    filler.unlink(missing_ok=True)
    state = os.statvfs(disk)
    filler.write_bytes(b"\0" * max(0, state.f_bavail * state.f_bsize - left * 1024))


def test_a_full_disk_loses_nothing(small: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("KEYONG_ANCHORS", str(tmp_path / "anchors"))
    monkeypatch.setenv("KEYONG_PURPOSE", "planning")
    build(small).keeper.close()
    monkeypatch.setenv("KEYONG_WORKSPACE", str(small / "ws"))
    source, promised = table(tmp_path / "big.csv", 50_000), set[str]()
    for left in (0, 40, 100, 120, 140, 180):
        fill(small, left)
        refused = typed(add(source, "b.b"))
        assert (refused.code, len(refused.err.splitlines())) == (3, 1), refused.err
        answer = typed(["--json", *ASK[:-1], f"0.1{left}"])
        assert answer.code in (0, 3), answer.err
        if answer.code:
            assert answer.error["code"].startswith(("books.disk-", "cli.system")), answer.err
            promised |= {str(answer.error["facts"]["job"])} if "job" in answer.error["facts"] else set()
        else:
            promised.add(json.loads(answer.out)["job"])
    (small / "filler").unlink()
    # What was charged is what somebody was told of, and all of it can be brought to its end.
    assert set(charges()) == promised
    assert all(typed(["--as", "wang", "job", "resume", job]).code == 0 for job in promised)
    assert len(list((small / "ws" / "vault").iterdir())) == 1
    assert typed("--as li audit verify").code == 0


@pytest.mark.parametrize("left", [4, 64, 160, 200, 240])
def test_init_on_a_full_disk_leaves_nothing(small: Path, left: int) -> None:
    fill(small, left)
    answer = typed(["--workspace", str(small / "ws"), "init"])
    assert answer.code == 3, answer.err
    assert not (small / "ws" / "keyong.json").exists()
    (small / "filler").unlink()
    assert typed(["--workspace", str(small / "ws"), "init"]).code == 0


def test_a_read_only_disk_is_named(small: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("KEYONG_ANCHORS", str(tmp_path / "anchors"))
    build(small).keeper.close()
    subprocess.run(["mount", "-o", "remount,ro", str(small)], check=True)
    answer = typed(["--json", "--workspace", str(small / "ws"), "dataset", "list"])
    assert (answer.code, answer.error["code"]) == (3, "books.not-writable")


def test_a_size_limit_stops_before_the_charge(hospital: Path) -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    before = charges()
    resource.setrlimit(resource.RLIMIT_FSIZE, (4096, hard))
    try:
        answer = typed(["--json", *ASK[:-1], "0.2"])
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert (answer.code, answer.error["code"]) == (3, "books.disk-refused")
    assert charges() == before


def test_an_anchor_that_cannot_be_kept_stops_the_charge(
    hospital: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KEYONG_ANCHORS", "/proc/nowhere")
    assert typed(["--json", *ASK]).error["code"] == "log.anchor-stuck"
    assert charges() == []


# --- others at work -----------------------------------------------------------------------------------


def test_a_writer_who_does_not_end_is_named(hospital: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(database, "BUSY_SECONDS", 0.1)
    other = sqlite3.connect(hospital / "ws" / "books.sqlite", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    assert typed(["--json", *ASK]).error["code"] == "books.busy"
    assert typed("--as bureau dataset list").code == 0
    other.close()
    assert charges() == []


def test_processes_at_once(hospital: Path) -> None:
    source = table(hospital / "t.csv", 2000)
    successor(hospital / "policy.yaml", hospital / "p2.yaml")
    commands = [
        [*add(source, "t.t")],
        [*add(source, "t.t")],
        ["--json", *ASK],
        ["--as", "bureau", "policy", "apply", "p2.yaml"],
        ["--workspace", str(hospital / "new"), "init"],
        ["--workspace", str(hospital / "new"), "init"],
    ]
    answers = [ended(process) for process in [started(command) for command in commands]]
    first, second, query, policy, one, other = (answer.code for answer in answers)
    assert sorted((first, second)) == [0, 3], answers[:2]
    assert "There is a dataset t.t already" in answers[0].err + answers[1].err
    # The policy may change between charge and run: then the query says so and has to be asked again.
    assert query in (0, 4), answers[2].err
    assert policy == 0
    assert sorted((one, other)) == [0, 3], answers[4:]
    assert typed("--as li audit verify").code == 0
    assert typed(["--workspace", str(hospital / "new"), "identity", "list"]).code == 0


# --- Ctrl-C -------------------------------------------------------------------------------------------


def interrupt(process: subprocess.Popen[str], when: Path) -> None:
    """Press Ctrl-C once *when* exists."""
    deadline = time.monotonic() + 30
    while not when.exists() and time.monotonic() < deadline and process.poll() is None:
        time.sleep(0.01)
    process.send_signal(signal.SIGINT)


def test_ctrl_c_after_the_charge_leaves_a_job_to_resume(hospital: Path) -> None:
    process = started(["--json", *ASK], **{SLOW: str(hospital / "slow")})
    interrupt(process, hospital / "slow")
    answer = ended(process)
    assert (answer.code, answer.error["code"]) == (130, "cli.interrupted-job")
    job = answer.error["facts"]["job"]
    assert json.loads(typed(f"--json --as wang job status {job}").out)["status"] == "interrupted"
    assert charges() == [job]
    assert typed(f"--as wang job resume {job}").code == 0
    assert charges() == [job]


def test_ctrl_c_while_adding_leaves_nothing(hospital: Path) -> None:
    source = table(hospital / "t.csv", 1_500_000)
    vault = hospital / "ws" / "vault"
    known = set(vault.iterdir())
    process = started(add(source, "t.t"))
    deadline = time.monotonic() + 30
    while (
        not any(any(new.iterdir()) for new in set(vault.iterdir()) - known)
        and process.poll() is None
        and time.monotonic() < deadline
    ):
        time.sleep(0.01)
    process.send_signal(signal.SIGINT)
    answer = ended(process)
    assert answer.code == 130, answer.err
    assert answer.err.strip().startswith("keyong: interrupted."), answer.err
    assert set(vault.iterdir()) == known
    assert typed(add(table(source, 100), "t.t")).code == 0


# --- a workspace that is not as it should be ----------------------------------------------------------


def code() -> str:
    return str(typed("--json --as wang dataset list").error["code"])


def test_what_is_wrong_with_a_workspace_is_named(hospital: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    ws = hospital / "ws"
    identity, books, master = ws / "keyong.json", ws / "books.sqlite", ws / "keyring" / "master.key"
    for path, content, expected in (
        (identity, identity.read_bytes().replace(b'"format": 5', b'"format": 6'), "workspace.other-format"),
        (identity, b"{", "workspace.unreadable"),
        (identity, b"\xff\xfe", "workspace.unreadable"),
        (master, b"short", "key.damaged-file"),
        (master, bytes(32), "key.unwrap-failed"),
        (books, b"hello world" * 1000, "books.damaged"),
    ):
        before = path.read_bytes()
        path.write_bytes(content)
        assert code() == expected
        path.write_bytes(before)
    for path, expected in ((ws, "workspace.open-to-others"), (master, "key.open-to-others")):
        mode = path.stat().st_mode
        path.chmod(mode | 0o044)
        assert code() == expected
        path.chmod(mode)
    for path, expected in (
        (master, "key.missing-file"),
        (books, "workspace.no-books"),
        (identity, "workspace.not-f"),
    ):
        path.rename(hospital / "aside")
        assert code().startswith(expected)
        (hospital / "aside").rename(path)
    monkeypatch.setenv("KEYONG_WORKSPACE", str(hospital / "nowhere"))
    assert code() == "workspace.not-found"


def test_a_passphrase_is_asked_and_checked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KEYONG_ANCHORS", str(tmp_path / "anchors"))
    monkeypatch.setenv("KEYONG_WORKSPACE", str(tmp_path / "ws"))
    assert typed("--json init --passphrase", "short\n").error["code"] == "key.short-passphrase"
    assert typed("init --passphrase", "correct horse\n").code == 0
    assert typed("--json identity list", "wrong horse\n").error["code"] == "key.wrong-passphrase"
    assert typed("--json identity list").error["code"] == "key.wrong-passphrase"
    assert typed("identity list", "correct horse\n").code == 0
