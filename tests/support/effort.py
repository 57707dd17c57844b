"""How much work something is, on whatever machine it is done."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager

_NOTHING = 0.1
"""Seconds that are no effort on any machine."""


@contextmanager
def at_most(squares: float) -> Iterator[None]:
    """Fail if what is done inside costs more than so many million *squares* on the same processor.

    Processor time, since how busy a machine is says nothing; in squares made right after it, since a
    processor that others share may be several times as slow as another, or as an hour ago.
    """
    start = time.process_time()
    yield
    took = time.process_time() - start
    if took > _NOTHING:
        unit = _million_squares()
        assert took < squares * unit, f"{took / unit:.1f} million squares, not {squares}"


def _million_squares() -> float:
    start = time.process_time()
    sum(number * number for number in range(1_000_000))
    return time.process_time() - start
