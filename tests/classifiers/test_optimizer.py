"""AdamW by row: as moving every row in every step, which is written out here."""

import numpy as np
import pytest

from benchmarks.classification.optimizer import DECAY, KEEP, AdamW

STEPS, ROWS, WIDTH = 400, 30, 4
EPSILON = 1e-8


def rate(done: float) -> float:
    return 0.01 * (1.05 - done)


def slopes(draws: np.random.Generator):
    """Some rows in nearly every step, some in few, the last one never; and a dense parameter."""
    chance = np.append(np.geomspace(1, 0.01, ROWS - 1), 0)
    for _ in range(STEPS):
        places = np.flatnonzero(draws.random(ROWS) < chance)
        yield places, draws.normal(0.2, 1, (len(places), WIDTH)).astype(np.float32), draws.normal(0, 1, 3)


def everywhere(values: np.ndarray, slopes_of_all: list[np.ndarray]) -> np.ndarray:
    """Loshchilov & Hutter 2019, algorithm 2."""
    now = values.astype(float)
    first, second = np.zeros_like(now), np.zeros_like(now)
    for done, slope in enumerate(slopes_of_all, 1):
        first = KEEP[0] * first + (1 - KEEP[0]) * slope
        second = KEEP[1] * second + (1 - KEEP[1]) * slope**2
        mean, square = first / (1 - KEEP[0] ** done), second / (1 - KEEP[1] ** done)
        now -= rate((done - 1) / STEPS) * (mean / (np.sqrt(square) + EPSILON) + DECAY * now)
    return now


def filled(places: np.ndarray, sparse: np.ndarray) -> np.ndarray:
    found = np.zeros((ROWS, WIDTH))
    found[places] = sparse
    return found


@pytest.mark.parametrize("seed", range(3))
def test_rows_that_are_made_up_for_stand_where_they_would(seed: int) -> None:
    draws = np.random.default_rng(100 + seed)
    rows = draws.normal(0, 1, (ROWS, WIDTH)).astype(np.float32)
    dense = draws.normal(0, 1, 3).astype(np.float32)
    given = list(slopes(np.random.default_rng(seed)))
    wanted = everywhere(rows, [filled(places, sparse) for places, sparse, _ in given])
    wanted_dense = everywhere(dense, [whole for _, _, whole in given])
    parameters = {"rows": rows.copy(), "dense": dense.copy()}
    optimizer = AdamW(parameters, STEPS, rate, frozenset({"rows"}))
    for places, sparse, whole in given:
        now = optimizer.shown({"rows": places})
        assert now["rows"].shape == sparse.shape
        optimizer.step({"rows": sparse, "dense": whole.astype(np.float32)}, {"rows": places})
    optimizer.finish()
    moved = np.abs(wanted - rows).max()
    assert np.abs(parameters["rows"] - wanted).max() < 0.01 * moved
    assert parameters["dense"] == pytest.approx(wanted_dense, abs=1e-4)


def test_what_is_shown_is_made_up_for_first() -> None:
    rows = np.ones((2, 1), np.float32)
    optimizer = AdamW({"rows": rows}, 10, lambda _done: 0.1, frozenset({"rows"}))
    for _ in range(5):
        optimizer.step({"rows": np.zeros((1, 1), np.float32)}, {"rows": np.array([0])})
    shown = optimizer.shown({"rows": np.array([1])})["rows"]
    assert shown[0, 0] == pytest.approx((1 - 0.1 * DECAY) ** 5, rel=1e-5)
    assert rows[0, 0] == pytest.approx(rows[1, 0], rel=1e-5)
