"""What of a plan decides its loss, without what it asks about.

An *outline* is a plan's JSON without expressions, aliases and the values of categories: frames with their
bounds, numbers of cells, clamps, grids and noise.  The loss of every source, and the size of a release,
follow from it alone, so evidence of them can be handed on while the constants that an analyst looked for
stay here.  The decision's leaf holds its digest.
"""

from __future__ import annotations

import hashlib
import marshal
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from sandbox import canonical
from sandbox.schema import Digest

Json = Any


def outline(plan: Mapping[str, Json]) -> dict[str, Json]:
    """Return the outline of a plan as `jobs.codec.plan_to_json` wrote it; other shapes are a `ValueError`."""
    try:
        return {
            "mechanism": plan["mechanism"],
            "sources": plan["sources"],
            "tables": plan["tables"],
            "parts": [_part(part) for part in plan["parts"]],
        }
    except (KeyError, IndexError, TypeError) as error:
        raise ValueError("not a plan") from error


def outline_digest(plan: Mapping[str, Json]) -> Digest:
    """Return the digest of the outline of *plan*."""
    # Plans of many jobs have one outline; version 2 writes equal data in one way, whatever is shared in it.
    return _digest(marshal.dumps(outline(plan), 2))


@lru_cache(maxsize=4096)
def _digest(written: bytes) -> Digest:
    return Digest(hashlib.sha256(canonical.write(marshal.loads(written))).hexdigest())  # noqa: S302 - our own


def _part(part: Mapping[str, Json]) -> dict[str, Json]:
    return {
        "frame": _frame(part["frame"]),
        "rows": part["rows"],
        "keys": [_size(key) for key in part["keys"]],
        "measurements": [_measurement(*item) for item in part["measurements"]],
        "selection": part["selection"],
        **({"bound": part["bound"], "within": list(map(_size, part["within"]))} if "bound" in part else {}),
    }


def _size(key: Json) -> int | None:
    """How many categories a key has; None where keys are selected."""
    _, categories = key
    return None if categories is None else len(categories)


def _frame(frame: Json) -> list[Json]:
    (kind, *held), _ = frame
    match kind, held:
        case "scan", [source, _, rows]:
            return ["scan", source, rows]
        case "per-unit", [of, keys, _, rows]:
            return ["per-unit", _frame(of), len(keys), rows]
        case "join", [how, left, right, _, rows]:
            return ["join", how, _frame(left), _frame(right), rows]
        case "lookup", [how, left, table, _, _, _, rows]:
            return ["lookup", how, _frame(left), table, rows]
    raise ValueError("unknown operator")


def _measurement(kind: str, *held: Json) -> list[Json]:
    match kind, held:
        case "total", (_, factors, shift, axis, scale):
            square = len(factors) == 2 and factors[0] == factors[1]
            return ["total", [factor[1:] for factor in factors], square, shift, axis and axis[-1], scale]
        case "units", (_, scale):
            return ["units", scale]
        case "distinct", (key, scale):
            return ["distinct", _size(key), scale]
        case "quantile", (binning, draws):
            return ["quantile", binning[-1], draws]
    raise ValueError("unknown kind")
