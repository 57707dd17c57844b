"""Fit the combiner to the development parts of the labelled sets.

``python -m benchmarks.classification.fit``: conditional logit by Newton's method with a quadratic penalty;
first for columns alone, then, with what these say of the columns beside them, in their surroundings.  Every
table is taken with its header and without.  Writes ``classifiers/taxonomies/combiner.yaml``; the held-out
parts are not read.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt
import yaml

import classifiers
from benchmarks.classification import labelled
from classifiers.classify import hints_of
from classifiers.combine import UNSEEN, features, judge
from classifiers.evidence.evidence import Evidence
from classifiers.evidence.neighbours import ALONE, Surroundings, surroundings
from classifiers.evidence.sample import draw
from sandbox.vault.propose import propose_fields
from sandbox.vault.source import open_source
from service.declared import sampled_rows

PENALTY = 0.5
TARGET = Path(classifiers.__file__).parent / "taxonomies" / "combiner.yaml"
Column = tuple[str, tuple[Evidence, ...]]
Example = tuple[str, Mapping[str, Mapping[str, float]]]
Matrix = npt.NDArray[np.float64]


def main() -> None:
    """Fit and write."""
    named = [read(table) for chosen in labelled.SETS for table in labelled.tables(chosen, "development")]
    tables = [*named, *([*map(_nameless, table)] for table in named)]
    alone = fit([_example(tag, hints, ALONE) for table in tables for tag, hints in table])
    beside = fit([example for table in tables for example in _in_company(table, alone)])
    columns = sum(map(len, tables))
    note = f"conditional logit on {columns} columns of the development parts, penalty {PENALTY}"
    content = {"version": 1, "fitted": note, "weights": {"alone": alone, "beside": beside}}
    TARGET.write_text(yaml.safe_dump(content, sort_keys=False), encoding="utf-8")
    print(f"{note}\n{yaml.safe_dump(content['weights'], sort_keys=False)}")


def read(table: labelled.Table) -> list[Column]:
    """Return label and hints of each column."""
    source = open_source(table.path)
    fields = propose_fields(source)
    samples = draw(fields, sampled_rows(source))
    return [
        (label.tag, hints_of(field, samples[field.name]))
        for label, field in zip(table.labels, fields, strict=True)
    ]


def _nameless(column: Column) -> Column:
    tag, hints = column
    return tag, tuple(hint for hint in hints if hint.source != "name")


def _example(tag: str, hints: Sequence[Evidence], around: Surroundings) -> Example:
    return tag, features(hints, around)


def _in_company(table: Sequence[Column], alone: Mapping[str, float]) -> list[Example]:
    judged = [{it.tag: it.confidence for it in judge(hints, ALONE, alone)} for _, hints in table]
    around = surroundings(judged)
    return [_example(tag, hints, place) for (tag, hints), place in zip(table, around, strict=True)]


def fit(examples: Sequence[Example], rounds: int = 50) -> dict[str, float]:
    """Return the coefficients by feature; where nothing speaks for the label, `UNSEEN` is right."""
    names = sorted({name for _, found in examples for values in found.values() for name in values})
    tables = [_matrix(example, names) for example in examples]
    weights = np.array([1.0 if name in ("name", "values") else 0.0 for name in names])
    centre = weights.copy()
    for _ in range(rounds):
        slope, bend = PENALTY * (weights - centre), PENALTY * np.eye(len(names))
        for values, right in tables:
            odds = np.exp(values @ weights - (values @ weights).max())
            chances = odds / odds.sum()
            mean = chances @ values
            slope += mean - values[right]
            bend += (values * chances[:, None]).T @ values - np.outer(mean, mean)
        step = np.linalg.solve(bend, slope)
        weights -= step
        if np.abs(step).max() < 1e-9:
            break
    return {name: round(float(value), 4) for name, value in zip(names, weights, strict=True)}


def _matrix(example: Example, names: Sequence[str]) -> tuple[Matrix, int]:
    tag, found = example
    values = np.array([[of_tag.get(name, 0.0) for name in names] for of_tag in found.values()])
    candidates = list(found)
    return values, candidates.index(tag if tag in found else UNSEEN)


if __name__ == "__main__":
    main()
