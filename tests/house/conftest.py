"""The repository as data: its files and its parsed code."""

import ast
import fnmatch
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
CODE = ("sandbox", "policies", "classifiers", "jobs", "service", "cli")


def _ignored(name: str) -> bool:
    lines = (ROOT / ".gitignore").read_text(encoding="utf-8").split()
    return name == ".git" or any(fnmatch.fnmatch(name, line.strip("/")) for line in lines)


def _walk(folder: Path):
    for path in sorted(folder.iterdir()):
        if _ignored(path.name) or _ignored(path.relative_to(ROOT).as_posix()):
            continue
        if path.is_dir():
            yield from _walk(path)
        else:
            yield path


@pytest.fixture(scope="session")
def root() -> Path:
    """The repository's folder."""
    return ROOT


@pytest.fixture(scope="session")
def files() -> list[Path]:
    """Every file of the repository, without what .gitignore names (there need not be a git here)."""
    return list(_walk(ROOT))


@pytest.fixture(scope="session")
def modules(files: list[Path]) -> dict[str, ast.Module]:
    """The product's code, parsed: path from the root → module."""
    named = {path.relative_to(ROOT): path for path in files if path.suffix == ".py"}
    return {
        name.as_posix(): ast.parse(path.read_text(encoding="utf-8"), filename=str(name))
        for name, path in named.items()
        if name.parts[0] in CODE or name.as_posix() == "keyong.py"
    }
