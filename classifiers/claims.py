"""What is not weighed against the other evidence: it is right as often as it says.

The owner's own recognisers, what the owner's data dictionary says where a name says nothing or is a few
letters, identifiers found inside values, and words that say what is sensitive of a person.  None of them is a
feature of `classifiers.combine`: a careless word must not talk a column out of what it seems.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import fsum

from classifiers.evidence import inside, telling
from classifiers.evidence.evidence import Evidence
from classifiers.evidence.names import MEANING
from classifiers.recognizers import is_own
from classifiers.taxonomy import GENERAL, core

_LIKELY = 0.5
"""From here on what seems stricter is not an owner's word to overrule."""


def with_claims(
    odds: Mapping[str, float], hints: Sequence[Evidence], proposed: str, personal: bool
) -> dict[str, float]:
    """Return *odds*, by which *proposed* would be the tag, after what *hints* claim beside them.

    Identifiers found inside values, and telling words in a table that is *personal*, hold where *proposed* is
    not sensitive, and less strict.  What the owner says holds where its tag is at least as strict as
    *proposed* and as what was found, or nothing was found and something stricter is not likely.  Of several
    claims the surest holds; the rest of the probability is shared as before.
    """
    known = core().tags
    first = known[proposed]
    found = [
        hint
        for hint in hints
        if hint.source == inside.SOURCE
        or (hint.source == telling.SOURCE and (personal or hint.rule in telling.WHATEVER))
        if not first.sensitive and known[hint.tag].strictness > first.strictness
    ]
    bar = max([first.strictness, *(known[hint.tag].strictness for hint in found)])
    claimed: dict[str, float] = {}
    for hint in [*found, *filter(_is_said, hints)]:
        strictness = known[hint.tag].strictness
        above = (odds[tag] for tag in odds if known[tag].strictness > strictness)
        if strictness >= bar or hint in found or (not found and fsum(above) < _LIKELY):
            claimed[hint.tag] = max(hint.weight, claimed.get(hint.tag, 0.0))
    if not claimed:
        return dict(odds)
    tag = max(claimed, key=lambda tag: (claimed[tag], known[tag].strictness, tag))
    shared = {it: (1 - claimed[tag]) * odds.get(it, 0.0) for it in odds.keys() | {tag}}
    return shared | {tag: shared[tag] + claimed[tag]}


def _is_said(hint: Evidence) -> bool:
    """Whether *hint* is an owner's: a recogniser, or a meaning of a name that says nothing or anything.

    That a column means nothing of a person is not claimed: a list of words for it is no more than a hint.
    """
    meant = hint.source == "name" and hint.rule.startswith(MEANING)
    return is_own(hint) or (meant and hint.tag != GENERAL)
