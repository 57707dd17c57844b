"""A template: a job with parameters, each of which takes values that are declared beforehand.

Pure: what a file says, what its digest is, and which literal a value becomes.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING, Any

from policies.load import Document, Path, load, show_path
from sandbox import canonical
from sandbox.errors import InvalidInputError
from sandbox.schema import Digest, Scalar, exact
from service.asked import JobRequest
from service.client.jobfiles import Value, amounts
from service.numbers import fraction

if TYPE_CHECKING:
    from service.client.jobshapes import ParameterShape, TemplateShape


@dataclass(frozen=True, slots=True)
class Numbers:
    """Any number from *low* to *high*."""

    low: Fraction
    high: Fraction


@dataclass(frozen=True, slots=True)
class Days:
    """Any day from *low* to *high*."""

    low: dt.date
    high: dt.date


@dataclass(frozen=True, slots=True)
class Category:
    """One of the categories that the policy in force declares for a column."""

    dataset: str
    column: str


Declared = Numbers | Days | Category
Categories = Callable[[Category], tuple[Scalar, ...]]
"""Returns the categories that are declared now."""


@dataclass(frozen=True, slots=True)
class Template:
    """What a file of ``kind: JobTemplate`` says; *asked* is the job without values."""

    name: str
    description: str
    asked: JobRequest
    parameters: Mapping[str, Declared]

    def digest(self, datasets: tuple[str, ...]) -> Digest:
        """Return the digest of what it says and of the names of the *datasets* that it reads."""
        job = self.asked
        return canonical.digest(
            {
                "name": self.name,
                "description": self.description,
                "sql": job.sql,
                "purpose": job.purpose,
                "epsilon": job.epsilon,
                "errors": list(job.errors),
                "weights": list(job.weights),
                "group_size": job.group_size,
                "max_rows": job.max_rows,
                "parameters": {name: _told(it) for name, it in self.parameters.items()},
                "datasets": list(datasets),
            }
        )


def _told(declared: Declared) -> list[str]:
    match declared:
        case Numbers(low, high):
            return ["number", fraction(low), fraction(high)]
        case Days(low, high):
            return ["dates", low.isoformat(), high.isoformat()]
        case Category(dataset, column):
            return ["category", dataset, column]


def shown(declared: Declared) -> str:
    """Return which values a parameter takes, for people."""
    match declared:
        case Category(dataset, column):
            return f"{dataset}: {column}"
        case Numbers(low, high):
            return f"{fraction(low)} … {fraction(high)}"
        case Days(low, high):
            return f"{low} … {high}"


def parse(source: str, file: str) -> Template:
    """Return the template that the YAML text *source* says.

    Raises `InvalidInputError` with file, line and path for the first thing that is wrong.
    """
    from policies.shape import checked  # noqa: PLC0415 - pydantic, 0.2 s that only files need
    from service.client.jobshapes import TemplateShape  # noqa: PLC0415

    document = load(source, file)
    shape = checked(document, TemplateShape)
    if (shape.epsilon is None) == (shape.error is None):
        raise InvalidInputError("template.epsilon-or-error", **_at(document, ()))
    if shape.purpose is None:
        raise InvalidInputError("template.no-purpose", **_at(document, ()))
    found = Template(
        shape.metadata.name,
        shape.description or "",
        _asked(shape),
        {name: _declared(document, name, it) for name, it in shape.parameters.items()},
    )
    _check_names(document, found)
    return found


def _asked(shape: TemplateShape) -> JobRequest:
    return JobRequest(
        shape.sql,
        shape.purpose or "",
        epsilon=None if shape.epsilon is None else fraction(shape.epsilon),
        errors=amounts(shape.error),
        weights=tuple(map(fraction, shape.weights)),
        group_size=shape.group_size,
        max_rows=shape.max_rows,
    )


def _declared(document: Document, name: str, shape: ParameterShape) -> Declared:
    at: Path = ("parameters", name)
    if sum(it is not None for it in (shape.number, shape.dates, shape.category)) != 1:
        raise InvalidInputError("template.one-kind", **_at(document, at))
    if shape.category is not None:
        return Category(shape.category.dataset, shape.category.column)
    if shape.number is not None and shape.number[0] <= shape.number[1]:
        return Numbers(*shape.number)
    if shape.dates is not None and shape.dates[0] <= shape.dates[1]:
        return Days(*shape.dates)
    raise InvalidInputError("template.empty-range", **_at(document, at))


def _check_names(document: Document, template: Template) -> None:
    from jobs.sql.binding import named  # noqa: PLC0415 - sqlglot, 0.1 s that only SQL needs

    written = named(template.asked.sql)
    for name in sorted(written ^ template.parameters.keys()):
        at = ("sql",) if name in written else ("parameters", name)
        raise InvalidInputError("template.names-differ", **_at(document, at), name=name)


def _at(document: Document, path: Path) -> dict[str, Any]:
    return {"file": document.file, "line": document.line(path), "path": show_path(path)}


def sample(declared: Declared, categories: Categories) -> Value:
    """Return some value that the parameter takes."""
    match declared:
        case Numbers(low):
            return ("number", fraction(low))
        case Days(low):
            return ("date", low.isoformat())
        case Category():
            return _value(categories(declared)[0])


def value(name: str, declared: Declared, given: Value, categories: Categories) -> Value:
    """Return what is bound for *given*; `InvalidInputError` if the parameter does not take it."""
    kind, text = given
    match declared:
        case Numbers(low, high) if kind == "number" and low <= exact(text) <= high:
            return given
        case Days(low, high) if kind in ("date", "text") and low.isoformat() <= text <= high.isoformat():
            if _is_day(text):
                return ("date", text)
        case Category():
            known = {_value(one) for one in categories(declared)}
            if given in known:
                return given
            # What was typed on a command line may look like a number and be a text.
            alike = [one for one in known if one[1] == text and "null" not in (kind, one[0])]
            if len(alike) == 1:
                return alike[0]
    raise InvalidInputError("template.bad-value", name=name, allowed=shown(declared))


def _is_day(text: str) -> bool:
    try:
        return len(text) == len("2024-02-29") and bool(dt.date.fromisoformat(text))
    except ValueError:
        return False


def _value(category: Scalar) -> Value:
    match category:
        case None:
            return ("null", "")
        case bool():
            return ("truth", "true" if category else "false")
        case int():
            return ("number", str(category))
        case float():
            return ("number", fraction(exact(category)))
    return ("text", str(category))
