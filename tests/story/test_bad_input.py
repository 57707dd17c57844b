"""What people hand in by mistake: one line that says what to do, the right exit code, nothing left behind.

A row of `REFUSED` is a command, its exit code and a word of its message.  After each of them the ledger is
what it was, no dataset was added, and ``--json`` says the same as an object.
"""

from __future__ import annotations

import json
import re
import shlex
from pathlib import Path

import owners
import pytest
from stage import COUNTS
from terminal import Answer, typed

from service.messages import catalogue

ROWS = "u,v\n" + "".join(f"{n},{n % 3}\n" for n in range(20))
FILES = {
    "ok.csv": ROWS.encode(),
    "plain.csv": b"colour,price_class\n"
    + b"".join(b"%s,%d\n" % (it, n) for n, it in enumerate((b"red", b"blue", b"green"))),
    "semicolon.csv": ROWS.replace(",", ";").encode(),
    "empty.csv": b"",
    "header.csv": b"u,v\n",
    "blank.csv": b"\n\n\n",
    "doubled.csv": b"u,v,v\n1,2,3\n",
    "chinese.csv": "u,姓名\n1,张三\n".encode("gb18030"),
    "late.csv": b"u,v\n1,\xc7\xd6\n",
    "wide.csv": ROWS.encode("utf-16"),
    "nulls.csv": b"u,v\n1,2\n,3\n",
    "gaps.csv": b"u,v\n1,2\n2,\n",
    "headless.csv": b"red,no\nred,no\nblue,yes\n",
    "only-nulls.csv": b"u,v\n,2\n",
    "ragged.csv": b"u,v\n1,2,3\n",
    "people.csv": b"mobile\n13800138000\n13912345678\n",
    "wards.csv": b"code,beds\nA,20\nB,30\n",
    "full-width.csv": "姓名，电话\n甲，1\n".encode(),
    "undecodable.csv": "v,含义\n".encode("gb18030"),
    "two-meanings.csv": b"v,weight\nv,height\n",
    "undecided.csv": b"column,tag,decision,reason\nward,pi.health,,\n",
    "stale.csv": b"column,tag,decision,reason\nward,pi.religion,ok,\n",
    "foreign.csv": b"column,tag,decision,reason\nu,general,ok,\n",
    "x.parquet": b"hello",
    "x.csv.gz": b"hello",
}
ADD = "--as bureau dataset add {} --name a.b --unit u --namespace n --yes --shards 1"
ASK = "--as wang query 'SELECT ward, COUNT(*) AS n FROM health.stays GROUP BY ward' "


def add(file: str, more: str = "") -> str:
    return f"{ADD.format(file)} {more}"


def public(file: str, more: str = "") -> str:
    return f"--as bureau dataset add {file} --public --name ref.new --yes {more}"


def tag(more: str) -> str:
    return f"--as bureau dataset tag health.stays --reason x {more}"


def sql(statement: str, more: str = "--epsilon 0.1") -> str:
    return f"--as wang query {shlex.quote(statement)} {more}"


def where(condition: str) -> str:
    return sql(f"SELECT COUNT(*) AS n FROM health.stays WHERE {condition}")


