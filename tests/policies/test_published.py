"""The published schema against an independent reader: it knows good policies from typical mistakes."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml

from policies.build import parse
from policies.published import keys
from sandbox.errors import InvalidInputError
from service.messages.catalogue import messages
from service.policies.drafting import published

ROOT = Path(__file__).resolve().parents[2]


def read(text: str) -> Any:
    """The data of a YAML text as an editor sees it: days are text, ``1e-6`` is a number."""

    class Core(yaml.SafeLoader):
        yaml_implicit_resolvers = {  # noqa: RUF012
            first: [(tag, rule) for tag, rule in rules if not tag.endswith((":timestamp", ":bool", ":float"))]
            for first, rules in yaml.SafeLoader.yaml_implicit_resolvers.items()
        }

    number = re.compile(r"[-+]?(\.[0-9]+|[0-9]+\.[0-9]*|[0-9]+(?=[eE]))([eE][-+]?[0-9]+)?$")
    Core.add_implicit_resolver("tag:yaml.org,2002:float", number, list("-+0123456789."))
    Core.add_constructor("tag:yaml.org,2002:float", lambda _, node: float(node.value))
    return yaml.load(text, Core)


@pytest.fixture(scope="module")
def validator() -> jsonschema.Draft202012Validator:
    made = published("en")
    jsonschema.Draft202012Validator.check_schema(made)
    return jsonschema.Draft202012Validator(made)


def test_the_file_in_the_documentation_is_the_schema() -> None:
    written = json.loads((ROOT / "docs/policy.schema.json").read_text(encoding="utf-8"))
    assert written == published("en"), "keyong policy schema > docs/policy.schema.json"


def test_every_key_is_described_in_both_languages() -> None:
    told = {f"schema.{key}" for key in keys()} | {"schema.policy"}
    for language in ("en", "zh"):
        assert messages(language, "schema").keys() == told


def test_good_policies_are_good(validator: jsonschema.Draft202012Validator, text: str) -> None:
    demo = (ROOT / "examples/diabetes/policy.yaml").read_text(encoding="utf-8")
    more = text.replace(
        "columns:",
        'joins: [a.b]\ntags: {"pi.id.*": deny, pi.age: {use: [group]}}\nrelease: {minimum_count: 5}\n'
        "results: {keep: 90d}\ncolumns:",
    ).replace(
        "approval: auto", "approval: {need: 2, of: [zhao, qian]}\n    approval_expires: 12h\n    kinds: [sql]"
    )
    for good in (demo, text, more):
        parse(good, "good")
        assert list(validator.iter_errors(read(good))) == []


MISTAKES = [
    ("expected_units", "expectd_units"),
    ("epsilon: 8", 'epsilon: "8"'),
    ("max_rows: 4", "max_rows: 0"),
    ("use: [group, filter]", "use: [group, filtre]"),
    ("use: [group, filter]", "use: group"),
    ("bounds: [1, 14]", "bounds: [1]"),
    ("until: 2027-12-31", "until: tomorrow"),
    ("approval: auto", "approval: nobody"),
    ("approval: auto", "approval: {need: 2}"),
    ("every: week", "every: fortnight"),
    ("version: 1, ", ""),
    ("[group:researchers]", "group:researchers"),
    ("keyong/v1", "keyong/v2"),
    ('"pi.*": deny', '"pi.*": allow'),
    ("bounds: [1, 14]", "bounds: [FILL, FILL]"),
    ("max_rows: 4", "max_rows: FILL"),
]


@pytest.mark.parametrize(("good", "bad"), MISTAKES)
def test_typical_mistakes_are_seen_by_editors_and_by_us(
    validator: jsonschema.Draft202012Validator, text: str, good: str, bad: str
) -> None:
    assert good in text
    wrong = text.replace(good, bad, 1)
    assert list(validator.iter_errors(read(wrong))) != []
    with pytest.raises(InvalidInputError):
        parse(wrong, "wrong")
