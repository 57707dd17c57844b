"""AdamW (Loshchilov & Hutter 2019) that touches only the vectors of tokens that occur in a batch.

Of a hundred thousand vectors a batch shows some thousands, but every step of AdamW moves all of them: by what
is left of their last gradients, and by the decay.  A vector nobody looks at may be moved later.  So a step
first makes up, in one go, for the steps that the batch's vectors missed, then moves them.

In a step a row without a gradient moves by its mean gradient over the root of its mean square.  The first
shrinks by the first of `KEEP`, the second by the other, so the quotient by `_SHRINKS`, times what depends on
the number of the step alone: the rate, and the correction of means that start at zero.  So the sum over the
missing steps is the quotient times a difference of two entries of a table; most of it falls into the first
dozen steps, so the decay is taken of what it leads to.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np
import numpy.typing as npt

KEEP = (0.9, 0.999)
"""What is kept in a step of the mean gradient and of its mean square."""
DECAY = 0.3
"""What a vector loses in a step, times the rate."""
_SHRINKS = KEEP[0] / KEEP[1] ** 0.5
_LEAST = 1e-8
Floats = npt.NDArray[np.float32]
Integers = npt.NDArray[np.int64]
Parameters = dict[str, Floats]


class AdamW:
    """Moves *parameters* in place, over *steps* steps at rates that *cycle* gives for the progress (0 to 1).

    Of the parameters called *by_row* each step moves the given rows only; `finish` makes up for the rest.
    """

    def __init__(
        self,
        parameters: Parameters,
        steps: int,
        cycle: Callable[[float], float],
        by_row: frozenset[str] = frozenset(),
    ) -> None:
        self.parameters, self.done = parameters, 0
        self.first = {name: np.zeros_like(it) for name, it in parameters.items()}
        self.second = {name: np.zeros_like(it) for name, it in parameters.items()}
        self._rates = np.array([cycle(step / steps) for step in range(steps)])
        self._decayed = np.concatenate([[0.0], np.log1p(-DECAY * self._rates).cumsum()])
        self._ahead = np.zeros(steps + 1)
        for step in reversed(range(steps)):
            self._ahead[step] = _SHRINKS * (self._rates[step] * _started(step + 1) + self._ahead[step + 1])
        self._last = {name: np.zeros(len(parameters[name]), np.int64) for name in by_row}

    def shown(self, rows: Mapping[str, Integers]) -> Parameters:
        """Return the parameters as they are now, of those by row only *rows*."""
        for name, places in rows.items():
            self._make_up(name, places)
        return self.parameters | {name: self.parameters[name][places] for name, places in rows.items()}

    def step(self, found: Parameters, rows: Mapping[str, Integers]) -> None:
        """Move the parameters against the gradient *found*, of which those by row have *rows* only."""
        rate = self._rates[self.done]
        self.done += 1
        started = _started(self.done)
        for name, slope in found.items():
            places = rows.get(name, slice(None))
            first = self.first[name][places] * KEEP[0] + (1 - KEEP[0]) * slope
            second = self.second[name][places] * KEEP[1] + (1 - KEEP[1]) * np.square(slope)
            values = self.parameters[name][places]
            moved = values - rate * (started * _quotient(first, second) + DECAY * values)
            self.first[name][places], self.second[name][places] = first, second
            self.parameters[name][places] = moved
            if name in self._last:
                self._last[name][places] = self.done

    def finish(self) -> None:
        """Make up for the steps that rows missed since they were last moved."""
        for name, last in self._last.items():
            self._make_up(name, np.arange(len(last)))

    def _make_up(self, name: str, places: Integers) -> None:
        last = self._last[name][places]
        places, last = places[late := last < self.done], last[late]
        missed = (self.done - last)[:, None]
        first, second = self.first[name][places], self.second[name][places]
        series = self._ahead[last][:, None] - _SHRINKS**missed * self._ahead[self.done]
        kept = np.exp(self._decayed[self.done] - self._decayed[last])[:, None]
        self.parameters[name][places] = (
            (self.parameters[name][places] - series * _quotient(first, second)) * kept
        ).astype(np.float32)
        self.first[name][places] = first * KEEP[0] ** missed
        self.second[name][places] = second * KEEP[1] ** missed
        self._last[name][places] = self.done


def _started(step: int) -> float:
    """Return what makes the quotient of step *step* (from 1) free of the start of both means at zero."""
    return float((1 - KEEP[1] ** step) ** 0.5 / (1 - KEEP[0] ** step))


def _quotient(first: Floats, second: Floats) -> Floats:
    found: Floats = first / (np.sqrt(second) + _LEAST)
    return found
