"""The monthly report as one page: to be read on a screen, printed, and filed.

Made of the gatekeeper's JSON alone.  Nothing is fetched and nothing runs: the page holds its style and its
pictures, and its own policy forbids everything else.  Colours repeat what words say, for whoever prints in
black.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from service import wording
from service.audit.markup import Content, Safe, document, table, tag
from service.audit.refused import why
from service.audit.telling import alert, instant, loosened
from service.messages.catalogue import say

Json = Mapping[str, Any]

STYLE: Final = """
:root { color-scheme: light; --ink: #1d2733; --soft: #5b6773; --line: #d7dde2; --spent: #0072b2; --past:
#9aa5ad; --high: #b3261e; --look: #8a5a00; --notice: #5b6773; }
* { box-sizing: border-box; }
body { margin: 0 auto; padding: 2.5rem 2rem; max-width: 60rem; color: var(--ink); background: #fff;
  font: 15px/1.5 "Noto Sans", "Noto Sans SC", "Noto Sans CJK SC", "PingFang SC", "Microsoft YaHei",
  sans-serif; overflow-wrap: anywhere; }
h1 { font-size: 1.7rem; line-height: 1.2; margin: 0; }
h2 { font-size: 1.15rem; margin: 2.2rem 0 .7rem; padding-top: .9rem; border-top: 1px solid var(--line); }
h3 { font-size: 1rem; margin: 1.3rem 0 .3rem; }
p { margin: .35rem 0; }
.soft { color: var(--soft); font-size: .87rem; }
.tiles { display: flex; flex-wrap: wrap; gap: .8rem; margin: 1.4rem 0 0; padding: 0; list-style: none; }
.tiles li { flex: 1 1 7rem; border: 1px solid var(--line); border-radius: 6px; padding: .6rem .8rem; }
.tiles b { display: block; font-size: 1.5rem; line-height: 1.2; font-variant-numeric: tabular-nums; }
table { border-collapse: collapse; width: 100%; margin: .5rem 0; font-size: .9rem; }
th, td { text-align: left; vertical-align: top; padding: .35rem .6rem .35rem 0; border-bottom: 1px solid
var(--line); } th { color: var(--soft); font-weight: 600; border-bottom-color: var(--soft); }
th.number, td.number { text-align: right; font-variant-numeric: tabular-nums; white-space: nowrap; }
td.number + td, th.number + th { padding-left: 1.2rem; }
time { white-space: nowrap; }
.key { display: inline-block; width: .8rem; margin: 0 .3rem 0 0; vertical-align: -.05rem; }
.key + span { margin-right: 1.1rem; }
svg { display: block; width: 100%; height: auto; margin: .4rem 0; }
.badge { display: inline-block; border: 1px solid currentColor; border-radius: 4px; padding: 0 .4rem;
  font-size: .8rem; white-space: nowrap; }
.high { color: var(--high); font-weight: 700; } .look { color: var(--look); } .notice { color:
var(--notice); } footer { margin-top: 2.2rem; padding-top: .9rem; border-top: 1px solid var(--line); }
code { font-family: ui-monospace, "DejaVu Sans Mono", monospace; font-size: .82rem; }
@page { size: A4; margin: 16mm 14mm; }
@media print { body { padding: 0; max-width: none; font-size: 10.5pt; } section, tr, svg { break-inside:
avoid; } h2, h3 { break-after: avoid; } }
"""
_DIGEST: Final = base64.b64encode(hashlib.sha256(STYLE.encode()).digest()).decode()
_LEVELS: Final = {"high": "report.high", "look": "report.look", "notice": "report.notice"}
_TILES: Final = {
    "allowed": "report.allowed",
    "refused": "report.refused",
    "released": "report.released",
    "replayed": "report.replayed",
}
_BAR_WIDTH: Final = 1000
_PAST, _NOW, _LEFT = "#9aa5ad", "#0072b2", "#e8ebee"


def _time(text: str) -> Safe:
    return tag("time", instant(text), datetime=text)


def page(report: Json, language: str) -> str:
    """Return the page of *report* (as `Gatekeeper.audit_month`) in *language* (``en`` or ``zh``)."""
    made = _Page(report, language)
    tongue = "zh-CN" if language == "zh" else "en"
    return document(tongue, made.title, STYLE, _DIGEST, [*made.parts()])


class _Page:
    def __init__(self, report: Json, language: str) -> None:
        self._report = report
        self._language = language
        self.title = self._say("report.title", month=report["month"])

    def parts(self) -> Iterator[Safe]:
        """Yield header, sections, footer."""
        log = self._report["log"]
        yield tag(
            "header",
            [tag("h1", self.title), tag("p", self._say("report.about", log=log["origin"]), class_="soft")],
        )
        yield self._tiles()
        yield self._section("report.spending", self._spending())
        yield self._section("report.people", self._people())
        yield self._section("report.refusals", self._refusals())
        yield self._section("report.policies", self._policies())
        yield self._section("report.alerts", self._alerts())
        yield self._section("report.sign-offs", self._sign_offs())
        size = f"{log['size']:,}"
        yield tag(
            "footer",
            [
                tag("p", self._say("report.log", size=size)),
                tag("p", tag("code", log["root"])),
                tag("p", self._say("report.caution"), class_="soft"),
            ],
        )

    def _say(self, key: str, /, **facts: Any) -> str:
        return say(key, self._language, **facts)

    def _section(self, key: str, content: Content) -> Safe:
        return tag("section", [tag("h2", self._say(key)), content])

    def _none(self) -> Safe:
        return tag("p", self._say("report.none"), class_="soft")

    def _tiles(self) -> Safe:
        counts = self._report["counts"]
        shown = [(counts.get(name, 0), self._say(key)) for name, key in _TILES.items()]
        urgent = sum(one["level"] != "notice" for one in self._report["alerts"])
        shown.append((urgent, self._say("report.to-look-at")))
        return tag("ul", [tag("li", [tag("b", f"{count:,}"), name]) for count, name in shown], class_="tiles")

    # --- spending -----------------------------------------------------------------------------------

    def _spending(self) -> Content:
        found = [part for dataset in self._report["datasets"] for part in self._dataset(dataset)]
        for one in self._report["namespaces"]:
            name = self._say("reports.namespace", namespace=one["namespace"])
            found += [tag("h3", name), *self._spent(name, one)]
        return [self._legend(), *found] if found else self._none()

    def _legend(self) -> Safe:
        colours = ((_PAST, "report.key-past"), (_NOW, "report.key-now"), (_LEFT, "report.key-left"))
        return tag(
            "p",
            [
                part
                for colour, key in colours
                for part in (
                    tag(
                        "svg",
                        tag("rect", width=10, height=10, fill=colour),
                        viewBox="0 0 10 10",
                        class_="key",
                        aria_hidden="true",
                    ),
                    tag("span", self._say(key)),
                )
            ],
            class_="soft",
        )

    def _dataset(self, dataset: Json) -> Iterator[Safe]:
        yield tag("h3", dataset["dataset"])
        limit = dataset["limit"]
        if limit is None:
            yield tag("p", self._say("report.no-policy", owner=dataset["owner"]), class_="soft")
            return
        yield from self._spent(dataset["dataset"], dataset)
        told = {name: dataset[name] for name in ("owner", "asked", "refused")}
        told["version"] = dataset["policy_version"]
        yield tag("p", self._say("report.terms", **told), class_="soft")
        if dataset["people"]:
            headings = [self._say(key) for key in ("report.who", "report.loss", "report.of-limit")]
            rows = [
                [one["who"], wording.loss(one["loss"]), f"{wording.share(one['loss'], limit):.1%}"]
                for one in dataset["people"]
            ]
            yield table(headings, rows, frozenset({2}))

    def _spent(self, name: str, amounts: Json) -> Iterator[Safe]:
        """A bar of what *name* spent before this month and by its end, and the sentence for it."""
        facts = {key: wording.tidy(amounts[key]["epsilon"]) for key in ("before", "after", "limit")}
        shares = [wording.share(amounts[key], amounts["limit"]) for key in ("before", "after")]
        yield self._bar(name, shares)
        yield tag("p", self._say("report.spent", **facts, percent=f"{shares[1]:.1%}"))

    def _bar(self, name: str, shares: Sequence[float]) -> Safe:
        past, now = (round(share * _BAR_WIDTH) for share in shares)
        label = self._say("report.bar", dataset=name, before=f"{shares[0]:.1%}", after=f"{shares[1]:.1%}")
        pieces = [
            tag("title", label),
            tag("rect", x=0, y=0, width=_BAR_WIDTH, height=22, rx=3, fill=_LEFT),
            tag("rect", x=0, y=0, width=past, height=22, rx=3, fill=_PAST),
            tag("rect", x=past, y=0, width=max(now - past, 0), height=22, fill=_NOW),
            *(
                tag("line", x1=at, y1=22, x2=at, y2=28, stroke="#5b6773", stroke_width=1)
                for at in range(0, _BAR_WIDTH + 1, _BAR_WIDTH // 4)
            ),
        ]
        return tag("svg", pieces, viewBox=f"0 0 {_BAR_WIDTH} 30", role="img", aria_label=label)

    # --- tables -------------------------------------------------------------------------------------

    def _table(self, keys: Sequence[str], rows: Sequence[Sequence[Content]], numbers: set[int]) -> Safe:
        if not rows:
            return self._none()
        return table([self._say(key) for key in keys], rows, frozenset(numbers))

    def _people(self) -> Safe:
        rows = [
            [one["who"], one["allowed"], one["refused"], one["released"], one["replayed"]]
            for one in self._report["analysts"]
        ]
        return self._table(["report.who", *_TILES.values()], rows, {1, 2, 3, 4})

    def _refusals(self) -> Safe:
        rows = [
            [
                one["who"],
                ", ".join(one["datasets"]) or "–",
                one["purpose"] or "–",
                one["rule"] or "–",
                [why(one["code"], self._language), tag("br"), tag("code", one["code"])],
                one["count"],
            ]
            for one in self._report["refusals"]
        ]
        keys = [
            "report.who",
            "report.dataset",
            "report.purpose",
            "report.rule",
            "report.code",
            "report.times",
        ]
        return self._table(keys, rows, {5})

    def _policies(self) -> Safe:
        rows = [
            [
                _time(one["time"]),
                one["dataset"],
                one["version"],
                one["who"],
                loosened(one["loosens"], self._language) or "–",
            ]
            for one in self._report["policies"]
        ]
        keys = ["report.when", "report.dataset", "report.version", "report.who", "report.loosens"]
        return self._table(keys, rows, {2})

    def _alerts(self) -> Safe:
        level = {name: place for place, name in enumerate(_LEVELS)}
        rows = [
            [
                tag("span", self._say(_LEVELS[one["level"]]), class_=f"badge {one['level']}"),
                _time(one["time"]),
                alert(one, self._language),
                one["leaf"],
            ]
            for one in sorted(self._report["alerts"], key=lambda it: (level[it["level"]], it["leaf"]))
        ]
        return self._table(["report.level", "report.when", "report.what", "report.leaf"], rows, {3})

    def _sign_offs(self) -> Safe:
        rows = [
            [_time(one["time"]), one["who"], one["until"], one["note"] or "–"]
            for one in self._report["sign_offs"]
        ]
        return self._table(["report.when", "report.who", "report.until", "report.note"], rows, {2})
