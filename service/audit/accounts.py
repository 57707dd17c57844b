"""Budgets as people read them: limits, what is spent, what is left, by whom.

Nothing is stored here: every figure is summed from the ledger when asked for.
"""

from __future__ import annotations

import datetime as dt
from typing import Any

import sqlalchemy as sa

from sandbox.privacy import ledger, namespaces
from sandbox.privacy.loss import Loss
from sandbox.schema import Principal
from service import dossier
from service.audit import limiting
from service.clock import present
from service.desk import Desk
from service.dossier import Dossier
from service.numbers import fraction, left_to_json, loss_to_json


def show(desk: Desk, by: Principal, name: str) -> dict[str, Any]:
    """Return the budget of dataset *name*; an analyst sees only their own charges one by one."""
    with desk.reading() as connection:
        found = dossier.read(connection, desk.workspace, name)
        if not found.visible(by):
            raise dossier.unknown(name)
        return _shown(connection, found, by, present(connection))


def _shown(connection: sa.Connection, found: Dossier, by: Principal, now: dt.datetime) -> dict[str, Any]:
    limits = found.limits()
    spent = ledger.spent(connection, found.lineage)
    left, shared = limits.lifetime.minus(spent), namespaces.left_for(connection, found.lineage)

    def shown(loss: Loss) -> dict[str, Any]:
        return loss_to_json(loss, found.filter, found.delta)

    def share(limit: Loss | None, used: Loss) -> dict[str, Any] | None:
        return None if limit is None else {"limit": shown(limit), "spent": shown(used)}

    window = limits.window
    by_window = None
    if window is not None:
        used = ledger.spent(connection, found.lineage, since=now - window.every)
        by_window = {"every": window.period, "limit": shown(window.limit), "spent": shown(used)}
    return {
        "dataset": found.name,
        "filter": found.filter.value,
        "delta": fraction(found.delta),
        "limit": shown(limits.lifetime),
        "spent": shown(spent),
        "remaining": left_to_json(left.within(shared or left), found.filter, found.delta),
        "held_by_namespace": shared is not None and left.within(shared) != left,
        "namespace": limiting.standing(connection, found, by),
        "per_job": None if limits.per_job is None else shown(limits.per_job),
        "per_analyst": share(limits.per_analyst, ledger.spent(connection, found.lineage, principal=by.name)),
        "window": by_window,
        "charges": _charges(connection, found, by),
    }


def _charges(connection: sa.Connection, found: Dossier, by: Principal) -> list[dict[str, Any]]:
    everything = by.name == found.owner or found.reviewed_by(by)
    return [
        {
            "job": charge.job,
            "principal": charge.principal,
            "at": charge.at.isoformat(timespec="microseconds"),
            "loss": loss_to_json(charge.loss, found.filter, found.delta),
        }
        for charge in ledger.history(connection, found.lineage, principal=None if everything else by.name)
    ]
