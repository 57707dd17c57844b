"""Under which digest a release is found again, for free."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any, Final

from jobs.codec import plan_to_json
from jobs.plan import Plan
from sandbox import canonical

_ANSWERS: Final = '{"answers":'


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


def parse_plan(text: str) -> tuple[dict[str, Any], str]:
    """Return what the canonical *text* of a plan says, and the part of it that a replay key is made of.

    ``answers`` is the first key of a plan and no part of it, so what is measured is the text behind it.
    `ValueError` for a text that does not begin so.
    """
    if not text.startswith(_ANSWERS):
        raise ValueError("not the canonical text of a plan")
    answers, end = canonical.parse_within(text, len(_ANSWERS))
    measured = "{" + text[end + 1 :]
    plan = canonical.parse(measured)
    if text[end : end + 1] != "," or "answers" in plan:
        raise ValueError("not the canonical text of a plan")
    return {"answers": answers, **plan}, measured


def replay_key_of_text(measured: str, datasets: tuple[str, ...], policies: tuple[str, ...]) -> str:
    """Return the `replay_key` of a plan of which `parse_plan` returned *measured*, as it stands there."""
    return hashlib.sha256(f"[{measured},{_judged(datasets, policies)}".encode()).hexdigest()


@lru_cache(maxsize=1024)
def _judged(datasets: tuple[str, ...], policies: tuple[str, ...]) -> str:
    return canonical.write([list(datasets), list(policies)]).decode()[1:]
