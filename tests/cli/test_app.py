"""The command tree: quick, lazy, complete, quiet about values, honest in its exit codes."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from cli.app import COMMANDS
from cli.failures import guarded, places, quiet_hooks
from cli.session import Session
from sandbox import errors

ROOT = Path(__file__).resolve().parents[2]
HEAVY = (
    "sqlalchemy",
    "pyarrow",
    "pandas",
    "numpy",
    "ray",
    "matplotlib",
    "sqlglot",
    "pydantic",
    "cryptography",
)


def python(code: str, *, check: bool = True, **options):
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "KEYONG_LANG": "en"}
    return subprocess.run(
        [sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=check, **options
    )


@pytest.mark.parametrize(
    "line", [["--help"], ["querry"], ["dataset", "add"], ["query", "--help"], ["audit", "verify", "--chek"]]
)
def test_help_and_usage_errors_import_nothing_heavy(line):
    loaded = python(
        f"import sys; from cli.app import run; run({line!r}); print(*sys.modules, file=sys.__stdout__)"
    ).stdout.split()
    assert not [name for name in HEAVY if name in loaded]


def test_every_command_has_help_and_stands_in_the_table(keyong):
    for name in COMMANDS:
        answer = keyong(f"{name} --help")
        assert answer.code == 0
        assert answer.out.startswith("Usage: keyong")
        assert COMMANDS[name][1] in keyong("--help").out


@pytest.mark.parametrize(
    ("kind", "code"),
    [
        (errors.UsageError, 2),
        (errors.InvalidInputError, 3),
        (errors.DeniedError, 4),
        (errors.BudgetExceededError, 5),
        (errors.JobFailedError, 6),
        (errors.TamperingError, 7),
        (errors.AwaitingApprovalError, 8),
        (KeyboardInterrupt, 130),
        (RuntimeError, 1),
        (MemoryError, 1),
        (RecursionError, 1),
    ],
)
def test_exit_codes(kind, code, capsys):
    def fail() -> None:
        raise kind("fake.code")

    assert guarded(fail, Session()) == code
    assert capsys.readouterr().err.startswith("keyong: ")


SECRET = "13800138000"


def leak() -> None:
    value = SECRET
    try:
        raise ValueError(f"could not convert {value}")
    except ValueError as error:
        raise RuntimeError(f"row {value} is bad") from error


@pytest.mark.parametrize("verbose", [False, True])
@pytest.mark.parametrize("as_json", [False, True])
def test_a_bug_shows_kinds_and_places_but_no_value(verbose, as_json, capsys):
    session = Session()
    session.verbose, session.json = verbose, as_json
    assert guarded(leak, session) == 1
    said = capsys.readouterr()
    assert SECRET not in said.out + said.err
    assert "RuntimeError" in said.err
    assert ("test_app.py" in said.err) is verbose
    assert not said.out


def test_places_follow_causes():
    with pytest.raises(RuntimeError) as caught:
        leak()
    kinds = [line for line in places(caught.value) if not line.startswith(" ")]
    assert kinds == ["RuntimeError", "ValueError"]


def test_a_system_error_shows_the_systems_words_only(capsys):
    def full() -> None:
        raise OSError(28, f"library text {SECRET}", "books.db")

    def library() -> None:
        raise OSError(f"could not parse {SECRET}")

    assert guarded(full, Session()) == 3
    assert "no space left on the disk books.db" in capsys.readouterr().err
    assert guarded(library, Session()) == 1
    assert SECRET not in capsys.readouterr().err


def test_threads_do_not_print_values(capsys, monkeypatch):
    for owner, name in ((sys, "excepthook"), (sys, "unraisablehook"), (threading, "excepthook")):
        monkeypatch.setattr(owner, name, getattr(owner, name))
    quiet_hooks()
    thread = threading.Thread(target=leak)
    thread.start()
    thread.join()
    assert capsys.readouterr().err == "keyong: RuntimeError in the background\n"


def test_a_reader_who_leaves_is_no_error():
    code = "from cli.app import run; import sys; sys.exit(run(['completion', 'bash']))"
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    with subprocess.Popen(
        [sys.executable, "-c", code], env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as child:
        child.stdout.close()
        assert child.stderr.read() == b""
        assert child.wait() == 0


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion_scripts(keyong, shell):
    answer = keyong(f"completion {shell}")
    assert answer.code == 0
    assert "_KEYONG_COMPLETE" in answer.out


def test_completion_completes():
    environment = {
        **os.environ,
        "_KEYONG_COMPLETE": "bash_complete",
        "COMP_WORDS": "keyong da",
        "COMP_CWORD": "1",
    }
    said = subprocess.run(
        [sys.executable, "-m", "cli"], cwd=ROOT, env=environment, capture_output=True, text=True, check=False
    )
    assert said.stdout.split() == ["plain,dataset"]


@pytest.mark.parametrize("package", ["sandbox", "classifiers", "policies", "jobs", "service"])
def test_a_strangers_package_is_refused(tmp_path, package):
    (tmp_path / package).mkdir()
    (tmp_path / package / "__init__.py").write_text("")
    code = f"import sys; sys.path.insert(0, {str(tmp_path)!r}); import cli.main; cli.main.main()"
    said = python(code, check=False)
    assert said.returncode == 2
    assert "Traceback" not in said.stderr
    assert package in said.stderr


def test_an_interrupt_before_anything_is_imported_is_told_in_a_line(tmp_path):
    for module in ("service.house", "cli.failures", "cli.app"):
        code = (
            "import importlib, cli.main\nload = importlib.import_module\ndef stopped(name):\n"
            f"    if name == {module!r}: raise KeyboardInterrupt\n    return load(name)\n"
            "importlib.import_module = stopped\ncli.main.main()\n"
        )
        said = python(code, check=False)
        assert (said.returncode, said.stderr) == (130, "keyong: interrupted\n")


def test_the_gatekeeper_is_closed_whatever_happens(known):
    for line in (
        "--as wang job list",
        "--as nobody job list",
        "--as wang query boom --purpose p --epsilon 1",
    ):
        before = known.service.keeper.closed
        known(line)
        assert known.service.keeper.closed == before + 1


def test_the_only_identity_asks(keyong):
    assert "keyong identity new" in keyong("job list").err
    keyong("identity new wang --role analyst --group researchers")
    assert keyong("job list").code == 0


def test_who_asks_may_stand_in_the_environment(known, monkeypatch):
    monkeypatch.setenv("KEYONG_AS", "wang")
    monkeypatch.setenv("KEYONG_PURPOSE", "p")
    assert known("--json query 'SELECT age' --epsilon 0.5").json["status"] == "released"


def test_usage_errors_in_json_mode_are_json(known):
    answer = known("--json job list")
    assert answer.code == 2
    assert '"code": "cli.who-asks"' in answer.err
    assert not answer.out
