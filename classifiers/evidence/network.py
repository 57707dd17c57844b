"""A small network that reads the names of a table's columns, each one beside the others.

1. A name is two bags of tokens (`classifiers.evidence.tokens`); each becomes the sum of its tokens' vectors
   over the root of their number (Joulin et al. 2017, "Bag of tricks for efficient text classification").
2. What stands beside a column is the mean over all columns of a layer on top of that, and the sum over the
   two next to it (Zaheer et al. 2017, "Deep sets").
3. A hidden layer sees a name and what stands beside it; a softmax says how probable each tag is.

With nothing beside it the same network reads a name alone.  `benchmarks/classification/fit_headers.py` trains
it; the parameters are data (``taxonomies/headers.npz``).
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

from classifiers.evidence.tokens import BAGS, Bags

LAYERS: Final = ("beside", "hidden", "out")
_AT_ONCE: Final = 1000
"""Columns whose vectors are summed together, so that memory does not grow with their number."""
_STEPS: Final = 127
"""A stored vector is a multiple of a 127th of each dimension's largest value: a signed byte."""
Matrix = npt.NDArray[np.float32]
Arrays = dict[str, npt.NDArray[Any]]


@dataclass(frozen=True, slots=True)
class Network:
    """The trained parameters.

    *tags*: what is told apart.  *vocabularies*: by bag, the rows of tokens in *vectors*.  *layers*: by name,
    a matrix and a bias.
    """

    tags: tuple[str, ...]
    vocabularies: tuple[Mapping[str, int], ...]
    vectors: tuple[Matrix, ...]
    layers: Mapping[str, tuple[Matrix, Matrix]]


@cache
def network() -> Network:
    """Return the network of ``taxonomies/headers.npz``, read once."""
    data = resources.files("classifiers").joinpath("taxonomies", "headers.npz").read_bytes()
    with np.load(io.BytesIO(data), allow_pickle=False) as stored:
        return from_arrays(stored)


def sums(known: Network, bags: Sequence[Bags]) -> Matrix:
    """Return a row per name: for each bag the sum of its tokens' vectors over the root of their number."""
    chunks = [bags[start : start + _AT_ONCE] for start in range(0, len(bags), _AT_ONCE)]
    return np.concatenate([np.hstack(list(_summed(known, chunk))) for chunk in chunks])


def _summed(known: Network, bags: Sequence[Bags]) -> Iterator[Matrix]:
    for kind, (rows, vectors) in enumerate(zip(known.vocabularies, known.vectors, strict=True)):
        found = [[rows[token] for token in bag[kind] if token in rows] for bag in bags]
        counts = np.array([len(of_name) for of_name in found])
        totals = np.zeros((len(bags), vectors.shape[1]), np.float32)
        if counts.any():
            gathered = vectors[np.concatenate([np.array(of_name, int) for of_name in found])]
            totals[counts > 0] = np.add.reduceat(gathered, (np.cumsum(counts) - counts)[counts > 0])
        yield totals / np.sqrt(np.maximum(counts, 1))[:, None].astype(np.float32)


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
    """Return the network that `to_arrays` made *stored* of."""
    texts = [_lines(stored[f"{bag} tokens"]) for bag in BAGS]
    return Network(
        tuple(_lines(stored["tags"])),
        tuple({token: row for row, token in enumerate(tokens)} for tokens in texts),
        tuple(stored[bag].astype(np.float32) * stored[f"{bag} scale"] for bag in BAGS),
        {layer: (stored[layer], stored[f"{layer} bias"]) for layer in LAYERS},
    )


def to_arrays(known: Network) -> Arrays:
    """Return *known* as arrays; tokens stand in the order of their rows."""
    arrays: Arrays = {"tags": _text(known.tags)}
    for bag, rows, vectors in zip(BAGS, known.vocabularies, known.vectors, strict=True):
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
