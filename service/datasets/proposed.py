"""What classification said of a column: kept as text in the books, and shown to the column's owner alone."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict
from typing import TYPE_CHECKING, Any, Final

from classifiers.taxonomy import core
from sandbox.schema import Field
from service.datasets.vocabulary import tag_of
from service.wording import kind_text

if TYPE_CHECKING:  # classification reads cells with Arrow; what it said is plain text
    from classifiers.classify import Proposal

_SUREST: Final = 0.99

Said = Mapping[str, Any]
"""``{"tag": null in books of older builds, "hints": [{"tag", "source", "rule", "weight", "share"}],
"others": [{"tag", "confidence"}], "was": the confirmed tag that the column drifted from|null}``.  In later
versions a confirmed column has ``"now": {"tag", "hints", "others", "confidence"}``, too: what it seems in the
newest.  The rest stays what its owner decided about."""


def confidence_text(probability: float) -> str:
    """Return *probability* with two decimals, at most ``0.99``: classification is never certain."""
    return f"{min(probability, _SUREST):.2f}"


def said_of(proposal: Proposal, was: str | None = None) -> Said:
    """Return what *proposal* says; *was* is the confirmed tag that it speaks against, if any."""
    return {
        "tag": proposal.tag,
        "hints": [asdict(hint) for hint in proposal.evidence],
        "others": [{"tag": it.tag, "confidence": confidence_text(it.confidence)} for it in proposal.others],
        "was": was,
    }


def read(text: str) -> Said:
    """Return what was kept of a column as JSON *text*."""
    said = json.loads(text)
    # Books of older workspaces hold sentences instead.
    return said if isinstance(said, dict) else {"tag": None, "hints": [], "others": [], "was": None}


def seen_later(text: str, proposal: Proposal) -> Said:
    """Return what was kept as *text* of a confirmed column and what it seems in the newest version."""
    now = {**said_of(proposal), "confidence": confidence_text(proposal.confidence)}
    return {**read(text), "now": {key: value for key, value in now.items() if key != "was"}}


def looked_at(text: str) -> dict[str, Any]:
    """Return what is kept once an owner decides: what the column seems in the newest version.

    With the ``"confidence"`` of that, where it is another version than the one looked at before.
    """
    said = dict(read(text))
    return {**said, **said.pop("now", {})}


def proposal(evidence: str) -> str | None:
    """Return the tag that classification proposed, as kept beside a column; None in books of older builds."""
    said = json.loads(evidence)
    return said["tag"] if isinstance(said, dict) else None


def shown(
    field: Field, tag: str, confidence: str, said: Said, decision: Mapping[str, str] | None = None
) -> dict[str, Any]:
    """Return a column for the owner's screen: what it is taken for, why, and who decided so.

    ``{"name", "kind", …as `vocabulary.tag_of`, "proposed": tag when its owner looked,
    "seems": tag in the newest version, "confidence": of that, "confirmed",
    "decision": {"by", "at", "reason"}|null, "drifted_from": tag|null,
    "hints": [{"tag", "source", "rule", "weight", "share"}],
    "runners_up": [{"tag", "title", "title_zh", "confidence"}]}``.
    """
    now = {"confidence": confidence, **said, **said.get("now", {})}
    return {
        "name": field.name,
        "kind": kind_text(field),
        **tag_of(tag),
        "proposed": said["tag"] or tag,
        "seems": now["tag"] or tag,
        "confidence": now["confidence"],
        "confirmed": decision is not None,
        "decision": decision,
        "drifted_from": said["was"],
        "hints": now["hints"],
        "runners_up": [_other(**other) for other in now["others"]],
    }


def _other(tag: str, confidence: str) -> dict[str, str]:
    titles = core().tags[tag].titles
    return {"tag": tag, "title": titles["en"], "title_zh": titles["zh"], "confidence": confidence}
