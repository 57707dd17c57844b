"""Refusals are leaves: who was refused, by which rule, and about which datasets and for which purpose.

What was typed may be anything, so of the text the leaf holds a salted hash only.  It names a dataset where
the text does and whoever asked may know of it, with the version and the policy that stood then; a purpose
where a policy of one of these datasets knows it by that name.  What cannot be read as SQL is searched for
names all the same.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any, Final

import sqlalchemy as sa

from sandbox.audit.log import salted
from sandbox.errors import DeniedError, KeyongError
from sandbox.schema import Principal
from sandbox.workspace import Workspace
from service import dossier
from service.approvals.templates import asked_by
from service.asked import JobRequest
from service.desk import Desk
from service.dossier import Dossier

_MOST_READ: Final = 64 * 1024
"""Characters of a text that are searched; a longer one is no statement (`jobs.sql.guard`)."""
_MOST_PARTS: Final = 16
_NO_NAMES: Final = re.compile(r"'(?:[^']|'')*(?:'|\Z)|--[^\n]*|/\*.*?(?:\*/|\Z)", re.DOTALL)
_NAMES: Final = re.compile(r"(?<![\w.-])[a-z_][\w-]*(?:\.[\w-]+)+")


def log_refusal(desk: Desk, by: Principal, request: JobRequest, refusal: KeyongError) -> None:
    """Log that and by which rule a job was refused, and what it was about as far as the log may hold it."""
    _, digest = salted(request.sql)
    with desk.writing() as entry:
        workspace = entry.workspace
        template = asked_by(entry.connection, request.template)
        names, purpose = template or (mentioned(request.sql), request.purpose)
        about = known(entry.connection, workspace, by, names)
        facts = {**_said(refusal), "text": digest, "datasets": [_told(found) for found in about]}
        if any(purpose in grant.purposes for found in about if found.policy for grant in found.policy.grants):
            facts["purpose"] = purpose
        entry.log("refusal", by.name, **facts)


def log_refused_policy(desk: Desk, by: Principal, dataset: str, digest: str, refusal: KeyongError) -> None:
    """Log that a policy was not put in force, and of which dataset where *by* may know of it."""
    with desk.writing() as entry:
        about = known(entry.connection, entry.workspace, by, [dataset])
        facts = {**_said(refusal), "policy": digest, "datasets": [_told(found) for found in about]}
        entry.log("refusal", by.name, **facts)


def mentioned(text: str) -> frozenset[str]:
    """Return what in *text* looks like names of datasets, whether or not it can be read as SQL."""
    bare = _NO_NAMES.sub(" ", text[:_MOST_READ]).replace('"', "").lower()
    joined = " ".join(bare.split()).replace(" .", ".").replace(". ", ".")
    found = set()
    for match in _NAMES.finditer(joined):
        parts = match[0].split(".")[:_MOST_PARTS]
        for size in range(1, len(parts)):  # what follows the name may be a column, or a minus sign
            begin, end = ".".join(parts[:size]), parts[size]
            found |= {f"{begin}.{end}", f"{begin}.{end.partition('-')[0]}"}
    return frozenset(found)


def known(
    connection: sa.Connection, workspace: Workspace, by: Principal, names: Iterable[str]
) -> list[Dossier]:
    """Return those of *names* that are datasets which *by* may know of, by name."""
    found = []
    for name in sorted(set(names).intersection(dossier.names(connection))):
        try:
            one = dossier.read(connection, workspace, name)
        except DeniedError:  # it is no more
            continue
        if one.visible(by):
            found.append(one)
    return found


def _said(refusal: KeyongError) -> dict[str, Any]:
    return {"code": refusal.code, "rule": str(refusal.facts.get("rule") or "")}


def _told(found: Dossier) -> dict[str, Any]:
    """As a decision's leaf tells of a dataset."""
    return {"dataset": found.name, "version": found.manifest.version, "policy": found.policy_digest}
