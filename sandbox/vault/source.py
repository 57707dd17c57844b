"""Where an owner's rows come from: CSV and Parquet, streamed.

A source is read once from front to back in batches of bounded size and never written anywhere.  CSV cells
are handed on as text, exactly as they stand; what they mean is for `sandbox.vault.conform` to decide by
the declared fields.  A CSV record that has not exactly the header's number of cells refuses the whole
file: a shifted cell would otherwise end up in another column.  No error carries a cell.
"""

from __future__ import annotations

import codecs
import csv
import gzip
import io
import zlib
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import IO, Any

import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet as pq

from sandbox.errors import InvalidInputError
from sandbox.vault.columns import has_known_zone, holds_nul, is_flat, is_text, longest_text, size_of
from sandbox.vault.encoding import ENCODINGS, RECORD_BYTES, check_end, check_start, undecodable, unreadable
from sandbox.vault.header import check_header, check_lone, named, too_long

BATCH_ROWS = 131_072
BATCH_BYTES = 32 << 20
_FEWEST_ROWS = 16
"""Rows of Parquet that are read at once however long its cells: one by one takes hours."""
_PAGES_BYTES = 1 << 18
"""Bytes of a column of Parquet that are held before they are decoded, or a page."""
_CSV_BLOCK = RECORD_BYTES
_HEADER_BYTES = 1 << 20

Progress = Callable[[int, int], None]
"""Called with (bytes done, bytes in all)."""


