"""Pictures of budgets and answers, made of the gatekeeper's JSON alone; in a terminal: `service.client.bars`.

Drawn without a display; SVG keeps its letters as text, so that a reader's fonts show every language, while
a PNG speaks Chinese only where a Chinese font is installed.  Colours are those of Okabe and Ito (2008),
which colour-blind readers tell apart.  Every picture says that its numbers carry noise and how much.
"""

from __future__ import annotations

import os
import re
import warnings
from collections.abc import Mapping, Sequence
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from sandbox.errors import InvalidInputError
from service import wording
from service.client.bars import filter_of, limits_of
from service.messages import catalogue

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

Json = Mapping[str, Any]

BLUE, ORANGE, GREEN, GREY, INK = "#0072B2", "#E69F00", "#009E73", "#E3E6E8", "#333333"
MOCKED = "#B0B7BC"
"""Bars of invented data."""
ANALYSTS: Final = (BLUE, ORANGE, GREEN, "#CC79A7", "#56B4E9", "#D55E00")
MOST_BARS: Final = 60
"""More rows than this are no picture any more."""
MOST_ACROSS: Final = 4
"""Panels side by side; more of them stand below."""

_CHINESE_FONTS = (
    "Noto Sans CJK SC",
    "Noto Sans CJK JP",  # what a collection of all CJK languages is called after; it holds the Chinese ones
    "Noto Sans SC",
    "Source Han Sans SC",
    "WenQuanYi Micro Hei",
    "WenQuanYi Zen Hei",
    "Microsoft YaHei",
    "PingFang SC",
    "Heiti SC",
    "SimHei",
)
_CHINESE_FILES = re.compile(r"(NotoSans(CJK|SC)|SourceHanSans|wqy|msyh|PingFang|STHeiti|simhei)[^/]*$", re.I)
_HEADING_INCHES = 0.62


# --- as a file ----------------------------------------------------------------------------------------


def check_format(path: Path) -> None:
    """Raise `InvalidInputError` unless *path* ends in .svg or .png and can be written there.

    Asked before anything is spent: a chart that fails afterwards looks like a job that failed.
    """
    if path.suffix.lower() not in (".svg", ".png"):
        raise InvalidInputError("reports.unknown-format", path=str(path))
    target = path if path.exists() else path.parent
    if not os.access(target, os.W_OK):
        raise InvalidInputError("reports.not-writable", path=str(path))


def budget_chart(budget: Json, path: Path) -> None:
    """Draw *budget* (as `Gatekeeper.budget_show`) to the SVG or PNG *path*: a bar a limit."""
    check_format(path)
    tongue = _tongue(path)
    limits = limits_of(budget, tongue)
    figure = _figure(9, 1.7 + 0.85 * len(limits))
    axes = figure.subplots()
    for row, (_, spent, limit) in enumerate(limits):
        axes.barh(row, 100, color=GREY, height=0.5, zorder=1)
        if row == 0:
            _pieces(axes, budget, tongue)
        else:
            axes.barh(row, 100 * wording.share(spent, limit), color=BLUE, height=0.5, zorder=2)
        amounts = {"spent": wording.tidy(spent["epsilon"]), "limit": wording.tidy(limit["epsilon"])}
        words = catalogue.say("reports.spent-of", tongue, **amounts)
        axes.text(100, row - 0.33, words, ha="right", va="bottom", color=INK, fontsize=9)
    axes.set_yticks(range(len(limits)), [label for label, _, _ in limits])
    axes.set_ylim(len(limits) - 0.55, -0.65)
    axes.set_xlim(0, 100)
    axes.xaxis.set_major_formatter("{x:.0f} %")
    _bare(axes)
    _heading(
        figure,
        catalogue.say("reports.budget-of", tongue, dataset=budget["dataset"]),
        filter_of(budget, tongue),
    )
    if axes.get_legend_handles_labels()[0]:
        axes.legend(
            loc="upper left", bbox_to_anchor=(0, -0.16), ncols=6, frameon=False, fontsize=9, handlelength=1
        )
    _save(figure, path)


def _pieces(axes: Axes, budget: Json, tongue: str) -> None:
    """Draw each charge as a piece of the lifetime bar, and what this reader may not see as one."""
    charges = budget["charges"]
    people = list(dict.fromkeys(charge["principal"] for charge in charges))
    everything, start = 100 * wording.share(budget["spent"], budget["limit"]), 0.0
    shares = [100 * wording.share(charge["loss"], budget["limit"]) for charge in charges]
    unseen = everything - sum(shares)
    if unseen > 0.05:
        others = catalogue.say("reports.others", tongue)
        axes.barh(0, unseen, color="#9AA5AD", height=0.5, zorder=2, label=others)
        start = unseen
    named: set[str] = set()
    for charge, width in zip(charges, shares, strict=True):
        who = charge["principal"]
        colour = ANALYSTS[people.index(who) % len(ANALYSTS)]
        label = None if who in named else who
        axes.barh(0, width, left=start, color=colour, height=0.5, zorder=2, edgecolor="white", label=label)
        named.add(who)
        start += width


