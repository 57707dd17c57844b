"""The door of the command line: nobody else's packages, then the command.

Nothing of the house is imported before `service.house.stand_together` has said that it is one house.
"""

from __future__ import annotations

import contextlib
import importlib
import os
import sys
from pathlib import Path
from typing import NoReturn


def main() -> None:
    """Run ``keyong`` with the arguments of this process and end it with the exit code of `cli.failures`."""
    try:
        _run()
    except KeyboardInterrupt:  # before anybody could say more about it
        with contextlib.suppress(OSError):
            sys.stderr.write("keyong: interrupted\n")
            sys.stderr.flush()
        os._exit(130)


def _run() -> None:
    try:
        house = importlib.import_module("service.house")
        house.stand_together(Path(__file__).resolve().parent.parent)
    except ImportError as error:
        sys.stderr.write(f"keyong: {error}\n")
        sys.exit(2)
    importlib.import_module("cli.failures").quiet_hooks()
    leave(importlib.import_module("cli.app").run(sys.argv[1:]))


def leave(code: int) -> NoReturn:
    """End the process; an interrupted one at once, for everything of ours is unwound by then.

    A library's thread that still reads ahead would abort the interpreter's own end.
    """
    if code == importlib.import_module("cli.failures").INTERRUPTED:
        with contextlib.suppress(OSError):  # nobody may be reading any more
            sys.stdout.flush()
        os._exit(code)
    sys.exit(code)


if __name__ == "__main__":
    main()
