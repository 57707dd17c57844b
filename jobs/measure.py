"""Merge and noise, inside one worker: the only place where exact totals exist, and they do not leave it.

`release` is the combine entry.  It adds the shards' partials and draws every noise exactly once, from the
mechanism and the scale that stand in the plan.  What it returns is noisy; nothing before that is written,
logged or put in an exception.

A `Quantile` releases bins, drawn by the exponential mechanism from integer scores (`jobs.plan.Draw`).  Where
keys are selected, a group that any shard has seen is kept if its noisy number of units is above the
threshold; only kept groups are measured and named, in an order that depends on their values alone.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from fractions import Fraction

import numpy as np
import numpy.typing as npt

from jobs.codec import plan_from_json, released_to_json
from jobs.partials import Exact, Numbers, merge, numbers_per_cell
from jobs.plan import Distinct, Draw, Measurement, Part, Plan, Quantile, Released, Selection
from sandbox.privacy.exponential import draw_bin
from sandbox.privacy.mechanisms import add_noise


def release(public: bytes, partials: tuple[bytes, ...]) -> bytes:
    """Combine entry: JSON, per part ``{"keys": null | groups, "vectors": [[integer as text, …], …]}``."""
    plan = plan_from_json(json.loads(public)["plan"])
    return json.dumps(released_to_json(noisy(plan, merge(plan, partials)))).encode()


def noisy(plan: Plan, exact: Iterable[Exact]) -> tuple[Released, ...]:
    """Return each part's release: *exact* with fresh noise."""
    return tuple(_part(plan, part, found) for part, found in zip(plan.parts, exact, strict=True))


def _part(plan: Plan, part: Part, exact: Exact) -> Released:
    keys = None
    vectors = exact.vectors
    if part.selection is not None:
        kept = _selected(plan, part.selection, exact)
        keys = tuple((exact.groups or [])[place] for place in kept)
        vectors = [vector[kept] for vector in vectors]
    found = [_measured(plan, item, vector) for item, vector in zip(part.measurements, vectors, strict=True)]
    return Released(keys, tuple(map(tuple, found)))


def _selected(plan: Plan, selection: Selection, exact: Exact) -> list[int]:
    """The places of the groups that pass, ordered by the types and values of their keys."""
    groups, units = exact.groups or [], exact.units
    assert units is not None
    counts = add_noise(units.tolist(), plan.mechanism, selection.scale)
    kept = [place for place, count in enumerate(counts) if count > selection.threshold]
    return sorted(kept, key=lambda place: [(type(value).__name__, value) for value in groups[place]])


def _measured(plan: Plan, item: Measurement, vector: Numbers) -> list[int]:
    if isinstance(item, Quantile):
        return _drawn(item, vector.reshape(-1, item.binning.bins))
    if isinstance(item, Distinct):
        vector = np.count_nonzero(vector.reshape(-1, numbers_per_cell(item)), axis=1)
    return add_noise(vector.tolist(), plan.mechanism, item.scale)


def _drawn(item: Quantile, counts: npt.NDArray[np.int64]) -> list[int]:
    columns = []
    for draw in item.draws:
        scored, rate = scores(draw, counts)
        columns.append([draw_bin(cell, rate) - (draw.side == "low") for cell in scored])
    return [number for cell in zip(*columns, strict=True) for number in cell]


def scores(draw: Draw, counts: Numbers) -> tuple[Numbers, Fraction]:
    """Return the integer score of every outcome (columns) in each cell (rows), and the rate per unit of it.

    The unit is 1/(b·d) row, where the quantile is a/b and b·shift has the denominator d; the sentinel of side
    ``low`` stands before the bins, that of ``high`` behind them.
    """
    a, b = draw.quantile.as_integer_ratio()
    moved, d = (b * draw.shift).as_integer_ratio()
    rows = int(counts.sum(axis=1).max(initial=0))
    if d * b * rows + abs(moved) >= 2**62:
        counts = counts.astype(object)
    upper = np.cumsum(counts, axis=1)
    total = upper[:, -1:]
    target = total * (a * d) + moved
    below = target - upper * (b * d)
    found = [np.maximum(np.maximum(-below - counts * (b * d), below), 0)]
    if draw.side == "low":
        found.insert(0, np.maximum(target, 0))
    if draw.side == "high":
        found.append(np.maximum(total * (b * d) - target, 0))
    return np.concatenate(found, axis=1), draw.rate / d
