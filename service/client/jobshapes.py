"""The shapes of a job's and a template's file: which keys there are and what type each value has."""

from __future__ import annotations

from fractions import Fraction
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field
from pydantic_core import PydanticCustomError

from policies.scalars import Category, Day, Number, Word
from policies.shape import Strict
from sandbox.schema import NAME

Called = Annotated[str, Field(pattern=r"^[a-z][a-z0-9._-]{0,99}$")]
Purpose = Annotated[str, Field(pattern=r"^\S{1,100}$")]
Text = Annotated[str, Field(min_length=1, max_length=64 * 1024)]
Parameter = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,62}$")]


def _error(value: object) -> object:
    """``50``, ``"1%"``, or a list of them."""
    for one in value if isinstance(value, list) else [value]:
        if isinstance(one, bool) or not isinstance(one, int | Fraction | str):
            raise PydanticCustomError("keyong_scalar", "a single value")
    return (
        [Fraction(one) if isinstance(one, int) else one for one in value]
        if isinstance(value, list)
        else (Fraction(value) if isinstance(value, int) else value)
    )


Error = Annotated[Any, BeforeValidator(_error)]


class NameShape(Strict):
    """``metadata``: what the job or the template is called."""

    name: Called


class AskedShape(Strict):
    """What jobs and templates have in common: what for, and how much it may cost or be off."""

    apiVersion: Literal["keyong/v1"]  # noqa: N815 (the file's own key)
    purpose: Purpose | None = None
    epsilon: Number | None = None
    error: Error | None = None
    weights: list[Number] = Field(default_factory=list)
    max_rows: Annotated[int, Field(ge=1, le=10**6)] | None = None
    group_size: Annotated[int, Field(ge=1, le=10**12)] | None = None


class JobShape(AskedShape):
    """A file of ``kind: Job``: statements with values for their parameters, or a template with values."""

    kind: Literal["Job"]
    metadata: NameShape | None = None
    sql: Text | None = None
    template: Called | None = None
    parameters: dict[Parameter, Category] = Field(default_factory=dict)


class ColumnOfShape(Strict):
    """A declared column whose categories a parameter may take."""

    dataset: Annotated[str, Field(pattern=f"^{NAME.pattern}$")]
    column: Word


class ParameterShape(Strict):
    """What values a parameter may take: exactly one of the three."""

    number: Annotated[list[Number], Field(min_length=2, max_length=2)] | None = None
    dates: Annotated[list[Day], Field(min_length=2, max_length=2)] | None = None
    category: ColumnOfShape | None = None


class TemplateShape(AskedShape):
    """A file of ``kind: JobTemplate``."""

    kind: Literal["JobTemplate"]
    metadata: NameShape
    description: Word | None = None
    sql: Text
    parameters: dict[Parameter, ParameterShape]
