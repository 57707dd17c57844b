"""Merge and noise, inside one worker: the only place where exact totals exist, and they do not leave it.

`release` is the combine entry.  It adds the shards' partials as Python integers and draws every noise exactly
once, from the mechanism and scale that stand in the plan.  What it returns is noisy; nothing before that
line is written, logged or put in an exception.
"""

from __future__ import annotations

import json

from jobs.codec import plan_from_json
from jobs.kernels import decode
from jobs.spec import Plan
from sandbox.privacy.mechanisms import add_noise


def release(public: bytes, partials: tuple[bytes, ...]) -> bytes:
    """Combine entry: JSON ``[[noisy integer as text, …], …]``, one list per measurement of the plan."""
    plan = plan_from_json(json.loads(public)["plan"])
    exact = merge(plan, partials)
    noisy = [
        add_noise(vector, plan.mechanism, item.scale)
        for vector, item in zip(exact, plan.measurements, strict=True)
    ]
    return json.dumps([[str(value) for value in vector] for vector in noisy]).encode()


def merge(plan: Plan, partials: tuple[bytes, ...]) -> list[list[int]]:
    """Return the sum of the shards' vectors; the order of shards does not matter."""
    shards = [decode(partial, plan) for partial in partials]
    return [
        [sum(values) for values in zip(*(shard[index] for shard in shards), strict=True)]
        for index in range(len(plan.measurements))
    ]
