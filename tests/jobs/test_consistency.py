"""Least squares over grouping sets, against numpy's solver on the whole design and against simulation."""

import itertools
import math

import numpy as np
import pytest

from jobs.consistency import consistent, weights
from tests.support.effort import at_most

CASES = [
    ([3, 4], [(0, 1), (0,), ()]),
    ([3, 4], [(1, 0), (1,)]),
    ([3, 4], [(0,), (1,)]),
    ([2, 3, 2], [(0, 1, 2), (0, 1), (0,), ()]),
    ([2, 3, 2], [(2, 0), (1,), (0, 1), ()]),
    ([2, 3, 2], [(0, 1, 2), (0, 1), (1, 2), (0, 2), (0,), (1,), (2,), ()]),
    ([1, 5], [(0, 1), (0,), (1,), ()]),
    ([4], [(0,), (0,)]),
    ([], [()]),
]


def design(sizes, keys):
    """Return the matrix that sums the whole table up to a set, row-major in the set's keys."""
    cells = list(itertools.product(*map(range, sizes)))
    groups = list(itertools.product(*(range(sizes[key]) for key in keys)))
    return np.array(
        [[float(all(c[k] == g for k, g in zip(keys, group, strict=True))) for c in cells] for group in groups]
    )


def drawn(sizes, sets, seed=1):
    rng = np.random.default_rng(seed)
    truth = rng.integers(0, 1000, math.prod(sizes)).astype(float)
    variances = rng.uniform(0.5, 40, len(sets))
    matrices = [design(sizes, keys) for keys in sets]
    tables = [
        a @ truth + rng.normal(0, math.sqrt(v), len(a)) for a, v in zip(matrices, variances, strict=True)
    ]
    return matrices, variances, tables


@pytest.mark.parametrize(("sizes", "sets"), CASES)
def test_the_estimate_is_the_generalised_least_squares_one(sizes, sets):
    matrices, variances, tables = drawn(sizes, sets)
    scaled = np.vstack([a / math.sqrt(v) for a, v in zip(matrices, variances, strict=True)])
    wanted = np.concatenate([t / math.sqrt(v) for t, v in zip(tables, variances, strict=True)])
    best, *_ = np.linalg.lstsq(scaled, wanted, rcond=None)
    for matrix, estimate in zip(matrices, consistent(sizes, sets, variances, tables), strict=True):
        assert np.allclose(estimate, matrix @ best, rtol=1e-9, atol=1e-7)


@pytest.mark.parametrize(("sizes", "sets"), CASES)
def test_totals_equal_the_sums_of_their_parts(sizes, sets):
    _, variances, tables = drawn(sizes, sets, seed=2)
    found = consistent(sizes, sets, variances, tables)
    for (keys, table), (part_keys, part) in itertools.permutations(zip(sets, found, strict=True), 2):
        if set(keys) <= set(part_keys):
            shaped = part.reshape([sizes[key] for key in part_keys])
            lost = tuple(axis for axis, key in enumerate(part_keys) if key not in keys)
            summed = shaped.sum(axis=lost)
            left = [key for key in part_keys if key in keys]
            summed = summed.transpose([left.index(key) for key in keys]).ravel()
            assert np.allclose(summed, table, rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize(("sizes", "sets"), CASES)
def test_the_weights_are_those_of_the_estimate(sizes, sets):
    """Put 1 in one released number and 0 elsewhere: what comes out is that number's weight."""
    variances = np.random.default_rng(3).uniform(0.5, 40, len(sets))
    stated = weights(sizes, sets, variances)
    lengths = [math.prod(sizes[key] for key in keys) for keys in sets]
    found = [[[] for _ in sets] for _ in sets]
    for of, length in enumerate(lengths):
        for place in range(length):
            tables = [np.zeros(n) for n in lengths]
            tables[of][place] = 1
            for number, estimate in enumerate(consistent(sizes, sets, variances, tables)):
                found[number][of].append(estimate[-1])
    for number, made in enumerate(stated):
        for of in range(len(sets)):
            listed = [w.weight for w in made if w.of == of for _ in range(w.count)]
            used = list(found[number][of])
            assert np.allclose(sorted(listed + [0.0] * (len(used) - len(listed))), sorted(used), atol=1e-12)


def test_the_variance_of_an_estimate_is_that_of_its_weights_and_not_above_the_measured():
    """20,000 runs: a standard deviation is off by less than 4 %, five times its standard error."""
    sizes, sets = [3, 4], [(0, 1), (0,), (1,), ()]
    variances, rng = [9.0, 4.0, 25.0, 1.0], np.random.default_rng(4)
    lengths = [12, 3, 4, 1]
    firsts = [[] for _ in sets]
    for _ in range(20_000):
        tables = [rng.normal(0, math.sqrt(v), n) for v, n in zip(variances, lengths, strict=True)]
        for into, estimate in zip(firsts, consistent(sizes, sets, variances, tables), strict=True):
            into.append(estimate[0])
    for seen, made, variance in zip(firsts, weights(sizes, sets, variances), variances, strict=True):
        stated = sum(w.count * w.weight**2 * variances[w.of] for w in made)
        assert np.std(seen) == pytest.approx(math.sqrt(stated), rel=0.04)
        assert stated < variance


def test_exact_integers_that_agree_are_not_moved():
    table = np.arange(12) * 10**12
    sums = [table, table.reshape(3, 4).sum(axis=1), [table.sum()]]
    for own, estimate in zip(sums, consistent([3, 4], [(0, 1), (0,), ()], [1, 5, 2], sums), strict=True):
        assert np.allclose(own, estimate, rtol=1e-14)


@pytest.mark.parametrize(
    ("sizes", "sets"),
    [
        ([3] * 10, [tuple(range(k)) for k in range(11)]),
        ([100, 1000], [(0, 1), (0,), (1,), ()]),
        ([4, 4, 4, 4, 4, 4], [c for k in range(7) for c in itertools.combinations(range(6), k)]),
    ],
)
def test_a_hundred_thousand_cells_take_about_a_second(sizes, sets):
    variances = [1.0 + len(keys) for keys in sets]
    tables = [np.ones(math.prod(sizes[key] for key in keys)) for keys in sets]
    with at_most(100):
        consistent(sizes, sets, variances, tables)
        weights(sizes, sets, variances)
