"""Jobs and templates as files: strict YAML, or the bare text of the statements.

Read where they are typed, on the asker's own side: what goes on is a `JobRequest`.  A file holds the whole
job, and what is said beside it on the command line takes the place of what it says.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from policies.load import Document, load, show_path
from sandbox.errors import InvalidInputError
from service.asked import JobRequest
from service.numbers import fraction

if TYPE_CHECKING:
    from service.client.jobshapes import JobShape

_MOST_BYTES: Final = 2**20
_ENDINGS: Final = (".sql", ".yaml", ".yml")
_DATE: Final = re.compile(r"\d{4}-\d\d-\d\d", re.ASCII)
_NUMBER: Final = re.compile(r"[-+]?\d+(\.\d+)?", re.ASCII)

Value = tuple[str, str]
"""What a parameter's value is, and its text: see `jobs.sql.binding.Value`."""


def is_file(text: str) -> bool:
    """Whether *text* names a job's file rather than being a statement: one word that ends as those do."""
    return text.endswith(_ENDINGS) and not re.search(r"\s", text)


def read(path: Path) -> JobRequest:
    """Return the job in *path*: YAML of ``kind: Job``, or (``.sql``) statements alone, for no purpose yet.

    Raises `InvalidInputError` with file and line.
    """
    text = _bytes(path)
    if path.suffix == ".sql":
        return JobRequest(_decoded(text, path), "")
    from policies.shape import checked  # noqa: PLC0415 - pydantic, 0.2 s that only files need
    from service.client.jobshapes import JobShape  # noqa: PLC0415

    document = load(text, str(path))
    return _request(document, checked(document, JobShape))


def text_of(path: Path) -> str:
    """Return a template's file as text; it is read by whoever stores it."""
    return _decoded(_bytes(path), path)


def _bytes(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            content = file.read(_MOST_BYTES + 1)
    except OSError:
        raise InvalidInputError("file.unreadable", path=str(path)) from None
    if len(content) > _MOST_BYTES:
        raise InvalidInputError("file.too-large", path=str(path), limit=_MOST_BYTES)
    return content


def _decoded(content: bytes, path: Path) -> str:
    try:
        return content.decode().removeprefix("\ufeff")
    except UnicodeDecodeError:
        raise InvalidInputError("policy.not-utf-8", file=str(path)) from None


def _request(document: Document, shape: JobShape) -> JobRequest:
    if (shape.sql is None) == (shape.template is None):
        raise _wrong(document, ())
    errors = amounts(shape.error)
    return JobRequest(
        sql=shape.sql or "",
        purpose=shape.purpose or "",
        epsilon=None if shape.epsilon is None else fraction(shape.epsilon),
        error=errors[0] if len(errors) == 1 else None,
        errors=() if len(errors) == 1 else errors,
        group_size=shape.group_size,
        max_rows=shape.max_rows,
        weights=tuple(map(fraction, shape.weights)),
        template=shape.template or "",
        parameters={name: value_of(value) for name, value in shape.parameters.items()},
    )


def _wrong(document: Document, path: tuple[str, ...]) -> InvalidInputError:
    return InvalidInputError(
        "template.sql-or-template", file=document.file, line=document.line(path), path=show_path(path)
    )


def amounts(error: object) -> tuple[str, ...]:
    """Return the error or errors that a file asks for, as they would be typed."""
    written = error if isinstance(error, list) else [] if error is None else [error]
    return tuple(fraction(one) if isinstance(one, Fraction) else str(one) for one in written)


def value_of(value: object) -> Value:
    """Return a value of YAML; what it is, is what YAML says: text in quotes is text."""
    match value:
        case None:
            return ("null", "")
        case bool():
            return ("truth", "true" if value else "false")
        case int() | Fraction():
            return ("number", fraction(Fraction(value)))
    return ("text", str(value))


def typed_value(text: str) -> Value:
    """Return a value as it was typed: a number or a day if it reads as one, otherwise text."""
    if _NUMBER.fullmatch(text):
        return ("number", text.removeprefix("+"))
    return ("date", text) if _DATE.fullmatch(text) else ("text", text)


def with_options(job: JobRequest, options: Mapping[str, Any]) -> JobRequest:
    """Return *job* with the *options* that were given in the place of what it says."""
    given = {name: value for name, value in options.items() if value not in (None, (), {})}
    if given.keys() & {"epsilon", "error", "errors"}:
        given = {"epsilon": None, "error": None, "errors": (), "weights": (), **given}
    if "parameters" in given:
        given["parameters"] = {**job.parameters, **given["parameters"]}
    return replace(job, **given)
