"""Words that stay hold nobody's number: reasons in the log, meanings in the catalogue."""

import pytest

from sandbox.errors import InvalidInputError
from service.lasting import check_meaning, check_reason


@pytest.mark.parametrize(
    "text",
    [
        "wrong for 110101199003070003",
        "call 138 0013 8000",
        "per a.b@example.org",
        "卡 4111 1111 1111 1111",
        "asked at +49 (0)171 1234567, no",
        "Frau Roth, 0171/1234567",
        "SSN 123-45-6789 was wrong",
    ],
)
def test_an_identifier_is_refused(text):
    for check in (check_reason, lambda it: check_meaning("a", it)):
        with pytest.raises(InvalidInputError) as caught:
            check(text)
        assert "138" not in str(caught.value.facts)
        assert text not in str(caught.value)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "numbers of boxes, see decision 2026-114",
        "按 2026 年第 12 号会议纪要",
        "ICD-10",
        "minutes of 01/02/2024, 10:30, item 3",
        "ages 0-14, 15-64; amounts 0 123 456",
    ],
)
def test_plain_words_are_fine(text):
    check_reason(text)
    check_meaning("a", text)
