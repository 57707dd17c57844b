"""Which owners have agreed to every job of a template beforehand.

An owner's yes is to one template as it stands, under one policy of one dataset: another word in the template,
or another policy, and it is void.  It answers ``approval: owner`` and no other rule, and not for the owner's
own jobs, which nothing lets through.
"""

from __future__ import annotations

from collections.abc import Iterable

import sqlalchemy as sa

from sandbox.books import template_approvals
from sandbox.schema import DatasetName

Judged = tuple[DatasetName, str, str]
"""A dataset, its lineage, and the digest of the policy that judges."""


def agreed(
    connection: sa.Connection, template: str, judged: Iterable[Judged], until: str | None = None
) -> frozenset[DatasetName]:
    """Return the datasets whose owners have agreed to *template*, before the instant *until* if given."""
    if not template:
        return frozenset()
    chosen = sa.select(template_approvals).where(template_approvals.c.digest == template)
    said = {(row.lineage, row.policy): row.approved for row in connection.execute(chosen)}
    return frozenset(
        name
        for name, lineage, policy in judged
        if (lineage, policy) in said and (until is None or said[lineage, policy] <= until)
    )
