"""What words mean, as vectors that were learned from other people's texts.

So a word that stands in no table the networks learned from is near some that do.  Both networks read these
vectors beside what they learned themselves (`classifiers.evidence.network`): of a name its words, of values
theirs.  `benchmarks/classification/fit_meanings.py` made them and says of what; they are data
(``taxonomies/meanings.npz``).
"""

from __future__ import annotations

import io
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache, reduce
from importlib import resources
from typing import Final
from zlib import crc32

import numpy as np
import numpy.typing as npt

BAG: Final = "meanings"
"""What the bag of known words is called in a network."""
LONGEST: Final = 5
"""Characters of a Chinese word."""
_CHINESE = re.compile(r"[\u4e00-\u9fff]")


@dataclass(frozen=True, slots=True)
class Meanings:
    """The *rows* of words in *vectors*, one a word; *digest* tells these vectors from others."""

    rows: Mapping[str, int]
    vectors: npt.NDArray[np.float32]
    digest: int


@cache
def meanings() -> Meanings:
    """Return the words that are known, read once."""
    data = resources.files("classifiers").joinpath("taxonomies", "meanings.npz").read_bytes()
    with np.load(io.BytesIO(data), allow_pickle=False) as stored:
        arrays = {name: stored[name] for name in ("words", "vectors", "scale")}
    words = arrays["words"].tobytes().decode().split("\n")
    vectors = arrays["vectors"].astype(np.float32) * arrays["scale"]
    digest = reduce(lambda found, name: crc32(arrays[name].tobytes(), found), arrays, 0)
    return Meanings({word: row for row, word in enumerate(words)}, vectors, digest)


def words_in(part: str) -> Iterator[str]:
    """Yield the known words of *part*: itself, or if it is Chinese the longest ones from left to right."""
    rows = meanings().rows
    if not _CHINESE.match(part):
        if part in rows:
            yield part
        return
    place = 0
    while place < len(part):
        ends = range(min(place + LONGEST, len(part)), place, -1)
        end = next((end for end in ends if part[place:end] in rows), None)
        if end is not None:
            yield part[place:end]
        place = end or place + 1
