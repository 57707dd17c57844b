"""Losses, mechanisms, shares and types as people read them."""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction
from typing import Any, Final

from sandbox.schema import Field, Kind
from service.messages.catalogue import language as users_language
from service.messages.catalogue import say

MECHANISMS: Final = {
    "discrete-laplace": "reports.mechanism-laplace",
    "discrete-gaussian": "reports.mechanism-gaussian",
}
"""Noise mechanism → message key of its name."""

GROUP_BOUNDS: Final = {
    "both": "reports.group-bound",
    "groups": "reports.group-bound-groups",
    "rows": "reports.group-bound-rows",
}
"""What of a bound of groups is said → message key."""

WINDOWS: Final = {
    "hour": "reports.window-hour",
    "day": "reports.window-day",
    "week": "reports.window-week",
    "month": "reports.window-month",
}
"""Length of a pacing window → message key."""

STATES: Final = {
    "submitted": "cli.state-submitted",
    "awaiting-approval": "cli.state-awaiting-approval",
    "charged": "cli.state-charged",
    "running": "cli.state-running",
    "interrupted": "cli.state-interrupted",
    "released": "cli.state-released",
    "failed": "cli.state-failed",
    "refused": "cli.state-refused",
    "cancelled": "cli.state-cancelled",
}
"""State of a job → message key."""

MEASURED: Final = {
    "count": "cli.kind-count",
    "sum": "cli.kind-sum",
    "product": "cli.kind-product",
    "histogram": "cli.kind-histogram",
    "units": "cli.kind-units",
    "distinct": "cli.kind-distinct",
    "quantile": "cli.kind-quantile",
    "selection": "cli.kind-selection",
}
"""Kind of a measurement → message key."""

ROLES: Final = {
    "owner": "role.owner",
    "analyst": "role.analyst",
    "reviewer": "role.reviewer",
    "operator": "role.operator",
}
"""Role of a person → message key."""

LIKENESS: Final = {
    "same": "approval.likeness-same",
    "constants": "approval.likeness-constants",
    "close": "approval.likeness-close",
}
"""How alike two questions are → message key."""


def tidy(amount: object) -> str:
    """Return decimal text at four digits for the eye: ``"0.000001"`` → ``"1e-6"``; None → ``"–"``."""
    if amount is None:
        return "–"
    short = f"{float(Fraction(str(amount))):.4g}"
    mantissa, sign, exponent = short.partition("e")
    return f"{mantissa}e{int(exponent)}" if sign else short


def loss(amount: Mapping[str, Any] | None) -> str:
    """Return a loss in one line: ``ε 0.5`` under the pure filter, ``ε 0.5 (ρ 0.0044, δ 1e-6)`` under zCDP."""
    if amount is None:
        return "–"
    if amount["filter"] == "pure":
        return f"ε {tidy(amount['epsilon'])}"
    return f"ε {tidy(amount['epsilon'])} (ρ {tidy(amount['rho'])}, δ {tidy(amount['delta'])})"


def mechanism(name: str, language: str | None = None) -> str:
    """Return the name of a noise mechanism in *language*, the user's if None."""
    return say(MECHANISMS[name], language or users_language()) if name in MECHANISMS else name


def group_bound(told: Mapping[str, Any], language: str | None = None) -> str | None:
    """Return how the groups of a person are bounded in *told*, None where nothing bounds them."""
    groups, rows = told["max_groups"], told["max_group_rows"]
    if groups is None and rows is None:
        return None
    key = "both" if None not in (groups, rows) else "groups" if rows is None else "rows"
    return say(GROUP_BOUNDS[key], language or users_language(), groups=groups, rows=rows)


def window(every: str, language: str | None = None) -> str:
    """Return what a pacing window is called in *language*, the user's if None."""
    return say(WINDOWS[every], language or users_language()) if every in WINDOWS else every


def measured(kind: str) -> str:
    """Return a kind of measurement in the user's language."""
    return say(MEASURED[kind], users_language()) if kind in MEASURED else kind


def party(one: Mapping[str, Any]) -> str:
    """Return whose yes it is, in the user's language: the owner's, a reviewer's, or some of those named."""
    language = users_language()
    if one["party"] == "owner":
        return say("approval.party-owner", language, of=one["of"])
    if one["party"] == "reviewer":
        return say("approval.party-reviewer", language)
    return say("approval.party-named", language, need=one["need"], of=one["of"])


def approval(rule: Mapping[str, Any]) -> str:
    """Return whose yes a dataset asks for and how long one counts, in the user's language."""
    language, hours = users_language(), rule["expires_hours"]
    days = hours % 24 == 0
    lasts = say("approval.days" if days else "approval.hours", language, count=hours // 24 if days else hours)
    return say("approval.rule", language, parties=[party(one) for one in rule["parties"]], lasts=lasts)


def standing(one: Mapping[str, Any]) -> str:
    """Return whose yes it is, who has said it, and how many are missing."""
    language = users_language()
    if one["given"] and one["missing"]:
        key = "approval.partly"
        return say(key, language, party=party(one), given=one["given"], missing=one["missing"])
    if one["given"]:
        return say("approval.given", language, party=party(one), given=one["given"])
    return say("approval.missing", language, party=party(one))


def likeness(name: str) -> str:
    """Return how alike two questions are, in the user's language."""
    return say(LIKENESS[name], users_language()) if name in LIKENESS else name


def share(part: Mapping[str, Any], whole: Mapping[str, Any]) -> float:
    """Return how much of the loss *whole* the loss *part* is, from 0 to 1.

    Under zCDP the currency is ρ: equal ε do not add up, equal ρ do.
    """
    currency = "epsilon" if whole["filter"] == "pure" else "rho"
    total = Fraction(str(whole[currency] or 0))
    return min(float(Fraction(str(part[currency] or 0)) / total), 1.0) if total > 0 else 1.0


def state(name: str) -> str:
    """Return a job's state in the user's language."""
    return say(STATES[name], users_language()) if name in STATES else name


def role(name: str, language: str | None = None) -> str:
    """Return what a role is called in *language*, the user's if None."""
    return say(ROLES[name], language or users_language()) if name in ROLES else name


def kind_text(field: Field) -> str:
    """Return a column's type as owners write it: ``integer``, ``decimal(12,2)``."""
    return f"decimal({field.precision},{field.scale})" if field.kind is Kind.DECIMAL else field.kind.value


def declared_text(field: Field) -> str:
    """Return a column's type as owners declare it for a file: ``date(dmy)``, ``decimal(12,2,comma)``."""
    if not field.written:
        return kind_text(field)
    plain = kind_text(field).rstrip(")")
    return f"{plain}{',' if '(' in plain else '('}{field.written})"