REFUSED: list[tuple[str, int, str]] = [
    # files
    (add("nowhere.csv"), 3, "vault.no-such-file"),
    (add("."), 3, "vault.not-a-file"),
    (add("semicolon.csv"), 3, "vault.wrong-delimiter"),
    (add("ok.csv", "--delimiter ';'"), 3, "vault.wrong-delimiter"),
    (add("ok.csv", "--delimiter ab"), 3, "vault.bad-delimiter"),
    (add("full-width.csv"), 3, "vault.wide-delimiter"),
    (add("ok.csv", "--skip-lines 100"), 3, "vault.skips-all"),
    (add("ok.csv", "--dictionary undecodable.csv"), 3, "dataset.dictionary-encoding"),
    (add("ok.csv", "--dictionary two-meanings.csv"), 3, "dataset.meaning-twice"),
    (add("empty.csv"), 3, "vault.empty-file"),
    (add("header.csv"), 3, "vault.only-header"),
    (add("blank.csv"), 3, "vault.empty-file"),
    (add("doubled.csv"), 3, "vault.duplicate-column"),
    (add("chinese.csv"), 3, "vault.not-utf8"),
    (add("late.csv"), 3, "vault.not-utf8"),
    (add("wide.csv"), 3, "vault.seems-utf-16"),
    (add("nulls.csv"), 3, "vault.null-units"),
    (add("only-nulls.csv", "--drop-null-units"), 3, "vault.no-rows"),
    (add("ragged.csv"), 3, "vault.ragged-record"),
    (add("x.parquet"), 3, "vault.bad-parquet"),
    (add("x.csv.gz"), 3, "vault.bad-gzip"),
    # what is said of them
    (add("ok.csv", "--unit nobody"), 3, "vault.no-such-unit"),
    (add("ok.csv", "--type v=whatever"), 3, "dataset.bad-type"),
    (add("ok.csv", "--type 'v=date(ymd)'"), 3, "dataset.bad-type"),
    (add("ok.csv", "--type w=integer"), 3, "dataset.not-in-file"),
    (add("ok.csv", "--type v"), 2, "cli.bad-pair"),
    (add("ok.csv", "--type u=float"), 3, "vault.bad-unit-kind"),
    (add("ok.csv", "--type v=date"), 3, "dataset.type-fits-nothing"),
    (add("gaps.csv", "--required v"), 3, "vault.required-nulls"),
    (add("headless.csv"), 3, "vault.row-as-names"),
    (add("ok.csv", "--type 'v=decimal(50,2)'"), 3, "vault.bad-decimal"),
    (add("ok.csv", "--shards 3"), 3, "vault.bad-shards"),
    (add("ok.csv", "--shards many"), 2, "cli.usage"),
    (add("ok.csv", "--filter rdp"), 2, "cli.usage"),
    (add("ok.csv", "--delta nan"), 3, "number.not-a-number"),
    (add("ok.csv", "--delta 1e-400"), 3, "dataset.bad-delta"),
    (add("ok.csv", "--delta 0.5"), 3, "dataset.bad-delta"),
    (add("ok.csv", "--name BAD"), 3, "dataset.bad-name"),
    (add("ok.csv", "--namespace ''"), 3, "dataset.bad-namespace"),
    (add("ok.csv", "--namespace health.patient"), 3, "dataset.known-namespace"),
    (add("ok.csv", "--lineage nobodys"), 4, "denied.unknown-dataset"),
    (add("ok.csv", "--name health.stays"), 3, "dataset.exists"),
    (ADD.format("ok.csv").replace("--yes", ""), 2, "cli.needs-yes"),
    (ADD.format("ok.csv").replace("bureau", "wang"), 4, "role.missing"),
    # public tables
    (public("ok.csv", "--unit u"), 2, "cli.not-public"),
    (public("ok.csv").replace("--yes", ""), 2, "cli.needs-public-yes"),
    (public("ok.csv").replace("bureau", "wang"), 4, "role.missing"),
    (public("plain.csv", "--name health.stays"), 3, "table.name-is-dataset"),
    (public("plain.csv", "--name BAD"), 3, "table.bad-name"),
    (public("header.csv"), 3, "vault.only-header"),
    (public("people.csv"), 4, "table.personal"),
    (add("ok.csv", "--name ref.wards"), 3, "dataset.name-is-public"),
    (add("ok.csv", "--force-public x"), 2, "cli.only-public"),
    ("--as bureau dataset add ok.csv --name a.b --yes", 2, "cli.usage"),
    # losses and errors
    *((f"{ASK} --epsilon={epsilon}", 3, "privacy.epsilon-") for epsilon in
      ("nan", "inf", "-inf", "0", "-1", "true", "1e-400", "1" + "0" * 400, "0x10", "1_0", "''", "1e-6")),
    (f"{ASK} --epsilon=1e3", 5, "budget.per-job"),
    (ASK, 2, "cli.epsilon-or-error"),
    (f"{ASK} --epsilon 1 --error 5", 2, "cli.epsilon-or-error"),
    *((f"{ASK} --error={error}", 3, "job.bad-error-target") for error in
      ("0", "-1", "nan", "inf", "101%", "%", "1e400")),
    (f"{ASK} --error 1%", 5, "budget.per-job"),
    (sql("SELECT AVG(days) AS d FROM health.stays", "--error 5"), 3, "job.avg-needs-share"),
    (sql("SELECT AVG(days) AS d FROM health.stays", "--error 0.001% --group-size 9"), 3, "job.error-out-of"),
    (sql("SELECT AVG(days) AS d FROM health.stays", "--error 5% --group-size 0"), 3, "job.bad-group-size"),
    (sql("SELECT AVG(days) AS d FROM health.stays", "--error 5% --group-size x"), 2, "cli.usage"),
    (f"{ASK} --epsilon 0.1 --max-rows 4", 4, "denied.max-rows"),
    (f"{ASK} --epsilon 0.1 --max-rows 0", 3, "job.bad-max-rows"),
    (f"{ASK} --epsilon 0.1 --purpose marketing", 4, "denied.purpose"),
    (f"{ASK} --epsilon 0.1 --purpose 'a b'", 3, "job.bad-purpose"),
    (f"{ASK} --epsilon 0.1 --plot nowhere/x.svg", 3, "reports.not-writable"),
    (f"{ASK} --epsilon 0.1 --plot x.pdf", 3, "reports.unknown-format"),
    # statements
    (sql("SELECT nope FROM health.stays"), 3, "sql.unknown-column"),
    (sql("SELECT COUNT(*) AS n FROM health.nowhere"), 4, "denied.unknown-dataset"),
    (sql("SELECT MODE(days) AS d FROM health.stays"), 3, "sql.unknown-function"),
    (sql("SELECT MEDIAN(name) AS d FROM health.stays"), 3, "sql.wrong-kind"),
    (sql("SELECT ROW_NUMBER() OVER () AS d FROM health.stays"), 3, "sql."),
    (sql("SELECT AVG(n) AS d FROM (SELECT ward, COUNT(*) AS n FROM health.stays GROUP BY ward)"), 3, "sql."),
    (sql("SELECT person, COUNT(*) AS n FROM health.stays GROUP BY person"), 3, "sql.groups-by-unit"),
    (sql("SELECT COUNT(*) AS n FROM health.stays JOIN ref.nowhere ON ward = x"), 4, "denied.unknown-dataset"),
    (sql("SELECT code, COUNT(*) AS n FROM ref.wards GROUP BY code"), 3, "sql.public-only"),
    (sql("SELECT COUNT(*) AS n FROM health.stays JOIN ref.wards ON urgent = code"), 3, "sql."),
    (sql("SELECT COUNT(*) AS n FROM health.stays", "--epsilon 0.1 --weight 1 --weight 2"), 3, "job."),
    (sql("SELECT COUNT(*) AS n FROM health.stays", "--epsilon 0.1 --weight 0"), 3, "job."),
    (sql("SELECT COUNT(*) AS n FROM health.stays", "--error 5 --error 6"), 3, "job."),
    (sql("SELECT COUNT(*) AS n FROM health.stays", "--error 5 --weight 6"), 3, "job."),
    (sql("SELECT name, COUNT(*) AS n FROM health.stays GROUP BY name"), 4, "denied.column-not-listed"),
    (sql("SELECT cost, COUNT(*) AS n FROM health.stays GROUP BY cost"), 4, "denied.use-not-listed"),
    (where("ward = 3"), 3, "sql.wrong-kind"),
    (where("ward = 'A"), 3, "sql.open-quote"),
    (where("seen > 'x'"), 3, "sql.bad-date"),
    (sql("SELECT COUNT(*) AS n FROM health.stays; SELECT 1"), 3, "sql."),
    (sql(""), 3, "sql.not-a-select"),
    (sql("DROP TABLE health.stays"), 3, "sql.not-a-select"),
    # people, jobs, log, policies
    (ASK.replace("wang", "bureau") + "--epsilon 0.1", 4, "role.missing"),
    ("--as nobody dataset list", 2, "identity.unknown"),
    ("dataset list", 2, "cli.who-asks"),
    ("identity new wang --role analyst", 3, "identity.exists"),
    ("identity new x --role owner --role reviewer", 3, "identity.owner-and-reviewer"),
    ("identity new x --role boss", 2, "cli.usage"),
    *((f"--as wang job {verb} {job}", 4, "job.unknown") for verb in ("status", "result", "resume", "cancel")
      for job in ("job-0", "../../x", "a/b", "x" * 300)),
    ("--as wang audit list", 4, "role.missing"),
    ("--as li audit list --first 99999999999999999999", 2, "cli.usage"),
    ("--as li audit show 9999", 3, "log.no-such-leaf"),
    ("--as li audit verify --checkpoint policy.yaml", 3, "cli.no-checkpoint"),
    ("--as li audit verify --checkpoint nowhere", 3, "cli.system"),
    ("--as bureau policy apply nowhere.yaml", 3, "file.unreadable"),
    ("--as bureau policy apply policy.yaml", 3, "policy.wrong-version"),
    ("--as bureau dataset tag health.stays ward=zzz --reason x", 3, "dataset.unknown-tag"),
    (tag("ward=pi.helth"), 3, "dataset.misspelt-tag"),
    (tag("ward=xyz u=xyz"), 3, "dataset.unknown-tags"),
    (tag("ward=pi.work --reason 'as 13800138000'"), 3, "words.somebody-in-reason"),
    (tag("--sheet nowhere.csv"), 3, "vault.no-such-file"),
    (tag("--sheet ok.csv"), 3, "sheet.no-sheet"),
    (tag("--sheet undecided.csv"), 3, "sheet.nothing-decided"),
    (tag("--sheet stale.csv"), 3, "dataset.other-tags"),
    (tag("--sheet stale.csv --confirm ward"), 2, "cli.tagged-twice"),
    (tag("--sheet foreign.csv"), 3, "dataset.unknown-column"),
    ("--as bureau dataset classify health.stays --sheet ok.csv", 3, "sheet.exists"),
    ("--as bureau dataset inspect ok.csv --sheet nowhere/sheet.csv", 3, "export.not-writable"),
    ("--as bureau dataset classify health.stays --only loud", 2, "cli.usage"),
    ("dataset tags --profile loud", 2, "cli.not-one-of"),
    ("--as bureau dataset tag health.stays --all-above nan --reason x", 3, "dataset.bad-confidence"),
    ("--as bureau budget show health.nowhere", 4, "denied.unknown-dataset"),
    ("init", 3, "workspace.exists"),
    ("restore anchors new", 3, "workspace.no-backup"),
    ("--workspace nowhere dataset list", 2, "workspace.not-found"),
    ("--workspace nowhere pool start", 2, "workspace.not-found"),
    ("--workspace policy.yaml dataset list", 2, "cli.usage"),
    ("frobnicate", 2, "cli.usage"),
    ("dataset list surplus", 2, "cli.usage"),
    ("--as", 2, "cli.usage"),
]  # fmt: skip


