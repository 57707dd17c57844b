"""Jobs that need somebody's yes: approved or rejected, and charged once every yes is there.

The laws, in every order of events:

* A yes is bound to the plan, the policies, the grants, the data versions and the public tables that were
  asked.  Before it counts the job is decided and planned anew over the books of that moment: if anything came
  out otherwise, the job is refused for good and has to be asked again.
* A yes and its leaf, and the charge that the last one leads to, are one transaction under the writers' lock:
  what two approvers, a withdrawal and a rejection do at once happens in some order, and the job is charged
  once or not at all.
* The charge asks for what `service.jobs.submission` asks for, and for a yes of every party that counts at
  that moment, from people who still are what the rule asks for.  Every answer is proved to stand in the log.
* Where a limit does not cover the charge now, the yes stays, and the charge is tried again when the analyst
  runs the job.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from typing import Any, Final

import sqlalchemy as sa

from jobs.spec import JobSpec, Query
from policies.approvals import Yes
from sandbox import canonical
from sandbox.books import approvals, jobs
from sandbox.errors import (
    AwaitingApprovalError,
    BudgetExceededError,
    DeniedError,
    InvalidInputError,
    KeyongError,
)
from sandbox.schema import JobId, Principal
from service import people
from service.approvals import consent, waiting
from service.approvals.waiting import Waiting
from service.clock import present
from service.desk import Desk, Entry
from service.jobs import case as cases
from service.jobs import states, submission
from service.jobs.case import Case
from service.jobs.requests import stored_spec
from service.jobs.submission import Settled
from service.keeping.retention import released_as
from service.lasting import check_reason

Json = dict[str, Any]

MOST_REASON: Final = 2000
"""Characters of a reason."""
CHANGED: Final = "approval.changed"
"""What a refused job says when it is no longer what was asked."""


def approve(desk: Desk, by: Principal, job: str, reason: str) -> Json:
    """Say yes to *job*; charge it if that was the last yes it needed.  Saying it again only tries the charge.

    Raises `DeniedError` for who has no say, and for a job that is no longer what was asked, which is refused.
    """
    _check_reason(reason)
    with desk.reading() as connection:
        found = open_waiting(connection, desk, by, job)
        asked = read_again(connection, desk, found)
    with desk.writing() as entry:
        found = open_waiting(entry.connection, desk, by, job)
        settled = settle_again(entry, found, asked)
        if not isinstance(settled, KeyongError):
            return _count(entry, by, found, settled, reason)
        _refuse(entry, found, settled)
    raise settled


def reject(desk: Desk, by: Principal, job: str, reason: str) -> Json:
    """Say no to *job*, which is refused with that: one no is enough."""
    if not reason.strip():
        raise InvalidInputError("approval.no-reason", job=job[:40])
    _check_reason(reason)
    with desk.writing() as entry:
        found = open_waiting(entry.connection, desk, by, job)
        _record(entry, found, _answer(entry, by, "no", reason))
        states.set_state(entry.connection, job, "refused", "approval.rejected", entry.at)
    return {"job": job, "status": "refused", "replayed": False, "ask": [], "not_charged": None}


def charge_if_approved(desk: Desk, job: str) -> None:
    """Charge the waiting *job* if every yes is there.

    Raises `AwaitingApprovalError` naming whom to ask, `BudgetExceededError`, or the `DeniedError` with which
    the job is refused because it is no longer what was asked.
    """
    with desk.reading() as connection:
        found = _waiting(connection, desk, job)
        asked = read_again(connection, desk, found)
    with desk.writing() as entry:
        found = _waiting(entry.connection, desk, job)
        now = entry.at
        if not found.complete((), now):
            ask = found.missing(now)
            raise AwaitingApprovalError("job.awaiting-approval", job=job, ask=ask)
        settled = settle_again(entry, found, asked)
        if not isinstance(settled, KeyongError):
            _pay(entry, found, settled)
            return
        _refuse(entry, found, settled)
    raise settled


def standing(connection: sa.Connection, desk: Desk, row: sa.RowMapping) -> Json | None:
    """Return how the approval of a job stands; None if it needs none."""
    found = waiting.read(connection, desk.workspace, row)
    return found.to_json(present(connection)) if found.rules else None


def open_waiting(connection: sa.Connection, desk: Desk, by: Principal, job: str) -> Waiting:
    """Return the waiting *job* to whom it asks for a yes, or raise why not; others learn nothing of it."""
    found = _find(connection, desk, by, job)
    if found.row["state"] != "awaiting-approval":
        raise InvalidInputError("approval.not-waiting", job=job, state=found.row["state"])
    return found


def _find(connection: sa.Connection, desk: Desk, by: Principal, job: str) -> Waiting:
    row = waiting.find(connection, job)
    if row is None:
        raise DeniedError("job.unknown", rule="jobs", job=job[:40])
    found = waiting.read(connection, desk.workspace, row)
    if row["principal"] == by.name:
        raise DeniedError("approval.own-job", rule="approval", job=job)
    # What is known of them now counts, not what was when they opened the door.
    who = people.known(connection, by.name)
    if who is None or not found.asks(who):
        raise DeniedError("job.unknown", rule="jobs", job=job[:40])
    return found


def _waiting(connection: sa.Connection, desk: Desk, job: str) -> Waiting:
    row = waiting.find(connection, job)
    if row is None or row["state"] != "awaiting-approval":
        raise InvalidInputError("approval.not-waiting", job=job, state=row["state"] if row else "refused")
    return waiting.read(connection, desk.workspace, row)


def _check_reason(reason: str) -> None:
    if len(reason) > MOST_REASON:
        raise InvalidInputError("approval.long-reason", length=len(reason), most=MOST_REASON)
    check_reason(reason)


# --- the same job, decided again ------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Again:
    """A waiting job read again in the name of who asked it."""

    asker: Principal
    spec: JobSpec
    queries: tuple[Query, ...]
    case: Case


def read_again(connection: sa.Connection, desk: Desk, found: Waiting) -> Again | KeyongError:
    """Return what the job's text means now, or why it means nothing any more."""
    asker = people.known(connection, found.row["principal"])
    if asker is None or "amounts" not in found.spec:
        return _changed(found)
    spec = stored_spec(found.spec, found.row["purpose"])
    try:
        return Again(asker, spec, *cases.read_queries(connection, desk.workspace, asker, spec.sql))
    except (DeniedError, InvalidInputError):
        return _changed(found)


