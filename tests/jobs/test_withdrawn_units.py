"""Withdrawn units: what is left is what the dataset would be if they had never been in it.

The oracle is registration: the same file without these persons, under the same keys.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import replace

import pytest
from layouts import FILES, Layouts, counted, written
from registered import KEYS
from stage import rows
from surface import build, people
from surface_shapes import SHAPES, grouped

from jobs import kernels
from jobs.plan import Plan
from jobs.rounds import Inputs, Shard
from sandbox.schema import Field, Kind
from sandbox.vault.shard import tags_by_shard
from sandbox.vault.withdrawal import tags_of_ids

UNITS = {"health.stays": "person", "people.registry": "id"}
EVERYBODY = {
    "health.stays": {row["person"] for row in rows()},
    "people.registry": {row["id"] for row in people()},
}


@pytest.fixture(scope="module")
def stored(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Layouts]:
    place = tmp_path_factory.mktemp("surface")
    lab = build(place)
    yield Layouts(lab, place)
    lab.keeper.close()


def withdrawn(plan: Plan, inputs: Inputs, gone: dict[str, list[int]]) -> Inputs:
    """The same files, with tags to leave out."""
    return Inputs(
        tuple(
            hidden(shards, gone[source.dataset])
            for source, shards in zip(plan.sources, inputs.sources, strict=True)
        ),
        inputs.tables,
    )


def hidden(shards: tuple[Shard, ...], ids: list[int]) -> tuple[Shard, ...]:
    tags, odd = tags_of_ids([str(one) for one in ids], Field("unit", Kind.INTEGER), KEYS.linkage)
    assert odd == []
    parts = tags_by_shard(sorted(tags), len(shards))
    return tuple(replace(shard, withdrawn=part) for shard, part in zip(shards, parts, strict=True))


def without(stored: Layouts, gone: dict[str, list[int]]) -> Layouts:
    """The sources without these persons, to be stored anew."""
    folder = stored.place / f"without-{random.getrandbits(64):x}"
    folder.mkdir()
    for name, file in FILES.items():
        header, *lines = (stored.place / file).read_text().splitlines()
        place = header.split(",").index(UNITS[name])
        kept = [line for line in lines if int(line.split(",")[place]) not in gone[name]]
        (folder / file).write_text("\n".join([header, *kept]) + "\n")
    return Layouts(stored.lab, folder)


SOAK = pytest.mark.soak


@pytest.mark.parametrize("share", [0.3, *(pytest.param(share, marks=SOAK) for share in (0.02, 0.6, 0.95))])
def test_a_withdrawn_unit_is_as_one_that_never_was(
    stored: Layouts, share: float, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest
) -> None:
    gone = {
        # At least one who is there: of few people a small share may be nobody.
        name: [one for one in sorted(ids) if random.random() < share]
        + [random.choice(sorted(ids)), 1, 10**18]
        for name, ids in EVERYBODY.items()
    }
    left = without(stored, gone)
    differing = 0
    chosen = SHAPES if request.node.get_closest_marker("soak") else random.sample(SHAPES, 7)
    for number, shape in enumerate(chosen):
        plan, files = stored.plan(grouped(shape, shape.conditions[0]))
        monkeypatch.setattr(kernels, "BATCH_ROWS", (16, 2**20, 2**20)[number % 3])
        counts = ((1, 1), (4, 2))[number % 2]
        whole = stored.inputs(plan, files, counts)
        found = written(counted(plan, withdrawn(plan, whole, gone)))
        assert found == written(counted(plan, left.inputs(plan, files, counts))), (shape.ours, gone)
        differing += found != written(counted(plan, whole))
    assert differing > 0


def test_ids_that_nobody_has_change_nothing(stored: Layouts) -> None:
    nobody: dict[str, list[int]] = {name: list(range(100)) for name in UNITS}
    for shape in SHAPES[:3]:
        plan, files = stored.plan(grouped(shape))
        whole = stored.inputs(plan, files, (4, 2))
        assert written(counted(plan, withdrawn(plan, whole, nobody))) == written(counted(plan, whole))


def test_everybody_may_leave(stored: Layouts) -> None:
    all_of_them = {name: sorted(ids) for name, ids in EVERYBODY.items()}
    for shape in SHAPES:
        plan, files = stored.plan(grouped(shape, shape.conditions[0]))
        exact = counted(plan, withdrawn(plan, stored.inputs(plan, files, (2, 4)), all_of_them))
        assert not any(vector.any() for part in exact for vector in part.vectors)
