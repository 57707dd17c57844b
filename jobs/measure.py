"""Merge and noise, inside one worker: the only place where exact totals exist, and they do not leave it.

`release` is the combine entry.  It adds the shards' partials and draws every noise exactly once, from the
mechanism and the scale that stand in the plan.  What it returns is noisy; nothing before that is written,
logged or put in an exception.

A `Quantile` releases bins, drawn by exponential mechanisms from integer scores: its point, and then how far
around that bin it may lie (`jobs.plan.Draw`).  Where keys are selected, a group that any shard has seen is
kept if its noisy number of units is above the threshold; only kept groups are measured and named, in an order
that depends on their values alone.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence

import numpy as np

from jobs.codec import plan_from_json, released_to_json
from jobs.partials import Exact, Numbers, merge, numbers_per_cell
from jobs.plan import Distinct, Draw, Measurement, Part, Plan, Quantile, Released, Selection
from sandbox.privacy.exponential import draw_bin
from sandbox.privacy.mechanisms import add_noise
from sandbox.privacy.widths import half_widths, weights, width_scores


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


def _drawn(item: Quantile, counts: Numbers) -> list[int]:
    columns: list[list[int]] = []
    for point, *widths in item.asked:
        exact = _roomy(counts, (point, *widths))
        columns.extend(_interval(point, widths, exact))
    return [number for cell in zip(*columns, strict=True) for number in cell]


def _interval(point: Draw, widths: Sequence[Draw], counts: Numbers) -> tuple[list[int], ...]:
    """Of each cell the point, and the lowest and the highest bin around it."""
    upper, last = np.cumsum(counts, axis=1), counts.shape[1] - 1
    points = [draw_bin(cell, point.rate) for cell in scores(point, counts)]
    low, high = [0] * len(points), [last] * len(points)
    for draw in widths:
        away = [_half_width(draw, rows, middle) for rows, middle in zip(upper, points, strict=True)]
        if draw.side != "high":
            low = [max(middle - width, 0) for middle, width in zip(points, away, strict=True)]
        if draw.side != "low":
            high = [min(middle + width, last) for middle, width in zip(points, away, strict=True)]
    return points, low, high


def _half_width(draw: Draw, upper: Numbers, point: int) -> int:
    widths = half_widths(point, len(upper), draw.side)
    scored = width_scores(upper, point, draw.quantile, draw.slack, draw.side)
    return int(widths[draw_bin(scored, draw.rate, weights(widths))])


def _roomy(counts: Numbers, draws: Sequence[Draw]) -> Numbers:
    """*counts* as Python integers where a score could pass int64."""
    rows = int(counts.sum(axis=1).max(initial=0))
    most = max(draw.quantile.denominator * (rows + 2) + draw.slack for draw in draws)
    return counts.astype(object) if most >= 2**62 else counts


def scores(draw: Draw, counts: Numbers) -> Numbers:
    """Return the integer score of a point in every bin (columns) of each cell (rows)."""
    a, b = draw.quantile.as_integer_ratio()
    upper = np.cumsum(counts, axis=1)
    below = upper[:, -1:] * a - upper * b
    found: Numbers = np.maximum(np.maximum(-below - counts * b, below), 0)
    return found
