"""What leaves a shard's worker, sealed: exact integers, as long as the plan says and never as the data says.

A part with declared keys has 8 bytes for every number that cannot leave int64 in one shard, 16 for others.
Histograms are long, and of a `Distinct` only "none" or "some" is wanted: they have 4 bytes and 1 byte, and a
number that does not fit is written as the largest that does.  That is a cut at a constant, which brings two
neighbouring numbers nearer to each other or leaves them: no sensitivity grows.

A part whose keys are selected has as many groups as there are: it is padded to the next power of two, at
least 64 KiB, so that only a size class shows.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from jobs.engine.chunks import Index
from jobs.engine.counters import LIMB_BITS, limb_count
from jobs.expressions import scalar_from_json, scalar_to_json
from jobs.plan import Distinct, Measurement, Part, Plan, Quantile, Total
from sandbox.schema import Scalar

LEAST_BYTES: Final = 2**16
_LENGTH_BYTES: Final = 8

Group = tuple[Scalar, ...]
Numbers = npt.NDArray[Any]
"""int64, or Python integers in an object array where they may be larger."""


@dataclass(slots=True)
class Exact:
    """A part's exact integers: one vector a measurement; with a selection one number a group in each.

    *groups* and *units* (of each group) are set for a part with a selection.
    """

    vectors: list[Numbers]
    groups: list[Group] | None = None
    units: Numbers | None = None


def numbers_per_cell(item: Measurement) -> int:
    """Return how many integers a measurement has per cell before noise."""
    match item:
        case Total(axis=None):
            return 1
        case Total(axis=axis):
            return axis.bins if axis else 1
        case Distinct(key=key):
            return len(key.categories or ())
        case Quantile(binning=binning):
            return binning.bins
    return 1


def pack(item: Measurement, limbs: Sequence[Index]) -> bytes:
    """Return the limbs of *item* as bytes."""
    kind = _stored(item)
    if kind.kind == "u":
        limbs = [np.minimum(limb, np.iinfo(kind).max) for limb in limbs]
    return b"".join(limb.astype(kind, copy=False).tobytes() for limb in limbs)


def _stored(item: Measurement) -> np.dtype[Any]:
    match item:
        case Distinct():
            return np.dtype("u1")
        case Quantile():
            return np.dtype("<u4")
    return np.dtype("<i8")


def pack_selected(groups: Sequence[Group], units: Index, vectors: Sequence[Sequence[Index]]) -> bytes:
    """Return a selected part's groups, their units, and the limbs of its measurements, padded."""
    written = json.dumps(
        {
            "groups": [[scalar_to_json(value) for value in group] for group in groups],
            "units": units.tolist(),
            "vectors": [[limb.tolist() for limb in limbs] for limbs in vectors],
        }
    ).encode()
    size = max(LEAST_BYTES, 1 << (len(written) + _LENGTH_BYTES - 1).bit_length())
    return (len(written).to_bytes(_LENGTH_BYTES, "little") + written).ljust(size, b"\0")


def merge(plan: Plan, partials: Iterable[bytes]) -> list[Exact]:
    """Return the sums of all shards' numbers; the order of shards does not matter.

    Raises `ValueError` for a partial of another plan's size.
    """
    merged = [Exact([_zeros(part, item) for item in part.measurements]) for part in plan.parts]
    selected = [_Selected(part) for part in plan.parts]
    for partial in partials:
        reader = _Reader(partial)
        for part, total, groups in zip(plan.parts, merged, selected, strict=True):
            if part.selection is None:
                for vector, item in zip(total.vectors, part.measurements, strict=True):
                    np.add(vector, reader.vector(item, len(vector)), out=vector)
            else:
                groups.add(reader.selected())
        reader.end()
    return [
        total if part.selection is None else groups.exact()
        for part, total, groups in zip(plan.parts, merged, selected, strict=True)
    ]


def _zeros(part: Part, item: Measurement) -> Numbers:
    # Counts stay far inside int64 over any number of shards, sums need not.
    wide = isinstance(item, Total) and item.factors
    return np.zeros(part.cells * numbers_per_cell(item), dtype=object if wide else np.int64)


class _Reader:
    def __init__(self, partial: bytes) -> None:
        self._rest = memoryview(partial)

    def take(self, size: int) -> memoryview:
        if len(self._rest) < size:
            raise ValueError("a partial of another size")
        taken, self._rest = self._rest[:size], self._rest[size:]
        return taken

    def vector(self, item: Measurement, count: int) -> Numbers:
        kind = _stored(item)
        limbs = [np.frombuffer(self.take(kind.itemsize * count), dtype=kind) for _ in range(limb_count(item))]
        if len(limbs) == 1:
            return limbs[0]
        whole: Numbers = limbs[1].astype(object) * 2**LIMB_BITS + limbs[0]
        return whole

    def selected(self) -> dict[str, Any]:
        length = int.from_bytes(self.take(_LENGTH_BYTES), "little")
        size = max(LEAST_BYTES, 1 << (length + _LENGTH_BYTES - 1).bit_length())
        found: dict[str, Any] = json.loads(bytes(self.take(size - _LENGTH_BYTES)[:length]))
        return found

    def end(self) -> None:
        if self._rest:
            raise ValueError("a partial of another size")


class _Selected:
    """Groups over all shards, by the text of their values: True equals 1 in Python."""

    def __init__(self, part: Part) -> None:
        self._count = len(part.measurements)
        self._found: dict[str, list[int]] = {}

    def add(self, partial: dict[str, Any]) -> None:
        vectors = [list(_whole(limbs)) for limbs in partial["vectors"]]
        for place, group in enumerate(partial["groups"]):
            numbers = [partial["units"][place], *(vector[place] for vector in vectors)]
            name = json.dumps(group)
            known = self._found.get(name)
            self._found[name] = (
                numbers if known is None else [a + b for a, b in zip(known, numbers, strict=True)]
            )

    def exact(self) -> Exact:
        groups = [tuple(map(scalar_from_json, json.loads(name))) for name in self._found]
        columns = list(zip(*self._found.values(), strict=True)) or [()] * (self._count + 1)
        units, *vectors = [np.array(column, dtype=object) for column in columns]
        return Exact(vectors, groups, units)


def _whole(limbs: list[list[int]]) -> Iterator[int]:
    for numbers in zip(*limbs, strict=True):
        yield sum(number << (LIMB_BITS * place) for place, number in enumerate(numbers))