def kept(place: Path) -> tuple[str, str, list[str]]:
    """Everything a refusal must not change."""
    return (
        typed("--json --as bureau budget show health.stays").out,
        typed("--json --as bureau dataset list").out,
        sorted(
            str(path) for path in place.rglob("*") if "run" not in path.parts and path.suffix != ".sqlite-wal"
        ),
    )


def test_every_mistake_is_told_in_one_line_and_changes_nothing(hospital: Path) -> None:
    for name, content in FILES.items():
        (hospital / name).write_bytes(content)
    assert typed("--as bureau dataset add wards.csv --public --name ref.wards --yes").code == 0
    before = kept(hospital)
    for line, code, key in REFUSED:
        told, plain = typed(f"--json {line}"), typed(line)
        said = f"$ keyong {line}\n{plain.err}"
        assert (told.code, plain.code) == (code, code), said
        assert told.error["code"].startswith(key), f"{told.err}{said}"
        assert told.out == "", said
        # A query first says what it will cost; what is wrong stands in the last line.
        *_, last = plain.err.splitlines()
        assert last == f"keyong: {told.error['message']}", said
    assert kept(hospital) == before


ENGLISH = re.compile(r"[A-Za-z]*[a-z][A-Za-z]+")
QUOTED = re.compile(r"`[^`]*`|'[^']*'|“[^”]*”|（规则：[^）]*）")
CODED = re.compile(r"--?[\w-]+|[^\s（）、，。：]*[/.=_()\d][^\s（）、，。：]*")
NAMES = {
    *("nowhere", "frobnicate", "group"),
    *("waiting", "drifted", "personal", "sensitive", "overridden"),  # values of --only
    *("gdpr", "hipaa", "pipl"),
    *("Keyong", "Parquet", "gzip", "chmod", "iconv", "dataset", "show", "group"),
    *(
        "bureau",
        "wang",
        "zhao",
        "li",
        "nobody",
        "boss",
        "ward",
        "days",
        "name",
        "nope",
        "cost",
        "row",
        "mobile",
        "laboratory",
        "person",
    ),
    *(
        "owner",
        "analyst",
        "reviewer",
        "operator",
        "planning",
        "policy",
        "version",
        "marketing",
        "general",
        "zcdp",
        "pure",
    ),
    *("integer", "float", "decimal", "string", "boolean", "date", "timestamp"),
}
"""Names of people, columns, programs and types: the same in every language."""


