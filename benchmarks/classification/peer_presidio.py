"""Presidio's side: ``peer_presidio.py VALUES.json ENTITIES.json``, run by its own interpreter.

All recognisers that work by pattern or check digit, of all countries and for any language, are asked about
every value; none that needs a language model.  A column is the entity found with a score of at least `SCORE`
in most of its values, if that is at least `SHARE` of them.
"""

from __future__ import annotations

import inspect
import json
import logging
import sys
from collections import Counter
from pathlib import Path

import presidio_analyzer.predefined_recognizers as predefined
from presidio_analyzer import LocalRecognizer, PatternRecognizer
from presidio_analyzer.predefined_recognizers import PhoneRecognizer

SCORE = 0.4
SHARE = 0.3


def recognisers() -> list[LocalRecognizer]:
    """Return one of each pattern recogniser, with the defaults of its makers."""
    kinds = {it for _, it in inspect.getmembers(predefined, inspect.isclass)}
    patterns = [it() for it in kinds if issubclass(it, PatternRecognizer) and it is not PatternRecognizer]
    return [*sorted(patterns, key=lambda it: it.name), PhoneRecognizer()]


def entity(values: list[str], known: list[LocalRecognizer]) -> str | None:
    """Return what most of *values* are, or None."""
    found: Counter[str] = Counter()
    for value in values:
        results = [
            (result.score, result.entity_type)
            for recogniser in known
            for result in recogniser.analyze(value, recogniser.supported_entities, None)
        ]
        best = max(results, default=(0.0, ""))
        if best[0] >= SCORE:
            found[best[1]] += 1
    name, count = found.most_common(1)[0] if found else ("", 0)
    return name if count and count >= SHARE * len(values) else None


def main() -> None:
    """Read tables of columns of values, write the entity of each column."""
    logging.disable()
    known = recognisers()
    tables = json.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))
    found = {name: [entity(values, known) for values in columns] for name, columns in tables.items()}
    Path(sys.argv[2]).write_text(json.dumps(found), encoding="utf-8")


if __name__ == "__main__":
    main()
