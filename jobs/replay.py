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


def replay_key_of_text(text: str, answers: Any, datasets: Sequence[str], policies: Sequence[str]) -> str:
    """Return the `replay_key` of a plan that is stored as *text* (canonical), whose answers are *answers*.

    ``answers`` is the first key of a plan, so what is measured is the text behind it: nothing is encoded
    twice. `ValueError` for a text that does not begin so.
    """
    head = f'{{"answers":{canonical.write(answers).decode()},'
    if not text.startswith(head):
        raise ValueError("not the canonical text of a plan")
    rest = canonical.write([list(datasets), list(policies)]).decode()
    return hashlib.sha256(f"[{{{text[len(head) :]},{rest[1:]}".encode()).hexdigest()
