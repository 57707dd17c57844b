"""The two privacy filters: what is summed, and what may not enter a sum.  Pure.

A filter admits adaptively chosen losses, one after another, as long as their sum stays within a limit fixed
beforehand, and then the whole interaction satisfies that limit.

* ``pure`` sums ε.  Basic composition is a valid filter (Rogers, Roth, Ullman & Vadhan 2016, "Privacy
  odometers and filters", section 3).  A loss with δ > 0 has no place in it.
* ``zcdp`` sums ρ and δ.  Sums of Rényi (hence of zCDP) losses are valid filters with the same constants as
  ordinary composition (Feldman & Zrnic 2021, "Individual privacy accounting via a Rényi filter"; Whitehouse,
  Ramdas, Rogers & Wu 2023, "Fully-adaptive composition in differential privacy", which also covers
  approximate zCDP, where the δ add up).

A tighter figure of another accountant may be reported; it never admits a job.
"""

from __future__ import annotations

from sandbox.errors import InvalidInputError
from sandbox.privacy.loss import Filter, Loss


def check(filter_: Filter, loss: Loss) -> None:
    """Raise `InvalidInputError` unless *loss* is in the currency of *filter_* and more than nothing."""
    if filter_ is Filter.PURE and loss.delta_atto:
        raise InvalidInputError("privacy.delta-under-pure")
    foreign = loss.rho_pico if filter_ is Filter.PURE else loss.epsilon_pico
    own = loss.epsilon_pico if filter_ is Filter.PURE else loss.rho_pico + loss.delta_atto
    if foreign or not own:
        raise InvalidInputError("privacy.loss-without-meaning", filter=filter_.value)


def admits(filter_: Filter, loss: Loss, left: Loss) -> bool:
    """Return whether *loss* may be spent where a limit leaves *left*; raises what `check` raises.

    What is left is `Loss.minus` of the limit and the sum spent, so this is spent + loss ≤ limit in every
    component that *loss* has.  One that it lacks grows no sum: a limit on δ that was lowered below what is
    spent stops jobs that cost δ, not the others.
    """
    check(filter_, loss)
    return loss.fits(left)
