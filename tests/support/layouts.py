"""The rows of `surface` stored in other ways, and the exact integers of a plan over them, worker by worker.

Keys are the same in every layout, so that a unit keeps its tag and its rows their order.
"""

from __future__ import annotations

import json
import random
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from registered import KEYS
from surface import Surface
from surface_lab import prepared

from jobs.codec import plan_from_json
from jobs.kernels import count_shard
from jobs.partials import Exact, merge
from jobs.plan import Plan
from jobs.rounds import Inputs, Shard, work_items
from sandbox.schema import DatasetName, LineageId
from sandbox.vault.register import Declaration, prepare
from sandbox.vault.source import open_source
from sandbox.vault.store import DirectoryStore
from sandbox.workers.executor import ShardWork
from service import dossier

FILES = {"health.stays": "stays.csv", "people.registry": "people.csv"}
Numbers = list[list[list[Any]]]
"""Per aggregate and grouping set, the exact vectors it is made of."""


@dataclass
class Layouts:
    """The surface's sources in *place*, stored anew as often as is asked."""

    lab: Surface
    place: Path
    stored: dict[tuple[str, int, bool], tuple[Shard, ...]] = field(default_factory=dict)

    def plan(self, sql: str) -> tuple[Plan, Inputs]:
        """Return the plan of *sql* and the files it reads in the workspace."""
        ready, inputs = prepared(self.lab, sql)
        return ready.plan, inputs

    def inputs(self, plan: Plan, tables: Inputs, shards: Sequence[int], *, shuffled: bool = False) -> Inputs:
        """Return the sources of *plan* in so many shards (stays, people), from a file in another order."""
        counts = dict(zip(FILES, shards, strict=True))
        sources = (
            self._shards(source.dataset, counts[source.dataset], shuffled=shuffled) for source in plan.sources
        )
        return Inputs(tuple(sources), tables.tables)

    def _shards(self, name: str, count: int, *, shuffled: bool) -> tuple[Shard, ...]:
        if (name, count, shuffled) not in self.stored:
            self.stored[name, count, shuffled] = self._registered(name, count, shuffled=shuffled)
        return self.stored[name, count, shuffled]

    def _registered(self, name: str, count: int, *, shuffled: bool) -> tuple[Shard, ...]:
        desk = self.lab.keeper._desk
        with desk.reading() as connection:
            manifest = dossier.read(connection, desk.workspace, name).manifest
        folder = self.place / f"{name}-{count}-{shuffled}"
        folder.mkdir()
        header, *lines = (self.place / FILES[name]).read_text().splitlines()
        if shuffled:
            random.Random(count).shuffle(lines)
        source = folder / "source.csv"
        source.write_text("\n".join([header, *lines]) + "\n")
        declared = Declaration(
            DatasetName(name), LineageId("l"), 1, manifest.unit, "test", "pure", manifest.fields, count
        )
        ready = prepare(open_source(source), declared, KEYS, DirectoryStore(folder / "store"))
        place = ready.staging.path
        return tuple(Shard(place / shard.file.name, shard.file, shard.keys) for shard in ready.shards)


def counted(plan: Plan, inputs: Inputs) -> list[Exact]:
    """Return the exact integers: every work item by the worker's entry, then merged."""
    return merge(plan, [count_shard(item.public, item.secret) for item in work_items(plan, inputs)])


def counted_at_once(plan: Plan, inputs: Inputs) -> list[Exact]:
    """Return the exact integers where one work item has the files of all."""
    items = work_items(plan, inputs)
    public, secret = ([json.loads(part) for part in parts] for parts in zip(*map(_parts, items), strict=True))
    for whole in (public, secret):
        listed = zip(*(one["sources"] for one in whole), strict=True)
        whole[0]["sources"] = [[entry for entries in source for entry in entries] for source in listed]
    return merge(plan, [count_shard(json.dumps(public[0]).encode(), json.dumps(secret[0]).encode())])


def _parts(item: ShardWork) -> tuple[bytes, bytes]:
    return item.public, item.secret


def written(exact: Sequence[Exact]) -> list[Any]:
    """Return exact integers as something that can be compared."""
    return [[vector.tolist() for vector in part.vectors] for part in exact]


def merged(public: bytes, partials: tuple[bytes, ...]) -> bytes:
    """Combine entry of tests: the exact integers, which no entry of the product returns."""
    plan = plan_from_json(json.loads(public)["plan"])
    return repr(written(merge(plan, partials))).encode()


def by_call(plan: Plan, exact: Sequence[Exact], statement: int = 0) -> Numbers:
    """Return the integers of each aggregate call of a statement, grouping set by grouping set."""
    answer = plan.answers[statement]
    return [
        [
            [exact[part].vectors[place].tolist() for place in places]
            for (part, _), places in zip(answer.sets, recipe.places, strict=True)
        ]
        for recipe in answer.recipes
    ]
