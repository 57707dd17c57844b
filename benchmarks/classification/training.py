"""Train the networks that read names and values (`classifiers.evidence.network`), gradients written out.

Cross-entropy with smoothed labels (Szegedy et al. 2016), AdamW (Loshchilov & Hutter 2019) under a one-cycle
rate (Smith & Topin 2019).  Bags, values, tokens, columns, units and everything beside a column are left out
at random, since elsewhere they are unknown.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from scipy import sparse

from benchmarks.classification.optimizer import AdamW, Floats, Integers, Parameters
from classifiers.evidence.meanings import BAG as MEANINGS
from classifiers.evidence.meanings import meanings
from classifiers.evidence.network import LAYERS, Bags, Network, flat, rectified, softmax
from classifiers.taxonomy import core


@dataclass(frozen=True, slots=True)
class Kind:
    """A bag: how often a token must occur to be one (*rare*), and what share is left out at random.

    The tokens of `MEANINGS` are those that have a vector already.
    """

    rare: int
    bag: float
    token: float
    group: float = 0.0


@dataclass(frozen=True, slots=True)
class Plan:
    """A network's *bags* by name, the widths of its layers, and how long and how fast it learns."""

    bags: Mapping[str, Kind]
    width: int
    beside: int
    hidden: int
    rounds: int
    rate: float
    units_left_out: float


_NAMES = {"readings": Kind(2, 0.1, 0.1), "letters": Kind(4, 0.3, 0.2), MEANINGS: Kind(0, 0.1, 0.1)}
_VALUES = {
    "shapes": Kind(3, 0.1, 0.1, 0.3),
    "words": Kind(3, 0.1, 0.2, 0.3),
    MEANINGS: Kind(0, 0.1, 0.1, 0.3),
}
HEADERS = Plan(_NAMES, 64, 192, 512, 14, 3e-3, 0.25)
CELLS = Plan(_VALUES, 128, 192, 512, 20, 1e-2, 0.25)
AT_ONCE, SMOOTHING, SPREAD = 16, 0.05, 0.1
WARM = 0.3
"""The share of steps in which the rate rises."""
ALL_BESIDE_LEFT_OUT, COLUMNS_LEFT_OUT = 0.15, 0.15
Table = Sequence[tuple[Bags, str]]
Column = tuple[list[list[Integers]], int]
"""The rows of its tokens by bag and group, and the place of its tag."""


@dataclass(frozen=True, slots=True)
class Batch:
    """Columns of some *tables*: tokens by bag, places of tags, and 0 where nothing stands *beside*."""

    bags: list[sparse.csr_matrix]
    tables: Integers
    labels: Integers
    beside: Floats


