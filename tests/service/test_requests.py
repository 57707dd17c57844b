"""What was typed becomes exact numbers, or is refused before anything is read."""

from __future__ import annotations

from fractions import Fraction

import pytest

from jobs.spec import ErrorTarget
from sandbox.errors import InvalidInputError
from service.asked import JobRequest
from service.jobs.requests import check_counts, spec_of, statements


def asked(**options):
    return JobRequest("SELECT 1", "planning", **options)


def test_numbers_are_exact():
    assert spec_of(asked(epsilon="0.1")).epsilon == Fraction(1, 10)
    assert spec_of(asked(error="50")).errors == (ErrorTarget(absolute=Fraction(50)),)
    assert spec_of(asked(errors=("1%", "50"), group_size=7)).errors == (
        ErrorTarget(share=Fraction(1, 100), group_size=7),
        ErrorTarget(absolute=Fraction(50), group_size=7),
    )
    assert spec_of(asked(epsilon="1", weights=("2", "0.1"))).weights == (Fraction(2), Fraction(1, 10))


@pytest.mark.parametrize(
    ("options", "code"),
    [
        ({}, "job.epsilon-or-error"),
        ({"epsilon": "1", "error": "5"}, "job.epsilon-or-error"),
        ({"epsilon": "1", "errors": ("5",)}, "job.epsilon-or-error"),
        ({"error": "5", "errors": ("5",)}, "job.epsilon-or-error"),
        ({"error": "5", "weights": ("1",)}, "job.weights-need-epsilon"),
        ({"epsilon": "nan"}, "privacy.epsilon-not-a-number"),
        ({"errors": ("5", "nan")}, "job.bad-error-target"),
        ({"errors": ("5", "0")}, "job.bad-error-target"),
        ({"errors": ("5", "101%")}, "job.bad-error-target"),
        ({"epsilon": "1", "weights": ("1", "0")}, "job.bad-weight"),
        ({"epsilon": "1", "weights": ("-1",)}, "job.bad-weight"),
        ({"epsilon": "1", "weights": ("inf",)}, "job.bad-weight"),
        ({"epsilon": "1", "weights": ("1e-9",)}, "job.bad-weight"),
        ({"epsilon": "1", "weights": ("1e9",)}, "job.bad-weight"),
        ({"epsilon": "1", "max_rows": 0}, "job.bad-max-rows"),
        ({"epsilon": "1", "group_size": 0}, "job.bad-group-size"),
    ],
)
def test_odd_requests_are_refused(options, code):
    with pytest.raises(InvalidInputError) as caught:
        spec_of(asked(**options))
    assert caught.value.code == code


@pytest.mark.parametrize(
    ("options", "statements", "code"),
    [
        ({"error": "5"}, 3, None),
        ({"errors": ("5", "6", "7")}, 3, None),
        ({"errors": ("5", "6")}, 3, "job.errors-count"),
        ({"errors": ("5", "6")}, 1, "job.errors-count"),
        ({"epsilon": "1"}, 3, None),
        ({"epsilon": "1", "weights": ("1", "2", "3")}, 3, None),
        ({"epsilon": "1", "weights": ("1",)}, 3, "job.weights-count"),
        ({"epsilon": "1", "weights": ("1", "2")}, 1, "job.weights-count"),
    ],
)
def test_errors_and_weights_are_one_each(options, statements, code):
    spec = spec_of(asked(**options))
    if code is None:
        check_counts(spec, statements)
        return
    with pytest.raises(InvalidInputError) as caught:
        check_counts(spec, statements)
    assert caught.value.code == code


@pytest.mark.parametrize(
    ("sql", "texts"),
    [
        (" SELECT 1 ; ", ["SELECT 1"]),
        ("SELECT ';' AS a; SELECT 2 /* ; */;", ["SELECT ';' AS a", "SELECT 2 /* ; */"]),
        ("SELECT 1; -- one; two\nSELECT 2", ["SELECT 1", "-- one; two\nSELECT 2"]),
        ("SELECT 1; SELECT 2; -- a third?", [None, None]),
    ],
)
def test_statements_are_told_apart_where_they_can_be(sql, texts):
    assert statements(sql, len(texts)) == texts
