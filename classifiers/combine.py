"""From hints to proposals: a conditional logit over the tags that something speaks for, and `GENERAL`.

The score of a tag is a weighted sum of `features`, its probability exp(score) over the sum of all (McFadden
1974, "Conditional logit analysis of qualitative choice behavior").  A hint of weight w enters as -ln(1 - w),
so that with all coefficients 1 hints add up as in a noisy-or (Pearl 1988, §4.3.2); of one source only the
strongest hint for a tag counts; for values, each rule counts once more with a coefficient of its own.  Names
speak through the network that reads them (`classifiers.evidence.headers`, ADR 34), by their odds too, and so
do the words and shapes of values (`classifiers.evidence.cells`, ADR 35), beside patterns and lists.  What
nothing speaks for has a share too (`UNSEEN`): without it confidence would be about the hints alone.  The
coefficients are data (``taxonomies/combiner.yaml``), fitted to the development parts of the labelled sets by
``benchmarks/classification/fit.py``, and calibrated by that.

A column is judged alone, and then in its `Surroundings`, since a date or an amount is about a person where
the table is.  What the table is about is itself weighed from what its columns seem to be alone
(`subject_of`), and a column is what it is in each case, as probable as the case.  Weighed again in the light
of that, what the table is about would only confirm itself.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from math import exp, fsum, log, log1p

from classifiers.claims import with_claims
from classifiers.evidence import cells, headers, inside, subject, telling
from classifiers.evidence.evidence import Evidence
from classifiers.evidence.evidence import chances as chances_by
from classifiers.evidence.neighbours import ALONE, Surroundings, context_of, surroundings
from classifiers.evidence.reading import LEAST
from classifiers.recognizers import without_own
from classifiers.taxonomy import GENERAL, core, read_data

CHECKED = frozenset(
    {
        "pi.name",
        "pi.id.resident",
        "pi.contact.mobile",
        "pi.contact.email",
        "pi.address",
        "pi.postcode",
        "pi.birth-date",
        "pi.event-date",
        "pi.location",
        "pi.credential",
        "pi.contact.online",
        "pi.id.document",
        "pi.id.social",
        "pi.id.foreign",
        "org.name",
        "pi.vehicle",
        "pi.network",
        "pi.device",
        "finance.account",
        "org.id",
    }
)
"""Tags whose values have a shape that rules know and no code takes the place of: its absence counts."""
Weights = Mapping[str, Mapping[str, float]]
"""Coefficients by feature, for ``alone``, ``subject`` and ``beside``."""
FEW_WORDS = frozenset({"constant", "few-words", "some-words"})
"""Rules of `classifiers.evidence.statistics` that say that values repeat, as no free text does."""
UNSEEN = "?"
"""What nothing speaks for: it takes its share of the probability and is never proposed."""
PERSONAL = 0.45
"""The share of tags of persons, of all that may be proposed, from which one of them is proposed (ADR 22):
where recall exceeds precision, since to overlook a personal column is worse than to look at one too many."""
PROTECTED = 0.3
"""The same where the owner declared whom the table is about: by the same rule, on tables about persons."""
_SOMETHING = 0.15
"""The probability of the likeliest of them below which nothing is known of the column, personal or not."""
TIED = 0.9
"""What part of the likeliest's probability makes another tag as good as equal to it."""
_OF_PERSONS = ("pi.", "finance.")
_RULED = frozenset({"values", "dictionary", "statistics"})
"""Sources whose rules are few and written once; words of names are thousands."""
_READ = frozenset({"name", headers.ALONE, headers.BESIDE, cells.ALONE, cells.BESIDE})
"""Sources whose chances are weighed as such: the networks, and what of names is among what these read.  They
know better than the weights of words how often they are right on names that the lexicon was not made for."""
_NOT_WEIGHED = _READ | {inside.SOURCE, telling.SOURCE}
_LIKELY = 0.5
_STRONGEST = 0.995
_FAIR = log(2)
"""The strength of a name that is as likely right as not."""


@dataclass(frozen=True, slots=True)
class Judgement:
    """What a column may be: *tag* with *confidence*, the probability that it is right."""

    tag: str
    confidence: float


@dataclass(frozen=True, slots=True)
class Judged:
    """What a column may be *alone* and *beside* others, in a table *about* persons, organisations, things."""

    alone: tuple[Judgement, ...]
    beside: tuple[Judgement, ...]
    about: Mapping[str, float]


