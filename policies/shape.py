"""The shape of a policy file: which keys there are and what type each value has.

Pydantic checks shape only, strictly: no unknown key, no conversion (a number in quotes is text, a truth value
is no number), nothing missing.  What values mean to each other is checked in `policies.build`.
"""

from __future__ import annotations

from fractions import Fraction
from typing import Annotated, Any, Literal, TypeVar

from pydantic import (
    BaseModel,
    ConfigDict,
    Discriminator,
    Field,
    Tag,
    ValidationError,
    field_validator,
)
from pydantic_core import PydanticCustomError

from policies.approvals import Approval
from policies.load import Document, Path, show_path
from policies.model import KINDS, OPERATIONS
from policies.scalars import Called, Category, Day, Duration, Kept, Number, Whole, Word, one_of
from sandbox.errors import InvalidInputError
from sandbox.privacy.loss import Filter
from sandbox.schema import NAME, Use


class _Strict(BaseModel):
    model_config = ConfigDict(strict=True, frozen=True, extra="forbid")

    @field_validator("*", mode="before")
    @classmethod
    def _not_null(cls, value: object) -> object:
        # "window:" with nothing behind it must not read as "no window": leave the key out to say so.
        if value is None:
            raise PydanticCustomError("keyong_null", "a value")
        return value


Strict = _Strict  # for files of other kinds, as strict
Shape = TypeVar("Shape", bound=BaseModel)


class MetadataShape(_Strict):
    """``metadata``: which dataset, which version of its policy, who owns it, the digest of the one before."""

    dataset: Annotated[str, Field(pattern=f"^{NAME.pattern}$")]
    version: Whole
    owner: Word
    supersedes: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")] | None = None


class UnitShape(_Strict):
    """``unit``: restates what ``dataset add`` fixed, R, and the bound of groups."""

    key: Word
    namespace: Word
    max_rows: Annotated[int, Field(ge=1, le=10**6)]
    expected_units: Whole | None = None
    most_rows: Annotated[int, Field(ge=1, le=10**6)] | None = None
    max_groups: Annotated[int, Field(ge=1, le=10**6)] | None = None
    max_group_rows: Annotated[int, Field(ge=1, le=10**6)] | None = None


class SelectionShape(_Strict):
    """``budget.selection``: the δ that private key selection may cost."""

    per_job: Number
    lifetime: Number


class WindowShape(_Strict):
    """``budget.window``."""

    every: Annotated[str, one_of("hour", "day", "week", "month")]
    epsilon: Number


class BudgetShape(_Strict):
    """``budget``: limits in ε, as exact numbers."""

    filter: Annotated[str, one_of(*Filter)]
    epsilon: Number
    delta: Number = Fraction(0)
    per_job: Number | None = None
    per_analyst: Number | None = None
    window: WindowShape | None = None
    selection: SelectionShape | None = None


class ColumnShape(_Strict):
    """An entry of ``columns``; without ``use`` the column's tag says what it may be used for."""

    use: list[Annotated[str, one_of(*Use)]] | None = None
    categories: list[Category] | None = None
    bounds: Annotated[list[Number], Field(min_length=2, max_length=2)] | None = None
    grid: Number | None = None
    dates: Annotated[list[Day], Field(min_length=2, max_length=2)] | None = None
    keys: Annotated[str, one_of("selected")] | None = None
    description: str = ""


class TagShape(_Strict):
    """An entry of ``tags`` that opens columns."""

    use: list[Annotated[str, one_of(*Use)]]


class ReleaseShape(_Strict):
    """``release``: what is left out of results."""

    minimum_count: Annotated[int, Field(ge=1, le=10**9)]


class ResultsShape(_Strict):
    """``results``: how long they are kept."""

    keep: Kept


class QuorumShape(_Strict):
    """``approval: {need: k, of: […]}``: so many different persons of those named."""

    need: Whole
    of: list[Called]


_WORD, _MAPPING = "word:", "mapping:"
"""Which form a value has; pydantic puts it into the path of a problem, people do not write it."""


def _form(value: object) -> str:
    return _MAPPING if isinstance(value, dict | _Strict) else _WORD


ApprovalShape = Annotated[
    Annotated[str, one_of(*Approval), Tag(_WORD)] | Annotated[QuorumShape, Tag(_MAPPING)],
    Discriminator(_form),
]
TagRuleShape = Annotated[
    Annotated[str, one_of("deny"), Tag(_WORD)] | Annotated[TagShape, Tag(_MAPPING)], Discriminator(_form)
]


