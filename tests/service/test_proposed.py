"""What classification said of a column, as its owner sees it."""

import pytest

from service.datasets.proposed import confidence_text


@pytest.mark.parametrize(
    ("probability", "shown"),
    [(0.0, "0.00"), (0.004, "0.00"), (0.95, "0.95"), (0.99, "0.99"), (0.9963, "0.99"), (1.0, "0.99")],
)
def test_no_proposal_is_certain(probability, shown):
    assert confidence_text(probability) == shown
