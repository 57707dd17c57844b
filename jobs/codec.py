"""Plans as canonical JSON: what a worker is given, what a replay key is made of, what the books keep.

Exact numbers are written as ``"numerator/denominator"`` text, so encoding is injective and needs no floats.
What is not of the shape that this module writes is refused by `ValueError`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from fractions import Fraction
from typing import Any, Final, get_args

from jobs.expressions import from_json, scalar_from_json, scalar_to_json, to_json
from jobs.frame_codec import (
    frame_from_json,
    frame_to_json,
    optional_from_json,
    optional_to_json,
    ratio,
)
from jobs.plan import (
    Answer,
    Binning,
    Distinct,
    Draw,
    Factor,
    GroupBound,
    Key,
    Measurement,
    Mechanism,
    Part,
    Plan,
    PublicTable,
    Quantile,
    Recipe,
    Released,
    Selection,
    Side,
    Source,
    Total,
    Units,
)
from jobs.spec import Aggregate, Order, Output, Query
from sandbox.schema import DatasetName, Digest

Json = Any


def plan_to_json(plan: Plan) -> dict[str, Json]:
    """Return *plan* as data that `sandbox.canonical` accepts."""
    return {
        "sources": [[source.dataset, source.version] for source in plan.sources],
        "tables": [[table.name, table.digest] for table in plan.tables],
        "parts": [part_to_json(part) for part in plan.parts],
        "answers": [_answer_to_json(answer) for answer in plan.answers],
        "mechanism": plan.mechanism,
    }


def plan_from_json(data: dict[str, Json]) -> Plan:
    """Return the plan that `plan_to_json` wrote; `ValueError` for anything else."""
    try:
        return Plan(
            sources_of_json(data),
            tables_of_json(data),
            tuple(map(_part_from_json, data["parts"])),
            tuple(map(_answer_from_json, data["answers"])),
            _known(data["mechanism"], get_args(Mechanism)),
        )
    except (KeyError, IndexError, TypeError, ZeroDivisionError) as error:
        raise ValueError("not a plan") from error


def sources_of_json(data: Mapping[str, Json]) -> tuple[Source, ...]:
    """Return the sources of a plan as `plan_to_json` wrote it."""
    return tuple(Source(DatasetName(name), int(version)) for name, version in data["sources"])


def tables_of_json(data: Mapping[str, Json]) -> tuple[PublicTable, ...]:
    """Return the public tables of a plan as `plan_to_json` wrote it."""
    return tuple(PublicTable(DatasetName(name), Digest(digest)) for name, digest in data["tables"])


def _known(value: Json, known: Sequence[str]) -> Any:
    if value not in known:
        raise ValueError("unknown kind")
    return value


def part_to_json(part: Part) -> dict[str, Json]:
    """Return *part* as canonical data."""
    chosen = part.selection
    return {
        "frame": frame_to_json(part.frame),
        "rows": part.rows,
        "keys": list(map(key_to_json, part.keys)),
        "within": list(map(key_to_json, part.within)),
        "measurements": list(map(measurement_to_json, part.measurements)),
        "selection": chosen and [ratio(chosen.scale), str(chosen.threshold), ratio(chosen.delta)],
        # Only where there is one: plans of other policies are what they always were.
        **({"bound": [part.bound.groups, part.bound.rows]} if part.bound else {}),
    }


def _part_from_json(data: dict[str, Json]) -> Part:
    return Part(
        frame_from_json(data["frame"]),
        int(data["rows"]),
        tuple(map(_key_from_json, data["keys"])),
        tuple(map(_measurement_from_json, data["measurements"])),
        None if data["selection"] is None else _selection(*data["selection"]),
        tuple(map(_key_from_json, data["within"])),
        GroupBound(*map(int, data["bound"])) if "bound" in data else None,
    )


def _selection(scale: str, threshold: str, delta: str) -> Selection:
    return Selection(Fraction(scale), int(threshold), Fraction(delta))


def key_to_json(key: Key) -> list[Json]:
    """Return *key* as canonical data."""
    listed = key.categories
    return [to_json(key.expression), None if listed is None else list(map(scalar_to_json, listed))]


def _key_from_json(data: list[Json]) -> Key:
    expression, listed = data
    return Key(from_json(expression), None if listed is None else tuple(map(scalar_from_json, listed)))


# --- measurements -------------------------------------------------------------------------------------


def measurement_to_json(item: Measurement) -> list[Json]:
    """Return *item* as canonical data."""
    match item:
        case Total(present, factors, shift, axis, scale):
            binned = axis and binning_to_json(axis)
            shown = (list(map(to_json, present)), list(map(factor_to_json, factors)), str(shift), binned)
            return ["total", *shown, ratio(scale)]
        case Units(present, scale):
            return ["units", list(map(to_json, present)), ratio(scale)]
        case Distinct(key, scale):
            return ["distinct", key_to_json(key), ratio(scale)]
        case Quantile(binning, draws):
            drawn = [[ratio(d.quantile), ratio(d.rate), d.side, str(d.slack)] for d in draws]
            return ["quantile", binning_to_json(binning), drawn]


def _measurement_from_json(data: list[Json]) -> Measurement:
    kind, *held = data
    return _MEASUREMENTS[_known(kind, tuple(_MEASUREMENTS))](*held)


def _total(present: Json, factors: Json, shift: str, axis: Json, scale: str) -> Total:
    return Total(
        tuple(map(from_json, present)),
        tuple(_factor(*factor) for factor in factors),
        int(shift),
        None if axis is None else _binning(*axis),
        Fraction(scale),
    )


def _units(present: Json, scale: str) -> Units:
    return Units(tuple(map(from_json, present)), Fraction(scale))


def _distinct(key: Json, scale: str) -> Distinct:
    return Distinct(_key_from_json(key), Fraction(scale))


def _quantile(binning: Json, draws: Json) -> Quantile:
    return Quantile(_binning(*binning), tuple(_draw(*draw) for draw in draws))


def _draw(quantile: str, rate: str, side: Json, slack: str) -> Draw:
    return Draw(Fraction(quantile), Fraction(rate), _known(side, get_args(Side)), int(slack))


_MEASUREMENTS: Final[dict[str, Callable[..., Measurement]]] = {
    "total": _total,
    "units": _units,
    "distinct": _distinct,
    "quantile": _quantile,
}


def factor_to_json(factor: Factor) -> list[Json]:
    """Return *factor* as canonical data."""
    numbers = (factor.low, factor.high, factor.origin, factor.grid)
    return [to_json(factor.argument), *map(ratio, numbers)]


def _factor(argument: Json, low: str, high: str, origin: str, grid: str) -> Factor:
    return Factor(from_json(argument), Fraction(low), Fraction(high), Fraction(origin), Fraction(grid))


def binning_to_json(binning: Binning) -> list[Json]:
    """Return *binning* as canonical data."""
    numbers = (binning.low, binning.high, binning.grid)
    return [to_json(binning.argument), *map(ratio, numbers), binning.bins]


def _binning(argument: Json, low: str, high: str, grid: str, bins: int) -> Binning:
    return Binning(from_json(argument), Fraction(low), Fraction(high), Fraction(grid), int(bins))


# --- answers ------------------------------------------------------------------------------------------


def _answer_to_json(answer: Answer) -> dict[str, Json]:
    return {
        "keys": list(map(key_to_json, answer.keys)),
        "sets": [[part, list(numbers)] for part, numbers in answer.sets],
        "recipes": [
            [recipe.aggregate.value, list(map(list, recipe.places)), recipe.offset, recipe.extreme]
            for recipe in answer.recipes
        ],
        # As with "bound".
        **({"minimum": answer.minimum} if answer.minimum else {}),
    }


def _answer_from_json(data: dict[str, Json]) -> Answer:
    return Answer(
        tuple(map(_key_from_json, data["keys"])),
        tuple((int(part), tuple(map(int, numbers))) for part, numbers in data["sets"]),
        tuple(
            Recipe(Aggregate(kind), tuple(map(tuple, places)), int(offset), bool(extreme))
            for kind, places, offset, extreme in data["recipes"]
        ),
        int(data.get("minimum", 0)),
    )


# --- what acts on released numbers only ---------------------------------------------------------------


def presentation_to_json(queries: Sequence[Query]) -> list[Json]:
    """Return the parts of *queries* that act on released numbers only, one entry per statement."""
    return [
        {
            "outputs": [[output.name, to_json(output.expression)] for output in query.outputs],
            "having": optional_to_json(query.having),
            "order": [[to_json(o.expression), o.descending, o.nulls_first] for o in query.order],
            "limit": query.limit,
        }
        for query in queries
    ]


def presentation_from_json(data: Sequence[Json], plan: Plan) -> list[Query]:
    """Return queries that show a release of *plan* the way `presentation_to_json` recorded."""
    return [_presented(item, plan, answer) for item, answer in zip(data, plan.answers, strict=True)]


def _presented(data: dict[str, Json], plan: Plan, answer: Answer) -> Query:
    return Query(
        sources=tuple(source.dataset for source in plan.sources),
        tables=tuple(table.name for table in plan.tables),
        frame=plan.parts[answer.sets[0][0]].frame,
        keys=tuple(key.expression for key in answer.keys),
        sets=tuple(numbers for _, numbers in answer.sets),
        measures=(),
        outputs=tuple(Output(name, from_json(item)) for name, item in data["outputs"]),
        having=optional_from_json(data["having"]),
        order=tuple(Order(from_json(item), down, first) for item, down, first in data["order"]),
        limit=data["limit"],
    )


def released_to_json(released: Sequence[Released]) -> list[Json]:
    """Return a release as canonical data: numbers as text, keys with their types."""
    return [
        {
            "keys": None if part.keys is None else [list(map(scalar_to_json, key)) for key in part.keys],
            "vectors": [list(map(str, vector)) for vector in part.vectors],
        }
        for part in released
    ]


def released_from_json(data: Sequence[Json]) -> tuple[Released, ...]:
    """Return the release that `released_to_json` wrote."""
    return tuple(_released(part["keys"], part["vectors"]) for part in data)


def _released(keys: Json, vectors: Json) -> Released:
    return Released(
        None if keys is None else tuple(tuple(map(scalar_from_json, key)) for key in keys),
        tuple(tuple(map(int, vector)) for vector in vectors),
    )
