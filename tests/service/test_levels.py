"""Whether a dataset is about children: what its owner declared comes before what classification saw."""

from types import SimpleNamespace

import pytest

from classifiers.combinations import UNDER_14
from policies.build import parse
from service.datasets.levels import levels

POLICY = """
apiVersion: keyong/v1
kind: AccessPolicy
metadata: {dataset: s.pupils, version: 1, owner: bureau}
unit: {key: nr, namespace: s.child, max_rows: 1}
budget: {filter: zcdp, epsilon: 8, delta: 1e-6}
columns:
  age: {use: [measure], bounds: [LOW, HIGH], grid: 1}
grants: []
"""


def level(bounds: tuple[int, int] | None, *, seen: bool) -> str:
    """Return the level under PIPL of a column of ages, declared to lie in *bounds*, *seen* as children's."""
    hints = [{"rule": UNDER_14, "tag": "pi.age"}] if seen else []
    text = POLICY.replace("LOW", str(bounds[0])).replace("HIGH", str(bounds[1])) if bounds else None
    dataset = SimpleNamespace(policy=parse(text, "policy.yaml") if text else None)
    found: str = levels(dataset, [{"name": "age", "tag": "pi.age", "hints": hints}])["levels"]["pipl"][
        "level"
    ]
    return found


@pytest.mark.parametrize("seen", [True, False])
def test_what_is_declared_decides_where_it_says_something_of_children(seen: bool) -> None:
    assert level((0, 13), seen=seen) == level((0, 14), seen=seen) == "sensitive"
    assert level((15, 99), seen=seen) == "personal"


@pytest.mark.parametrize("bounds", [None, (0, 17), (0, 120), (14, 60)])
def test_a_domain_of_children_and_others_says_nothing_against_what_was_seen(
    bounds: tuple[int, int] | None,
) -> None:
    assert level(bounds, seen=True) == "sensitive"
    assert level(bounds, seen=False) == "personal"
