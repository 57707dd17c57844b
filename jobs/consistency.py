"""Least squares over grouping sets: totals that equal the sums of their parts.  Post-processing only.

A table over the keys K of a statement is measured summed up to several sets S ⊆ K, each with independent
noise of one variance σ_S² in all its cells.  The generalised least-squares estimate of the table, summed up
again, is the best linear unbiased estimate of each set's table, and those estimates agree with one another.

Closed form.  Divide a set's table by c_S, the number of table cells behind one of its cells: now it holds
means.  A table of means is the sum of its analysis-of-variance effects, one per T ⊆ S: mean over the keys
outside T, and sums to zero along each key in T.  Noise of one variance has uncorrelated effects, and the
effect T of set S has the covariance σ_S²/(c_S²·Π_{k ∈ S∖T} n_k)·C_T = (σ_S²/c_S)·C_T/Π_{k ∉ T} n_k, n_k the
number of categories of key k, C_T the same for all sets.  So least squares takes, effect by effect, the mean
of what the sets S ⊇ T say, weighted by c_S/σ_S².  (Hay, Rastogi, Miklau & Suciu 2010 for hierarchies; Xiao,
He, Zhang & Kifer 2023, "An optimal and scalable matrix mechanism for noisy marginals", use the same basis.)

All cells of a set are alike: an estimate is the same weighted sum of what was released in every cell, up to
which categories agree.  So the noise of a set's cells has one law, whose weights `weights` returns.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import reduce
from itertools import chain
from math import prod

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
_Set = tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Weight:
    """In an estimate for a cell, *count* numbers released for set number *of* have the weight *weight*."""

    of: int
    weight: float
    count: int


def consistent(
    sizes: Sequence[int],
    sets: Sequence[Sequence[int]],
    variances: Sequence[float],
    tables: Sequence[Sequence[float]],
) -> list[Floats]:
    """Return the least-squares estimate of every set's table, consistent with one another.

    *sizes*: number of categories of each key.  *sets*: numbers of keys, as `jobs.spec.Query.sets`; *tables*:
    what was released for each set, row-major in its keys; *variances*: the variance of a table's noise.
    """
    shares = _shares(sizes, sets, variances)
    effects: dict[_Set, Floats] = {}
    for number, (keys, table) in enumerate(zip(sets, tables, strict=True)):
        means = _expanded(sizes, keys, table) / _behind(sizes, keys)
        for axis in keys:
            means = _split(means, axis)
        for subset in _subsets(keys):
            part = shares[subset][number] * means[_block(subset, keys)]
            effects[subset] = effects[subset] + part if subset in effects else part
    return [_summed(sizes, keys, effects) for keys in sets]


def weights(
    sizes: Sequence[int], sets: Sequence[Sequence[int]], variances: Sequence[float]
) -> list[tuple[Weight, ...]]:
    """Return for each set of what the estimate of one of its cells (any: they are alike) is the sum."""
    shares = _shares(sizes, sets, variances)
    return [
        tuple(chain.from_iterable(_weights(sizes, of, sets[of], keys, shares) for of in range(len(sets))))
        for keys in sets
    ]


def _weights(
    sizes: Sequence[int], of: int, measured: Sequence[int], keys: Sequence[int], shares: dict[_Set, Floats]
) -> Iterator[Weight]:
    """The weights of cells of one *measured* set, by which of the common keys agree with the cell's."""
    common = sorted(set(measured) & set(keys))
    rest = [sizes[key] for key in measured if key not in common]
    factors = np.array([shares[subset][of] for subset in _subsets(common)])
    factors = factors.reshape((2,) * len(common)) * (
        _behind(sizes, keys) / _behind(sizes, measured) / prod(rest)
    )
    for axis, key in enumerate(common):
        # Along a key: (absent, present) in the effect → (category differs, category agrees).
        n = sizes[key]
        turn = np.array([[1 / n, -1 / n], [1 / n, 1 - 1 / n]])
        factors = np.moveaxis(np.tensordot(turn, factors, axes=(1, axis)), 0, axis)
    for pattern, weight in np.ndenumerate(factors):
        differing = (sizes[key] - 1 for key, agrees in zip(common, pattern, strict=True) if not agrees)
        if (count := prod(differing) * prod(rest)) and weight:
            yield Weight(of, float(weight), count)


def _shares(
    sizes: Sequence[int], sets: Sequence[Sequence[int]], variances: Sequence[float]
) -> dict[_Set, Floats]:
    """For every effect that some set has: how much of it is taken from each set, 1 in all."""
    exact = [_behind(sizes, keys) / variance for keys, variance in zip(sets, variances, strict=True)]
    wanted = {subset for keys in sets for subset in _subsets(keys)}
    found = {}
    for subset in wanted:
        own = np.array(
            [weight if set(subset) <= set(keys) else 0.0 for keys, weight in zip(sets, exact, strict=True)]
        )
        found[subset] = own / own.sum()
    return found


def _behind(sizes: Sequence[int], keys: Sequence[int]) -> int:
    """How many cells of the whole table are behind one cell of a set."""
    return prod(size for key, size in enumerate(sizes) if key not in keys)


def _subsets(keys: Sequence[int]) -> Iterator[_Set]:
    """All subsets, in the order of an array with one axis (absent, present) per key in ascending order."""
    ordered = sorted(keys)
    for bits in np.ndindex(*(2,) * len(ordered)):
        yield tuple(key for key, bit in zip(ordered, bits, strict=True) if bit)


def _expanded(sizes: Sequence[int], keys: Sequence[int], table: Sequence[float]) -> Floats:
    """The table of a set with one axis per key of the statement, of length 1 for those not in the set."""
    own = np.array(table, dtype=np.float64).reshape([sizes[key] for key in keys])
    ordered = own.transpose(np.argsort(keys, kind="stable")) if len(keys) > 1 else own
    return ordered.reshape([size if key in keys else 1 for key, size in enumerate(sizes)])


def _split(values: Floats, axis: int) -> Floats:
    """Along *axis*: the mean, then the deviations from it."""
    mean = values.mean(axis=axis, keepdims=True)
    return np.concatenate([mean, values - mean], axis=axis)


def _block(subset: _Set, keys: Sequence[int]) -> tuple[slice, ...]:
    """Where the effect *subset* lies in a table split along *keys*."""
    ends = 1 + max((*keys, -1))
    return tuple(slice(1, None) if key in subset else slice(0, 1) for key in range(ends))


def _summed(sizes: Sequence[int], keys: Sequence[int], effects: dict[_Set, Floats]) -> Floats:
    """The table of a set from its effects, row-major in its keys."""
    start = np.zeros([size if key in keys else 1 for key, size in enumerate(sizes)])
    means = reduce(np.add, (effects[subset] for subset in _subsets(keys)), start)
    own = means.reshape([sizes[key] for key in sorted(keys)])
    # From ascending keys back to the set's own order.
    back = np.argsort(np.argsort(keys, kind="stable"), kind="stable") if len(keys) > 1 else None
    return np.ravel(own if back is None else own.transpose(back)) * float(_behind(sizes, keys))