def judge(
    hints: Sequence[Evidence],
    around: Surroundings = ALONE,
    weights: Mapping[str, float] | None = None,
    share: float = PERSONAL,
) -> tuple[Judgement, ...]:
    """Return what *hints* speak for, likeliest first; of those nearly as likely the strictest comes first.

    `GENERAL` does not lead where the tags of persons together make up *share* of all: several ways to be
    personal must not each lose to the one way to be nothing of the kind.
    """
    given = fitted()["beside" if around.known else "alone"] if weights is None else weights
    odds = _mixed(without_own(hints), around, given)
    del odds[UNSEEN]
    personal = around.about.get(subject.PERSON, 0.0) >= _LIKELY
    odds = with_claims(odds, hints, _ordered(odds, share)[0], personal)
    return tuple(Judgement(tag, odds[tag]) for tag in _ordered(odds, share))


def _ordered(odds: Mapping[str, float], share: float) -> list[str]:
    """Return the tags, what is proposed first and the others by their *odds*."""
    # The name comes last, so that the order of the evidence never decides.
    ordered = sorted(odds, key=lambda tag: (-odds[tag], *_strictest_first(tag), tag))
    first = min(_tied(ordered, odds), key=_strictest_first)
    own = [tag for tag in ordered if tag.startswith(_OF_PERSONS)]
    known = bool(own) and odds[own[0]] >= _SOMETHING
    if first == GENERAL and known and fsum(odds[tag] for tag in own) >= share * fsum(odds.values()):
        first = min(_tied(own, odds), key=_strictest_first)
    return sorted(ordered, key=lambda tag: tag != first)


def _tied(ordered: Sequence[str], odds: Mapping[str, float]) -> list[str]:
    return [tag for tag in ordered if odds[tag] >= TIED * odds[ordered[0]]]


def _strictest_first(tag: str) -> tuple[int, ...]:
    return tuple(-int(part) for part in core().tags[tag].strictness)


def _mixed(hints: Sequence[Evidence], around: Surroundings, weights: Mapping[str, float]) -> dict[str, float]:
    """Return each choice's probability: in a table about persons, times that it is one, and so on."""
    cases = [(share, replace(around, about={topic: 1.0})) for topic, share in around.about.items() if share]
    found = [(share, shares(features(hints, case), weights)) for share, case in cases or [(1.0, around)]]
    return {tag: fsum(share * odds[tag] for share, odds in found) for tag in found[0][1]}


def judge_table(
    names: Sequence[str],
    hints: Sequence[Sequence[Evidence]],
    weights: Weights | None = None,
    *,
    protected: bool = False,
) -> tuple[Judged, ...]:
    """Return what the columns of a table may be, from their names and each column's hints.

    *protected*: its owner declared a unit that is to be protected in it, so the table is about persons.
    """
    given = fitted() if weights is None else weights
    own = given["alone"]
    alone = [judge(of_column, ALONE, own) for of_column in hints]
    beside, about = alone, dict[str, float]()
    if len(hints) > 1:  # a single column stands beside nothing
        found = [without_own(of_column) for of_column in hints]
        pairs = zip(alone, found, hints, strict=True)
        before = [it if len(some) == len(every) else judge(some, ALONE, own) for it, some, every in pairs]
        chances = [{it.tag: it.confidence for it in judged} for judged in before]
        about = {subject.PERSON: 1.0} if protected else subject_of(names, chances, found, given["subject"])
        places = surroundings(chances, about)
        share = PROTECTED if protected else PERSONAL
        beside = [judge(*it, given["beside"], share) for it in zip(hints, places, strict=True)]
    return tuple(Judged(first, last, about) for first, last in zip(alone, beside, strict=True))


def subject_of(
    names: Sequence[str],
    judged: Sequence[Mapping[str, float]],
    hints: Sequence[Sequence[Evidence]],
    weights: Mapping[str, float],
) -> dict[str, float]:
    """Return how surely a table is about persons, organisations or things, which add up to 1."""
    return shares(subject.features(subject.signs(names, judged, hints)), weights)


