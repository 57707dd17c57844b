"""How far a budget goes: queries it pays for, and how long it lasts.  Pure.

Losses are counted as the ledger counts them (`sandbox.privacy.loss`): under zCDP in ρ, so that questions of
half the ε are nearly four times as many.
"""

from __future__ import annotations

from fractions import Fraction
from typing import Final

from policies.model import BudgetRule
from sandbox.errors import InvalidInputError
from sandbox.privacy.loss import Filter, Loss, cost_of_epsilon, limit_of_epsilon

WINDOWS_A_MONTH: Final = {
    "hour": Fraction(24 * 365, 12),
    "day": Fraction(365, 12),
    "week": Fraction(365, 7 * 12),
    "month": Fraction(1),
}
"""How many pacing windows of each length a month has on average."""
_ROUND: Final = tuple(map(Fraction, ("1", "1/2", "1/5", "1/10", "1/20", "1/50", "1/100", "1/1000")))


def usual_loss(budget: BudgetRule) -> Fraction:
    """Return a round ε for one question: at most half of what one job may cost, or a tenth of everything."""
    most = min(
        budget.epsilon / 10 if budget.per_job is None else budget.per_job / 2,
        *([budget.per_analyst] if budget.per_analyst else []),
        *([budget.window.epsilon] if budget.window else []),
        budget.epsilon,
    )
    return next((loss for loss in _ROUND if loss <= most), most)


def queries(budget: BudgetRule, limit: Fraction, loss: Fraction) -> int:
    """Return how many questions of ε = *loss* a limit of ε = *limit* pays for; both above 0."""
    try:
        cost = cost_of_epsilon(budget.filter, loss, budget.delta)
        return whole_times(budget.filter, limit_of_epsilon(budget.filter, limit, budget.delta), cost)
    except InvalidInputError:  # too little to be counted
        return 0


def whole_times(filter_: Filter, limit: Loss, cost: Loss) -> int:
    """Return how often *cost* fits into *limit*, in the filter's own currency."""
    if filter_ is Filter.PURE:
        return limit.epsilon_pico // cost.epsilon_pico
    return limit.rho_pico // cost.rho_pico


def months(budget: BudgetRule) -> Fraction | None:
    """Return how many months the lifetime limit lasts if every window is used up; None without a window."""
    if budget.window is None:
        return None
    part = limit_of_epsilon(budget.filter, budget.window.epsilon, budget.delta)
    whole = limit_of_epsilon(budget.filter, budget.epsilon, budget.delta)
    pure = budget.filter is Filter.PURE
    windows = Fraction(
        whole.epsilon_pico if pure else whole.rho_pico, part.epsilon_pico if pure else part.rho_pico
    )
    return windows / WINDOWS_A_MONTH[budget.window.every]
