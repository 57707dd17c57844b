"""What a file is that does not read as the text it was said to be, and where it stops being it.

Nothing is guessed to read a file by: what it seems to be is told to its owner, who says how to read it.
"""

from __future__ import annotations

import codecs
import csv
import io
import os
import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from itertools import islice
from pathlib import Path
from typing import IO, Any

from sandbox.errors import InvalidInputError

ENCODINGS = ("utf-8", "gb18030", "big5", "utf-16", "shift_jis", "windows-1252")
"""Encodings that an owner can name; none is ever guessed."""
RECORD_BYTES = 8 << 20
"""Bytes of the longest record that is read in any case; one of more than twice as many never is."""
_MARK = "\udcff"
"""Stands for bytes that do not decode: no text that decodes holds a half of a pair."""

codecs.register_error("keyong.mark", lambda error: (_MARK, error.end))  # type: ignore[attr-defined]


def check_start(head: bytes, path: Path, encoding: str) -> None:
    """Refuse a file that is no text in *encoding* by its first bytes; `InvalidInputError` says what it seems.

    These are of Parquet, of .xlsx and .xls, of gzip (RFC 1952), and of UTF-16 with its mark.
    """
    if head.startswith(b"PAR1\x15"):
        raise InvalidInputError("vault.seems-parquet", file=str(path))
    if head.startswith((b"PK\x03\x04", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1")):
        raise InvalidInputError("vault.seems-workbook", file=str(path))
    if head.startswith(b"\x1f\x8b\x08"):
        raise InvalidInputError("vault.seems-gzip", file=str(path))
    if encoding != "utf-16" and head.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        raise InvalidInputError("vault.seems-utf-16", file=str(path))


def check_end(opened: Callable[[], IO[bytes]], path: Path, last: Any) -> None:
    """Refuse a CSV that ends inside a quoted cell, which would have swallowed the records behind it.

    The reader takes the end of the file for the missing quote.  A last cell (of the batch *last*) with a line
    break in it must be quoted, so that the file must end with the quote that closes it.
    """
    if not re.search("[\r\n]", last.column(last.num_columns - 1)[-1].as_py()):
        return
    with opened() as file:
        file.seek(max(0, file.seek(0, os.SEEK_END) - 1024))
        end = file.read().rstrip(b"\0\r\n\t ")
    if not end.endswith(b'"'):
        raise InvalidInputError("vault.open-quote", file=str(path))


def unreadable(
    error: str, path: Path, ragged: Sequence[Any], skip_lines: int = 0, *, zipped: bool
) -> InvalidInputError:
    """Say what is wrong with a CSV without the reader's own words, which quote the record."""
    file = str(path)
    if ragged:
        row = ragged[0]
        return InvalidInputError(
            "vault.ragged-record",
            file=file,
            record=row.number - skip_lines,  # the reader counts them
            expected=row.expected_columns,
            found=row.actual_columns,
        )
    if "Empty CSV" in error:
        return InvalidInputError("vault.only-header", file=file)
    if "straddling" in error:
        return InvalidInputError("vault.record-too-long", file=file, most=RECORD_BYTES)
    if zipped:
        return InvalidInputError("vault.bad-gzip", file=file)
    return InvalidInputError("vault.bad-csv", file=file)


def undecodable(
    file: IO[bytes], path: Path, encoding: str, delimiter: str = ",", skip_lines: int = 0
) -> InvalidInputError:
    """Return what to raise of a CSV that is not text in *encoding*: it names the first record that is not.

    Or it says that a record before that is too long to be read: then the quotes are at fault first.  Records
    are counted behind *skip_lines* lines; what is wrong in these is told of the first record.
    """
    try:
        text = io.TextIOWrapper(file, encoding, "keyong.mark", newline="")
        record = _first_undecodable(text, delimiter, skip_lines)
    except csv.Error:
        return InvalidInputError("vault.record-too-long", file=str(path), most=RECORD_BYTES)
    if encoding == "utf-8":
        return InvalidInputError("vault.not-utf8", file=str(path), record=record)
    known = [name for name in ENCODINGS if name != encoding]
    return InvalidInputError(
        "vault.not-encoded", file=str(path), record=record, encoding=encoding, known=known
    )


def _first_undecodable(text: io.TextIOWrapper, delimiter: str, skip_lines: int) -> int:
    record, lines = 0, _Lines(text)
    try:
        if any(_MARK in line for line in islice(lines, skip_lines)):
            return 1
        lines.held = 0
        with _cells_of(lines.most):
            for row in csv.reader(lines, delimiter=delimiter):
                lines.held = 0
                record += bool(row)
                if any(_MARK in cell for cell in row):
                    return record
    except UnicodeError:  # UTF-16 without its mark
        return record + 1
    return max(record, 1)


class _Lines:
    """The lines of a text; `csv.Error` where those of one record, *held*, are longer than any record read."""

    most = 2 * RECORD_BYTES

    def __init__(self, text: io.TextIOWrapper) -> None:
        self._text = text
        self.held = 0

    def __iter__(self) -> Iterator[str]:
        while line := self._text.readline(self.most - self.held + 1):
            self.held += len(line)
            if self.held > self.most:
                raise csv.Error
            yield line


@contextmanager
def _cells_of(most: int) -> Iterator[None]:
    """Let Python's reader, which stops at cells of 128 KB, read cells of *most* characters meanwhile."""
    before = csv.field_size_limit(most)
    try:
        yield
    finally:
        csv.field_size_limit(before)
