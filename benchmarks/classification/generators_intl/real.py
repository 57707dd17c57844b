"""The three real tables: rows of public datasets, labelled by hand (real.yaml); credit in README.md."""

from __future__ import annotations

import csv
import gzip
import io
from pathlib import Path
from typing import Any

import yaml

ROWS = 500


def specification() -> dict[str, Any]:
    """Return what real.yaml says: part → table → column → ``TAG`` or ``TAG!`` (shown by the values alone)."""
    found: dict[str, Any] = yaml.safe_load(Path(__file__).with_name("real.yaml").read_text(encoding="utf-8"))
    return found


def write(source: Path, root: Path) -> None:
    """Write samples of *source*/<table>.csv.gz and their labels below *root*."""
    for part, tables in specification().items():
        folder = root / part / "real"
        folder.mkdir(parents=True, exist_ok=True)
        for name in tables:
            packed = gzip.compress(sample(source / f"{name}.csv.gz"), mtime=0)
            (folder / f"{name}.csv.gz").write_bytes(packed)
        text = yaml.safe_dump(labels(tables), sort_keys=False, default_flow_style=None, width=200)
        (folder / "labels.yaml").write_text(text, encoding="utf-8")


def labels(tables: dict[str, dict[str, str]]) -> dict[str, list[dict[str, object]]]:
    """Return the labels of some tables."""
    return {
        name: [
            {"column": column, "tag": tag.rstrip("!"), "values": tag.endswith("!")}
            for column, tag in found.items()
        ]
        for name, found in tables.items()
    }


def sample(path: Path) -> bytes:
    """Return the header and `ROWS` rows at even distances, as CSV."""
    with gzip.open(path, "rt", encoding="utf-8", newline="") as file:
        header, *rows = csv.reader(file)
    out = io.StringIO()
    lines = csv.writer(out, lineterminator="\n")
    lines.writerow(header)
    lines.writerows(rows[:: max(1, len(rows) // ROWS)][:ROWS])
    return out.getvalue().encode()