def settle_again(entry: Entry, found: Waiting, again: Again | KeyongError) -> Settled | KeyongError:
    """Return the job decided and planned over the books of now; an error if it is not what was asked."""
    if isinstance(again, KeyongError):
        return again
    try:
        settled = submission.settle(entry, again.asker, again.spec, (again.queries, again.case))
    except (DeniedError, InvalidInputError):
        return _changed(found)
    return settled if settled.facts == found.facts else _changed(found)


def _changed(found: Waiting) -> DeniedError:
    return DeniedError("approval.changed", rule="approval", job=found.row["job"])


def _refuse(entry: Entry, found: Waiting, why: KeyongError) -> None:
    states.set_state(entry.connection, found.row["job"], "refused", CHANGED, entry.at)
    entry.log("refused", "keyong", job=found.row["job"], code=why.code)


# --- the last yes ---------------------------------------------------------------------------------------


def _count(entry: Entry, by: Principal, found: Waiting, settled: Settled, reason: str) -> Json:
    who = people.known(entry.connection, by.name)
    assert who is not None  # the caller has asked for their say
    now = entry.at
    more = [] if found.said_yes(who, now) else [Yes(who, now)]
    if more:
        _record(entry, found, _answer(entry, by, "yes", reason))
    job, short = found.row["job"], None
    if found.complete(more, now):
        try:
            _pay(entry, found, settled)
        except BudgetExceededError as error:  # raised before anything is written
            short = _short(found, who, error)
    known = waiting.find(entry.connection, job)
    assert known is not None
    after = waiting.read(entry.connection, entry.workspace, known)
    return {
        "job": job,
        "status": known["state"],
        "replayed": after.spec["replay_of"] is not None,
        "ask": after.missing(now),
        "not_charged": short,
    }


def _short(found: Waiting, who: Principal, error: BudgetExceededError) -> Json:
    """What stood in the way of the charge; figures only of a dataset that *who* has a say in."""
    dataset = error.facts.get("dataset")
    if any(rule.dataset == dataset and rule.asks(who) for rule in found.rules):
        return {"code": error.code, "facts": error.facts}
    return {"code": "approval.budget-elsewhere", "facts": {"dataset": dataset}}


def _answer(entry: Entry, by: Principal, answer: str, reason: str) -> Json:
    given = entry.at.isoformat(timespec="microseconds")
    return {
        "principal": by.name,
        "answer": answer,
        "reason": reason,
        "salt": secrets.token_hex(16),
        "given": given,
    }


def _record(entry: Entry, found: Waiting, answer: Json) -> None:
    """Write an answer down with its leaf; the reason is in the leaf as a salted hash only."""
    row = {"job": found.row["job"], "bound": consent.bound(found.facts), **answer}
    kind, facts = waiting.kind(row["answer"]), waiting.leaf_facts(row, found.facts)
    leaf = entry.log(kind, row["principal"], **facts)
    entry.connection.execute(sa.insert(approvals).values(leaf=leaf, **row))


def _pay(entry: Entry, found: Waiting, settled: Settled) -> None:
    """Charge the job, or give it the release that is there already; it runs when its analyst says so."""
    job, asker = JobId(found.row["job"]), found.row["principal"]
    earlier = released_as(entry.connection, settled.key, settled.sources, entry.at)
    if earlier is None:
        submission.charge(entry, asker, job, settled)
        states.set_state(entry.connection, job, "charged", "", entry.at)
        return
    spec = canonical.encode({**found.spec, "replay_of": earlier}).decode()
    entry.connection.execute(sa.update(jobs).where(jobs.c.job == job).values(spec=spec))
    states.set_state(entry.connection, job, "released", "", entry.at)
    entry.log("replay", asker, job=job, of=earlier)
