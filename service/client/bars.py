"""Pictures in a terminal: bars of budgets and answers, made of the gatekeeper's JSON alone."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from typing import Any, Final

from service import wording
from service.messages import catalogue

Json = Mapping[str, Any]

_EIGHTHS: Final = " ▏▎▍▌▋▊▉"


def budget_bars(budget: Json, width: int = 80) -> list[str]:
    """Return *budget* (as `Gatekeeper.budget_show`) as lines of text with one bar per limit."""
    tongue = catalogue.language()
    title = catalogue.say("reports.budget-of", tongue, dataset=budget["dataset"])
    lines = [f"{title}   {filter_of(budget, tongue)}"]
    for label, spent, limit in limits_of(budget, tongue):
        amounts = catalogue.say(
            "reports.spent-of",
            tongue,
            spent=wording.tidy(spent["epsilon"]),
            limit=wording.tidy(limit["epsilon"]),
        )
        part = wording.share(spent, limit)
        lines += ["", label, f"{bar(part, max(width - 40, 10))} {part:6.1%}  {amounts}"]
    left = wording.loss({**budget["remaining"], "filter": budget["filter"]})
    if budget.get("held_by_namespace"):
        return [*lines, "", catalogue.say("reports.left-of-namespace", tongue, left=left)]
    return [*lines, "", catalogue.say("reports.left", tongue, left=left)]


def bar(part: float, width: int) -> str:
    """Return a bar of *width* characters, of which *part* (0 to 1) is full, to an eighth of a character."""
    if not speaks_unicode():
        full = round(part * width)
        return "[" + "#" * full + "-" * (width - full) + "]"
    eighths = round(part * width * 8)
    if part > 0:
        eighths = max(eighths, 1)
    full, rest = divmod(eighths, 8)
    solid = "█" * full + (_EIGHTHS[rest] if rest else "")
    return solid + "░" * (width - len(solid))


def filter_of(budget: Json, tongue: str) -> str:
    """Return the name of the budget's filter with its δ, in *tongue*."""
    key = "reports.filter-pure" if budget["filter"] == "pure" else "reports.filter-zcdp"
    return catalogue.say(key, tongue, delta=wording.tidy(budget["delta"]))


def limits_of(budget: Json, tongue: str) -> list[tuple[str, Json, Json]]:
    """Return (label, spent, limit) of lifetime, window, the analyst's share and the namespace, if set."""
    found = [(catalogue.say("reports.lifetime", tongue), budget["spent"], budget["limit"])]
    if window := budget.get("window"):
        found.append((wording.window(window["every"], tongue), window["spent"], window["limit"]))
    if own := budget.get("per_analyst"):
        found.append((catalogue.say("reports.analyst", tongue), own["spent"], own["limit"]))
    if shared := budget.get("namespace"):
        label = catalogue.say("reports.namespace", tongue, namespace=shared["namespace"])
        found.append((label, shared["spent"], shared["limit"]))
    return found


def speaks_unicode() -> bool:
    """Whether standard output takes more than ASCII."""
    return (sys.stdout.encoding or "").lower().startswith("utf")


def interval_bar(
    value: float | None,
    low: float | None,
    high: float | None,
    span: tuple[float, float],
    width: int,
) -> str:
    """Return a bar from 0 over *span* in *width* characters: solid where it is sure, shaded where it is not.

    The released *value* has a mark of its own; without one the line is empty.
    """
    solid, shaded, mark = ("█", "▒", "┃") if speaks_unicode() else ("#", "~", "|")
    start, end = span
    if value is None or not end > start:
        return " " * width
    first, last = (value if it is None else it for it in (low, high))
    sure = (0.0, max(min(first, value), 0.0)) if value >= 0 else (min(max(last, value), 0.0), 0.0)
    step = (end - start) / width
    at = min(int((value - start) / (end - start) * width), width - 1)  # a step may be too small for a float
    cells = [start + (place + 0.5) * step for place in range(width)]
    drawn = [
        solid if sure[0] <= cell <= sure[1] else shaded if first <= cell <= last else " " for cell in cells
    ]
    drawn[at] = mark
    return "".join(drawn)
