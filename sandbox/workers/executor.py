"""The Executor protocol: one round of work, from sealed shards to one released answer.

A *round* is: every shard is worked on by some worker, each partial goes sealed to one combining worker, and
only what the combiner returns comes back.  The driver (gatekeeper) hands over, for every shard, a public
payload and a *secret* (column keys), which the executor seals to the public key of the worker that takes
the shard, after it has authenticated that key.  Secrets and partials pass through the executor's transport
as ciphertext only.

Entries are named ``package.module:function`` and resolved inside the worker from a closed list: no function
is ever pickled.  A shard entry is ``(public: bytes, secret: bytes) -> bytes``; a combine entry is
``(public: bytes, partials: tuple[bytes, ...]) -> bytes`` with the partials in shard order.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from sandbox.schema import JobId

Progress = Callable[[int, int], None]
"""Called with (shards done, shards in all)."""


@dataclass(frozen=True, slots=True)
class ShardWork:
    """One shard's share of a round: *public* may be seen by the transport, *secret* never."""

    public: bytes
    secret: bytes


@dataclass(frozen=True, slots=True)
class Round:
    """Work on every shard, then combine once."""

    job: JobId
    shard_entry: str
    shards: tuple[ShardWork, ...]
    combine_entry: str
    combine_public: bytes


class Executor(Protocol):
    """Runs rounds; every implementation passes tests/contract/test_executor.py."""

    def run(self, work: Round, progress: Progress | None = None) -> bytes:
        """Return what the combine entry returned.

        A worker that dies is replaced and its shard done again; a combiner that dies is replaced and
        everything sealed to it done again.  Raises `JobFailedError` whose facts never depend on a row.
        """

    def close(self) -> None:
        """End every worker of this executor."""
