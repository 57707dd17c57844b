"""The house: what stands at the top, and where tests go."""

import ast
from pathlib import Path

TOP = {
    # the product
    "keyong.py", "sandbox", "policies", "classifiers", "jobs", "service", "cli",
    # how it is built, checked and shown
    "setup.cfg", "pyproject.toml", "requirements.lock", "Makefile", ".ci", ".gitignore",
    "tests", "benchmarks", "examples", "docs",
    # what people read first
    "README.md", "README.zh-CN.md", "LICENSE", "CHANGELOG.md", "CONTRIBUTING.md", "SECURITY.md",
}  # fmt: skip
TEST_FOLDERS = {
    "sandbox", "policies", "classifiers", "jobs", "service", "cli",
    "audit", "keys", "privacy", "vault", "workers",  # of sandbox
    "house", "support", "contract", "attack", "story", "soak",
}  # fmt: skip


def test_the_top_level_is_what_the_design_says(files: list[Path], root: Path):
    top = {path.relative_to(root).parts[0] for path in files}
    assert sorted(top - TOP) == [], "nothing else stands at the top"
    assert sorted(TOP - top) == [], "nothing is missing"


def test_tests_mirror_the_packages(root: Path):
    folders = {path.name for path in (root / "tests").iterdir() if path.is_dir()} - {"__pycache__"}
    assert sorted(folders - TEST_FOLDERS) == []
    assert list((root / "tests").rglob("__init__.py")) == []


def test_every_package_folder_says_what_it_is_for(modules, root: Path):
    folders = {(root / path).parent for path in modules} - {root}
    assert sorted(folder.name for folder in folders if not (folder / "__init__.py").is_file()) == []


def test_the_facade_defines_nothing_and_imports_the_service_only(modules):
    body = modules["keyong.py"].body
    assert not any(isinstance(node, (ast.FunctionDef, ast.ClassDef)) for node in body)
    imported = {node.module for node in body if isinstance(node, ast.ImportFrom)}
    assert not any(isinstance(node, ast.Import) for node in body)
    assert {name for name in imported if name.split(".")[0] != "service"} <= {"__future__", "pathlib"}
