"""Files of an owner's own that help to classify: recognisers, and a data dictionary of column meanings."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from classifiers.recognizers import MOST, Recognizer, read_recognizers
from policies.load import load
from sandbox.errors import InvalidInputError
from sandbox.vault.encoding import check_start
from sandbox.vault.header import plain
from service.lasting import check_meaning

_RECOGNIZER_BYTES: Final = 64 * 1024
_DICTIONARY_BYTES: Final = 2**20
_MEANING: Final = 300
"""Characters of a meaning, which becomes the public description of its column."""


def recognizers_of(path: Path | None) -> tuple[Recognizer, ...]:
    """Return the recognisers in a YAML file; raises `InvalidInputError` with the line."""
    if path is None:
        return ()
    content = read_file(path, _RECOGNIZER_BYTES)
    if not content.strip():
        raise InvalidInputError("recognizer.not-a-list", file=str(path), line=1, most=MOST)
    document = load(content, str(path))
    return read_recognizers(document.data, str(path), document.line)


def meanings_of(path: Path | None, columns: tuple[str, ...], encoding: str) -> Mapping[str, str]:
    """Return what a data dictionary says of *columns*: a CSV whose first two cells are column and meaning.

    Lines about other columns, a heading among them, are passed over.  Raises `InvalidInputError` if no line
    is about a column, a meaning is too long, or the file is no CSV.
    """
    if path is None:
        return {}
    content = read_file(path, _DICTIONARY_BYTES)
    check_start(content, path, encoding)
    try:
        text = content.decode(encoding).removeprefix("\ufeff")
    except UnicodeError:
        raise InvalidInputError("dataset.dictionary-encoding", file=str(path), encoding=encoding) from None
    found: dict[str, str] = {}
    try:
        for line in csv.reader(io.StringIO(text, newline=None)):
            name, meaning = (plain(line[0]), " ".join(line[1].split())) if len(line) > 1 else ("", "")
            if name in columns and meaning and found.setdefault(name, meaning) != meaning:
                raise InvalidInputError("dataset.meaning-twice", file=str(path), column=name)
    except csv.Error:  # a cell of more than 128 KB
        raise InvalidInputError("dataset.bad-dictionary", file=str(path)) from None
    meanings = {column: found[column] for column in columns if column in found}
    if not meanings:
        raise InvalidInputError("dataset.dictionary-fits-nothing", file=str(path))
    for column, meaning in meanings.items():
        if len(meaning) > _MEANING:
            raise InvalidInputError("dataset.long-meaning", column=column, most=_MEANING)
        check_meaning(column, meaning)
    return meanings


def read_file(path: Path, most: int) -> bytes:
    """Return a small file's content; raises `InvalidInputError` if it is not there or longer than *most*."""
    if not path.exists():
        raise InvalidInputError("vault.no-such-file", file=str(path))
    if not path.is_file():
        raise InvalidInputError("vault.not-a-file", file=str(path))
    with path.open("rb") as file:
        content = file.read(most + 1)
    if len(content) > most:
        raise InvalidInputError("recognizer.too-long", file=str(path), most=most)
    return content
