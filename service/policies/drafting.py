"""A draft of a dataset's next policy, from what is registered, confirmed and in force."""

from __future__ import annotations

from typing import Any, Final

from classifiers.taxonomy import TagInfo, core
from policies import draft
from policies.load import BLANK
from policies.published import FILE, schema
from sandbox.schema import Field, Kind, Principal
from service.datasets import catalogue
from service.desk import Desk
from service.dossier import Dossier
from service.messages.catalogue import say
from service.policies.linting import facts_of
from service.wording import kind_text

_WITHHELD: Final = ("withhold", "unit-key")
"""Treatments of columns that are usually not used."""
_LISTED: Final = ("categories", "coarsen")
"""Treatments of columns whose values are listed, though they be numbers."""


def init(desk: Desk, by: Principal, name: str, language: str) -> dict[str, Any]:
    """Return the draft for the owner of dataset *name*; see `service.gates.policies`."""
    found = catalogue.owned(desk, by, name)
    before = (found.policy, found.policy_digest) if found.policy else None
    columns = [
        _suggestion(found, field, language)
        for field in found.manifest.fields
        if field.name != found.manifest.unit
    ]
    source = draft.draft(
        facts_of(found),
        found.owner,
        columns,
        before=before,
        say=lambda key: say(key, language),
        schema=FILE,
    )
    return {
        "dataset": found.name,
        "version": found.policy.version + 1 if found.policy else 1,
        "supersedes": found.policy_digest or None,
        "blanks": sum(line.partition(" # ")[0].count(BLANK) for line in _rules(source)),
        "source": source,
    }


def _rules(source: str) -> list[str]:
    return [line for line in source.splitlines() if not line.lstrip().startswith("#")]


def published(language: str) -> dict[str, Any]:
    """Return the JSON Schema of the policy language, described in *language*."""
    return schema(lambda key: say(f"schema.{key}", language))


def _suggestion(found: Dossier, field: Field, language: str) -> draft.Suggestion:
    tag = found.tags.get(field.name)
    known = core().tags.get(tag.name) if tag and tag.confirmed else None
    return draft.Suggestion(
        name=field.name,
        kind=field.kind,
        meaning=_meaning(known, field, language),
        uses=frozenset(known.uses) if known else frozenset(),
        withheld=known is None or known.treatment in _WITHHELD or not known.uses,
        listed=(known is not None and known.treatment in _LISTED) or field.kind is Kind.STRING,
        confirmed=tag is not None and tag.confirmed,
    )


def _meaning(known: TagInfo | None, field: Field, language: str) -> str:
    kind = kind_text(field)
    if known is None:
        return kind
    told = say("draft.meaning", language, title=known.titles[language], tag=known.name, kind=kind)
    return f"{told}: {field.description}" if field.description else told
