"""The door of the command line: nobody else's packages, then the command.

Nothing of the house is imported before `service.house.stand_together` has said that it is one house.
"""

from __future__ import annotations

import importlib
import os
import sys
from pathlib import Path


def main() -> None:
    """Run ``keyong`` with the arguments of this process and end it with the exit code of `cli.failures`."""
    try:
        house = importlib.import_module("service.house")
        house.stand_together(Path(__file__).resolve().parent.parent)
    except ImportError as error:
        sys.stderr.write(f"keyong: {error}\n")
        sys.exit(2)
    failures = importlib.import_module("cli.failures")
    failures.quiet_hooks()
    code = importlib.import_module("cli.app").run(sys.argv[1:])
    if code == failures.INTERRUPTED:
        # Everything is unwound; a library's thread still reading ahead would abort the interpreter's own end.
        sys.stdout.flush()
        os._exit(code)
    sys.exit(code)


if __name__ == "__main__":
    main()
