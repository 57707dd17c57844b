"""The closed list of what a worker may be told to run.

Law: a worker resolves a name only if it stands here, and only for the step it stands under.  A combine entry
is never run on a shard's behalf, nor the other way round.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class Entries:
    """Names ``package.module:function`` of shard entries and of combine entries."""

    shard: frozenset[str]
    combine: frozenset[str]


ENTRIES: Final = Entries(
    shard=frozenset({"jobs.kernels:count_shard", "sandbox.vault.compact:rewrite_shard"}),
    combine=frozenset({"jobs.measure:release", "sandbox.vault.compact:collect"}),
)
