"""Training: the gradient against differences, the same numbers as when read, and what it must learn."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from benchmarks.classification import training
from benchmarks.classification.training import CELLS, HEADERS, Batch, Plan, gradient, train
from classifiers.evidence.cells import tokens_of_values
from classifiers.evidence.meanings import BAG as MEANINGS
from classifiers.evidence.network import LAYERS, Network, context, hidden, odds, seen, sums
from classifiers.evidence.tokens import tokens_of
from classifiers.taxonomy import GENERAL, core

TAGS = sorted(core().tags)
PERSONS = ["surname", "date of birth", "amount"]
THINGS = ["warehouse", "pallet", "amount"]


def table(names: list[str], tag: str) -> list:
    known = {"surname": "pi.name", "date of birth": "pi.birth-date", "amount": tag}
    return [(tokens_of(name), known.get(name, GENERAL)) for name in names]


def valued(values: dict[str, list[str]], tag: str) -> list:
    known = {"who": "pi.name", "what": "pi.health", "how much": tag}
    return [(tokens_of_values(of_column), known.get(name, GENERAL)) for name, of_column in values.items()]


PATIENTS = {"who": ["Ann Lee", "Max Orr"], "what": ["flu", "mumps, measles"], "how much": ["12.50", "3"]}
GOODS = {"good": ["oak", "steel plate"], "where": ["shelf 3", "yard"], "how much": ["12.50", "3"]}
CASES = {
    "names": (HEADERS, [table(PERSONS, "finance.personal"), table(THINGS, GENERAL)]),
    "values": (CELLS, [valued(PATIENTS, "finance.personal"), valued(GOODS, GENERAL)]),
}


@pytest.fixture(params=CASES)
def small(request) -> tuple[dict, Batch, Plan, list]:
    plan, tables = CASES[request.param]
    plan = replace(plan, width=3, beside=4, hidden=5)
    kinds = {bag: replace(kind, rare=1) for bag, kind in plan.bags.items()}
    rows = [training._vocabulary(tables, place, *it) for place, it in enumerate(kinds.items())]
    draws = np.random.default_rng(7)
    parameters = training._start(draws, plan, [len(it) for it in rows], len(TAGS))
    parameters = {name: it.astype(float) + draws.normal(0, 0.1, it.shape) for name, it in parameters.items()}
    parameters |= training._fixed()
    columns = [(training._rows(bags, rows), TAGS.index(tag)) for of in tables for bags, tag in of]
    bags = [
        training.summing([it[place] for it, _ in columns], len(rows[place])) for place in range(len(rows))
    ]
    beside = np.array([1, 1, 1, 0, 0, 0], float)[:, None]
    batch = Batch(bags, np.repeat([0, 1], 3), np.array([label for _, label in columns]), beside)
    return parameters, batch, plan, [tables, rows]


def test_the_gradient_is_the_slope(small) -> None:
    parameters, batch, plan, _ = small
    _, found = gradient(parameters, batch, plan, None)
    draws, step = np.random.default_rng(3), 1e-6
    assert parameters.keys() - found.keys() == {MEANINGS}
    for name in found:
        values = parameters[name]
        for place in draws.choice(values.size, min(values.size, 12), replace=False):
            losses = []
            for sign in (1, -1):
                moved = {**parameters, name: values.copy()}
                moved[name].flat[place] += sign * step
                losses.append(gradient(moved, batch, plan, None)[0])
            slope = (losses[0] - losses[1]) / (2 * step)
            assert found[name].flat[place] == pytest.approx(slope, abs=1e-6), (name, place)


def test_what_is_trained_is_what_is_read(small) -> None:
    parameters, batch, plan, (tables, rows) = small
    layers = {it: (parameters[it], parameters[f"{it} bias"]) for it in LAYERS}
    vectors = tuple(parameters[it] for it in plan.bags)
    known = Network(tuple(TAGS), tuple(plan.bags), tuple(rows), vectors, layers)
    total = 0.0
    for place, of_table in enumerate(tables):
        summed = sums(known, [bags for bags, _ in of_table])
        around = context(seen(known, summed)) * batch.beside[3 * place]
        chances = odds(known, hidden(known, summed, around))
        wanted = np.full_like(chances, training.SMOOTHING / len(TAGS))
        for row, (_, tag) in enumerate(of_table):
            wanted[row, TAGS.index(tag)] += 1 - training.SMOOTHING
        total -= float((wanted * np.log(chances)).sum())
    assert total / 6 == pytest.approx(gradient(parameters, batch, plan, None)[0], rel=1e-4)


@pytest.mark.parametrize("kind", CASES)
def test_it_learns_what_only_the_neighbours_tell(kind) -> None:
    plan, tables = CASES[kind]
    known = train(tables * 40, replace(plan, rounds=40))
    for of_table in tables:
        summed = sums(known, [bags for bags, _ in of_table])
        best = odds(known, hidden(known, summed, context(seen(known, summed)))).argmax(axis=1)
        assert known.tags[best[2]] == of_table[2][1]
