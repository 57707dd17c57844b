"""The evidence bundle: the log and what it vouches for, to be verified where Keyong is not installed.

Law: nothing in a bundle is secret.  It holds the log, outlines of plans, charges, releases and what policies
say; no key, no manifest (their sizes follow the rows), and the texts of questions only where they are asked
for.  The files are listed with their digests, and the list is signed with the log's key.  That a bundle was
made is a leaf of the log in it.
"""

from __future__ import annotations

import json
import secrets
import shutil
import zipfile
from collections.abc import Callable, Iterator, Mapping
from fractions import Fraction
from pathlib import Path
from typing import Any, Final

import sqlalchemy as sa

from jobs.codec import plan_from_json
from jobs.events import Event, events
from jobs.outline import outline
from policies.build import parse
from policies.model import canonical as content_of
from sandbox import canonical
from sandbox.audit import verify_bundle
from sandbox.audit.store import ENTRY, newest_note, read_head
from sandbox.books import charges, datasets, jobs, leaves, lineages, policies, releases
from sandbox.errors import InvalidInputError
from sandbox.privacy import ledger
from sandbox.privacy.loss import ATTO, PICO, Filter
from sandbox.schema import LineageId, Principal, Role, exact
from sandbox.vault.shard import sha256
from service.audit import pld
from service.desk import Desk, require
from service.numbers import fraction, loss_to_json

Progress = Callable[[str, int, int], None]
Row = Mapping[str, Any]

_STREAM: Final = {"yield_per": 1_000}
_SAY_EVERY: Final = 10_000
_PURE_DELTA: Final = exact("1e-6")
"""At which δ a figure is given for a lineage that has none of its own."""
_README: Final = """\
Evidence of a Keyong log.  可用（Keyong）日志的证据包。

Verify it with Python 3.11 and the package cryptography:
用 Python 3.11 与 cryptography 包校验：

    python3 -I verify_bundle.py . --key KEY --kept CHECKPOINT

KEY is the log's public key as you wrote it down beforehand, CHECKPOINT a note that you kept.  Take
verify_bundle.py from Keyong itself rather than from here if you do not trust whoever made this bundle.
KEY 是您事先记下的日志公钥，CHECKPOINT 是您另行保存的检查点。若不信任证据包的制作者，
请使用可用（Keyong）自带的 verify_bundle.py，而不是这里附带的这一份。
"""


def export(
    desk: Desk, by: Principal, target: Path, *, texts: bool, progress: Progress | None
) -> dict[str, Any]:
    """Write a bundle to *target*, which is not there yet: a directory, or a file that ends in .zip."""
    require(by, Role.REVIEWER)
    target = target.absolute()
    if target.exists():
        raise InvalidInputError("evidence.exists", path=str(target))
    with desk.writing() as entry:
        entry.log("export", by.name, texts=texts)
    staging = target.with_name(f".{target.name}.{secrets.token_hex(8)}")
    try:
        staging.mkdir(mode=0o700)
        told = _write(desk, staging, texts=texts, progress=progress)
        _place(staging, target)
    finally:
        shutil.rmtree(staging, ignore_errors=True)
    return {"target": str(target), "texts": texts, **told}


def _place(staging: Path, target: Path) -> None:
    if target.suffix != ".zip":
        staging.rename(target)
        return
    packed = staging / "bundle.zip"
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for path in sorted(staging.iterdir()):
            if path != packed:
                archive.write(path, path.name)
    packed.rename(target)


def _write(desk: Desk, place: Path, *, texts: bool, progress: Progress | None) -> dict[str, Any]:
    log = desk.workspace.log
    with desk.reading() as connection:
        head = read_head(connection, log.key)
        (place / "checkpoint.txt").write_text(newest_note(connection) or "", "utf-8")
        (place / "key.txt").write_text(log.key.text() + "\n", "utf-8")
        (place / "README.txt").write_text(_README, "utf-8")
        shutil.copyfile(Path(verify_bundle.__file__), place / "verify_bundle.py")
        _lines(place / "log.jsonl", _entries(connection, head.size, progress))
        counts = {
            name: _lines(place / f"{name}.jsonl", map(canonical.encode, rows))
            for name, rows in (
                ("jobs", _jobs(connection, texts=texts)),
                ("charges", _charges(connection)),
                ("releases", _releases(connection)),
                ("policies", _policies(connection)),
            )
        }
        figures = _figures(connection)
    (place / "pld.json").write_bytes(canonical.encode(figures))
    files = {path.name: sha256(path) for path in sorted(place.iterdir())}
    about = canonical.encode(
        {"format": 1, "origin": head.origin, "size": head.size, "texts": texts, "files": files}
    )
    (place / "bundle.json").write_bytes(about)
    (place / "bundle.sig").write_text(log.attest(verify_bundle.SIGNED_AS, about).hex() + "\n", "utf-8")
    return {"size": head.size, "root": head.root.hex(), **counts, "accounting": figures["computed_by"]}


