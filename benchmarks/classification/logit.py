"""Conditional logit (McFadden 1974) by Newton's method; a quadratic penalty pulls to what hints say as such.

Of some hundred features a choice has a dozen, and there are millions of choices: matrices are sparse.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import sparse

from classifiers.combine import UNSEEN

PENALTY = 0.5
HALVINGS = 30
"""How often a step is halved that overshoots."""
Matrix = npt.NDArray[np.float64]
Example = tuple[str, Mapping[str, Mapping[str, float]]]
"""The label, and by tag that may be chosen its features."""


@dataclass(frozen=True, slots=True)
class _Choices:
    """The features of all choices of all examples, a row each (*values*); *starts*: an example's first row.

    *by_example*: a row per example, 1 at its choices.  *right*: the features of each example's right choice.
    """

    values: sparse.csr_matrix
    starts: npt.NDArray[np.int64]
    by_example: sparse.csr_matrix
    right: sparse.csr_matrix


def fit(
    examples: Sequence[Example], counts: Sequence[float], penalty: float = PENALTY, rounds: int = 50
) -> dict[str, float]:
    """Return the coefficients by feature; where nothing speaks for the label, `UNSEEN` is right.

    *counts*: how often each example counts.
    """
    often = np.array(counts)
    names = sorted({name for _, found in examples for values in found.values() for name in values})
    choices = _choices(examples, names)
    weights = np.array([1.0 if name in ("name", "values") else 0.0 for name in names])
    centre = weights.copy()
    loss, chances = _loss(choices, often, weights)
    loss += penalty / 2 * np.square(weights - centre).sum()
    for _ in range(rounds):
        mean = choices.by_example.multiply(chances) @ choices.values
        slope = penalty * (weights - centre) + often @ (mean - choices.right)
        weighed = choices.values.multiply((chances * (often @ choices.by_example))[:, None])
        bend = (choices.values.T @ weighed - mean.T @ mean.multiply(often[:, None])).toarray()
        step = np.linalg.solve(penalty * np.eye(len(names)) + bend, slope)
        for _ in range(HALVINGS):
            tried = weights - step
            reached, chances = _loss(choices, often, tried)
            reached += penalty / 2 * np.square(tried - centre).sum()
            if reached <= loss:
                break
            step /= 2
        weights, loss = tried, reached
        if np.abs(step).max() < 1e-9:
            break
    return {name: round(float(value), 4) for name, value in zip(names, weights, strict=True)}


def _loss(choices: _Choices, often: Matrix, weights: Matrix) -> tuple[float, Matrix]:
    """Return minus the log-likelihood of the right choices, and the chances of all."""
    scores = choices.values @ weights
    counts = np.diff(np.append(choices.starts, len(scores)))
    most = np.maximum.reduceat(scores, choices.starts)
    odds = np.exp(scores - np.repeat(most, counts))
    totals = np.add.reduceat(odds, choices.starts)
    return float(often @ (most + np.log(totals) - choices.right @ weights)), odds / np.repeat(totals, counts)


def _choices(examples: Sequence[Example], names: Sequence[str]) -> _Choices:
    place = {name: index for index, name in enumerate(names)}
    rows = [of_choice for _, found in examples for of_choice in found.values()]
    columns = [place[name] for row in rows for name in row]
    ends = np.cumsum([0, *map(len, rows)])
    given = np.array([value for row in rows for value in row.values()], float)
    values = sparse.csr_matrix((given, columns, ends), (len(rows), len(names)))
    bounds = np.cumsum([0, *(len(found) for _, found in examples)])
    by_example = sparse.csr_matrix(
        (np.ones(len(rows)), np.arange(len(rows)), bounds), (len(examples), len(rows))
    )
    chosen = [list(found).index(tag if tag in found else UNSEEN) for tag, found in examples]
    return _Choices(values, bounds[:-1], by_example, values[bounds[:-1] + np.array(chosen)])
