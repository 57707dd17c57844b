"""Every interval covers the truth, for every aggregate and number of rows; from noise on known totals.

One table has as many cells as runs are wanted, all with the same rows.  Where there is no truth (an average
of nobody, a spread of one row) there is nothing to cover, but for AVG every ratio must be covered alike.
"""

from __future__ import annotations

import random
from fractions import Fraction
from functools import cache
from typing import Any

import numpy as np
import pytest
from measured import BARS, BINS, MEASUREMENTS, PLACES, plan_of, query_of, release
from scipy.stats import binom

from jobs.calibration import draws
from jobs.expressions import Column
from jobs.plan import Mechanism, Quantile
from jobs.results import tabulate
from jobs.spec import Aggregate

SIZES = (0, 1, 3, 50, 5000)
MECHANISMS: tuple[Mechanism, ...] = ("discrete-laplace", "discrete-gaussian")
LOSS = {"discrete-laplace": Fraction(1, 10), "discrete-gaussian": Fraction(1, 200)}
ALL = {kind.value: Column(f"measure:{place}") for place, kind in enumerate(PLACES)}
ONE_NOISE = ("count", "count-units", "sum", "histogram")
"""Aggregates with one noise of σ ≥ 10 behind the value, whose interval must not be too wide."""


@cache
def rows_of(count: int) -> tuple[dict[str, Any], ...]:
    """Rows with x in [0, 100] on grid 1 and a y that follows it on grid 1/2; the same in every test."""
    dice = random.Random(count)
    found = []
    for _ in range(count):
        x = dice.randint(0, 100)
        y = min(max(Fraction(round(x / 5 + dice.gauss(0, 10) - 10), 2), Fraction(-20)), Fraction(30))
        found.append({"x": Fraction(x), "y": y, "c": dice.choice("abcde"), "out": Fraction(x > 90)})
    return tuple(found)


def truth_of(count: int) -> dict[str, float | None]:
    rows = rows_of(count)
    x, y = (np.array([float(row[name]) for row in rows]) for name in ("x", "y"))
    found: dict[str, float | None] = {
        "count": count,
        "count-units": count,
        "count-distinct": len({row["c"] for row in rows}),
        "sum": x.sum(),
        "histogram": sum(value <= float(BARS.last(0)) for value in x),
    }
    if count:
        found |= {"avg": x.mean(), "clipped": (x > 90).mean(), "quantile": float(np.median(x))}
        found |= {
            "var_pop": x.var(),
            "stddev_pop": x.std(),
            "covar_pop": ((x - x.mean()) * (y - y.mean())).mean(),
        }
    if count > 1:
        slope, intercept = np.polyfit(x, y, 1)
        found |= {"var_samp": x.var(ddof=1), "stddev_samp": x.std(ddof=1), "covar_samp": np.cov(x, y)[0, 1]}
        found |= {"corr": np.corrcoef(x, y)[0, 1], "regr_slope": slope, "regr_intercept": intercept}
    return found


def table_of(mechanism: Mechanism, count: int, runs: int) -> list[dict[str, Any]]:
    plan = plan_of(mechanism, runs)
    median = Quantile(BINS, draws(plan.parts[0], Fraction(1, 2), LOSS[mechanism], mechanism))
    items = [median if isinstance(item, Quantile) else item for item in MEASUREMENTS]
    plan = plan_of(mechanism, runs, measurements=items)
    rows = rows_of(count)
    return list(tabulate(query_of(ALL), plan, 0, release(plan, lambda *_: rows)).rows)


def share(rows: list[dict[str, Any]], name: str, truth: float) -> float:
    """The share of *rows* whose interval for *name* holds *truth*; no interval excludes nothing."""
    slack = 1e-9 * max(abs(truth), 1)
    ends = [(row[f"{name}_low"], row[f"{name}_high"]) for row in rows]
    return sum(low is None or low - slack <= truth <= high + slack for low, high in ends) / len(rows)


@pytest.mark.parametrize("mechanism", MECHANISMS)
@pytest.mark.parametrize("count", SIZES)
def test_intervals_cover(mechanism: Mechanism, count: int) -> None:
    """400 runs: an exact 95 % interval shows less than the bound once in a million times."""
    least = float(binom.ppf(1e-6, 400, 0.95)) / 400
    rows, truth = table_of(mechanism, count, 400), truth_of(count)
    covered = {name: share(rows, name, value) for name, value in truth.items() if value is not None}
    assert {name: found for name, found in covered.items() if found < least} == {}


@pytest.mark.soak
@pytest.mark.parametrize("mechanism", MECHANISMS)
@pytest.mark.parametrize("count", SIZES)
def test_intervals_cover_in_2000_runs(mechanism: Mechanism, count: int) -> None:
    """At least 93.2 %, which an exact 95 % interval misses once in 8,000 times: what misses is tried again.

    At most 97.5 % where one noise stands behind the value, and no end of the interval was cut at 0.
    """
    truth = truth_of(count)
    wrong = _wrong(table_of(mechanism, count, 2000), truth, count)
    again = _wrong(table_of(mechanism, count, 2000), truth, count) if wrong else {}
    assert {name: (wrong[name], again[name]) for name in set(wrong) & set(again)} == {}


def _wrong(rows: list[dict[str, Any]], truth: dict[str, float | None], count: int) -> dict[str, float]:
    covered = {name: share(rows, name, value) for name, value in truth.items() if value is not None}
    few = {name: found for name, found in covered.items() if found < 0.932}
    cut = count < 5000
    many = {
        name: covered[name] for name in ONE_NOISE if covered[name] > 0.975 and not (cut and name != "sum")
    }
    return few | many


@pytest.mark.parametrize("mechanism", MECHANISMS)
def test_an_average_of_nobody_may_be_anything(mechanism: Mechanism) -> None:
    rows = table_of(mechanism, 0, 400)
    least = float(binom.ppf(1e-6, 400, 0.95)) / 400
    assert min(share(rows, "avg", float(ratio)) for ratio in (0, 37, 100)) >= least


@pytest.mark.parametrize("mechanism", MECHANISMS)
def test_an_interval_that_is_too_narrow_is_caught(mechanism: Mechanism) -> None:
    """The same check on half the width must fail, or it proves nothing."""
    rows, truth = table_of(mechanism, 5000, 400), truth_of(5000)
    least = float(binom.ppf(1e-6, 400, 0.95)) / 400
    for name in ("count", "sum", "avg", "var_pop", "corr"):
        assert share([_halved(row, name) for row in rows], name, float(truth[name] or 0)) < least


def _halved(row: dict[str, Any], name: str) -> dict[str, Any]:
    low, high = row[f"{name}_low"], row[f"{name}_high"]
    centre = (low + high) / 2
    return row | {f"{name}_low": (low + centre) / 2, f"{name}_high": (high + centre) / 2}


def test_every_aggregate_is_covered_here() -> None:
    assert set(truth_of(3)) == {kind.value for kind in Aggregate}
