"""Which owners have agreed to every job of a template beforehand.

An owner's yes is to one template as it stands, under one policy of one dataset: another word in the template,
or another policy, and it is void.  An owner can take it back, for good: the next yes is to another text or
under another policy.  It answers ``approval: owner`` and no other rule, and not for the owner's own jobs,
which nothing lets through.
"""

from __future__ import annotations

from collections.abc import Iterable

import sqlalchemy as sa

from sandbox.books import template_approvals, template_withdrawals
from sandbox.schema import DatasetName

Judged = tuple[DatasetName, str, str]
"""A dataset, its lineage, and the digest of the policy that judges."""


def agreed(
    connection: sa.Connection, template: str, judged: Iterable[Judged], until: str | None = None
) -> frozenset[DatasetName]:
    """Return the datasets whose owners agree to *template*: now, or to a job of the instant *until*.

    Instants may be equal where a clock was set back; a job of that very instant was decided before it.
    """
    if not template:
        return frozenset()
    given = sa.select(template_approvals).where(template_approvals.c.digest == template)
    taken = sa.select(template_withdrawals).where(template_withdrawals.c.digest == template)
    said = {(row.lineage, row.policy): row.approved for row in connection.execute(given)}
    back = {(row.lineage, row.policy): row.withdrawn for row in connection.execute(taken)}

    def holds(place: tuple[str, str]) -> bool:
        if place not in said or until is None:
            return place in said and place not in back
        return said[place] <= until and (place not in back or until <= back[place])

    return frozenset(name for name, *place in judged if holds((place[0], place[1])))
