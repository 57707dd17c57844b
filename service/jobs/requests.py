"""From what an analyst typed to a `JobSpec`: every number exact, all of it checked first.

A job asks either for a loss, which weights divide among its statements, or for errors: one for all
statements, or one each.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Mapping
from fractions import Fraction
from typing import Any, Final

from jobs.spec import ErrorTarget, JobSpec
from sandbox.errors import InvalidInputError
from sandbox.privacy.loss import parse_epsilon
from sandbox.schema import exact
from service.asked import JobRequest

_LARGEST_ERROR: Final = 10**18
_LARGEST_WEIGHT: Final = Fraction(10**6)
_PURPOSE: Final = re.compile(r"\S{1,100}")


def spec_of(request: JobRequest) -> JobSpec:
    """Return the job's specification, or raise `InvalidInputError` naming the option that is wrong."""
    if not _PURPOSE.fullmatch(request.purpose):
        raise InvalidInputError("job.bad-purpose", purpose=request.purpose[:40])
    written = (*(() if request.error is None else (request.error,)), *request.errors)
    if (request.epsilon is None) != bool(written) or (request.error is not None and request.errors):
        raise InvalidInputError("job.epsilon-or-error")
    if request.weights and request.epsilon is None:
        raise InvalidInputError("job.weights-need-epsilon")
    if request.max_rows is not None and request.max_rows < 1:
        raise InvalidInputError("job.bad-max-rows", max_rows=request.max_rows)
    if request.group_size is not None and request.group_size < 1:
        raise InvalidInputError("job.bad-group-size", group_size=request.group_size)
    return JobSpec(
        sql=_bound(request),
        purpose=request.purpose,
        epsilon=None if request.epsilon is None else parse_epsilon(request.epsilon),
        errors=tuple(_target(error, request.group_size) for error in written),
        weights=tuple(_weight(weight) for weight in request.weights),
        max_rows=request.max_rows,
    )


def _bound(request: JobRequest) -> str:
    """The statements with the values of their parameters; a text without any is left alone."""
    if not request.parameters and "$" not in request.sql:
        return request.sql
    from jobs.sql.binding import Value, bind  # noqa: PLC0415 - sqlglot, 0.1 s that only SQL needs

    values = {name: Value(kind, text) for name, (kind, text) in request.parameters.items()}
    return bind(request.sql, values)


def amounts_to_json(spec: JobSpec) -> dict[str, Any]:
    """Return the loss or the errors asked for as canonical data, so that the job can be planned again."""
    return {
        "epsilon": None if spec.epsilon is None else str(spec.epsilon),
        "errors": [[_text(it.absolute), _text(it.share), it.group_size] for it in spec.errors],
        "weights": [str(weight) for weight in spec.weights],
    }


def stored_spec(stored: Mapping[str, Any], purpose: str) -> JobSpec:
    """Return the job that a row of the books holds; raises `KeyError` for one of an older build."""
    amounts = stored["amounts"]
    return JobSpec(
        sql=stored["sql"],
        purpose=purpose,
        epsilon=None if amounts["epsilon"] is None else Fraction(amounts["epsilon"]),
        errors=tuple(ErrorTarget(_number(one), _number(of), size) for one, of, size in amounts["errors"]),
        weights=tuple(map(Fraction, amounts["weights"])),
        max_rows=stored["max_rows"],
        template=stored.get("template", ""),
    )


def _text(number: Fraction | None) -> str | None:
    return None if number is None else str(number)


def _number(text: str | None) -> Fraction | None:
    return None if text is None else Fraction(text)


def check_counts(spec: JobSpec, statements: int) -> None:
    """Raise `InvalidInputError` unless there is one error for all or one each, and no weight or one each."""
    if spec.errors and len(spec.errors) not in (1, statements):
        raise InvalidInputError("job.errors-count", errors=len(spec.errors), statements=statements)
    if spec.weights and len(spec.weights) != statements:
        raise InvalidInputError("job.weights-count", weights=len(spec.weights), statements=statements)


def statements(sql: str, count: int) -> list[str | None]:
    """Return the texts of the *count* statements of *sql*; None where they cannot be told apart."""
    if count == 1:
        return [sql.strip().rstrip("; \t\r\n")]
    from sqlglot import TokenType, tokenize  # noqa: PLC0415 - 0.1 s that only several statements need

    ends = [token.start for token in tokenize(sql, read="duckdb") if token.token_type is TokenType.SEMICOLON]
    cuts = itertools.pairwise((-1, *ends, len(sql)))
    texts = [text for first, last in cuts if (text := sql[first + 1 : last].strip())]
    return list(texts) if len(texts) == count else [None] * count


def _target(text: str, group_size: int | None) -> ErrorTarget:
    share = text.strip().endswith("%")
    number = _positive(text.strip().removesuffix("%"))
    if number is None:
        raise InvalidInputError("job.bad-error-target", error=text[:40])
    if not share:
        return ErrorTarget(absolute=number, group_size=group_size)
    if number > 100:
        raise InvalidInputError("job.bad-error-target", error=text[:40])
    return ErrorTarget(share=number / 100, group_size=group_size)


def _weight(text: str) -> Fraction:
    number = _positive(text.strip())
    if number is None or not 1 / _LARGEST_WEIGHT <= number <= _LARGEST_WEIGHT:
        raise InvalidInputError("job.bad-weight", weight=text[:40])
    return number


def _positive(text: str) -> Fraction | None:
    """Return the number above 0 that *text* says, None if it says none."""
    try:
        number = exact(text)
    except InvalidInputError:
        return None
    return number if 0 < number <= _LARGEST_ERROR else None
