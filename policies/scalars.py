"""The scalars of a policy file: what each may be, for the check and for the published JSON Schema."""

from __future__ import annotations

import datetime as dt
import re
from dataclasses import dataclass
from fractions import Fraction
from typing import Annotated, Any

from pydantic import (
    BeforeValidator,
    Field,
    GetCoreSchemaHandler,
    GetJsonSchemaHandler,
    InstanceOf,
    WithJsonSchema,
)
from pydantic_core import CoreSchema, PydanticCustomError, core_schema


def _number(value: object) -> Fraction:
    if isinstance(value, bool) or not isinstance(value, int | Fraction):
        raise PydanticCustomError("keyong_number", "a number")
    return Fraction(value)


def _date(value: object) -> dt.date:
    try:
        if isinstance(value, str) and re.fullmatch(r"\d{4}-\d{2}-\d{2}", value, re.ASCII):
            return dt.date.fromisoformat(value)
    except ValueError:
        pass
    raise PydanticCustomError("keyong_date", "a day")


LONGEST_KEPT = dt.timedelta(days=3660)


def _kept(value: object) -> dt.timedelta:
    found = re.fullmatch(r"([1-9]\d{0,3})d", value, re.ASCII) if isinstance(value, str) else None
    if not found or dt.timedelta(days=int(found[1])) > LONGEST_KEPT:
        raise PydanticCustomError("keyong_days", "a number of days")
    return dt.timedelta(days=int(found[1]))


def _duration(value: object) -> dt.timedelta:
    found = re.fullmatch(r"([1-9]\d{0,3})([hd])", value, re.ASCII) if isinstance(value, str) else None
    length = dt.timedelta(hours=int(found[1]) * {"h": 1, "d": 24}[found[2]]) if found else dt.timedelta(0)
    if not dt.timedelta(0) < length <= dt.timedelta(days=366):
        raise PydanticCustomError("keyong_duration", "a duration")
    return length


def _category(value: object) -> object:
    if value is None or isinstance(value, str | int | Fraction):
        return value
    raise PydanticCustomError("keyong_scalar", "a single value")


@dataclass(frozen=True, slots=True)
class OneOf:
    """Text that is one of a few words, for the check and for the published schema."""

    allowed: tuple[str, ...]

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.no_info_before_validator_function(self._check, handler(source))

    def __get_pydantic_json_schema__(
        self, _schema: CoreSchema, _handler: GetJsonSchemaHandler
    ) -> dict[str, Any]:
        return {"enum": list(self.allowed)}

    def _check(self, value: object) -> object:
        if value not in self.allowed or not isinstance(value, str):
            raise PydanticCustomError("keyong_one_of", "one of", {"allowed": list(self.allowed)})
        return value


def one_of(*allowed: str) -> OneOf:
    """Return the annotation of text that is one of *allowed*."""
    return OneOf(allowed)


def _text(pattern: str) -> WithJsonSchema:
    return WithJsonSchema({"type": "string", "pattern": pattern})


Number = Annotated[InstanceOf[Fraction], BeforeValidator(_number), WithJsonSchema({"type": "number"})]
Day = Annotated[dt.date, BeforeValidator(_date), _text(r"^\d{4}-\d{2}-\d{2}$")]
Duration = Annotated[dt.timedelta, BeforeValidator(_duration), _text(r"^[1-9]\d{0,3}[hd]$")]
Kept = Annotated[dt.timedelta, BeforeValidator(_kept), _text(r"^[1-9]\d{0,3}d$")]
Category = Annotated[
    Any,
    BeforeValidator(_category),
    WithJsonSchema({"type": ["string", "number", "boolean", "null"]}),
]
Whole = Annotated[int, Field(ge=1, le=10**12)]
Word = Annotated[str, Field(min_length=1, max_length=200)]
Called = Annotated[str, Field(pattern=r"^(group:)?[^\s:,]{1,100}$")]
