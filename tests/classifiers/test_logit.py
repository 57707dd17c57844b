"""The fit of the combiner against a general minimiser."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.optimize import minimize

from benchmarks.classification.logit import fit
from classifiers.combine import UNSEEN

FEATURES = ["name", "values", "prior", "first"]


def minimum(examples, counts, penalty):
    """Minus the log-likelihood written out choice by choice, and BFGS."""
    centre = np.array([1.0 if name in ("name", "values") else 0.0 for name in FEATURES])

    def loss(weights):
        total = penalty / 2 * float(((weights - centre) ** 2).sum())
        for (tag, found), count in zip(examples, counts, strict=True):
            scores = {
                it: sum(weights[FEATURES.index(name)] * value for name, value in of.items())
                for it, of in found.items()
            }
            right = scores[tag if tag in scores else UNSEEN]
            total -= count * (right - np.logaddexp.reduce(list(scores.values())))
        return total

    return minimize(loss, centre, tol=1e-10).x


VALUES = st.floats(-3, 3, allow_nan=False, width=32)
FOUND = st.dictionaries(
    st.sampled_from(["pi.name", "general", "pi.age"]),
    st.dictionaries(st.sampled_from(FEATURES), VALUES, max_size=4),
    max_size=3,
).map(lambda found: {UNSEEN: {"prior": 1.0}, **found})


@given(
    st.lists(
        st.tuples(st.sampled_from(["pi.name", "general", "pi.sex"]), FOUND, st.floats(0.1, 5)),
        min_size=1,
        max_size=8,
    )
)
def test_it_finds_what_a_general_minimiser_finds(drawn) -> None:
    examples, counts = [(tag, found) for tag, found, _ in drawn], [count for *_, count in drawn]
    wanted = minimum(examples, counts, 0.5)
    found = fit(examples, counts)
    for name, value in found.items():
        assert value == pytest.approx(wanted[FEATURES.index(name)], abs=2e-3), name


def test_an_example_that_counts_twice_is_two_examples() -> None:
    one = ("pi.name", {UNSEEN: {"prior": 1.0}, "pi.name": {"name": 0.4}, "general": {"first": 1.0}})
    other = ("general", {UNSEEN: {"prior": 1.0}, "pi.name": {"name": 1.4}, "general": {"values": 0.7}})
    assert fit([one, other], [2.0, 1.0]) == fit([one, one, other], [1.0] * 3)
