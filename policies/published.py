"""The policy language as JSON Schema (draft 2020-12), for editors.

It is generated from the models that files are checked with (`policies.shape`) and says what an editor can
use: keys, types, lists of words, forms of text.  It is weaker than the check: what values mean to each other,
and what YAML would make of them, only `policies.build` knows.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, Final

from pydantic import BaseModel
from pydantic.json_schema import GenerateJsonSchema, JsonSchemaWarningKind

from policies.shape import PolicyShape

FILE: Final = "policy.schema.json"
"""What the schema's file is called."""
_DIALECT: Final = "https://json-schema.org/draft/2020-12/schema"
_WHERE: Final = {
    "MetadataShape": "metadata",
    "UnitShape": "unit",
    "BudgetShape": "budget",
    "WindowShape": "budget.window",
    "SelectionShape": "budget.selection",
    "TagShape": "tags",
    "ReleaseShape": "release",
    "ResultsShape": "results",
    "ColumnShape": "columns",
    "GrantShape": "grants",
    "QuorumShape": "grants.approval",
    "PolicyShape": "",
}
"""Model → where in a file it stands; entries of a list or a mapping stand at the list or the mapping."""


def schema(describe: Callable[[str], str]) -> dict[str, Any]:
    """Return the JSON Schema; *describe* says in words what a key is for (``budget.window.every``)."""
    made = PolicyShape.model_json_schema(schema_generator=_Generator)
    definitions = {name: _described(name, one, describe) for name, one in made.pop("$defs").items()}
    whole = _described("PolicyShape", made, describe)
    return {
        "$schema": _DIALECT,
        "title": "Keyong AccessPolicy",
        "description": describe("policy"),
        **{key: value for key, value in whole.items() if key not in ("title", "description")},
        "$defs": definitions,
    }


class _Generator(GenerateJsonSchema):
    """Without defaults: a schema says what may be written, and an exact number is no JSON."""

    ignored_warning_kinds: set[JsonSchemaWarningKind] = {"non-serializable-default"}  # noqa: RUF012


def keys() -> Iterator[str]:
    """Yield every key that a policy can have, as `schema` asks for its words."""
    for name, place in _WHERE.items():
        for key in _model(name).model_fields:
            yield f"{place}.{key}".lstrip(".")


def _model(name: str) -> type[BaseModel]:
    from policies import shape  # noqa: PLC0415 - by name, so that the table above stays one of names

    found: type[BaseModel] = getattr(shape, name)
    return found


def _described(name: str, made: dict[str, Any], describe: Callable[[str], str]) -> dict[str, Any]:
    place = _WHERE[name]
    properties = {
        key: {**_plain(value), "description": describe(f"{place}.{key}".lstrip("."))}
        for key, value in made["properties"].items()
    }
    kept = {key: value for key, value in made.items() if key not in ("title", "description", "properties")}
    return {**kept, "properties": properties}


def _plain(made: dict[str, Any]) -> dict[str, Any]:
    """Leave out what pydantic adds and an editor would only repeat, and that a key may have no value."""
    kept = {key: value for key, value in made.items() if key not in ("title", "default")}
    choices = [choice for choice in kept.get("anyOf", ()) if choice != {"type": "null"}]
    if len(choices) == 1:
        kept = {key: value for key, value in kept.items() if key != "anyOf"} | choices[0]
    return kept
