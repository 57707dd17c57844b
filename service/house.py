"""One house: our packages stand side by side, or nothing runs.

The top-level names are generic (``policies``, ``jobs`` …), so another distribution in the same environment
could bring one of its own.  Code that decides about other people's data must never be half ours; whoever
opens the door (`cli.main`, ``keyong.py``) asks here first.  Only the standard library is used, because
nothing else may be imported before the answer is known.
"""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path

PACKAGES = ("sandbox", "classifiers", "policies", "jobs", "service")
"""The packages that must stand beside ``cli`` and ``keyong.py``."""


def stand_together(home: Path) -> None:
    """Return if every package of the house would be imported from the directory *home*.

    Raises `ImportError` naming the first that would not, and where it was found.
    """
    for name in PACKAGES:
        found = _location(name)
        if found != home.resolve():
            raise ImportError(
                f"the package {name!r} is not Keyong's: it was found in {found or 'no directory'}, Keyong "
                f"in {home.resolve()}. Install Keyong in a virtual environment of its own, as pipx does."
            )


def _location(name: str) -> Path | None:
    spec = find_spec(name)
    origin = spec.origin if spec else None
    return Path(origin).resolve().parent.parent if origin else None
