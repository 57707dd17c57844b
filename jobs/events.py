"""What a plan does to one of its sources, as an accountant of privacy loss distributions wants to know it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction

from jobs.plan import Part, Plan, Quantile
from jobs.reading import sources_of
from jobs.sensitivity import draw_epsilon, moved, reach, steps_of
from sandbox.privacy.selection import delta_of


@dataclass(frozen=True, slots=True)
class Event:
    """One mechanism: Gaussian noise with L2²/σ² = *gaussian*, or an ε-DP mechanism (*pure*), and a δ."""

    gaussian: Fraction = Fraction(0)
    pure: Fraction = Fraction(0)
    delta: Fraction = Fraction(0)


def events(plan: Plan, source: int) -> Iterator[Event]:
    """Yield the mechanisms that *source* pays for; two neighbouring steps count as twice the sensitivity."""
    for part in plan.parts:
        if source in sources_of(part):
            yield from _of_part(
                part, steps_of(part.frame, source), laplace=plan.mechanism == "discrete-laplace"
            )


def _of_part(part: Part, steps: int, *, laplace: bool) -> Iterator[Event]:
    for item in part.measurements:
        if isinstance(item, Quantile):
            yield from (Event(pure=steps * draw_epsilon(part, draw)) for draw in item.draws)
            continue
        one, two = moved(part, item)
        yield Event(pure=steps * one / item.scale) if laplace else Event(gaussian=steps**2 * two / item.scale)
    if part.selection is not None:
        scale, groups = part.selection.scale, reach(part).cells
        delta = delta_of(scale, groups, part.selection.threshold)
        yield Event(gaussian=steps**2 * groups / scale, delta=delta)
