"""The eye of the demonstration: it finds what lies open and nothing else."""

from __future__ import annotations

import base64
import os
import struct
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
SOURCE = ROOT / "examples" / "data" / "diabetes130.csv.gz"


def search(directory: Path) -> subprocess.CompletedProcess[str]:
    line = [sys.executable, str(ROOT / "examples" / "find_values.py"), str(SOURCE), str(directory)]
    return subprocess.run(line, capture_output=True, text=True, check=False)


@pytest.fixture(scope="module")
def identifiers() -> list[str]:
    sys.path.insert(0, str(ROOT / "examples"))
    try:
        import find_values
    finally:
        sys.path.pop(0)
    return find_values.sample(find_values.read(SOURCE))


def test_noise_holds_nothing(tmp_path):
    (tmp_path / "ciphertext").write_bytes(os.urandom(5_000_000))
    answer = search(tmp_path)
    assert (answer.returncode, answer.stderr) == (0, "")
    assert "0 values found" in answer.stdout


def test_every_hiding_place_is_found(tmp_path, identifiers):
    value = identifiers[0]
    hidden = {
        "text": f"x{value}y".encode(),
        "utf16": f"x{value}y".encode("utf-16"),
        "base64": base64.b64encode(f"xx{value}yy".encode()),
        "int64": b"x" + struct.pack("<q", int(value)),
        "float64": b"x" + struct.pack("<d", int(value)),
        "row": identifiers[-1].encode(),
        f"name-{value}": b"",
    }
    for name, content in hidden.items():
        (tmp_path / name).write_bytes(os.urandom(1000) + content + os.urandom(1000))
    answer = search(tmp_path)
    assert answer.returncode == 1
    assert answer.stdout.count("FOUND") == len(hidden)
    assert not any(f" {secret} " in answer.stdout for secret in identifiers)