def shares(found: Mapping[str, Mapping[str, float]], weights: Mapping[str, float]) -> dict[str, float]:
    """Return the probability of each choice, from its features and the coefficients of these."""
    scores = {
        choice: fsum(weights.get(name, 0.0) * value for name, value in of_choice.items())
        for choice, of_choice in found.items()
    }
    most = max(scores.values())
    odds = {choice: exp(score - most) for choice, score in scores.items()}
    total = fsum(odds.values())
    return {choice: value / total for choice, value in odds.items()}


def features(hints: Sequence[Evidence], around: Surroundings = ALONE) -> dict[str, dict[str, float]]:
    """Return for every tag that may be proposed what the coefficients are about, by name."""
    found: dict[str, dict[str, float]] = defaultdict(dict)
    found[UNSEEN]["unseen"] = 1.0
    own = [hint for hint in hints if hint.source not in _NOT_WEIGHED]
    for hint in _strongest(own):
        strength = _strength(hint.weight)
        found[hint.tag][hint.source] = strength
        if hint.source in _RULED:  # what the rule is worth by itself, on top of what all of its source are
            found[hint.tag][f"{hint.rule}: {hint.tag}"] = strength
    read = _named(hints, headers.BESIDE if around.known else headers.ALONE)
    for tag, chance in read.items():
        found[tag]["name"] = _strength(chance)
    named = max((_strength(chance) for tag, chance in read.items() if tag != GENERAL), default=0.0)
    if named:  # plain values say little where the name says much: codes hide what is sensitive
        against = found[GENERAL].items()
        found[GENERAL] = {f"against a name: {name}": value * exp(-named) for name, value in against}
    for tag, chance in read.items():
        found[tag]["name by its odds"] = log(chance / LEAST)
    for tag, chance in chances_by(hints, cells.BESIDE if around.known else cells.ALONE).items():
        found[tag]["cells"] = _strength(chance)
        found[tag]["cells by their odds"] = log(chance / LEAST)
    numbered = read.get("pi.id.generic", 0.0) * found[GENERAL].get("cells", 0.0)
    if numbered:  # small numbers look like counts, whatever they number
        found[GENERAL]["cells against a number"] = numbered
        found[GENERAL]["cells against a number of persons"] = numbered * around.about.get("person", 0.0)
    found[GENERAL].update(context_of(GENERAL, around))
    if not own:
        found[GENERAL]["nothing speaks"] = 1.0
    few = any(hint.rule in FEW_WORDS for hint in own)
    for tag, of_tag in found.items():
        if tag not in (GENERAL, UNSEEN):
            of_tag.update(_of_tag(tag, of_tag, few))
            rival = max(
                (_strength(chance) for it, chance in read.items() if it not in (tag, GENERAL)), default=0.0
            )
            of_tag.update(context_of(tag, around, exp(-rival)))
    return dict(sorted(found.items()))


def _strongest(hints: Sequence[Evidence]) -> Iterable[Evidence]:
    """Return the strongest hint of each source for each tag, so that a second one never counts against it."""
    found: dict[tuple[str, str], Evidence] = {}
    for hint in sorted(hints, key=lambda hint: (-hint.weight, hint.rule)):
        found.setdefault((hint.tag, hint.source), hint)
    return found.values()


def _of_tag(tag: str, of_tag: Mapping[str, float], few: bool) -> dict[str, float]:
    """Return the features of *tag* that depend on its others; *few*: values repeat, as no free text does."""
    found = {"something": 1.0}
    if "name" in of_tag and of_tag.keys() & _RULED:
        found["name and more"] = 1.0
    if tag in CHECKED and not of_tag.keys() & {"values", "dictionary"}:
        found[f"shape missing: {tag}"] = 1.0
        if of_tag.get("name", 0.0) < _FAIR:
            found["shape missing and name weak"] = 1.0
    if tag == "pi.text":
        found |= {"text without sentences": float("values" not in of_tag), "text of few words": float(few)}
    return found


def _named(hints: Sequence[Evidence], source: str) -> dict[str, float]:
    """Return each tag's chance by the name."""
    return {tag: chance for tag, chance in chances_by(hints, source).items() if chance > LEAST}


def _strength(chance: float) -> float:
    return -log1p(-min(chance, _STRONGEST))


@cache
def fitted() -> Weights:
    """Return the coefficients by feature: of columns ``alone`` and ``beside`` others, of ``subject``."""
    weights: Weights = read_data("combiner.yaml")["weights"]
    return weights
