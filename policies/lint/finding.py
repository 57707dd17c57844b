"""A finding: how bad, where, and a message key with facts; and the public facts that it is made from."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from policies.load import Path
from policies.model import AccessPolicy
from sandbox.errors import Fact
from sandbox.schema import DatasetName, Field, Principal, Tag


class Severity(StrEnum):
    """How bad it is.

    *error*: what is written cannot have the effect that it is written for; *warning*: it has one that its
    owner hardly wants; *note*: worth knowing.
    """

    ERROR = "error"
    WARNING = "warning"
    NOTE = "note"


@dataclass(frozen=True, slots=True)
class Finding:
    """One sentence about one place of a policy; *code* is its message, *facts* fill it in."""

    severity: Severity
    code: str
    path: Path
    facts: Mapping[str, Fact]

    def to_json(self, policy: AccessPolicy) -> dict[str, Any]:
        """Return ``{"severity", "code", "where": file:line, "facts"}``."""
        facts = dict(self.facts)
        return {
            "severity": self.severity.value,
            "code": self.code,
            "where": str(facts.pop("where", policy.where(self.path))),
            "facts": facts,
        }


@dataclass(frozen=True, slots=True)
class Combination:
    """Columns that together point at a person; *title* and *title_zh* say how."""

    title: str
    title_zh: str
    columns: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Partner:
    """What the policy of another dataset says of joins; *joins* is None if it has no policy."""

    namespace: str
    joins: frozenset[DatasetName] | None


@dataclass(frozen=True, slots=True)
class Surroundings:
    """Public facts around a policy on the day *today*.

    *fields* and *tags* are the dataset's, None if it is not registered.  *people* is everybody there is, None
    if nobody knows.  *partners* are the datasets in ``joins`` that exist.  *combinations* are those of the
    columns that the policy lets people group by (`policies.lint.columns.usable`), by their tags.
    """

    today: dt.date
    fields: Mapping[str, Field] | None = None
    tags: Mapping[str, Tag] = field(default_factory=dict)
    people: Sequence[Principal] | None = None
    partners: Mapping[DatasetName, Partner] = field(default_factory=dict)
    combinations: Sequence[Combination] = ()

    def tag(self, column: str) -> str | None:
        """Return the confirmed tag of a column, None if it has none."""
        found = self.tags.get(column)
        return found.name if found and found.confirmed else None

    def called(self, name: str) -> frozenset[str] | None:
        """Return the names of all people whom *name* calls, None if nobody knows."""
        if self.people is None:
            return None
        return frozenset(person.name for person in self.people if name in person.called)


Rule = Callable[[AccessPolicy, Surroundings], Iterator[Finding]]
"""A part of the examination."""


def error(code: str, path: Path, **facts: Fact) -> Finding:
    """Return a finding about something that cannot have its effect."""
    return Finding(Severity.ERROR, code, path, facts)


def warning(code: str, path: Path, **facts: Fact) -> Finding:
    """Return a finding about an effect that is hardly wanted."""
    return Finding(Severity.WARNING, code, path, facts)


def note(code: str, path: Path, **facts: Fact) -> Finding:
    """Return a finding that is worth knowing."""
    return Finding(Severity.NOTE, code, path, facts)
