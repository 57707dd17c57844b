"""Limits that a reviewer sets on a namespace: what all datasets about the same persons may spend together.

An owner decides about one dataset; a reviewer stands between owners, and owns none.  Every change is a leaf;
the newest limit counts (`sandbox.privacy.namespaces`).
"""

from __future__ import annotations

from fractions import Fraction
from typing import Any, Final

import sqlalchemy as sa

from sandbox.books import datasets, lineages, namespace_limits, removals
from sandbox.errors import InvalidInputError
from sandbox.privacy import namespaces
from sandbox.privacy.loss import ATTO, Filter, Loss, parse_epsilon
from sandbox.privacy.namespaces import NamespaceLimit
from sandbox.schema import Principal, Role, exact
from service import people
from service.asked import NewLimit
from service.desk import Desk, require
from service.dossier import Dossier
from service.lasting import check_reason
from service.numbers import fraction, left_to_json, loss_to_json

Json = dict[str, Any]

KIND: Final = "namespace-limit"
"""Kind of the leaf that tells of a limit."""
_LONGEST_REASON: Final = 200
_MOST_DELTA: Final = exact("0.001")


def set_limit(desk: Desk, by: Principal, namespace: str, wanted: NewLimit) -> Json:
    """Set what *namespace* may spend from now on; see `service.gates.audit`."""
    require(by, Role.REVIEWER)
    limit = _limit(namespace, wanted)
    reason = wanted.reason.strip()
    if not 0 < len(reason) <= _LONGEST_REASON:
        raise InvalidInputError("budget.limit-reason", longest=_LONGEST_REASON)
    check_reason(reason)
    with desk.writing() as entry:
        # What is known of them now counts, not what was when they opened the door.
        require(people.known(entry.connection, by.name) or by, Role.REVIEWER)
        _check_members(entry.connection, limit)
        row = {
            "namespace": namespace,
            "filter": limit.filter.value,
            "epsilon": fraction(limit.epsilon),
            "delta": fraction(limit.delta),
            "selection": fraction(limit.selection),
            "reason": reason,
        }
        leaf = entry.log(KIND, by.name, **row)
        made = {"leaf": leaf, "set_by": by.name, "changed": entry.at.isoformat()}
        entry.connection.execute(sa.insert(namespace_limits).values(**row, **made))
        return {**shown(limit, namespaces.spent(entry.connection, limit)), "leaf": leaf}


def _limit(namespace: str, wanted: NewLimit) -> NamespaceLimit:
    if wanted.filter not in set(Filter):
        raise InvalidInputError("budget.limit-filter", filter=wanted.filter[:40])
    filter_, pure = Filter(wanted.filter), wanted.filter == Filter.PURE
    delta, selection = _delta(wanted.delta or "0"), _delta(wanted.selection)
    if pure and (delta or selection):
        raise InvalidInputError("budget.limit-pure-delta")
    if not pure and not delta:
        raise InvalidInputError("budget.limit-delta", delta=wanted.delta or "–", most=fraction(_MOST_DELTA))
    limit = NamespaceLimit(namespace, filter_, parse_epsilon(wanted.epsilon), delta, selection)
    _ = limit.loss  # raises for an ε of which nothing is left in ρ
    return limit


def _delta(text: str) -> Fraction:
    found = exact(text)
    if not 0 <= found <= _MOST_DELTA or (found * ATTO).denominator != 1:
        raise InvalidInputError("budget.limit-delta", delta=text[:40], most=fraction(_MOST_DELTA))
    return found


def _check_members(connection: sa.Connection, limit: NamespaceLimit) -> None:
    """The namespace must be known, and all its lineages counted in the limit's currency."""
    inside = lineages.c.namespace == limit.namespace
    filters = set(connection.scalars(sa.select(lineages.c.filter).where(inside)))
    if not filters:
        raise InvalidInputError("budget.unknown-namespace", namespace=limit.namespace[:80])
    if limit.filter is Filter.PURE and Filter.ZCDP in filters:
        raise InvalidInputError("budget.limit-cannot-count", namespace=limit.namespace)


def shown(limit: NamespaceLimit, spent: Loss) -> Json:
    """Return limit, spent and left in the limit's own currency."""
    filter_, delta = limit.filter, limit.delta
    return {
        "namespace": limit.namespace,
        "filter": filter_.value,
        "delta": fraction(delta),
        "limit": loss_to_json(limit.loss, filter_, delta),
        "spent": loss_to_json(spent, filter_, delta),
        "remaining": left_to_json(limit.left(spent), filter_, delta),
    }


def standing(connection: sa.Connection, found: Dossier, by: Principal) -> Json | None:
    """Return how the limit of the dataset's namespace stands, to whom it is told; None without one.

    It is told to reviewers and to owners of a dataset of the namespace.
    """
    limit = namespaces.current(connection, found.manifest.namespace)
    if limit is None or not (found.reviewed_by(by) or _owns(connection, limit.namespace, by)):
        return None
    return shown(limit, namespaces.spent(connection, limit))


def _owns(connection: sa.Connection, namespace: str, by: Principal) -> bool:
    query = (
        sa.select(datasets.c.name)
        .join(lineages, lineages.c.lineage == datasets.c.lineage)
        .where(lineages.c.namespace == namespace, lineages.c.owner == by.name)
        .where(lineages.c.lineage.not_in(sa.select(removals.c.lineage)))
    )
    return connection.scalar(query.limit(1)) is not None
