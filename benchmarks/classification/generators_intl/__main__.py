"""Write the labelled international set again.

    python -m benchmarks.classification.generators_intl [FOLDER]

FOLDER holds the three real datasets as .csv.gz; without it only the generated tables are written.
"""

from __future__ import annotations

import sys
from pathlib import Path

from benchmarks.classification.generators_intl import real, tables


def main() -> None:
    """Write into the folder beside this package."""
    root = Path(__file__).parents[1] / "intl"
    tables.write(root)
    if len(sys.argv) > 1:
        real.write(Path(sys.argv[1]), root)


if __name__ == "__main__":
    main()
