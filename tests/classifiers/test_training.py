"""Training: the gradient against differences, the same numbers as when read, and what it must learn."""

from __future__ import annotations

import numpy as np
import pytest

from benchmarks.classification import training
from benchmarks.classification.training import Batch, gradient, train
from classifiers.evidence.network import LAYERS, Network, context, hidden, odds, seen, sums
from classifiers.evidence.tokens import BAGS, tokens_of
from classifiers.taxonomy import GENERAL, core

TAGS = sorted(core().tags)
PERSONS = ["surname", "date of birth", "amount"]
THINGS = ["warehouse", "pallet", "amount"]


def table(names: list[str], tag: str) -> list:
    known = {"surname": "pi.name", "date of birth": "pi.birth-date", "amount": tag}
    return [(tokens_of(name), known.get(name, GENERAL)) for name in names]


@pytest.fixture
def small(monkeypatch) -> tuple[dict, Batch, list]:
    monkeypatch.setattr(training, "WIDTH", 3)
    monkeypatch.setattr(training, "BESIDE", 4)
    monkeypatch.setattr(training, "HIDDEN", 5)
    tables = [table(PERSONS, "finance.personal"), table(THINGS, GENERAL)]
    rows = [training._vocabulary(tables, kind, 1) for kind in range(len(BAGS))]
    draws = np.random.default_rng(7)
    parameters = training._start(draws, [len(it) for it in rows], len(TAGS))
    parameters = {name: it.astype(float) + draws.normal(0, 0.1, it.shape) for name, it in parameters.items()}
    columns = [(training._rows(bags, rows), TAGS.index(tag)) for of in tables for bags, tag in of]
    bags = [training._summing([it[kind] for it, _ in columns], len(rows[kind])) for kind in range(len(BAGS))]
    beside = np.array([1, 1, 1, 0, 0, 0], float)[:, None]
    batch = Batch(bags, np.repeat([0, 1], 3), np.array([label for _, label in columns]), beside)
    return parameters, batch, [tables, rows]


def test_the_gradient_is_the_slope(small) -> None:
    parameters, batch, _ = small
    _, found = gradient(parameters, batch, None)
    draws, step = np.random.default_rng(3), 1e-6
    for name, values in parameters.items():
        for place in draws.choice(values.size, min(values.size, 12), replace=False):
            losses = []
            for sign in (1, -1):
                moved = {**parameters, name: values.copy()}
                moved[name].flat[place] += sign * step
                losses.append(gradient(moved, batch, None)[0])
            slope = (losses[0] - losses[1]) / (2 * step)
            assert found[name].flat[place] == pytest.approx(slope, abs=1e-6), (name, place)


def test_what_is_trained_is_what_is_read(small) -> None:
    parameters, batch, (tables, rows) = small
    layers = {it: (parameters[it], parameters[f"{it} bias"]) for it in LAYERS}
    known = Network(tuple(TAGS), tuple(rows), tuple(parameters[it] for it in BAGS), layers)
    total = 0.0
    for place, of_table in enumerate(tables):
        summed = sums(known, [bags for bags, _ in of_table])
        around = context(seen(known, summed)) * batch.beside[3 * place]
        chances = odds(known, hidden(known, summed, around))
        wanted = np.full_like(chances, training.SMOOTHING / len(TAGS))
        for row, (_, tag) in enumerate(of_table):
            wanted[row, TAGS.index(tag)] += 1 - training.SMOOTHING
        total -= float((wanted * np.log(chances)).sum())
    assert total / 6 == pytest.approx(gradient(parameters, batch, None)[0], rel=1e-4)


def test_it_learns_what_only_the_neighbours_tell(monkeypatch) -> None:
    monkeypatch.setattr(training, "ROUNDS", 40)
    known = train([table(PERSONS, "finance.personal"), table(THINGS, GENERAL)] * 40)
    for names, tag in ((PERSONS, "finance.personal"), (THINGS, GENERAL)):
        summed = sums(known, [tokens_of(name) for name in names])
        best = odds(known, hidden(known, summed, context(seen(known, summed)))).argmax(axis=1)
        assert known.tags[best[2]] == tag