def test_chinese_is_spoken_throughout(hospital: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, content in FILES.items():
        (hospital / name).write_bytes(content)
    assert typed("--as bureau dataset add wards.csv --public --name ref.wards --yes").code == 0
    monkeypatch.setenv("KEYONG_LANG", "zh")
    for line, _, _ in REFUSED:
        message = typed(f"--json {line}").error["message"]
        assert re.search(r"[\u4e00-\u9fff]", message), message
        foreign = set(ENGLISH.findall(CODED.sub(" ", QUOTED.sub(" ", message)))) - NAMES - {"x" * 40}
        assert not foreign, (message, foreign)


def test_messages_exist_for_every_refusal_here() -> None:
    areas = {key.partition(".")[0] for _, _, key in REFUSED}
    assert all(catalogue.messages("zh", area) for area in areas)


# --- not mistakes ------------------------------------------------------------------------------------


def ask(more: str, who: str = "wang") -> Answer:
    return typed(["--json", "--as", who, *shlex.split(more)])


def test_text_that_looks_like_a_truth_value_stays_text(hospital: Path) -> None:
    text = (hospital / "policy.yaml").read_text().replace("version: 1", "version: 2")
    before = json.loads(typed("--json --as bureau policy show health.stays").out)["digest"]
    text = text.replace("owner: bureau", f"owner: bureau, supersedes: {before}")
    (hospital / "p.yaml").write_text(text.replace("[A, B, C, null]", "[NO, No]"))
    owners.write_signature(hospital / "p.yaml", owners.key_of("bureau"))
    assert typed("--as bureau policy apply p.yaml").code == 0
    answer = typed(["--json", "--as", "wang", "query", COUNTS, "--epsilon", "0.1"])
    assert [row["ward"] for row in json.loads(answer.out)["tables"][0]["rows"]] == ["NO", "No"]


def test_every_kind_of_column_and_a_later_version(hospital: Path) -> None:
    days = [
        f"p{n},{n}.{n:02d},2024-01-{n:02d} 10:00:00,2024-02-{n:02d},{n % 2 == 0},{n / 3}"
        for n in range(1, 28)
    ]
    (hospital / "k.csv").write_text(
        "\n".join(["id;dec;at;day;ok;x", *days, "p99,?,?,?,?,?"]).replace(",", ";")
    )
    add = "--json --as bureau dataset add k.csv --name k.k --unit id --namespace k --yes --delimiter ';'"
    first = typed(f"{add} --missing '*=?' --type 'dec=decimal(6,2)'")
    assert first.code == 0, first.err
    columns = {c["name"]: c["kind"] for c in json.loads(first.out)["columns"]}
    assert columns == {
        "id": "string",
        "dec": "decimal(6,2)",
        "at": "timestamp",
        "day": "date",
        "ok": "boolean",
        "x": "float",
    }
    assert json.loads(first.out)["owner_report"]["nonconforming"] == {}
    lineage = json.loads(first.out)["lineage"]
    assert json.loads(typed(f"{add} --lineage {lineage}").out)["version"] == 2
    for more, code in (
        ("--type dec=float", "dataset.fixed-column"),
        ("--missing dec=x", "dataset.fixed-column"),
        ("--required ok", "dataset.fixed-column"),
        ("--type w=float", "dataset.unknown-column"),
        ("--filter pure", "dataset.fixed"),
        ("--unit day", "dataset.fixed"),
        ("--namespace other", "dataset.fixed"),
    ):
        assert typed(f"{add} --lineage {lineage} {more}").error["code"] == code
    (hospital / "k.csv").write_text("id;dec\np1;2\n")
    assert typed(f"{add} --lineage {lineage}").error["code"] == "vault.other-columns"


def test_a_job_is_its_submitters(hospital: Path) -> None:
    job = typed(["--as", "wang", "job", "submit", COUNTS, "--epsilon", "0.1", "--no-wait"]).out.strip()
    assert ask(f"job result {job}").error["code"] == "job.no-result"
    for who, verbs in (("zhao", ("status", "result", "resume", "cancel")), ("li", ("resume", "cancel"))):
        for verb in verbs:
            assert ask(f"job {verb} {job}", who).error["code"] == "job.unknown"
    assert ask(f"job cancel {job}").code == 0
    for verb in ("cancel", "resume", "wait", "result"):
        assert ask(f"job {verb} {job}").code == 3
    assert len(json.loads(typed("--json --as bureau budget show health.stays").out)["charges"]) == 1


def test_a_denial_is_a_leaf_and_only_one(hospital: Path) -> None:
    denied = ["SELECT name, COUNT(*) AS n FROM health.stays GROUP BY name", "--epsilon", "0.1"]
    for count, command in enumerate(
        (["query"], ["query", "--explain"], ["job", "explain"], ["job", "submit"]), 1
    ):
        assert typed(["--as", "wang", *command, *denied]).code == 4
        leaves = json.loads(typed("--json --as li audit list").out)["leaves"]
        refusals = [leaf["facts"]["code"] for leaf in leaves if leaf["kind"] == "refusal"]
        assert refusals == ["denied.column-not-listed"] * count


def test_a_chart_of_counts_below_zero_is_drawn(hospital: Path) -> None:
    for n in range(1, 9):
        answer = typed(["--as", "wang", "query", COUNTS, "--epsilon", f"0.0{n}", "--plot", "x.svg"])
        assert answer.code == 0, answer.err
