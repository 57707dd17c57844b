"""What commands hand to the gatekeeper, and that --json prints exactly its answer."""

from __future__ import annotations

import io
from pathlib import Path

import pytest

from cli.app import run
from service.asked import JobRequest, NewDataset, NewLimit, NewTable


def test_dataset_add_says_everything(known):
    Path("x.csv").write_text("a\n1\n")
    line = (
        "--as health-bureau dataset add x.csv --name a.b --unit u --namespace n.m --filter pure"
        " --delta 0 --shards 8"
        " --type 'p=decimal(12,2)' --type 'a=b=integer' --missing 'q=?' --missing 'q==' --missing '*=NA'"
        " --required u"
        " --delimiter ';' --drop-null-units --lineage L --remove-source --yes"
    )
    assert known(line).code == 0
    assert known.service.keeper.added == NewDataset(
        path=Path("x.csv"),
        name="a.b",
        unit="u",
        namespace="n.m",
        filter="pure",
        delta="0",
        shards=8,
        types={"p": "decimal(12,2)", "a=b": "integer"},
        missing={"q": ("?", "="), "*": ("NA",)},
        required=("u",),
        delimiter=";",
        drop_null_units=True,
        lineage="L",
        new_lineage=None,
        remove_source=True,
    )


@pytest.mark.parametrize("quiet", ["", "-q "])
def test_who_is_not_asked_is_told_afterwards_what_might_have_been_declared(known, quiet):
    Path("x.csv").write_text("a\n1\n")
    line = f"{quiet}--as health-bureau dataset add x.csv --name a.seem --unit u --namespace n.m --yes"
    told = known(line).err
    assert ("--missing 'age=?'" in told) == ("Types stay" in told) == (not quiet)


class _Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize(("more", "shown"), [("", "--missing 'age=?'"), ("--lineage L", "first version:")])
def test_types_are_shown_and_asked_about(known, monkeypatch, more, shown):
    Path("x.csv").write_text("a\n1\n")
    monkeypatch.setattr("sys.stdin", _Terminal("n\n"))
    error = _Terminal()
    monkeypatch.setattr("sys.stderr", error)
    line = f"--as health-bureau dataset add x.csv --name a.b --unit u --namespace n.m {more}"
    assert run(line.split(), known.service) != 0
    assert shown in error.getvalue()
    assert "Register with these types?" in error.getvalue()
    assert ("--missing" in error.getvalue()) == (not more)


def test_a_statement_may_come_from_standard_input(known, monkeypatch):
    monkeypatch.setattr("sys.stdin", io.StringIO("SELECT age"))
    answer = known("--json --as wang job submit - --error 1% --group-size 100 --max-rows 2 --purpose p")
    assert answer.code == 0
    asked = known.service.keeper.jobs["job-1"]["request"]
    assert asked == JobRequest("SELECT age", "p", None, "1%", 100, 2)


def test_a_workload_has_weights_or_errors_for_each_statement(known):
    line = "--as wang job submit 'SELECT age; SELECT insulin' --purpose p --no-wait"
    assert known(f"{line} --epsilon 0.5 --weight 2 --weight 1").code == 0
    assert known(f"{line} --error 50 --error 1%").code == 0
    weighted, exact = (job["request"] for job in known.service.keeper.jobs.values())
    assert (weighted.epsilon, weighted.weights, weighted.error, weighted.errors) == (
        "0.5",
        ("2", "1"),
        None,
        (),
    )
    assert (exact.epsilon, exact.weights, exact.error, exact.errors) == (None, (), None, ("50", "1%"))


def test_a_public_table_says_everything(known):
    Path("x.csv").write_text("a\n1\n")
    line = "--as health-bureau dataset add x.csv --public --name a.b --type a=string --missing '*=NA'"
    assert known(f"{line} --required a --delimiter ';' --force-public because --yes").code == 0
    assert known.service.keeper.added == NewTable(
        path=Path("x.csv"),
        name="a.b",
        types={"a": "string"},
        missing={"*": ("NA",)},
        required=("a",),
        delimiter=";",
        reason="because",
    )


def test_a_limit_says_everything(known):
    assert (
        known("--as li budget limit n.p --epsilon 2 --filter pure --selection 0 --reason because").code == 0
    )
    assert known.service.keeper.limited == ("n.p", NewLimit("2", "", "because", "pure", "0"))


def test_each_table_of_a_workload_is_drawn(known):
    line = "--as wang query 'SELECT age; SELECT insulin' --epsilon 0.5 --purpose p --plot a.svg"
    assert known(line).code == 0
    assert {path.name for path in Path().glob("*.svg")} == {"a.svg", "a-2.svg"}


def test_a_passphrase_may_come_from_standard_input(keyong, monkeypatch):
    monkeypatch.setattr("sys.stdin", io.StringIO("correct horse\n"))
    assert keyong("--workspace here init --passphrase").code == 0
    assert keyong.service.passphrase == "correct horse"
    assert "correct horse" not in keyong("init").out


JSON_COMMANDS = {
    "identity list": "identities",
    "dataset list": "public_tables",
    "dataset add x.csv --public --name a.b --yes": "digest",
    "dataset show health.diabetes": "columns",
    "dataset classify health.diabetes": "columns",
    "dataset tag health.diabetes --confirm age --reason r": "confirmed",
    "policy validate p.yaml": "digest",
    "policy apply p.yaml": "digest",
    "policy show health.diabetes": "source",
    "job explain 'SELECT age' --epsilon 1 --purpose p": "queries_left",
    "job submit 'SELECT age' --epsilon 0.5 --purpose p --no-wait": "status",
    "query 'SELECT age' --epsilon 0.5 --purpose p": "tables",
    "query 'SELECT age' --epsilon 0.5 --purpose p --explain": "statements",
    "job list": "jobs",
    "job result job-1": "tables",
    "job status job-1": "status",
    "budget show health.diabetes": "remaining",
    "budget limit health.patient --epsilon 2 --delta 1e-6 --reason r": "leaf",
    "audit list": "leaves",
    "audit show 0": "hashes",
    "audit verify": "root",
    "audit checkpoint": "note",
    "doctor": "checks",
    "backup t": "files",
    "restore s t": "workspace",
    "pool status": "pool",
    "init": "keyring",
}


def test_every_command_speaks_json_and_nothing_else_on_standard_output(known):
    for line, key in JSON_COMMANDS.items():
        answer = known(f"--json --as wang {line}")
        assert answer.code == 0, answer.err
        assert key in answer.json, line


def test_quiet_says_nothing_beside_the_answer(known):
    for line in JSON_COMMANDS:
        assert known(f"-q --as wang {line}").err == "", line


def test_names_cannot_move_the_cursor(known):
    known.service.keeper.tags["\x1b[31mred\x07\r"] = ("pi.\x1b]0;title\x07", False)
    for line in ("dataset show health.diabetes", "dataset classify health.diabetes"):
        answer = known(f"--as wang {line}")
        assert "\\x1b[31mred\\x07\\r" in answer.out
        assert not set("\x1b\x07\r") & set(answer.out + answer.err)


@pytest.mark.parametrize("plot", ["a.svg", "a.png"])
def test_a_query_may_draw(known, plot):
    assert known(f"--as wang query 'SELECT age' --epsilon 0.5 --purpose p --plot {plot}").code == 0
    assert Path(plot).stat().st_size > 1000


def test_a_bad_picture_name_is_refused_before_anything_is_spent(known):
    assert known("--as wang query 'SELECT age' --epsilon 0.5 --purpose p --plot a.gif").code == 3
    assert not known.service.keeper.jobs
