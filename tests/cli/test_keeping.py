"""What owners type when people, datasets and keys leave: on a real workspace."""

from __future__ import annotations

import io
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace

import pytest
from stage import DATASET, Stage, copied, rows

from cli.app import run

PERSONS = sorted({row["person"] for row in rows()})


@pytest.fixture
def stage(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Stage]:
    stage = copied(tmp_path, monkeypatch)
    monkeypatch.setenv("KEYONG_WORKSPACE", str(tmp_path / "ws"))
    monkeypatch.setenv("KEYONG_LANG", "en")
    yield stage
    stage.keeper.close()


@pytest.fixture
def keyong(capfd: pytest.CaptureFixture[str]) -> Callable[..., SimpleNamespace]:
    def call(*arguments: str) -> SimpleNamespace:
        capfd.readouterr()
        code = run(arguments)
        said = capfd.readouterr()
        return SimpleNamespace(code=code, out=said.out, err=said.err)

    return call


def test_withdrawing(stage: Stage, keyong, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "ids.csv").write_text(f"name,person\nx,{PERSONS[0]}\ny,{PERSONS[1]}\n")
    done = keyong(
        "--as", "bureau", "dataset", "withdraw-unit", DATASET, "--units", str(tmp_path / "ids.csv"),
        "--column", "person",
    )  # fmt: skip
    assert done.code == 0
    assert done.out.startswith("Withdrawn from health.stays: 2, in all 2. Version 2 shows none")
    assert "dataset compact health.stays" in done.err
    monkeypatch.setattr(
        "sys.stdin", SimpleNamespace(buffer=io.BytesIO(f"{PERSONS[0]}\n".encode()), isatty=bool)
    )
    again = keyong("--as", "bureau", "--json", "dataset", "withdraw-unit", DATASET, "--units", "-")
    assert json.loads(again.out)["new"] == 0
    gone = keyong("--as", "bureau", "dataset", "withdraw-unit", DATASET, "--units", str(tmp_path / "no.csv"))
    assert (gone.code, "no.csv cannot be read" in gone.err) == (3, True)
    monkeypatch.setenv("KEYONG_LANG", "zh")
    (tmp_path / "ids.txt").write_text(f"{PERSONS[0]}\n")
    said = keyong("--as", "bureau", "dataset", "withdraw-unit", DATASET, "--units", str(tmp_path / "ids.txt"))
    assert said.out == "未作改动：这 1 个编号此前都已从 health.stays（第 2 版）撤出。\n"
    other = keyong("--as", "wang", "dataset", "withdraw-unit", DATASET, "--units", str(tmp_path / "ids.txt"))
    assert other.code == 4


def test_lists_of_ids_are_shown_nowhere(stage: Stage, keyong, tmp_path: Path) -> None:
    (tmp_path / "ids.txt").write_text("1001\n440301199001011234x\n")
    for options in ((), ("--json",), ("-v",)):
        said = keyong(
            "--as", "bureau", *options, "dataset", "withdraw-unit", DATASET,
            "--units", str(tmp_path / "ids.txt"),
        )  # fmt: skip
        assert (said.code, "440301199001011234x" in said.out + said.err) == (3, False)
        assert "record 2" in said.err or '"record": 2' in said.err


def test_rotating(stage: Stage, keyong, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sandbox.keys.provider.SCRYPT_N", 2**14)
    done = keyong("--as", "bureau", "dataset", "rotate", DATASET)
    assert (done.code, done.out.startswith("health.stays has a new key")) == (0, True)
    assert "Backups made before" in done.err
    assert json.loads(keyong("--as", "bureau", "--json", "key", "rotate").out)["keyring"] == "file"
    words = "a passphrase of many words\n"
    monkeypatch.setattr("sys.stdin", io.StringIO(words))
    assert keyong("--as", "bureau", "key", "rotate", "--passphrase").code == 0
    monkeypatch.setattr("sys.stdin", io.StringIO(words))
    refused = keyong("--as", "bureau", "key", "rotate")
    assert (refused.code, "--key-file" in refused.err) == (3, True)
    monkeypatch.setattr("sys.stdin", io.StringIO(words + "another passphrase of many words\n"))
    monkeypatch.setenv("KEYONG_LANG", "zh")
    done = keyong("--as", "bureau", "-q", "key", "rotate", "--passphrase")
    assert (done.code, done.err) == (0, "")
    assert done.out.startswith("工作区已更换主密钥")


def test_removing_asks_for_the_name_again(stage: Stage, keyong, monkeypatch: pytest.MonkeyPatch) -> None:
    refused = keyong("--as", "bureau", "dataset", "remove", DATASET)
    assert (refused.code, "--yes" in refused.err) == (2, True)
    done = keyong("--as", "bureau", "dataset", "remove", DATASET, "--yes")
    assert (done.code, "is destroyed" in done.out, "master key of then" in done.err) == (0, True, True)
    assert keyong("--as", "bureau", "dataset", "show", DATASET).code == 4
    assert keyong("--as", "bureau", "dataset", "compact", DATASET).code == 4


class _Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize(("typed", "code"), [("health.stay\n", 2), (f"{DATASET}\n", 0)])
def test_the_name_is_compared(stage: Stage, monkeypatch: pytest.MonkeyPatch, typed: str, code: int) -> None:
    monkeypatch.setattr("sys.stdin", _Terminal(typed))
    error = _Terminal()
    monkeypatch.setattr("sys.stderr", error)
    assert run(["--as", "bureau", "dataset", "remove", DATASET]) == code
    assert "will be destroyed for good" in error.getvalue()
    there = [one["name"] for one in stage.keeper.dataset_list(stage.bureau)["datasets"]]
    assert there == ([DATASET] if code else [])


def test_compacting(stage: Stage, keyong, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from service import embedded

    monkeypatch.setitem(embedded._EXECUTORS, "ray", embedded._serial)
    said = keyong("--as", "bureau", "dataset", "compact", DATASET)
    assert said.out.endswith("Nothing was done.\n")
    (tmp_path / "ids.txt").write_text(f"{PERSONS[0]}\n")
    keyong("--as", "bureau", "dataset", "withdraw-unit", DATASET, "--units", str(tmp_path / "ids.txt"))
    assert "1 datasets to compact" in keyong("doctor").out
    said = keyong("--as", "bureau", "dataset", "compact", DATASET)
    assert said.out.startswith("health.stays was written anew as version 3")
    assert "Backups made before" in said.err
