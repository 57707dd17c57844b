"""Findings about how much of one unit is seen: bounds that bound nothing, rows that no group counts."""

from __future__ import annotations

from collections.abc import Iterator

from policies.lint.finding import Finding, Surroundings, note
from policies.model import AccessPolicy


def groups(policy: AccessPolicy, _around: Surroundings) -> Iterator[Finding]:
    """Yield bounds of groups that fit badly to R."""
    unit = policy.unit
    if unit.max_groups is not None and unit.max_groups >= unit.max_rows:
        told = {"bound": unit.max_groups, "rows": unit.max_rows}
        yield note("lint.groups-no-effect", ("unit", "max_groups"), **told)
    if unit.max_group_rows is not None and unit.max_group_rows >= unit.max_rows:
        told = {"bound": unit.max_group_rows, "rows": unit.max_rows}
        yield note("lint.group-rows-no-effect", ("unit", "max_group_rows"), **told)
    if unit.max_groups and unit.max_group_rows and unit.max_groups * unit.max_group_rows < unit.max_rows:
        counted = unit.max_groups * unit.max_group_rows
        yield note("lint.rows-beyond-groups", ("unit", "max_rows"), counted=counted, rows=unit.max_rows)
