"""A release as the combining worker hands it over, read by the driver; how noise is made is unknown here."""

from __future__ import annotations

import json

from jobs.codec import released_from_json
from jobs.plan import Part, Plan, Released, width


def decode_release(data: bytes, plan: Plan) -> tuple[Released, ...]:
    """Return what `jobs.measure.release` wrote; raises `ValueError` for the release of another plan."""
    try:
        found = released_from_json(json.loads(data))
    except (TypeError, KeyError, AttributeError):
        raise ValueError("not a release") from None
    if len(found) != len(plan.parts) or not all(map(_fits, plan.parts, found)):
        raise ValueError("a release of another size")
    return found


def _fits(part: Part, found: Released) -> bool:
    if (part.selection is None) != (found.keys is None):
        return False
    cells = part.cells if found.keys is None else len(found.keys)
    named = all(len(group) == len(part.keys) for group in found.keys or ())
    sizes = [cells * width(item) for item in part.measurements]
    return named and [len(vector) for vector in found.vectors] == sizes
