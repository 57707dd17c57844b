"""Neighbouring rows for the statements of `statements`, and what their releases tell them apart by.

Rows are in memory; everything else is the product: plan, kernels, merge, noise.  A release is repeated by
repeating the exact integers, each number with noise of its own.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
from scipy import stats
from scipy.special import logsumexp
from statements import PEOPLE, PEOPLE_FIELDS, STAY_FIELDS, STAYS, WARD_FIELDS

from jobs.frames import Inputs, Read
from jobs.kernels import measure
from jobs.measure import noisy, scores
from jobs.partials import Exact, merge, numbers_per_cell
from jobs.plan import Distinct, Draw, Measurement, Plan, Quantile
from jobs.planning import plan_losses
from sandbox.privacy.loss import PICO, Filter
from sandbox.privacy.widths import half_widths, weights, width_scores
from sandbox.schema import ORDINAL, UNIT_TAG, DatasetName, Field, Kind

Row = Mapping[str, Any]
World = Mapping[DatasetName, Mapping[str, Sequence[Row]]]
"""The rows of each unit of each dataset, in their stored order; a column that is not there is null."""
Floats = npt.NDArray[np.float64]

CONFIDENCE = 1e-10
"""Probability that one bound is wrong; about 50,000 are computed, most of them far from any price."""
_ARROW = {
    Kind.INTEGER: pa.int64(),
    Kind.FLOAT: pa.float64(),
    Kind.STRING: pa.string(),
    Kind.BOOLEAN: pa.bool_(),
    Kind.DATE: pa.date32(),
}
_FIELDS = {STAYS: STAY_FIELDS, PEOPLE: PEOPLE_FIELDS}


def integers(plan: Plan, world: World, wards: Sequence[Row] = ()) -> list[Exact]:
    """Return the exact integers of *plan*."""
    readers = [_reader(source.dataset, world.get(source.dataset, {})) for source in plan.sources]
    table = pa.RecordBatch.from_pydict(_columns(WARD_FIELDS, wards))
    return merge(plan, [measure(plan, Inputs(readers, [table] * len(plan.tables)))])


def _columns(fields: Mapping[str, Field], rows: Sequence[Row]) -> dict[str, pa.Array]:
    return {
        name: pa.array([row.get(name) for row in rows], _ARROW[field.kind]) for name, field in fields.items()
    }


def _reader(dataset: DatasetName, units: Mapping[str, Sequence[Row]]) -> Read:
    tagged = sorted((hashlib.sha256(unit.encode()).digest()[:16], unit) for unit in units)
    placed = [(tag, place, row) for tag, unit in tagged for place, row in enumerate(units[unit])]
    columns = _columns(_FIELDS[dataset], [row for _, _, row in placed])
    columns[UNIT_TAG] = pa.array([tag for tag, _, _ in placed], pa.binary(16))
    columns[ORDINAL] = pa.array([place for _, place, _ in placed], pa.int32())
    batch = pa.RecordBatch.from_pydict(columns)

    def read(stored: Sequence[str]) -> Iterator[pa.RecordBatch]:
        yield batch.select(list(stored))

    return read


def with_unit(world: World, unit: World) -> World:
    """Return *world* and the rows of one unit more, which is nobody in it."""
    names = {*world, *unit}
    return {name: {**world.get(name, {}), **unit.get(name, {})} for name in names}


def alone(plan: Plan) -> Iterator[tuple[int, int, Plan]]:
    """Yield, for every noise source of *plan*, its part, its measurement, and the plan with that only."""
    for number, part in enumerate(plan.parts):
        for place, item in enumerate(part.measurements):
            for single in _singles(item):
                measured = replace(part, measurements=(single,), selection=None)
                yield number, place, replace(plan, parts=(measured,))


def _singles(item: Measurement) -> Iterator[Measurement]:
    if not isinstance(item, Quantile):
        yield item
        return
    for draws in item.asked:
        yield replace(item, draws=draws)


def louder(plan: Plan) -> Plan:
    """Return *plan* with half the noise."""
    halved = _half(plan)
    parts = (replace(part, measurements=tuple(map(halved, part.measurements))) for part in plan.parts)
    return replace(plan, parts=tuple(parts))


def _half(plan: Plan) -> Callable[[Measurement], Measurement]:
    less = 2 if plan.mechanism == "discrete-laplace" else 4

    def halved(item: Measurement) -> Measurement:
        if isinstance(item, Quantile):
            return replace(item, draws=tuple(replace(d, rate=2 * d.rate) for d in item.draws))
        return replace(item, scale=item.scale / less)

    return halved


@dataclass(frozen=True)
class Pair:
    """The exact integers of one noise source, without and with the unit."""

    plan: Plan
    without: Exact
    present: Exact

    @property
    def item(self) -> Measurement:
        return self.plan.parts[0].measurements[0]

    def prices(self, filter_: Filter) -> list[float]:
        """Return what this costs each source: ε of a pure filter, ρ otherwise."""
        losses = plan_losses(self.plan, [filter_] * len(self.plan.sources))
        spent = (loss.epsilon_pico if filter_ is Filter.PURE else loss.rho_pico for loss in losses)
        return [float(Fraction(number, PICO)) for number in spent]

    def price(self, filter_: Filter, leaving: DatasetName | None) -> float:
        """Return what *leaving* pays; None: the least that any dataset pays which is read."""
        prices = self.prices(filter_)
        named = (source.dataset for source in self.plan.sources)
        of = dict(zip(named, prices, strict=True))
        return of[leaving] if leaving else min(price for price in prices if price)

    def released(self, times: int) -> tuple[npt.NDArray[Any], npt.NDArray[Any]]:
        """Return *times* releases without and with the unit, one a row."""
        one, other = (self._drawn(exact, times) for exact in (self.without, self.present))
        return one, other

    def _drawn(self, exact: Exact, times: int) -> npt.NDArray[Any]:
        repeated = Exact([np.tile(vector, times) for vector in exact.vectors])
        (found,) = noisy(self.plan, [repeated])
        return np.array(found.vectors[0]).reshape(times, -1)

    def ratios(self, released: npt.NDArray[Any]) -> Floats:
        """Return ln P[release | with] - ln P[release | without], exactly but for rounding, of each row."""
        if isinstance(self.item, Quantile):
            one, other = (self._log_chances(exact) for exact in (self.without, self.present))
            return np.array([other[tuple(it)] - one[tuple(it)] for it in released.tolist()])
        sides = (self._means(exact) for exact in (self.without, self.present))
        from_one, from_other = (np.abs(released - means).astype(float) for means in sides)
        if self.plan.mechanism == "discrete-laplace":
            found: Floats = (from_one - from_other).sum(axis=1) / float(self.item.scale)
        else:
            found = (from_one**2 - from_other**2).sum(axis=1) / (2 * float(self.item.scale))
        return found

    def thresholds(self) -> tuple[int, Floats]:
        """Return which number moves most, and what it may pass; chosen without looking at a release."""
        if isinstance(self.item, Quantile):
            return 0, np.arange(-1.0, self.item.binning.bins + 1)
        one, other = (self._means(exact).astype(float) for exact in (self.without, self.present))
        place = int(np.argmax(np.abs(other - one)))
        scale = float(self.item.scale)
        spread = scale if self.plan.mechanism == "discrete-laplace" else scale**0.5
        return place, (one[place] + other[place]) / 2 + spread * np.linspace(-4, 4, 33)

    def _means(self, exact: Exact) -> npt.NDArray[Any]:
        vector = exact.vectors[0]
        if isinstance(self.item, Distinct):
            vector = (vector.reshape(-1, numbers_per_cell(self.item)) > 0).sum(axis=1)
        return vector

    def _log_chances(self, exact: Exact) -> dict[tuple[int, ...], float]:
        """ln of the probability of each point, low and high end that a quantile's only cell may release."""
        assert isinstance(self.item, Quantile)
        return log_chances(self.item.draws, exact.vectors[0])

    def chances(self) -> tuple[dict[tuple[int, ...], float], dict[tuple[int, ...], float]]:
        """Return each outcome's probability in the only cell of a quantile, without and with the unit."""
        one, other = (self._log_chances(exact) for exact in (self.without, self.present))
        return _powers(one), _powers(other)

    def exact_loss(self, filter_: Filter) -> float:
        """Return the ε (pure) or ρ that the two releases really are apart, from the known distributions.

        ρ is the supremum of D_α/α, for discrete Gaussians bounded by |Δ|²/(2σ²).
        """
        if isinstance(self.item, Quantile):
            return self._exact_of_draw(filter_)
        moved = np.abs(self._means(self.present) - self._means(self.without)).astype(float)
        if filter_ is Filter.PURE:
            return float(moved.sum() / float(self.item.scale))
        return float((moved**2).sum() / (2 * float(self.item.scale)))

    def _exact_of_draw(self, filter_: Filter) -> float:
        laws = [self._log_chances(exact) for exact in (self.without, self.present)]
        assert laws[0].keys() == laws[1].keys()
        one, other = (np.array([law[it] for it in laws[0]]) for law in laws)
        if filter_ is Filter.PURE:
            return float(np.abs(other - one).max())
        orders = np.concatenate([[1.0001], np.arange(1.25, 60, 0.25)])
        both = [
            logsumexp(order * p - (order - 1) * q) / (order - 1) / order
            for order in orders
            for p, q in ((one, other), (other, one))
        ]
        return float(max(both))


