"""From what an analyst typed to a `JobSpec`: every number exact, all of it checked first."""

from __future__ import annotations

import re
from fractions import Fraction
from typing import Final

from jobs.spec import ErrorTarget, JobSpec
from sandbox.errors import InvalidInputError
from sandbox.privacy.loss import parse_epsilon
from sandbox.schema import exact
from service.gatekeeper import JobRequest

_LARGEST_ERROR: Final = 10**18
_PURPOSE: Final = re.compile(r"\S{1,100}")


def spec_of(request: JobRequest) -> JobSpec:
    """Return the job's specification, or raise `InvalidInputError` naming the option that is wrong."""
    if not _PURPOSE.fullmatch(request.purpose):
        raise InvalidInputError("job.bad-purpose", purpose=request.purpose[:40])
    if (request.epsilon is None) == (request.error is None):
        raise InvalidInputError("job.epsilon-or-error")
    if request.max_rows is not None and request.max_rows < 1:
        raise InvalidInputError("job.bad-max-rows", max_rows=request.max_rows)
    if request.group_size is not None and request.group_size < 1:
        raise InvalidInputError("job.bad-group-size", group_size=request.group_size)
    return JobSpec(
        sql=request.sql,
        purpose=request.purpose,
        epsilon=None if request.epsilon is None else parse_epsilon(request.epsilon),
        error=None if request.error is None else _target(request.error, request.group_size),
        max_rows=request.max_rows,
    )


def _target(text: str, group_size: int | None) -> ErrorTarget:
    share = text.strip().endswith("%")
    number = _positive(text.strip().removesuffix("%"))
    if not share:
        return ErrorTarget(absolute=number, group_size=group_size)
    if number > 100:
        raise InvalidInputError("job.bad-error-target", error=text[:40])
    return ErrorTarget(share=number / 100, group_size=group_size)


def _positive(text: str) -> Fraction:
    try:
        number = exact(text)
    except InvalidInputError:
        raise InvalidInputError("job.bad-error-target", error=text[:40]) from None
    if not 0 < number <= _LARGEST_ERROR:
        raise InvalidInputError("job.bad-error-target", error=text[:40])
    return number
