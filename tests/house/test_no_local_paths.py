"""The repository speaks of no machine in particular: no home folders, no local package indexes."""

import re
from pathlib import Path

LOCAL = re.compile(
    r"(?<![\w.$}\])-])/(?:root|work|farm|home/\w|Users/\w|opt/wheels|opt/pypi)\b|\bfile:/{2,}\w"
)


def test_no_file_names_a_place_on_somebodys_machine(files: list[Path], root: Path):
    found = []
    for path in files:
        try:
            lines = path.read_text(encoding="utf-8").splitlines()
        except UnicodeDecodeError:
            continue
        found += [f"{path.relative_to(root)}:{n}" for n, line in enumerate(lines, 1) if LOCAL.search(line)]
    assert found == []