def _lines(path: Path, lines: Iterator[bytes]) -> int:
    count = 0
    with path.open("wb") as file:
        for line in lines:
            file.write(line + b"\n")
            count += 1
    return count


# --- what stands in it ----------------------------------------------------------------------------------


def _entries(connection: sa.Connection, size: int, progress: Progress | None) -> Iterator[bytes]:
    query = sa.select(ENTRY).order_by(leaves.c.leaf)
    for number, entry in enumerate(connection.scalars(query, execution_options=_STREAM), 1):
        yield entry
        if progress and (number % _SAY_EVERY == 0 or number == size):
            progress("write", number, size)


def _jobs(connection: sa.Connection, *, texts: bool) -> Iterator[Row]:
    query = sa.select(jobs.c.job, jobs.c.plan, jobs.c.spec, jobs.c.salt).order_by(jobs.c.created, jobs.c.job)
    for row in connection.execute(query, execution_options=_STREAM):
        plan = json.loads(row.plan)
        asked = {"plan": plan, "sql": json.loads(row.spec)["sql"], "salt": row.salt} if texts else {}
        yield {"job": row.job, "outline": outline(plan), **asked}


def _charges(connection: sa.Connection) -> Iterator[Row]:
    kept = [column for column in charges.c if column.name != "charge"]
    for row in connection.execute(
        sa.select(*kept).order_by(charges.c.charge), execution_options=_STREAM
    ).mappings():
        yield dict(row)


def _releases(connection: sa.Connection) -> Iterator[Row]:
    query = sa.select(releases.c.job, releases.c.result).order_by(releases.c.released, releases.c.job)
    for row in connection.execute(query, execution_options=_STREAM):
        yield {"job": row.job, "result": json.loads(row.result) if row.result else None}  # null: purged


def _policies(connection: sa.Connection) -> Iterator[Row]:
    query = sa.select(policies.c.source).order_by(policies.c.lineage, policies.c.version)
    for source in connection.scalars(query):
        yield content_of(parse(source, "policy"))


def _figures(connection: sa.Connection) -> dict[str, Any]:
    """Return the PLD figure of every lineage that was charged, under the name of its dataset."""
    found = pld.library()
    named = {row.lineage: row.name for row in connection.execute(sa.select(datasets))}
    spent = _events(connection, {name: lineage for lineage, name in named.items()}) if found else {}
    figures = {}
    for row in connection.execute(sa.select(lineages)).mappings():
        if mechanisms := spent.get(row["lineage"]):
            filter_, delta = Filter(row["filter"]), exact(row["delta"])
            counted = loss_to_json(ledger.spent(connection, LineageId(row["lineage"])), filter_, delta)
            at = delta or _PURE_DELTA
            figures[named.get(row["lineage"], row["lineage"])] = {
                "epsilon": pld.epsilon(mechanisms, at),
                "delta": fraction(at + sum((event.delta for event in mechanisms), exact(0))),
                "filter_epsilon": counted["epsilon"],
            }
    return {**pld.note(found), "lineages": figures}


def _events(connection: sa.Connection, homes: Mapping[str, str]) -> dict[str, list[Event]]:
    paid = sa.select(charges.c.job).distinct()
    found: dict[str, list[Event]] = {}
    query = sa.select(jobs.c.plan).where(jobs.c.job.in_(paid))
    for text in connection.scalars(query, execution_options=_STREAM):
        plan = plan_from_json(json.loads(text))
        for number, source in enumerate(plan.sources):
            found.setdefault(homes[source.dataset], []).extend(events(plan, number))
    # What an accepted restore was charged for has no plan: its loss is taken as it stands.
    for row in connection.execute(sa.select(charges).where(charges.c.job.startswith("lost-"))).mappings():
        loss = ledger.loss_of(row)
        gaussian, pure = Fraction(2 * loss.rho_pico, PICO), Fraction(loss.epsilon_pico, PICO)
        found.setdefault(row["lineage"], []).append(Event(gaussian, pure, Fraction(loss.delta_atto, ATTO)))
    return found
