"""A small network that reads the columns of a table, each one beside the others.

1. A column is bags of tokens, of its name or of its values, in groups: a name is one, and each value.  A
   group becomes the sum of its tokens' vectors over the root of their number (Joulin et al. 2017, "Bag of
   tricks for efficient text classification"), a bag the mean of its groups.
2. What stands beside a column is the mean over all columns of a layer on top of that, and the sum over the
   two next to it (Zaheer et al. 2017, "Deep sets").
3. A hidden layer sees a column and what stands beside it; a softmax says how probable each tag is.

The vectors of one bag are not the network's own but those of words (`classifiers.evidence.meanings`).  With
nothing beside it a network reads a column alone.  There is one for names, and one for values.
`benchmarks/classification/fit_networks.py` trains them; the parameters are data (``taxonomies/*.npz``).
"""

from __future__ import annotations

import io
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from classifiers.evidence.meanings import BAG as MEANINGS
from classifiers.evidence.meanings import meanings

LAYERS: Final = ("beside", "hidden", "out")
_AT_ONCE: Final = 1000
"""Columns whose vectors are summed together, so that memory does not grow with their number."""
_DIGEST: Final = f"{MEANINGS} digest"
_STEPS: Final = 127
"""A stored vector is a multiple of a 127th of each dimension's largest value: a signed byte."""
Bags = Sequence[Sequence[Sequence[str]]]
"""The tokens of a column: by bag, by group."""
Matrix = npt.NDArray[np.float32]
Arrays = dict[str, npt.NDArray[Any]]


@dataclass(frozen=True, slots=True)
class Network:
    """The trained parameters.

    *tags*: what is told apart.  *bags*: how they are called.  *vocabularies*: by bag, the rows of tokens in
    *vectors*.  *layers*: by name, a matrix and a bias.
    """

    tags: tuple[str, ...]
    bags: tuple[str, ...]
    vocabularies: tuple[Mapping[str, int], ...]
    vectors: tuple[Matrix, ...]
    layers: Mapping[str, tuple[Matrix, Matrix]]


@cache
def network(name: str) -> Network:
    """Return the network called *name*, ``headers`` or ``cells``, read once from ``taxonomies/``."""
    data = resources.files("classifiers").joinpath("taxonomies", f"{name}.npz").read_bytes()
    with np.load(io.BytesIO(data), allow_pickle=False) as stored:
        return from_arrays(stored)


def sums(known: Network, columns: Sequence[Bags]) -> Matrix:
    """Return a row per column: its bags side by side.

    A bag is the mean of its groups, each the sum of its known tokens' vectors over the root of their number.
    """
    chunks = [columns[start : start + _AT_ONCE] for start in range(0, len(columns), _AT_ONCE)]
    return np.concatenate([np.hstack(list(_summed(known, chunk))) for chunk in chunks])


def _summed(known: Network, columns: Sequence[Bags]) -> Iterator[Matrix]:
    for kind, (rows, vectors) in enumerate(zip(known.vocabularies, known.vectors, strict=True)):
        totals = np.zeros((len(columns), vectors.shape[1]), np.float32)
        tokens = [[[rows[it] for it in group if it in rows] for group in column[kind]] for column in columns]
        places, shares = flat(tokens)
        counts = np.array([sum(map(len, groups)) for groups in tokens])
        if counts.any():
            starts = (np.cumsum(counts) - counts)[counts > 0]
            totals[counts > 0] = np.add.reduceat(vectors[places] * shares[:, None], starts)
        yield totals


def flat(columns: Sequence[Sequence[Sequence[int]]]) -> tuple[npt.NDArray[np.int64], Matrix]:
    """Return the rows of all tokens, by column and group, and what share of its vector each one gives."""
    groups = [group for column in columns for group in column]
    counts = np.array([len(group) for group in groups], np.int64)
    of_column = np.repeat([len(column) for column in columns], [len(column) for column in columns])
    shares = 1 / np.maximum(of_column, 1) / np.sqrt(np.maximum(counts, 1))
    places = np.concatenate([np.zeros(0, np.int64), *(np.array(group, np.int64) for group in groups)])
    return places, np.repeat(shares, counts).astype(np.float32)


