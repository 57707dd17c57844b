"""Figures as Markdown, the form in which RESULTS.md keeps them."""

from __future__ import annotations

from collections.abc import Sequence

from benchmarks.classification import metrics
from benchmarks.classification.metrics import Judged, Share

HEAD = (
    "set",
    "classifier",
    "columns",
    "PII precision",
    "PII recall",
    "category precision",
    "category recall",
    "values alone: recall",
    "confidence ≥ 0.9: right",
)


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Return a Markdown table."""
    lines = (head, ["---"] * len(head), *rows)
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def share(found: Share | None) -> str:
    """Return a share with its 95 % interval, or a dash where there is nothing to say."""
    if found is None or not found.of:
        return "–"
    low, high = found.interval
    return f"{found.value:.3f} ({low:.2f}–{high:.2f})"


def line(where: str, who: str, named: Sequence[Judged], bare: Sequence[Judged], sure: bool) -> list[str]:
    """Return one row of figures: *named* with headers, *bare* without; *sure*: there is a confidence."""
    shares: list[Share | None] = [*metrics.pii(named), *metrics.category(named)]
    shares += [metrics.from_values(bare) if bare else None, metrics.sure(named) if sure else None]
    return [where, who, str(len(named)), *(share(found) for found in shares)]


def reliability(judged: Sequence[Judged]) -> str:
    """Return the reliability table."""
    rows = [
        [f"{bin.low:g}–{bin.high:g}", str(bin.right.of), f"{bin.said:.3f}", share(bin.right)]
        for bin in metrics.reliability(judged)
    ]
    return table(("confidence", "proposals", "said", "right"), rows)


def errors(judged: Sequence[Judged]) -> str:
    """Return the wrong proposals, PII taken for none first."""
    wrong = [it for it in judged if not it.right]
    wrong.sort(key=lambda it: (_severity(it), it.label, it.proposed, it.where))
    return table(
        ("column", "label", "proposed", "confidence"),
        [[it.where, it.label, it.proposed, f"{it.confidence:.2f}"] for it in wrong],
    )


def _severity(judged: Judged) -> int:
    missed, invented = metrics.personal(judged.label), metrics.personal(judged.proposed)
    return 0 if missed and not invented else 1 if invented and not missed else 2


def figures(parts: Sequence[tuple[str, Sequence[Judged], Sequence[Judged]]]) -> str:
    """Return a row of figures for each part: its name, *named* and *bare* proposals; and one for all."""
    rows = [line(where, "Keyong", named, bare, True) for where, named, bare in parts]
    every = [[it for part in parts for it in part[place]] for place in (1, 2)]
    return table(HEAD, [*rows, line("all", "Keyong", *every, True)])
