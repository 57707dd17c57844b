"""Approval: whose yes a job needs before it is charged, and whether it has it.  Pure.

Each dataset that a job reads has a rule of its own, and every rule must be satisfied.  A rule names
*parties*:

* ``owner``: the dataset's owner;
* ``owner+reviewer``: the owner, and a reviewer who is not the owner;
* ``{need: k, of: […]}``: k different persons of those named, by themselves or through a group.

Who asked a job has no say in it, whatever they own or belong to.  One person is one yes, however many names
call them.  A yes counts for as long as the rule says, and only while who gave it still is what the party asks
for; it is judged with what is known of that person now, not when it was given.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final

from sandbox.schema import DatasetName, Principal, Role

EXPIRES: Final = dt.timedelta(days=14)
"""How long a yes counts where the policy does not say."""


class Approval(StrEnum):
    """Whose yes a job needs before it is charged."""

    AUTO = "auto"
    OWNER = "owner"
    OWNER_AND_REVIEWER = "owner+reviewer"


@dataclass(frozen=True, slots=True)
class Quorum:
    """*need* different persons of those called *of*: names and ``group:NAME``."""

    need: int
    of: frozenset[str]


Consent = Approval | Quorum
"""What ``approval`` of a grant can say."""


@dataclass(frozen=True, slots=True)
class Party:
    """*need* persons of one kind: the ``owner``, a ``reviewer``, or those ``named`` *of*."""

    kind: str
    need: int
    of: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Rule:
    """What one dataset's policy asks for a job of *asker*."""

    dataset: DatasetName
    owner: str
    consent: Consent
    asker: str
    expires: dt.timedelta = EXPIRES

    @property
    def parties(self) -> tuple[Party, ...]:
        """Whose yes is needed; empty if nobody's."""
        owner = Party("owner", 1, frozenset({self.owner}))
        match self.consent:
            case Quorum(need, of):
                return (Party("named", need, of),)
            case Approval.OWNER:
                return (owner,)
            case Approval.OWNER_AND_REVIEWER:
                return (owner, Party("reviewer", 1))
            case Approval.AUTO:
                return ()

    def fits(self, party: Party, by: Principal) -> bool:
        """Whether a yes of *by* is one of *party*."""
        if by.name == self.asker:
            return False
        match party.kind:
            case "owner":
                return by.name == self.owner and Role.OWNER in by.roles
            case "reviewer":
                return by.name != self.owner and Role.REVIEWER in by.roles
            case _:
                return bool(party.of & by.called)

    def asks(self, by: Principal) -> bool:
        """Whether *by* has a say here."""
        return any(self.fits(party, by) for party in self.parties)

    def hopeless(self) -> bool:
        """Whether no yes can ever be enough, since only who asked could give it."""
        for party in self.parties:
            others = party.of - {self.asker}
            if party.kind == "owner" and not others:
                return True
            groups = any(name.startswith("group:") for name in others)
            if party.kind == "named" and not groups and len(others) < party.need:
                return True
        return False


@dataclass(frozen=True, slots=True)
class Yes:
    """An approval given at an instant; *by* is what is known of that person now."""

    by: Principal
    at: dt.datetime


def given(rule: Rule, party: Party, said: Sequence[Yes], now: dt.datetime) -> frozenset[str]:
    """Return who has said a yes that counts for *party* at the instant *now*."""
    return frozenset(yes.by.name for yes in said if now < yes.at + rule.expires and rule.fits(party, yes.by))


def satisfied(rules: Sequence[Rule], said: Sequence[Yes], now: dt.datetime) -> bool:
    """Whether every party of every rule has as many different persons' yes as it needs."""
    return all(len(given(rule, party, said, now)) >= party.need for rule in rules for party in rule.parties)


def written(consent: Consent) -> str:
    """Return the rule in one word, or as ``2 of qian, zhao``."""
    if isinstance(consent, Quorum):
        return f"{consent.need} of {', '.join(sorted(consent.of))}"
    return consent.value


def canonical_consent(consent: Consent, expires: dt.timedelta | None) -> dict[str, Any]:
    """Return what a grant's canonical form says of approval: the expiry in hours, where it is written."""
    said: Any = consent.value if isinstance(consent, Approval) else None
    if isinstance(consent, Quorum):
        said = {"need": consent.need, "of": sorted(consent.of)}
    hours = {} if expires is None else {"approval_expires": expires // dt.timedelta(hours=1)}
    return {"approval": said, **hours}
