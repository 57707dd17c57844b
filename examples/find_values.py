"""Search files for cell values of a CSV: ``python find_values.py SOURCE.csv[.gz] DIRECTORY...``.

Identifiers (cells of long whole numbers) and the beginnings of whole rows are taken from all over SOURCE and
looked for in every file below the directories and in its name: as text (UTF-8, UTF-16), hexadecimal, Base64
at each of its three offsets, and as 64-bit integers and floats of both byte orders.  An eye that sees nothing
proves nothing, so the search is first held against SOURCE itself and against one file per encoding, where it
must find every value.  Exit code 1: something was found.
"""

from __future__ import annotations

import base64
import csv
import gzip
import random
import struct
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

LINES = 5_000
VALUES = 40
ROWS = 10
SHORTEST = 9
"""Digits of an identifier: shorter ones turn up in ciphertext and digests by chance."""


def base64_at(offset: int) -> Callable[[str], bytes]:
    """Return an encoder to the part of Base64 text that *value* fixes when *offset* bytes stand before it."""

    def encode(value: str) -> bytes:
        coded = base64.b64encode(b"\0" * offset + value.encode())
        return coded[(offset * 8 + 5) // 6 : (offset + len(value)) * 8 // 6]

    return encode


def packed(form: str) -> Callable[[str], bytes]:
    """Return an encoder of whole numbers by a `struct` format; other text has no such form."""
    return lambda value: struct.pack(form, int(value)) if value.isdigit() else b""


ENCODINGS: dict[str, Callable[[str], bytes]] = {
    "utf-8": str.encode,
    "utf-16-le": lambda value: value.encode("utf-16-le"),
    "utf-16-be": lambda value: value.encode("utf-16-be"),
    "hex": lambda value: value.encode().hex().encode(),
    "HEX": lambda value: value.encode().hex().upper().encode(),
    "base64+0": base64_at(0),
    "base64+1": base64_at(1),
    "base64+2": base64_at(2),
    "int64-le": packed("<q"),
    "int64-be": packed(">q"),
    "float64-le": packed("<d"),
    "float64-be": packed(">d"),
}


def read(path: Path) -> bytes:
    """Return the bytes of *path*, decompressed if it is a .gz file."""
    return gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()


def sample(source: bytes) -> list[str]:
    """Return identifiers and row beginnings, the same ones at every run."""
    chosen = random.Random(0)
    lines = chosen.sample(source.decode().splitlines()[1:], LINES)
    rows = [",".join(line.split(",")[:8]) for line in lines[:ROWS]]
    cells = {cell for row in csv.reader(lines) for cell in row if cell.isdigit() and len(cell) >= SHORTEST}
    return chosen.sample(sorted(cells), VALUES) + rows


def search(path: Path, values: list[str]) -> Iterator[tuple[str, str]]:
    """Yield (value, encoding) for everything found in the file *path* or in its name."""
    content = path.read_bytes() + b"\0" + str(path).encode()
    for name, encode in ENCODINGS.items():
        for value in values:
            needle = encode(value)
            if needle and needle in content:
                yield value, name


def prove_eye(source: bytes, values: list[str]) -> None:
    """Raise `AssertionError` unless every value is found in the source and in every encoding it has."""
    with tempfile.TemporaryDirectory() as directory:
        plain = Path(directory, "plain")
        plain.write_bytes(source)
        assert {value for value, name in search(plain, values) if name == "utf-8"} == set(values)
        for name, encode in ENCODINGS.items():
            coded = Path(directory, name)
            coded.write_bytes(b"#".join(written(name, value) for value in values))
            wanted = {value for value in values if encode(value)}
            assert {value for value, found in search(coded, values) if found == name} == wanted, name


def written(name: str, value: str) -> bytes:
    """Return *value* as a program would write it in the encoding *name*, with something around it."""
    if name.startswith("base64"):
        return base64.b64encode(b"#" * int(name[-1]) + value.encode() + b"##")
    return b"#" + ENCODINGS[name](value) + b"#"


def main() -> int:
    """Search and say what was searched; never print a value."""
    source, *directories = map(Path, sys.argv[1:])
    content = read(source)
    values = sample(content)
    prove_eye(content, values)
    print(f"All {len(values)} values are found in the source, and in each of {len(ENCODINGS)} encodings.")
    files = [path for top in directories for path in sorted(top.rglob("*")) if path.is_file()]
    size = sum(path.stat().st_size for path in files)
    found = {path: len(list(search(path, values))) for path in files}
    for path, count in found.items():
        if count:
            print(f"FOUND {count} values in {path}")
    print(f"Searched {len(files)} files, {size / 1e6:.1f} MB: {sum(found.values())} values found.")
    return 1 if any(found.values()) else 0


if __name__ == "__main__":
    sys.exit(main())
