"""The house numbers: code small enough to hold in one's head, and every public name explained.

A function's length runs from ``def`` to its last line without its docstring: explaining costs nothing.
Declarations without a body (protocols) are not counted.
"""

import ast
from collections.abc import Iterator
from pathlib import Path

FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)
LONGEST_FILE = 300
ONE_BY_DESIGN = {"sandbox/audit/verify_bundle.py": 850}
"""Read and run alone on another machine, so it is one file (ADR 29)."""


def _without_docstring(body: list[ast.stmt]) -> list[ast.stmt]:
    first = body[0]
    told = isinstance(first, ast.Expr) and isinstance(first.value, ast.Constant)
    return body[1:] if told else body


def _length(function: ast.FunctionDef) -> int:
    docstring = [node for node in function.body if node not in _without_docstring(function.body)]
    told = sum(node.end_lineno - node.lineno + 1 for node in docstring)
    return function.end_lineno - function.lineno + 1 - told


def _lengths(modules: dict[str, ast.Module]) -> list[tuple[int, str]]:
    return sorted(
        (_length(node), f"{path}:{node.lineno} {node.name}")
        for path, module in modules.items()
        for node in ast.walk(module)
        if isinstance(node, FUNCTIONS) and _without_docstring(node.body)
    )


def _at(lengths: list[tuple[int, str]], share: float) -> int:
    return lengths[int(share * (len(lengths) - 1))][0]


def test_functions_are_short(modules):
    lengths = _lengths(modules)
    assert _at(lengths, 0.5) <= 10, "the median function"
    assert _at(lengths, 0.9) <= 25, lengths[int(0.9 * len(lengths)) :]


def test_no_function_is_long(modules):
    assert [f"{where}: {length} lines" for length, where in _lengths(modules) if length > 50] == []


def test_no_file_is_long(modules, root: Path):
    lengths = {path: len((root / path).read_text(encoding="utf-8").splitlines()) for path in modules}
    assert {
        path: length for path, length in lengths.items() if length > ONE_BY_DESIGN.get(path, LONGEST_FILE)
    } == {}


def _public(body: list[ast.stmt], prefix: str) -> Iterator[tuple[str, ast.AST]]:
    for node in body:
        if isinstance(node, (*FUNCTIONS, ast.ClassDef)) and not node.name.startswith("_"):
            overrides = any(getattr(d, "id", "") in {"override", "overload"} for d in node.decorator_list)
            if not overrides:
                yield f"{prefix}{node.name}", node
            if isinstance(node, ast.ClassDef):
                yield from _public(node.body, f"{prefix}{node.name}.")


def test_every_public_name_is_documented(modules):
    bare = [path for path, module in modules.items() if not ast.get_docstring(module)]
    for path, module in modules.items():
        for name, node in _public(module.body, ""):
            if not ast.get_docstring(node):
                bare.append(f"{path}:{node.lineno} {name}")
    assert bare == []