class GrantShape(_Strict):
    """An entry of ``grants``; what a grant allows is never implied: only SQL where no ``kinds`` are named."""

    to: list[Called]
    purposes: list[Annotated[str, Field(pattern=r"^\S{1,100}$")]]
    operations: list[Annotated[str, one_of(*OPERATIONS)]]
    until: Day
    approval: ApprovalShape
    approval_expires: Duration | None = None
    kinds: list[Annotated[str, one_of(*KINDS)]] = Field(default_factory=lambda: ["sql"])


class PolicyShape(_Strict):
    """The whole file."""

    apiVersion: Literal["keyong/v1"]  # noqa: N815 (the file's own key)
    kind: Literal["AccessPolicy"]
    metadata: MetadataShape
    unit: UnitShape
    budget: BudgetShape
    defaults: dict[str, Annotated[str, one_of("deny")]] = Field(default_factory=dict)
    joins: list[Annotated[str, Field(pattern=f"^{NAME.pattern}$")]] = Field(default_factory=list)
    tags: dict[str, TagRuleShape] = Field(default_factory=dict)
    release: ReleaseShape | None = None
    results: ResultsShape | None = None
    columns: dict[Word, ColumnShape]
    grants: list[GrantShape]


def check_shape(document: Document) -> PolicyShape:
    """Return the checked shape of *document*.

    Raises `InvalidInputError` ``policy.…`` for the problem that stands first in the file.
    """
    return checked(document, PolicyShape)


def checked(document: Document, shape: type[Shape]) -> Shape:
    """Return *document* in *shape*; raises as `check_shape`."""
    try:
        return shape.model_validate(document.data)
    except ValidationError as error:
        found = [
            _refusal(document, _path(problem["loc"]), problem["type"], problem.get("ctx", {}))
            for problem in error.errors(include_url=False, include_input=False)
        ]
    # A key that is missing usually is the one misspelt further down: name that one first.
    raise min(found, key=lambda it: (it.code == "policy.missing-key", int(str(it.facts["line"]))))


def _path(place: Path) -> Path:
    return tuple(step for step in place if step not in (_WORD, _MAPPING))


def _refusal(  # noqa: PLR0911, PLR0912 (a table of codes, each literal where its message is looked for)
    document: Document, path: Path, kind: str, facts: dict[str, Any]
) -> InvalidInputError:
    """Translate one pydantic problem; its own prose is in English only and may quote values."""
    file, line, shown = document.file, document.line(path), show_path(path)
    allowed = facts.get("allowed") or facts.get("expected")
    if allowed:
        listed = ", ".join(allowed) if isinstance(allowed, list) else str(allowed).strip("'")
        return InvalidInputError("policy.not-one-of", file=file, line=line, path=shown, allowed=listed)
    match kind:
        case "extra_forbidden":
            return InvalidInputError("policy.unknown-key", file=file, line=line, path=shown)
        case "missing":
            return InvalidInputError("policy.missing-key", file=file, line=line, path=shown)
        case "keyong_null":
            return InvalidInputError("policy.empty-value", file=file, line=line, path=shown)
        case "string_type":
            return InvalidInputError("policy.not-text", file=file, line=line, path=shown)
        case "list_type":
            return InvalidInputError("policy.not-a-list", file=file, line=line, path=shown)
        case "dict_type" | "model_type" | "model_attributes_type":
            return InvalidInputError("policy.not-a-mapping", file=file, line=line, path=shown)
        case "int_type" | "greater_than_equal" | "less_than_equal":
            return InvalidInputError("policy.not-a-whole-number", file=file, line=line, path=shown)
        case "keyong_number":
            return InvalidInputError("policy.not-a-number", file=file, line=line, path=shown)
        case "keyong_date":
            return InvalidInputError("policy.not-a-day", file=file, line=line, path=shown)
        case "keyong_days":
            return InvalidInputError("policy.not-days", file=file, line=line, path=shown)
        case "keyong_duration":
            return InvalidInputError("policy.not-a-duration", file=file, line=line, path=shown)
        case "keyong_scalar":
            return InvalidInputError("policy.not-a-single-value", file=file, line=line, path=shown)
        case "too_short" | "too_long":
            return InvalidInputError("policy.not-two-values", file=file, line=line, path=shown)
        case _:  # text patterns and lengths
            return InvalidInputError("policy.bad-name", file=file, line=line, path=shown)
