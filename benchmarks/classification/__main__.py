"""How good the classifier is, beside a plain baseline and Presidio: see README.md here.

python -m benchmarks.classification [--set zh|intl] [--part development|heldout|fresh] [--no-headers]
                                    [--errors] [--no-peers] [--speed]
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

from benchmarks.classification import agreement, baseline, labelled, presidio, report, speed
from benchmarks.classification.labelled import Table
from benchmarks.classification.metrics import Judged

Proposals = Sequence[tuple[str, float]]
Group = tuple[str, list[Table]]


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure what the arguments choose, everything unless they do, and print Markdown."""
    chosen = _arguments(arguments)
    if chosen.speed:
        print(speed.measured())
        return
    groups = list[Group]()
    for part in [chosen.part] if chosen.part else labelled.PARTS:
        names = [chosen.set] if chosen.set else labelled.SETS
        of_part = [(f"{name} {part}", list(labelled.tables(name, part))) for name in names]
        both = [(f"both {part}", [table for _, tables in of_part for table in tables])]
        groups += of_part + (both if len(of_part) > 1 else [])
    with tempfile.TemporaryDirectory() as folder:
        _measure([group for group in groups if group[1]], Path(folder), chosen)


def judge(tables: Sequence[Table], proposed: Mapping[str, Proposals], by: str = "tag") -> list[Judged]:
    """Return what is *proposed*, by table, for every labelled column; *by*: which of its labels counts."""
    return [
        Judged(f"{table.name}: {label.column}", getattr(label, by), label.values, tag, confidence)
        for table in tables
        for label, (tag, confidence) in zip(table.labels, proposed[table.name], strict=True)
    ]


def _arguments(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.classification")
    parser.add_argument("--set", choices=labelled.SETS)
    parser.add_argument("--part", choices=labelled.PARTS)
    parser.add_argument("--no-headers", action="store_true", help="take the headers away for every figure")
    parser.add_argument("--errors", action="store_true", help="list wrong proposals; development only")
    parser.add_argument("--no-peers", action="store_true", help="without Presidio, which is slow")
    parser.add_argument("--speed", action="store_true", help="seconds and MB/s, nothing else")
    chosen = parser.parse_args(arguments)
    if chosen.errors and chosen.part != "development":
        parser.error("--errors needs --part development: nobody looks at what is held out")
    return chosen


def _measure(groups: list[Group], folder: Path, chosen: argparse.Namespace) -> None:
    every = list({table.name: table for _, tables in groups for table in tables}.values())
    entities = None if chosen.no_peers else presidio.propose(every)
    bare = {it.name: labelled.propose(labelled.without_header(it, folder)) for it in every}
    named = bare if chosen.no_headers else {it.name: labelled.propose(it.path) for it in every}
    plain = {it.name: _plain(it, chosen.no_headers) for it in every}
    rows, extra = [], [agreement.table(groups)]
    for where, tables in groups:
        for by, whose in (("tag", where), ("author", f"{where}, by the author alone")):
            ours = judge(tables, named, by)
            rows.append(report.line(whose, "Keyong", ours, judge(tables, bare, by), True))
            rows.append(report.line(whose, "header expressions", judge(tables, plain, by), [], False))
            if entities is not None:
                seen = judge(tables, entities, by)
                rows.append(report.line(whose, "Presidio, patterns", seen, seen, False))
        judged = judge(tables, named)
        extra.append(f"Reliability, {where}:\n\n{report.reliability(judged)}")
        if chosen.errors:
            wrong = [it for it in judged if it.shown] if chosen.no_headers else judged
            extra.append(f"Wrong, {where}:\n\n{report.errors(wrong)}")
    print("\n\n".join((report.table(report.HEAD, rows), *extra)))
    if entities is None and not chosen.no_peers:
        print("Presidio is not installed: see README.md", file=sys.stderr)


def _plain(table: Table, no_headers: bool) -> Proposals:
    return [("general" if no_headers else baseline.propose(label.column), 0.0) for label in table.labels]


if __name__ == "__main__":
    main()
