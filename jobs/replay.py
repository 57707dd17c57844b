"""Under which digest a release is found again, for free."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from typing import Any

from jobs.codec import plan_to_json
from jobs.plan import Plan
from sandbox import canonical


def replay_key(plan: Plan, datasets: Sequence[str], policies: Sequence[str]) -> str:
    """Return the digest under which a release of *plan* is found again, for free.

    *datasets* and *policies* are the digests of the plan's sources, in its order.  The plan holds the
    normalised request and, in its noise scales, the loss; what acts on released numbers only (names, order,
    HAVING, and the answers that make values of measurements) is not part of it.
    """
    return replay_key_of_json(plan_to_json(plan), datasets, policies)


def replay_key_of_json(plan: Mapping[str, Any], datasets: Sequence[str], policies: Sequence[str]) -> str:
    """Return the `replay_key` of a plan as `plan_to_json` wrote it."""
    measured = {name: part for name, part in plan.items() if name != "answers"}
    return hashlib.sha256(canonical.write([measured, list(datasets), list(policies)])).hexdigest()
