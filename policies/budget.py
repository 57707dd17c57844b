"""The ``budget`` of a policy: limits in ε and the δ of key selection, exact, none of them void.

No share of a limit passes the limit, and a limit that comes to nothing in the units that losses are counted
in is refused when it is written, not when the first job is.
"""

from __future__ import annotations

from fractions import Fraction
from typing import TYPE_CHECKING, Final

from policies.load import Document, Path, show_path
from policies.model import BudgetRule, SelectionRule, WindowRule
from sandbox.errors import InvalidInputError
from sandbox.privacy.loss import ATTO, MAX_EPSILON, Filter, limit_of_epsilon

if TYPE_CHECKING:
    from policies.shape import BudgetShape

MOST_SELECTION: Final = Fraction(1, 1000)
"""The largest δ that key selection may ever cost a lineage, as for the δ of a lineage itself."""


def build_budget(document: Document, shape: BudgetShape) -> BudgetRule:
    """Return what ``budget`` says; raises `InvalidInputError` ``policy.…`` with file, line and path."""
    at: Path = ("budget",)
    limit = _epsilon(document, (*at, "epsilon"), shape.epsilon, Fraction(MAX_EPSILON))
    window = shape.window
    if window:
        _epsilon(document, (*at, "window", "epsilon"), window.epsilon, limit)
    for key, share in (("per_job", shape.per_job), ("per_analyst", shape.per_analyst)):
        if share is not None:
            _epsilon(document, (*at, key), share, limit)
    whole = (shape.delta * ATTO).denominator == 1  # losses count δ in 10^-18
    if not (0 < shape.delta < 1 and whole if shape.filter == Filter.ZCDP else shape.delta == 0):
        path = (*at, "delta")
        raise InvalidInputError(
            "policy.bad-delta", file=document.file, line=document.line(path), path=show_path(path)
        )
    for key in ("epsilon", "per_job", "per_analyst"):
        _countable(document, (*at, key), shape, getattr(shape, key))
    _countable(document, (*at, "window", "epsilon"), shape, window.epsilon if window else None)
    pacing = WindowRule(window.every, window.epsilon) if window else None
    return BudgetRule(
        Filter(shape.filter),
        limit,
        shape.delta,
        shape.per_job,
        shape.per_analyst,
        pacing,
        _selection(document, shape),
    )


def _selection(document: Document, shape: BudgetShape) -> SelectionRule | None:
    """Return δ for key selection: at most `MOST_SELECTION`, and only where δ is counted at all."""
    chosen, at = shape.selection, ("budget", "selection")
    if chosen is None:
        return None
    if shape.filter != Filter.ZCDP:
        raise InvalidInputError(
            "policy.selection-under-pure", file=document.file, line=document.line(at), path=show_path(at)
        )
    for key, delta, most in (
        ("lifetime", chosen.lifetime, MOST_SELECTION),
        ("per_job", chosen.per_job, chosen.lifetime),
    ):
        if not 0 < delta <= most or (delta * ATTO).denominator != 1:
            path = (*at, key)
            raise InvalidInputError(
                "policy.bad-selection",
                file=document.file,
                line=document.line(path),
                path=show_path(path),
                limit=f"{float(most):g}",
            )
    return SelectionRule(chosen.per_job, chosen.lifetime)


def _epsilon(document: Document, path: Path, epsilon: Fraction, limit: Fraction) -> Fraction:
    if not 0 < epsilon <= limit:
        raise InvalidInputError(
            "policy.bad-epsilon",
            file=document.file,
            line=document.line(path),
            path=show_path(path),
            limit=str(limit),
        )
    return epsilon


def _countable(document: Document, path: Path, shape: BudgetShape, epsilon: Fraction | None) -> None:
    """Refuse a limit that comes to nothing in the units losses are counted in: every job would be refused."""
    try:
        if epsilon is not None:
            limit_of_epsilon(Filter(shape.filter), epsilon, shape.delta)
    except InvalidInputError:
        raise InvalidInputError(
            "policy.epsilon-too-small", file=document.file, line=document.line(path), path=show_path(path)
        ) from None