def train(tables: Sequence[Table], plan: Plan, seed: int = 0) -> Network:
    """Return the network that *plan* describes, trained on *tables*."""
    draws = np.random.default_rng(seed)
    tags = sorted(core().tags)
    rows = [_vocabulary(tables, place, bag, kind) for place, (bag, kind) in enumerate(plan.bags.items())]
    numbered = [[(_rows(bags, rows), tags.index(tag)) for bags, tag in table] for table in tables]
    parameters, fixed = _start(draws, plan, [len(of_bag) for of_bag in rows], len(tags)), _fixed()
    steps = plan.rounds * -(-len(tables) // AT_ONCE)
    by_row = frozenset(plan.bags) - fixed.keys()
    optimizer = AdamW(parameters, steps, lambda done: plan.rate * _cycle(done), by_row)
    for _ in range(plan.rounds):
        order = draws.permutation(len(tables))
        for start in range(0, len(order), AT_ONCE):
            chosen = [numbered[place] for place in order[start : start + AT_ONCE]]
            batch, occurring = _occurring(_batch(chosen, plan, [len(of_bag) for of_bag in rows], draws), plan)
            found = gradient(optimizer.shown(occurring) | fixed, batch, plan, draws)[1]
            optimizer.step(found, occurring)
    optimizer.finish()
    vectors = tuple((parameters | fixed)[bag] for bag in plan.bags)
    layers = {it: (parameters[it], parameters[f"{it} bias"]) for it in LAYERS}
    return Network(tuple(tags), tuple(plan.bags), tuple(rows), vectors, layers)


def _fixed() -> Parameters:
    """Return the vectors that are not learned here."""
    return {MEANINGS: meanings().vectors}


def _vocabulary(tables: Sequence[Table], place: int, bag: str, kind: Kind) -> Mapping[str, int]:
    if bag == MEANINGS:
        return meanings().rows
    counted = Counter(
        token
        for table in tables
        for bags, _ in table
        for token in {it for group in bags[place] for it in group}
    )
    kept = sorted(token for token, count in counted.items() if count >= kind.rare)
    return {token: row for row, token in enumerate(kept)}


def _rows(bags: Bags, rows: Sequence[Mapping[str, int]]) -> list[list[Integers]]:
    return [
        [np.array([known[token] for token in group if token in known], np.int64) for group in bag]
        for bag, known in zip(bags, rows, strict=True)
    ]


def _start(draws: np.random.Generator, plan: Plan, sizes: Sequence[int], tags: int) -> Parameters:
    learned = {bag: size for bag, size in zip(plan.bags, sizes, strict=True) if bag != MEANINGS}
    wide, units = plan.width * len(learned) + meanings().vectors.shape[1], plan.hidden
    shapes = {
        "beside": (wide, plan.beside),
        "hidden": (wide + 2 * plan.beside, units),
        "out": (units, tags),
    }
    made = {bag: draws.normal(0, SPREAD, (size, plan.width)) for bag, size in learned.items()}
    for layer, shape in shapes.items():
        made[layer] = draws.uniform(-1, 1, shape) / np.sqrt(shape[0])
        made[f"{layer} bias"] = np.zeros(shape[1])
    return {name: values.astype(np.float32) for name, values in made.items()}


def _batch(
    tables: Sequence[list[Column]], plan: Plan, sizes: Sequence[int], draws: np.random.Generator
) -> Batch:
    kept = [[it for it in table if draws.random() > COLUMNS_LEFT_OUT] or table for table in tables]
    columns = [column for table in kept for column in table]
    counts = [len(table) for table in kept]
    alone = draws.random(len(tables)) < ALL_BESIDE_LEFT_OUT
    bags = [
        summing([_some(tokens[place], kind, draws) for tokens, _ in columns], size)
        for place, (kind, size) in enumerate(zip(plan.bags.values(), sizes, strict=True))
    ]
    labels = np.array([label for _, label in columns])
    beside = np.repeat(~alone, counts).astype(np.float32)[:, None]
    return Batch(bags, np.repeat(np.arange(len(tables)), counts), labels, beside)


def _occurring(batch: Batch, plan: Plan) -> tuple[Batch, dict[str, Integers]]:
    """Return *batch* with only those learned tokens as columns that occur in it, and which they are."""
    rows, bags = {}, []
    for name, bag in zip(plan.bags, batch.bags, strict=True):
        if name == MEANINGS:
            bags.append(bag)
            continue
        rows[name], places = np.unique(bag.indices, return_inverse=True)
        bags.append(sparse.csr_matrix((bag.data, places, bag.indptr), (bag.shape[0], len(rows[name]))))
    return replace(batch, bags=bags), rows


def _some(groups: list[Integers], kind: Kind, draws: np.random.Generator) -> list[Integers]:
    if draws.random() < kind.bag:
        return []
    chosen = [it for it in groups if draws.random() >= kind.group] or groups
    return [group[draws.random(len(group)) > kind.token] for group in chosen]


def summing(columns: Sequence[Sequence[Integers]], size: int) -> sparse.csr_matrix:
    """Return the matrix that takes a bag's vectors to each column's sum, as `network.sums` makes it."""
    places, shares = flat(columns)  # type: ignore[arg-type]  # arrays of integers are sequences of them
    ends = np.cumsum([0, *(sum(map(len, groups)) for groups in columns)])
    return sparse.csr_matrix((shares, places, ends), (len(columns), size))


def _mixing(tables: Integers) -> tuple[sparse.csr_matrix, sparse.csr_matrix]:
    """Return the matrices that take columns to the mean of their table and to the sum of the next two."""
    size = len(tables)
    member = sparse.csr_matrix((np.ones(size, np.float32), (np.arange(size), tables)))
    share = sparse.diags((1 / np.bincount(tables)).astype(np.float32))
    same = (tables[1:] == tables[:-1]).astype(np.float32)
    near = sparse.diags([same, same], [1, -1], (size, size))
    return sparse.csr_matrix(member @ share @ member.T), sparse.csr_matrix(near)


def gradient(
    parameters: Parameters, batch: Batch, plan: Plan, draws: np.random.Generator | None
) -> tuple[float, Parameters]:
    """Return the loss and its gradient by learned parameter; without *draws* no unit is left out."""
    mean, near = _mixing(batch.tables)
    plain = np.hstack([bag @ parameters[name] for bag, name in zip(batch.bags, plan.bags, strict=True)])
    share = plan.units_left_out
    kept, kept_hidden = _kept(plain.shape, share, draws), _kept((len(plain), plan.hidden), share, draws)
    summed = plain * kept
    shown = rectified(summed @ parameters["beside"] + parameters["beside bias"])
    entered = np.hstack([summed, mean @ shown * batch.beside, near @ shown * batch.beside])
    units = rectified(entered @ parameters["hidden"] + parameters["hidden bias"]) * kept_hidden
    chances = softmax(units @ parameters["out"] + parameters["out bias"])
    wanted = np.full_like(chances, SMOOTHING / chances.shape[1])
    wanted[np.arange(len(chances)), batch.labels] += 1 - SMOOTHING
    loss = float(-(wanted * np.log(np.maximum(chances, 1e-12))).sum() / len(chances))
    at_out = (chances - wanted) / len(chances)
    at_hidden = at_out @ parameters["out"].T * kept_hidden * (units > 0)
    back = at_hidden @ parameters["hidden"].T
    to_mean, to_near = np.split(back[:, summed.shape[1] :] * batch.beside, 2, axis=1)
    at_shown = (mean.T @ to_mean + near.T @ to_near) * (shown > 0)
    at_plain = (back[:, : summed.shape[1]] + at_shown @ parameters["beside"].T) * kept
    ends = np.cumsum([parameters[name].shape[1] for name in plan.bags])
    parts = np.split(at_plain, ends[:-1], axis=1)
    found = {
        name: bag.T @ part
        for bag, name, part in zip(batch.bags, plan.bags, parts, strict=True)
        if name != MEANINGS
    }
    through = {"beside": (summed, at_shown), "hidden": (entered, at_hidden), "out": (units, at_out)}
    for name, (entering, leaving) in through.items():
        found[name], found[f"{name} bias"] = entering.T @ leaving, leaving.sum(axis=0)
    return loss, found


def _kept(shape: tuple[int, ...], left_out: float, draws: np.random.Generator | None) -> Floats:
    if draws is None:
        return np.ones(shape, np.float32)
    share = np.float32(1 - left_out)
    return (draws.random(shape, np.float32) < share).astype(np.float32) / share


def _cycle(progress: float) -> float:
    """Return the rate as a share of the highest: up by a cosine from a 25th, then down to nearly nothing."""
    low, end = 1 / 25, 1e-4
    if progress < WARM:
        return float(low + (1 - low) * (1 - np.cos(np.pi * progress / WARM)) / 2)
    return float(end + (1 - end) * (1 + np.cos(np.pi * (progress - WARM) / (1 - WARM))) / 2)
