"""Shards rewritten without their withdrawn units, inside workers: rows and keys stay there.

Each shard is read by a worker that was sealed its keys, and written to a staging place under new keys.  These
are sealed to the one who asked before they leave the worker: the transport, and the worker that puts the
pieces together, see ciphertext.
"""

from __future__ import annotations

import json
import secrets
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any, Final

import pyarrow as pa

from sandbox import canonical
from sandbox.errors import TamperingError
from sandbox.keys.sealing import WorkerKeys, seal
from sandbox.schema import JobId
from sandbox.vault.manifest import Manifest, field_of, held_of
from sandbox.vault.parquet import read_batches, stored_schema, write_shard
from sandbox.vault.shard import FOOTER, ShardFile, WrittenShard, stored_columns, tags_by_shard
from sandbox.vault.withdrawal import Tags, tags_array, without_units
from sandbox.workers.executor import Executor, Progress, Round, ShardWork

SHARD_ENTRY: Final = "sandbox.vault.compact:rewrite_shard"
COMBINE_ENTRY: Final = "sandbox.vault.compact:collect"


def rewrite(
    manifest: Manifest,
    keys: Sequence[Mapping[str, bytes]],
    places: tuple[Path, Path],
    executor: Executor,
    progress: Progress | None = None,
) -> tuple[WrittenShard, ...]:
    """Return the shards of *manifest* as written anew, less its withdrawn units.

    *keys*: of all columns, shard by shard; *places*: where its files are, and where the new ones go.  What
    lost workers began and left there is removed.
    """
    job, own = JobId(f"compact-{secrets.token_hex(6)}"), WorkerKeys.generate()
    source, target = places
    withdrawn = tags_by_shard(manifest.withdrawn, manifest.shards)
    fields = [held_of(field) for field in manifest.fields]
    work = [
        ShardWork(
            canonical.encode(
                {
                    "path": str(source / file.name),
                    "file": asdict(file),
                    "fields": fields,
                    "target": str(target / f"{number:04d}"),
                    "job": job,
                }
            ),
            canonical.encode(
                {
                    "keys": {name: key.hex() for name, key in granted.items()},
                    "withdrawn": tags,
                    "answer_to": own.public.hex(),
                }
            ),
        )
        for number, (file, granted, tags) in enumerate(zip(manifest.files, keys, withdrawn, strict=True))
    ]
    answer = executor.run(Round(job, SHARD_ENTRY, tuple(work), COMBINE_ENTRY, b"{}"), progress)
    written = tuple(_unsealed(own, job, item) for item in json.loads(answer))
    kept = {shard.file.name for shard in written}
    for path in target.iterdir():
        if path.name not in kept:
            path.unlink()
    if len(kept) != manifest.shards or len(list(target.iterdir())) != manifest.shards:
        raise TamperingError("worker.answer-refused", job=job)
    return written


def rewrite_shard(public: bytes, secret: bytes) -> bytes:
    """Worker entry: write one shard anew; return its facts, and its keys sealed to the one who asked."""
    asked, granted = json.loads(public), json.loads(secret)
    fields = tuple(field_of(held) for held in asked["fields"])
    keys = {name: bytes.fromhex(key) for name, key in granted["keys"].items()}
    batches = read_batches(Path(asked["path"]), ShardFile(**asked["file"]), keys, stored_columns(fields))
    # Whoever takes the place of a lost worker must not meet its half-written file.
    target = Path(f"{asked['target']}-{secrets.token_hex(8)}.parquet")
    written = write_shard(target, fields, _left(batches, tags_array(granted["withdrawn"]), fields))
    new = {name: key.hex() for name, key in written.keys.items()}
    facts = asdict(written.file)
    to = bytes.fromhex(granted["answer_to"])
    sealed = seal(to, canonical.encode(new), _context(asked["job"], facts))
    return canonical.encode({"file": facts, "keys": sealed.hex()})


def collect(public: bytes, partials: tuple[bytes, ...]) -> bytes:
    """Worker entry: the shards' answers in their order."""
    return canonical.encode([json.loads(partial) for partial in partials])


def _left(batches: Iterator[pa.RecordBatch], withdrawn: Tags, fields: Any) -> Iterator[pa.Table]:
    schema = stored_schema(fields)
    for batch in batches:
        rows = without_units(batch, withdrawn)
        if rows.num_rows:
            yield pa.Table.from_batches([rows], schema)


def _unsealed(own: WorkerKeys, job: JobId, item: Mapping[str, Any]) -> WrittenShard:
    keys = json.loads(own.unseal(bytes.fromhex(item["keys"]), _context(job, item["file"])))
    opened = {name: bytes.fromhex(key) for name, key in keys.items()}
    if FOOTER not in opened:
        raise TamperingError("worker.answer-refused", job=job)
    return WrittenShard(ShardFile(**item["file"]), opened)


def _context(job: str, facts: Mapping[str, Any]) -> bytes:
    return canonical.encode({"purpose": "compaction", "job": job, "file": dict(facts)})