def log_chances(draws: Sequence[Draw], counts: npt.NDArray[Any]) -> dict[tuple[int, ...], float]:
    """Return ln of the joint probability of every (point, lowest bin, highest bin) of one quantile."""
    last = len(counts) - 1
    points = _logs(draws[0], scores(draws[0], counts.reshape(1, -1))[0])
    found = {(point, 0, last): log for point, log in enumerate(points.tolist())}
    for draw in draws[1:]:
        found = {
            ends: log + own
            for (point, low, high), log in found.items()
            for ends, own in _widened(draw, counts, point, low, high)
        }
    return found


def _widened(
    draw: Draw, counts: npt.NDArray[Any], point: int, low: int, high: int
) -> Iterator[tuple[tuple[int, ...], float]]:
    widths = half_widths(point, len(counts), draw.side)
    scored = width_scores(np.cumsum(counts), point, draw.quantile, draw.slack, draw.side)
    logs = _logs(draw, scored, weights(widths)).tolist()
    for width, log in zip(widths.tolist(), logs, strict=True):
        below = low if draw.side == "high" else max(point - width, 0)
        above = high if draw.side == "low" else min(point + width, len(counts) - 1)
        yield (point, below, above), log


def _powers(logs: Mapping[tuple[int, ...], float]) -> dict[tuple[int, ...], float]:
    return {it: math.exp(log) for it, log in logs.items()}