def result_chart(result: Json, path: Path, number: int = 0) -> None:
    """Draw a table of a release (as `Gatekeeper.job_result`) to *path*, SVG or PNG: bars with 95 % intervals.

    *number* counts the tables from 0.  Raises `InvalidInputError` if there is nothing to draw or more than
    `MOST_BARS` rows.
    """
    check_format(path)
    tongue, table = _tongue(path), result["tables"][number]
    rows = table["rows"]
    values = [column["name"] for column in table["columns"] if column["kind"] == "value"]
    keys = [column["name"] for column in table["columns"] if column["kind"] == "key"]
    if not rows or not values or len(rows) > MOST_BARS:
        raise InvalidInputError("reports.not-drawable", rows=len(rows), most=MOST_BARS)
    labels = [" · ".join(_label(row, key, tongue) for key in keys) for row in rows]
    across = min(len(values), MOST_ACROSS)
    down = -(-len(values) // across)
    figure = _figure(2.2 + 3.6 * across, 0.9 + down * (1 + 0.34 * len(rows)))
    panels = list(figure.subplots(down, across, sharey=True, squeeze=False).flat)
    for place, axes in enumerate(panels):
        if place < len(values):
            _bars(axes, values[place], rows, mock=result["mock"])
        else:
            axes.set_visible(False)
    panels[0].set_yticks(range(len(rows)), labels)
    panels[0].set_ylim(len(rows) - 0.4, -0.6)
    noise = catalogue.say("reports.noise", tongue, mechanism=wording.mechanism(result["mechanism"], tongue))
    # A replay cost nothing; what the first release cost is told by its own job.
    cost = "" if result["replayed"] or result["mock"] else f", {wording.loss(result['loss'])}"
    named = ", ".join(dataset["name"] for dataset in result["datasets"])
    if result["mock"]:
        _watermark(figure, tongue)
        _heading(figure, catalogue.say("mock.banner", tongue), noise)
    else:
        _heading(figure, " · ".join(keys) or named, noise + cost)
    _save(figure, path)


def _label(row: Json, key: str, tongue: str) -> str:
    """A key's value; a total over it never looks like its null category."""
    if key in row.get("_totals", ()):
        return catalogue.say("reports.total", tongue)
    return "∅" if row[key] is None else str(row[key])


def _bars(axes: Axes, name: str, rows: Sequence[Json], *, mock: bool) -> None:
    known = [(at, row) for at, row in enumerate(rows) if row[name] is not None]
    at = [index for index, _ in known]
    values = [row[name] for _, row in known]
    colour, pattern = (MOCKED, "///") if mock else (BLUE, None)
    axes.barh(at, values, color=colour, alpha=0.85, height=0.62, zorder=2, hatch=pattern, edgecolor="white")
    ends = [(_or(row, f"{name}_low", name), _or(row, f"{name}_high", name)) for _, row in known]
    spread = [
        # An interval is cut to what is possible, so that a count below 0 lies outside its own.
        [max(v - low, 0) for v, (low, _) in zip(values, ends, strict=True)],
        [max(h - v, 0) for v, (_, h) in zip(values, ends, strict=True)],
    ]
    axes.errorbar(values, at, xerr=spread, fmt="none", ecolor=INK, elinewidth=1.2, capsize=3, zorder=3)
    axes.axvline(0, color=INK, linewidth=0.8)
    axes.set_title(name, loc="left", fontsize=10, color=INK)
    axes.xaxis.set_major_formatter("{x:,g}")
    axes.xaxis.grid(True, color=GREY, zorder=0)
    _bare(axes)


def _or(row: Json, name: str, otherwise: str) -> Any:
    found = row.get(name)
    return row[otherwise] if found is None else found


# --- how it looks -------------------------------------------------------------------------------------


def _figure(width: float, height: float) -> Figure:
    # Imported here: half a second that a terminal bar does not need.
    import matplotlib  # noqa: PLC0415
    from matplotlib.figure import Figure  # noqa: PLC0415

    families = [*_installed_chinese(), "DejaVu Sans", "sans-serif"]
    matplotlib.rcParams.update(
        {"svg.fonttype": "none", "svg.hashsalt": "keyong", "text.parse_math": False, "font.family": families}
    )
    return Figure(figsize=(width, height))


@cache
def _installed_chinese() -> tuple[str, ...]:
    from matplotlib.font_manager import findSystemFonts, fontManager  # noqa: PLC0415

    def known() -> tuple[str, ...]:
        names = {font.name for font in fontManager.ttflist}
        return tuple(name for name in _CHINESE_FONTS if name in names)

    if not known():
        # What matplotlib remembers may be older than the fonts.
        for path in sorted(findSystemFonts()):
            if _CHINESE_FILES.search(path):
                with suppress(OSError, RuntimeError):
                    fontManager.addfont(path)
    return known()


def _tongue(path: Path) -> str:
    return catalogue.language() if path.suffix.lower() == ".svg" or _installed_chinese() else "en"


def _heading(figure: Figure, title: str, below: str) -> None:
    height = figure.get_figheight()
    figure.set_layout_engine("constrained", rect=(0.01, 0.01, 0.98, 0.99 - _HEADING_INCHES / height))
    figure.text(0.012, 1 - 0.1 / height, title, va="top", fontsize=13, fontweight="bold", color=INK)
    figure.text(0.012, 1 - 0.38 / height, below, va="top", fontsize=9, color="#666666")


def _watermark(figure: Figure, tongue: str) -> None:
    """Write across the picture that it shows nobody: it may be cut out and pasted elsewhere."""
    word = catalogue.say("mock.watermark", tongue)
    size = min(figure.get_figwidth() * 9, figure.get_figheight() * 18)
    figure.text(
        0.5,
        0.45,
        word,
        ha="center",
        va="center",
        rotation=20,
        fontsize=size,
        color="#D55E00",
        alpha=0.25,
        zorder=9,
    )


def _bare(axes: Axes) -> None:
    for side in ("top", "right", "left"):
        axes.spines[side].set_visible(False)
    axes.tick_params(left=False, colors=INK, labelsize=9)


def _save(figure: Figure, path: Path) -> None:
    with warnings.catch_warnings():
        # A font here may lack letters; an SVG is drawn with the reader's fonts, which have them.
        warnings.filterwarnings("ignore", message="Glyph .* missing from font")
        figure.savefig(path, dpi=160, metadata={"Date": None} if path.suffix.lower() == ".svg" else None)
