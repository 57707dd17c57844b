"""Rounds over the test entries, and where to find them."""

from pathlib import Path

from sandbox.schema import JobId
from sandbox.workers.entries import Entries
from sandbox.workers.executor import Round, ShardWork

FOLDER = str(Path(__file__).parent)
SHARD = ("echo", "loud", "die_once", "die_thrice", "die", "slow", "fail", "where")
COMBINE = ("join", "size", "die_once_joining", "fail_joining")
ENTRIES = Entries(
    shard=frozenset(f"worker_entries:{name}" for name in SHARD),
    combine=frozenset(f"worker_entries:{name}" for name in COMBINE),
)


def round_of(
    shards: list[tuple[bytes, bytes]],
    entry: str = "echo",
    combine: str = "join",
    public: bytes = b"",
    job: str = "job-1",
) -> Round:
    """A round with (public, secret) for every shard."""
    work = tuple(ShardWork(public, secret) for public, secret in shards)
    return Round(JobId(job), f"worker_entries:{entry}", work, f"worker_entries:{combine}", public)
