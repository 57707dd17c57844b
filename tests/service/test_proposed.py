"""What classification said of a column, as its owner sees it."""

import pytest

from service.datasets.proposed import confidence_text


@pytest.mark.parametrize(
    ("probability", "shown"),
    [(0.9963, "0.99"), (0.8999, "0.89"), (0.004, "0.00"), (1.0, "1.00"), (0.0, "0.00")],
)
def test_no_confidence_is_shown_greater_than_it_is(probability, shown):
    assert confidence_text(probability) == shown


def test_hundredths_are_shown_as_they_are():
    for hundredths in range(101):
        assert confidence_text(hundredths / 100) == f"{hundredths / 100:.2f}"
        assert confidence_text(float(f"{hundredths / 100:.2f}")) == f"{hundredths / 100:.2f}"