def seen(known: Network, summed: Matrix) -> Matrix:
    """Return what each column shows to the others, one row per column."""
    weights, bias = known.layers["beside"]
    return rectified(summed @ weights + bias)


def context(shown: Matrix) -> Matrix:
    """Return what stands beside each column: the mean of what all *shown*, the sum of the next two."""
    near = np.zeros_like(shown)
    near[1:] += shown[:-1]
    near[:-1] += shown[1:]
    return np.hstack([np.broadcast_to(shown.mean(axis=0), shown.shape), near])


def hidden(known: Network, summed: Matrix, beside: Matrix) -> Matrix:
    """Return the units of the hidden layer, one row per column."""
    weights, bias = known.layers["hidden"]
    return rectified(np.hstack([summed, beside]) @ weights + bias)


def odds(known: Network, units: Matrix) -> Matrix:
    """Return the probability of every tag, one row per column, from the *units* of the hidden layer."""
    weights, bias = known.layers["out"]
    return softmax(units @ weights + bias)


def rectified(values: Matrix) -> Matrix:
    """Return *values* with zero in place of what is negative."""
    found: Matrix = np.maximum(values, 0)
    return found


def softmax(logits: Matrix) -> Matrix:
    """Return the probabilities of each row."""
    powers = np.exp(logits - logits.max(axis=1, keepdims=True))
    found: Matrix = powers / powers.sum(axis=1, keepdims=True)
    return found


def from_arrays(stored: Mapping[str, Any]) -> Network:
    """Return the network that `to_arrays` made *stored* of.

    Raises `ValueError` if it was trained beside other vectors of words than those that are here.
    """
    bags = tuple(_lines(stored["bags"]))
    read = [_bag(stored, bag) for bag in bags]
    return Network(
        tuple(_lines(stored["tags"])),
        bags,
        tuple(rows for rows, _ in read),
        tuple(vectors for _, vectors in read),
        {layer: (stored[layer], stored[f"{layer} bias"]) for layer in LAYERS},
    )


def _bag(stored: Mapping[str, Any], bag: str) -> tuple[Mapping[str, int], Matrix]:
    if bag == MEANINGS:
        if int(stored[_DIGEST][0]) != meanings().digest:
            raise ValueError("the network was trained beside other vectors of words: train it again")
        return meanings().rows, meanings().vectors
    rows = {token: row for row, token in enumerate(_lines(stored[f"{bag} tokens"]))}
    return rows, stored[bag].astype(np.float32) * stored[f"{bag} scale"]


def to_arrays(known: Network) -> Arrays:
    """Return *known* as arrays; tokens stand in the order of their rows."""
    arrays: Arrays = {"tags": _text(known.tags), "bags": _text(known.bags)}
    for bag, rows, vectors in zip(known.bags, known.vocabularies, known.vectors, strict=True):
        if bag == MEANINGS:
            arrays[_DIGEST] = np.array([meanings().digest], np.uint32)
            continue
        scale = np.maximum(np.abs(vectors).max(axis=0), np.finfo(np.float32).tiny) / _STEPS
        arrays[f"{bag} tokens"] = _text(sorted(rows, key=rows.__getitem__))
        arrays[f"{bag} scale"] = scale.astype(np.float32)
        arrays[bag] = np.rint(vectors / scale).astype(np.int8)
    for layer, (weights, bias) in known.layers.items():
        arrays[layer], arrays[f"{layer} bias"] = weights.astype(np.float32), bias.astype(np.float32)
    return arrays


def _text(lines: Sequence[str]) -> npt.NDArray[np.uint8]:
    return np.frombuffer("\n".join(lines).encode(), np.uint8)


def _lines(stored: npt.NDArray[np.uint8]) -> list[str]:
    return stored.tobytes().decode().split("\n")
