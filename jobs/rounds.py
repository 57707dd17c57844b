"""What workers are handed: every file of every dataset once, cut where the coarsest dataset is cut.

A shard is a range of unit tags: the leading bits of the tag are its number.  Shard counts are powers of two,
so the shards of one dataset nest in those of another: a work item holds, of each dataset, all files of one
range of tags, and no unit lies in two items.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from jobs.codec import plan_to_json
from jobs.plan import Plan
from sandbox import canonical
from sandbox.vault.shard import ShardFile
from sandbox.workers.executor import ShardWork


@dataclass(frozen=True, slots=True)
class Shard:
    """An encrypted file, its facts from the signed manifest, and the keys granted to this job.

    *withdrawn*: tags (hexadecimal) of units whose rows are left out; their UNIT_TAG key is then granted, too.
    """

    path: Path
    file: ShardFile
    keys: Mapping[str, bytes]
    withdrawn: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Inputs:
    """All shards of each source of a plan, in tag order, and the file of each public table."""

    sources: tuple[tuple[Shard, ...], ...]
    tables: tuple[Path, ...]


def work_items(plan: Plan, inputs: Inputs) -> tuple[ShardWork, ...]:
    """Return the work of one round; `ValueError` where files and plan do not match."""
    counts = [len(shards) for shards in inputs.sources]
    if len(counts) != len(plan.sources) or len(inputs.tables) != len(plan.tables):
        raise ValueError("files of other sources or tables")
    if any(count < 1 or count & (count - 1) for count in counts):
        raise ValueError("a shard count that is no power of two")
    written = plan_to_json(plan)
    tables = [
        {"path": str(path), "digest": table.digest}
        for path, table in zip(inputs.tables, plan.tables, strict=True)
    ]
    ranges = min(counts)
    return tuple(_item({"plan": written, "tables": tables}, inputs, at, ranges) for at in range(ranges))


def _item(public: Mapping[str, Any], inputs: Inputs, at: int, ranges: int) -> ShardWork:
    files = [_inside(shards, at, ranges) for shards in inputs.sources]
    sources = [[{"path": str(s.path), "file": asdict(s.file)} for s in shards] for shards in files]
    secrets = [[_secret(shard) for shard in shards] for shards in files]
    return ShardWork(canonical.encode({**public, "sources": sources}), canonical.encode({"sources": secrets}))


def _secret(shard: Shard) -> dict[str, Any]:
    # Whom a shard has lost is nobody's business but the worker's: it travels with the keys.
    return {
        "keys": {name: key.hex() for name, key in shard.keys.items()},
        "withdrawn": list(shard.withdrawn),
    }


def _inside(shards: tuple[Shard, ...], at: int, ranges: int) -> tuple[Shard, ...]:
    each = len(shards) // ranges
    return shards[at * each : (at + 1) * each]
