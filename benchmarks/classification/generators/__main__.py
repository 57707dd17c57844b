"""Write the labelled Chinese set again: ``python -m benchmarks.classification.generators``."""

from __future__ import annotations

from pathlib import Path

from benchmarks.classification.generators import tables


def main() -> None:
    """Write every domain into its place beside this package."""
    root = Path(__file__).parents[1] / "zh"
    for part, domains in tables.PARTS.items():
        for domain in domains:
            tables.write(root / part / domain, domain)


if __name__ == "__main__":
    main()
