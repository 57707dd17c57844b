"""Going on from an older copy of the books, knowingly (ADR 30).

Books that are older than the checkpoint kept outside, or that fork from it, are refused until a reviewer
accepts them with a reason.  The acceptance is a leaf that names the size and the root of the log that is
lost, and its signed note: whoever verifies this log sees it for ever.

What was spent in the lost part is unknown; known is how many leaves it had.  A charged job leaves a
decision and a charge on each lineage it reads, so no lineage was charged there more often than half that
number.  So often, at the most that the policy in force allows one job, or all that is left, is charged to
every lineage now.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import sqlalchemy as sa

from sandbox.audit.anchor import Lost
from sandbox.audit.store import read_head
from sandbox.audit.verify import verify
from sandbox.errors import InvalidInputError
from sandbox.privacy import ledger
from sandbox.privacy.ledger import Charge
from sandbox.privacy.loss import ZERO, Loss
from sandbox.schema import JobId, Principal, Role
from sandbox.workspace import utc_now
from service import dossier, people
from service.audit import journal
from service.checks.books import check_books
from service.desk import Desk, Entry, require
from service.dossier import Dossier
from service.lasting import check_reason
from service.numbers import loss_to_json

LEAVES_OF_A_JOB: Final = 2
"""The least number of leaves that a job leaves before it may read: its decision and a charge."""
_LONGEST_REASON: Final = 200


def accept(desk: Desk, name: str | None, reason: str) -> dict[str, Any]:
    """Accept the books as they stand; see `service.embedded.accept_restore`.

    Raises `InvalidInputError` where nothing is lost or no reason is given, `TamperingError` where the books
    do not even hold in themselves.
    """
    by = _who(desk, name)
    require(by, Role.REVIEWER)
    if not 0 < len(reason.strip()) <= _LONGEST_REASON:
        raise InvalidInputError("restore.no-reason", longest=_LONGEST_REASON)
    check_reason(reason)
    workspace = desk.workspace
    with workspace.database.transaction() as connection:
        lost = workspace.anchor.lost(connection)
        if lost is None:
            raise InvalidInputError("restore.nothing-lost")
        verify(connection, workspace.log.key)
        check_books(connection)
        # A crash between this transaction and the new anchor: what was accepted is not charged twice.
        told = _accepted(connection, lost) or _accept(
            Entry(connection, workspace, utc_now()), by, lost, reason
        )
    with workspace.database.reading() as connection:
        workspace.anchor.begin_again(connection, lost)
    return told


def _who(desk: Desk, name: str | None) -> Principal:
    if name is None:
        raise InvalidInputError("restore.no-name")
    return people.find(desk, name)


def _accepted(connection: sa.Connection, lost: Lost) -> dict[str, Any] | None:
    for entry in journal.of_kind(connection, "restored"):
        if entry.facts["lost_root"] == lost.checkpoint.root.hex():
            facts = {key: entry.facts[key] for key in ("how", "found", "lost", "jobs")}
            return {"leaf": entry.leaf, **facts, "charged": []}
    return None


def _accept(entry: Entry, by: Principal, lost: Lost, reason: str) -> dict[str, Any]:
    head = read_head(entry.connection, entry.workspace.log.key)
    kept = lost.checkpoint
    # A fork shows nothing of where it began: then everything may be lost.
    gone = kept.size - head.size if lost.code == "log.rolled-back" else kept.size
    facts = {"how": lost.code, "found": head.size, "lost": kept.size, "jobs": gone // LEAVES_OF_A_JOB}
    leaf = entry.log(
        "restored",
        by.name,
        **facts,
        found_root=head.root.hex(),
        lost_root=kept.root.hex(),
        note=lost.note,
        reason=reason.strip(),
    )
    charged = [
        told
        for name in dossier.names(entry.connection)
        if (told := _charge(_Place(entry, by, leaf, gone // LEAVES_OF_A_JOB), name)) is not None
    ]
    return {"leaf": leaf, **facts, "charged": charged}


@dataclass(frozen=True, slots=True)
class _Place:
    """The transaction, who accepts, the leaf that says so, and how many jobs may be lost."""

    entry: Entry
    by: Principal
    leaf: int
    jobs: int


def _charge(place: _Place, name: str) -> dict[str, Any] | None:
    """Charge what a lineage may have spent in the lost part; None where that is nothing."""
    entry, connection = place.entry, place.entry.connection
    found = dossier.read(connection, entry.workspace, name)
    loss = _most(connection, found, place.jobs)
    if loss == ZERO:
        return None
    job = JobId(f"lost-{place.leaf}")
    ledger.write_off(connection, Charge(found.lineage, job, place.by.name, loss, entry.at))
    entry.log("charge", place.by.name, job=job, lineage=found.lineage, **loss.to_json())
    shown = loss_to_json(loss, found.filter, found.delta)
    return {"lineage": found.lineage, "dataset": name, "loss": shown}


def _most(connection: sa.Connection, found: Dossier, jobs: int) -> Loss:
    """Return what *jobs* jobs could cost under the policy in force, at most all that is left of it."""
    if found.policy is None:
        return ZERO  # without a policy nothing was ever admitted
    limits = found.limits()
    left = limits.lifetime.minus(ledger.spent(connection, found.lineage))
    one = limits.per_job or limits.lifetime
    return Loss(
        min(jobs * one.epsilon_pico, left.epsilon_pico),
        min(jobs * one.rho_pico, left.rho_pico),
        min(jobs * one.delta_atto, left.delta_atto),
    )
