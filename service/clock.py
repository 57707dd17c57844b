"""What time it is: never earlier than the newest leaf of the log.

Law: time goes on.  Grants end, approvals and results expire, windows pass by what `present` says, and every
leaf is dated by it, so that setting the system's clock back brings nothing back to life.  A clock that once
ran ahead therefore makes things end early, and until it is caught up with, everything is dated to that
instant: grants that ended so are renewed by a policy.
"""

from __future__ import annotations

import datetime as dt
import json

import sqlalchemy as sa

from sandbox.books import leaves
from sandbox.errors import TamperingError
from sandbox.workspace import utc_now


def present(connection: sa.Connection) -> dt.datetime:
    """Return the present instant, or that of the newest leaf if the system's clock is behind it."""
    newest = connection.execute(sa.select(leaves).order_by(leaves.c.leaf.desc()).limit(1)).one_or_none()
    now = utc_now()
    if newest is None:
        return now
    try:
        return max(now, dt.datetime.fromisoformat(json.loads(newest.entry)["time"]))
    except (ValueError, KeyError, TypeError):
        raise TamperingError("audit.books-differ", kind="leaf", id=str(newest.leaf)) from None
