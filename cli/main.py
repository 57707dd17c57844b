"""The door of the command line: nobody else's packages, then the command.

Nothing of the house is imported before `service.house.stand_together` has said that it is one house.
"""

from __future__ import annotations

import importlib
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
    importlib.import_module("cli.failures").quiet_hooks()
    sys.exit(importlib.import_module("cli.app").run(sys.argv[1:]))


if __name__ == "__main__":
    main()