def _logs(draw: Draw, scored: npt.NDArray[Any], prior: npt.NDArray[Any] | int = 1) -> Floats:
    logs = -float(draw.rate) * scored.astype(float) + np.log(prior)
    found: Floats = logs - logsumexp(logs)
    return found


def seen_loss(one: Floats, other: Floats, edges: Floats, filter_: Filter) -> float:
    """Return a lower bound of ε (pure) or ρ from how often a statistic of each side passes *edges*.

    Clopper-Pearson bounds of the events "at least the edge" and "below it", in both directions.  For ρ, the
    two-outcome Rényi divergences over their orders: seeing less tells nothing more (data processing).
    """
    n = len(one)
    hits = [(side[:, None] >= edges).sum(axis=0) for side in (one, other)]
    best = 0.0
    events = [hits, [n - side for side in hits]]
    for p, q in [pair for event in events for pair in (event, event[::-1])]:
        low = np.nan_to_num(stats.beta.ppf(CONFIDENCE, p, n - p + 1), nan=0.0)
        high = np.nan_to_num(stats.beta.ppf(1 - CONFIDENCE, q + 1, n - q), nan=1.0)
        apart = low > high
        if apart.any():
            best = max(best, float(_divergence(low[apart], high[apart], filter_).max()))
    return best


def _divergence(p: Floats, q: Floats, filter_: Filter) -> Floats:
    if filter_ is Filter.PURE:
        found: Floats = np.log(p / q)
        return found
    orders = np.concatenate([[1.0001], np.arange(1.25, 20, 0.25)])[:, None]
    powers = p**orders * q ** (1 - orders) + (1 - p) ** orders * (1 - q) ** (1 - orders)
    rates: Floats = (np.log(powers) / (orders - 1) / orders).max(axis=0)
    return rates