class Source(ABC):
    """A table of an owner: *columns* in file order, *size* in bytes on disk."""

    def __init__(self, path: Path) -> None:
        if not path.exists():
            raise InvalidInputError("vault.no-such-file", file=str(path))
        if not path.is_file():
            raise InvalidInputError("vault.not-a-file", file=str(path))
        self.path = path
        self.size = path.stat().st_size
        if self.size == 0:
            raise InvalidInputError("vault.empty-file", file=str(path))
        self.columns = self._read_columns()
        check_header(self.columns, path)

    @abstractmethod
    def _read_columns(self) -> tuple[str, ...]: ...

    @abstractmethod
    def _read(self, progress: Progress | None) -> Iterator[pa.RecordBatch]: ...

    def batches(self, progress: Progress | None = None) -> Iterator[pa.RecordBatch]:
        """Yield all rows in batches of at most `BATCH_ROWS` rows and about `BATCH_BYTES` bytes.

        Raises `InvalidInputError` for a file that cannot be read as what it claims to be.
        """
        for batch in self._read(progress):
            size = sum(map(size_of, batch.columns))
            pieces = max(-(-batch.num_rows // BATCH_ROWS), -(-size // BATCH_BYTES), 1)
            step = max(1, -(-batch.num_rows // pieces))
            for start in range(0, batch.num_rows, step):
                yield batch.slice(start, step)
        if progress:
            progress(self.size, self.size)


class CsvSource(Source):
    """CSV in UTF-8 (a byte order mark is allowed) or in *encoding*, plain or .gz; every column is text.

    The first record, or the first behind *skip_lines* lines of a title, names the columns (`named`).  Quoted
    cells may hold delimiters and line breaks; blank lines are skipped.
    """

    def __init__(
        self, path: Path, delimiter: str = ",", encoding: str = "utf-8", skip_lines: int = 0
    ) -> None:
        if encoding not in ENCODINGS:
            raise InvalidInputError("vault.bad-encoding", encoding=encoding[:40], known=list(ENCODINGS))
        if len(delimiter) != 1 or not delimiter.isascii() or delimiter in '"\r\n':
            raise InvalidInputError("vault.bad-delimiter", delimiter=delimiter)
        self._delimiter = delimiter
        self._encoding = encoding
        self._skip_lines = skip_lines
        self._zipped = path.suffix.lower() == ".gz"
        super().__init__(path)

    def _read_columns(self) -> tuple[str, ...]:
        try:
            with self._open() as file:
                head = file.read(_HEADER_BYTES)
        except (gzip.BadGzipFile, EOFError, zlib.error):
            raise InvalidInputError("vault.bad-gzip", file=str(self.path)) from None
        check_start(head, self.path, self._encoding)
        lines = list(io.StringIO(self._decode(head), newline=""))[self._skip_lines :]
        try:
            records = filter(None, csv.reader(lines, delimiter=self._delimiter))
            self._written = next(records, [])
        except csv.Error:  # a cell of more than 128 KB, where names should be
            raise too_long(self.path) from None
        if not lines and self._skip_lines:
            raise InvalidInputError("vault.skips-all", file=str(self.path), skipped=self._skip_lines)
        if len(self._written) == 1:
            check_lone(self._written[0], records, self.path, self._delimiter)
        return named(self._written)

    def _decode(self, head: bytes) -> str:
        # A character may be cut at the end of what was read; the reader checks the rest of the file.
        try:
            text = codecs.getincrementaldecoder(self._encoding)().decode(head).removeprefix("\ufeff")
        except UnicodeError:
            raise self._undecodable() from None
        if "\x00" in text:
            raise InvalidInputError("vault.nul-character", file=str(self.path))
        return text

    def _open(self) -> IO[bytes]:
        return gzip.open(self.path) if self._zipped else self.path.open("rb")  # type: ignore[return-value]

    def _undecodable(self) -> InvalidInputError:
        with self._open() as file:
            return undecodable(file, self.path, self._encoding, self._delimiter, self._skip_lines)

    def _read(self, progress: Progress | None) -> Iterator[pa.RecordBatch]:
        ragged: list[Any] = []

        def refuse(row: Any) -> str:
            ragged.append(row)
            return "error"

        options = {
            "read_options": pa.csv.ReadOptions(
                use_threads=False,
                block_size=_CSV_BLOCK,
                encoding=self._encoding,
                skip_rows=self._skip_lines,
            ),
            "parse_options": pa.csv.ParseOptions(
                delimiter=self._delimiter,
                newlines_in_values=True,
                invalid_row_handler=refuse,
            ),
            "convert_options": pa.csv.ConvertOptions(
                column_types=dict.fromkeys(self._written, pa.string()), strings_can_be_null=False
            ),
        }
        try:
            with (
                self.path.open("rb") as file,
                _stream(file, self._zipped) as stream,
                pa.csv.open_csv(stream, **options) as reader,
            ):
                last = None
                for batch in reader:
                    last = batch if batch.num_rows else last
                    if batch.schema.names != self._written:
                        raise pa.ArrowInvalid("header")
                    if any(map(holds_nul, batch.columns)):
                        raise InvalidInputError("vault.nul-character", file=str(self.path))
                    yield batch.rename_columns(self.columns)
                    if progress:
                        progress(min(file.tell(), self.size), self.size)
                if last is not None:
                    check_end(self._open, self.path, last)
        except UnicodeError:
            raise self._undecodable() from None
        except (pa.ArrowInvalid, OSError) as error:
            if "invalid UTF8" in str(error):
                raise self._undecodable() from None
            raise unreadable(str(error), self.path, ragged, self._skip_lines, zipped=self._zipped) from None


class ParquetSource(Source):
    """A Parquet file of flat columns; *schema*, *rows* and *group_rows* are its footer's."""

    def __init__(self, path: Path) -> None:
        super().__init__(path)
        for field in self.schema:
            if not is_flat(field.type):
                # Names inside may be cells: of a table of dictionaries, their keys.
                outer = str(field.type).partition("<")[0]
                raise InvalidInputError("vault.bad-column-type", column=field.name, type=outer)
            if not has_known_zone(field.type):
                raise InvalidInputError("vault.unknown-zone", column=field.name, zone=field.type.tz[:40])

    def _read_columns(self) -> tuple[str, ...]:
        try:
            self._metadata = pq.read_metadata(self.path)
            self.schema = self._metadata.schema.to_arrow_schema()
        except (pa.ArrowException, OSError):
            raise InvalidInputError("vault.bad-parquet", file=str(self.path)) from None
        # Few functions of Arrow know views of texts: they are read as dictionaries.
        self._views = [it.name for it in self.schema if pa.types.is_string_view(it.type)]
        self.rows, groups = self._metadata.num_rows, range(self._metadata.num_row_groups)
        self.group_rows = tuple(self._metadata.row_group(group).num_rows for group in groups)
        return tuple(self.schema.names)

    def _read(self, progress: Progress | None) -> Iterator[pa.RecordBatch]:
        done, total = 0, max(1, self.rows)
        for batch in self.read(self.columns, range(len(self.group_rows))):
            yield batch
            done += batch.num_rows
            if progress:
                progress(self.size * done // total, self.size)

    def read(
        self, columns: Sequence[str], groups: Sequence[int], most: int = BATCH_ROWS
    ) -> Iterator[pa.RecordBatch]:
        """Yield *columns* of some row *groups* in batches of about `BATCH_BYTES`, and of *most* rows.

        Raises `InvalidInputError` for what cannot be read, and for bytes that are no text.
        """
        try:
            rows = max(_FEWEST_ROWS, min(most, BATCH_BYTES // self._row_bytes(columns, groups)))
            with self._file(read_dictionary=self._views) as file:
                found = file.iter_batches(rows, list(groups), list(columns), use_threads=True)
                for batch in _gathered(found, most) if rows < most else found:
                    chosen = batch.select(list(columns))  # Parquet takes a.b for a part of a
                    self._check_texts(chosen)
                    yield chosen
        except (pa.ArrowException, OSError):
            raise InvalidInputError("vault.bad-parquet", file=str(self.path)) from None

    def _file(self, **options: Any) -> pq.ParquetFile:
        """Open the file so that of a column some pages are held, not all of a row group, which may be all."""
        return pq.ParquetFile(
            self.path, metadata=self._metadata, pre_buffer=False, buffer_size=_PAGES_BYTES, **options
        )

    def _row_bytes(self, columns: Sequence[str], groups: Sequence[int]) -> int:
        """Return how many bytes a row may take: the mean in the file, and the longest texts held but once.

        A text that stands once in a file, in a dictionary, may stand in every row of what is read.
        """
        places = [self.columns.index(name) for name in columns]
        texts = [self.columns[place] for place in places if is_text(self.schema.types[place])]
        most = 1
        with self._file(read_dictionary=texts) as file:
            for group in groups:
                held = self._metadata.row_group(group)
                size = sum(held.column(place).total_uncompressed_size for place in places)
                first = next(file.iter_batches(1, [group], texts, use_threads=False), None) if texts else None
                longest = sum(map(longest_text, first.columns)) if first else 0
                most = max(most, longest + size // max(held.num_rows, 1))
        return most

    def _check_texts(self, batch: pa.RecordBatch) -> None:
        for field, column in zip(batch.schema, batch.columns, strict=True):
            try:
                column.validate(full=is_text(field.type) or pa.types.is_dictionary(field.type))
            except pa.ArrowInvalid:
                raise InvalidInputError("vault.not-text", file=str(self.path), column=field.name) from None


def _gathered(batches: Iterator[pa.RecordBatch], most: int) -> Iterator[pa.RecordBatch]:
    """Put short batches together."""
    held: list[pa.RecordBatch] = []
    rows = size = 0
    for batch in batches:
        held.append(batch)
        rows, size = rows + batch.num_rows, size + batch.nbytes
        if rows >= most or size >= BATCH_BYTES:
            yield pa.concat_batches(held)
            held, rows, size = [], 0, 0
    if held:
        yield pa.concat_batches(held)


def open_source(path: Path, delimiter: str = ",", encoding: str = "utf-8", skip_lines: int = 0) -> Source:
    """Return the source for *path* by its name: .parquet, or CSV (.csv, .csv.gz and anything else)."""
    if path.suffix.lower() in (".parquet", ".pq"):
        return ParquetSource(path)
    return CsvSource(path, delimiter, encoding, skip_lines)


def _stream(file: Any, zipped: bool) -> Any:
    whole = pa.PythonFile(file, mode="r")
    return pa.CompressedInputStream(whole, "gzip") if zipped else whole
