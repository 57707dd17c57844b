"""``keyong audit``: read the log, prove it, keep a checkpoint of it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import click

from cli import render
from cli.progress import watching
from cli.session import Session, pass_session, say
from sandbox.errors import InvalidInputError
from service.audit.telling import FIRST_POLICY, account, loosened, refusal
from service.wording import loss

_MOST_NOTE_BYTES = 65_536
_MOST_LEAVES = 2**53
LEAF = click.IntRange(0, _MOST_LEAVES)
"""The number of a leaf, as an option takes it."""
_WIDEST_FACT = 24
_LONGEST_NUMBER = 16


@click.group()
def audit() -> None:
    """Read and verify the log."""


@audit.command("list")
@click.option("--who", metavar="NAME", help="Only what NAME did.")
@click.option("--dataset", metavar="NAME", help="Only what is about this dataset or public table.")
@click.option("--purpose", metavar="P", help="Only what is about jobs for this purpose.")
@click.option("--verdict", metavar="V", help="Only allowed, refused, approved, released, failed …")
@click.option("--kind", metavar="KIND", help="Only leaves of this kind.")
@click.option("--since", metavar="DAY", help="From this day or instant (UTC) on.")
@click.option("--until", metavar="DAY", help="Up to this day (included) or before this instant (UTC).")
@click.option("--unreviewed", is_flag=True, help="Only what no reviewer has signed off.")
@click.option("--first", type=LEAF, default=0, show_default=True, help="Leaf to begin with.")
@click.option("--limit", type=click.IntRange(1, _MOST_LEAVES), default=1000, show_default=True)
@pass_session
def list_leaves(session: Session, /, *, first: int, limit: int, **only: Any) -> None:
    """List the leaves of the log."""
    from service.asked import Leaves  # noqa: PLC0415 - kept out of `keyong --help`

    answer = session.gatekeeper.audit_list(session.principal(), first, limit, Leaves(**only))
    if render.answer_json(session, answer):
        return
    headings = [
        ("cli.head-leaf", "right"),
        ("cli.head-when", "left"),
        ("cli.head-who", "left"),
        ("cli.head-what", "left"),
        ("cli.head-facts", "left"),
    ]
    rows = [
        (str(x["leaf"]), render.instant(x["time"]), x["actor"], x["kind"], _facts(x["facts"]))
        for x in answer["leaves"]
    ]
    if rows:
        render.keyed(headings, rows)
    else:
        session.tell("audit.none")
    session.tell("cli.log-size", size=answer["size"])
    if answer["more"] is not None:
        session.tell("audit.more-leaves", leaf=answer["more"])


def _facts(facts: Mapping[str, Any]) -> str:
    return "  ".join(
        f"{name}={loosened(value) if value == FIRST_POLICY else _short(value)}"
        for name, value in facts.items()
        if value not in ("", None, [], {})
    )


def _short(value: Any) -> str:
    """Return a fact cut for the eye; `audit show` and --json have it whole."""
    if isinstance(value, Mapping):
        value = [f"{key}: {each}" for key, each in sorted(value.items(), key=lambda pair: len(str(pair[1])))]
    listed = value if isinstance(value, list) else [value]
    # Of a thing in a list its name is enough here.
    text = ", ".join(str(next(iter(x.values()), "")) if isinstance(x, Mapping) else str(x) for x in listed)
    return text if len(text) <= _WIDEST_FACT else text[: _WIDEST_FACT - 1] + "…"


@audit.command("show")
@click.argument("leaf_or_job", metavar="LEAF|JOB")
@pass_session
def show(session: Session, leaf_or_job: str) -> None:
    """Show one leaf with the proof that it is in the log, or the account of a job."""
    if leaf_or_job.isdecimal() and len(leaf_or_job) < _LONGEST_NUMBER:
        _show_leaf(session, int(leaf_or_job))
        return
    answer = session.gatekeeper.audit_account(session.principal(), leaf_or_job)
    if not render.answer_json(session, answer):
        render.lines(*account(answer))


def _show_leaf(session: Session, leaf: int) -> None:
    answer = session.gatekeeper.audit_show(session.principal(), leaf)
    if render.answer_json(session, answer):
        return
    entry = json.loads(answer["entry"])
    if entry["kind"] == "refusal":
        render.lines(refusal(entry, leaf))
    render.lines(json.dumps(entry, ensure_ascii=False, indent=2))
    render.facts(
        [
            ("cli.head-leaf", str(answer["leaf"])),
            ("cli.head-proof", "\n".join(answer["hashes"])),
            ("cli.head-checkpoint", answer["checkpoint"]),
        ]
    )


@audit.command("prove")
@click.option("--leaf", type=LEAF, help="Prove that this leaf is in the log.")
@click.option("--job", metavar="JOB", help="Prove every leaf about this job.")
@click.option(
    "--from",
    "since",
    type=click.Path(dir_okay=False, path_type=Path),
    metavar="CHECKPOINT",
    help="Prove that the log goes on from a checkpoint that you kept.",
)
@click.option("-o", "--output", type=click.Path(dir_okay=False, path_type=Path), help="Write it to a file.")
@pass_session
def prove(
    session: Session, leaf: int | None, job: str | None, since: Path | None, output: Path | None
) -> None:
    """Print a proof that somebody without this workspace can check."""
    note = None if since is None else _note(since)
    answer = session.gatekeeper.audit_prove(session.principal(), leaf=leaf, job=job, since=note)
    text = json.dumps(answer, ensure_ascii=False, indent=1)
    if output is None:
        render.out(text)
        return
    output.write_text(text + "\n", encoding="utf-8")
    session.tell("audit.proof-written", path=str(output))


@audit.command("verify")
@click.option(
    "--checkpoint",
    "kept",
    multiple=True,
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="One that you kept; repeat.",
)
@pass_session
def verify(session: Session, kept: tuple[Path, ...]) -> None:
    """Recompute the whole log and everything it vouches for; exit code 7 if anything was changed."""
    notes = [_note(path) for path in kept]
    with watching(session) as report:
        answer = session.gatekeeper.audit_verify(session.principal(), notes, report)
    if render.answer_json(session, answer):
        return
    render.lines(say("cli.verified"))
    render.facts(
        [
            ("cli.head-log-size", f"{answer['size']:,}"),
            ("cli.head-charges", f"{answer['charges']:,}"),
            ("cli.head-releases", f"{answer['releases']:,}"),
            ("cli.head-shards-checked", f"{answer['shards_checked']:,}"),
            ("cli.head-public-tables", f"{answer['public_tables']:,}"),
            ("cli.head-root", answer["root"]),
        ]
    )
    for one in answer["restored"]:
        session.tell("restore.verified", leaf=one["leaf"], found=one["found"], lost=one["lost"])
    if answer["clock_back"]["leaves"]:
        back = answer["clock_back"]
        session.tell("audit.clock-back", count=back["leaves"], leaf=back["first"])
    if not notes:
        session.tell("cli.keep-checkpoint")


def _note(path: Path) -> str:
    with path.open("rb") as file:
        content = file.read(_MOST_NOTE_BYTES + 1)
    try:
        text = content.decode()
    except UnicodeDecodeError:
        text = ""
    if not text.startswith("keyong/") or len(content) > _MOST_NOTE_BYTES:
        raise InvalidInputError("cli.no-checkpoint", path=str(path))
    return text


@audit.command("checkpoint")
@pass_session
def checkpoint(session: Session) -> None:
    """Print the newest signed checkpoint; keep it where the owner cannot write."""
    answer = session.gatekeeper.audit_checkpoint(session.principal())
    if not render.answer_json(session, answer):
        render.out(answer["note"])
        session.tell("cli.checkpoint-key", key=answer["verifier_key"])


@audit.command("export")
@click.argument("target", type=click.Path(path_type=Path))
@click.option("--with-texts", "texts", is_flag=True, help="With the SQL and the full plans of all jobs.")
@pass_session
def export(session: Session, target: Path, texts: bool) -> None:
    """Write an evidence bundle (a directory, or FILE.zip) that is verified without Keyong."""
    with watching(session) as report:
        answer = session.gatekeeper.audit_export(session.principal(), target, texts=texts, progress=report)
    if render.answer_json(session, answer):
        return
    render.lines(say("evidence.written", path=answer["target"]))
    render.facts(
        [
            ("cli.head-log-size", f"{answer['size']:,}"),
            ("cli.head-charges", f"{answer['charges']:,}"),
            ("cli.head-releases", f"{answer['releases']:,}"),
            ("cli.head-root", answer["root"]),
        ]
    )
    session.tell("evidence.with-texts" if texts else "evidence.without-texts")
    if answer["accounting"] is None:
        session.tell("evidence.no-accounting")


@audit.command("accept-restore")
@click.option("--reason", required=True, metavar="TEXT", help="Why the older copy is gone on from.")
@pass_session
def accept_restore(session: Session, reason: str) -> None:
    """Go on from an older copy of the books; what may have been spent since is charged."""
    service, where = session.service, session.workspace
    answer = service.accept_restore(where, session.name, reason, passphrase=session.ask_passphrase)
    if render.answer_json(session, answer):
        return
    facts = {key: answer[key] for key in ("leaf", "found", "lost")}
    if answer["how"] == "log.forked":
        render.lines(say("restore.accepted-fork", **facts))
    else:
        render.lines(say("restore.accepted", **facts))
    for one in answer["charged"]:
        session.tell("restore.charged", dataset=one["dataset"], loss=loss(one["loss"]), jobs=answer["jobs"])
    session.tell("restore.keep")
