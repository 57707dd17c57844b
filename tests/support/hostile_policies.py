"""Hostile files through the whole parser, in a process of its own, so that its memory can be measured.

Reads a sound policy from standard input; prints ``base`` and ``peak`` (kB), and seconds for every text.
"""

from __future__ import annotations

import resource
import sys
import time
from contextlib import suppress

from policies.build import parse
from sandbox.errors import InvalidInputError

COLUMNS = "columns:\n"
GRANT = "  - {to: [a], purposes: [p], operations: [count], until: 2030-01-01, approval: auto}\n"


def texts(base: str) -> dict[str, str]:
    """Return the hostile texts by name; *base* is a sound policy."""

    def columns(lines: str) -> str:
        return base.replace(COLUMNS, COLUMNS + lines)

    def sections(lines: str) -> str:
        return base.replace(COLUMNS, lines + COLUMNS)

    bomb = "a: &a [x, x, x, x, x, x, x, x]\n" + "".join(
        f"{chr(98 + n)}: &{chr(98 + n)} [{', '.join([f'*{chr(97 + n)}'] * 8)}]\n" for n in range(9)
    )
    return {
        "depth-20,000": "a: " + "[" * 20_000,
        "depth-in-blocks": "".join(" " * n + "a:\n" for n in range(1_300)),
        "10-MB-scalar": "a: " + "x" * 10_000_000,
        "10-MB-of-escapes": 'a: "' + "\\x41" * 2_500_000 + '"',
        "a-scalar-as-large-as-may-be": base.replace("Norm", "N" * 990_000),
        "alias-bomb": bomb,
        "merge-keys": "a: &a {k: 1}\nb: {<<: *a}",
        "one-key-20,000-times": columns("  k: {use: []}\n" * 20_000),
        "columns-without-anything": columns("".join(f"  k{n}: {{}}\n" for n in range(9_000))),
        "columns-that-are-wrong": columns("".join(f"  k{n}: 1\n" for n in range(9_000))),
        "unknown-keys": "".join(f"k{n}: 1\n" for n in range(9_900)),
        "categories": columns(f"  z: {{use: [group], categories: {list(range(19_000))}}}\n"),
        "names": base.replace("[group:researchers]", f"[{', '.join(f'u{n}' for n in range(19_000))}]"),
        "tags": sections(f"tags: {{{', '.join(f't{n}: {{use: []}}' for n in range(4_500))}}}\n"),
        "a-long-pattern": sections("tags: {'" + "a-" * 400_000 + "!': deny}\n"),
        "a-long-name": base.replace("group:researchers", "g" * 900_000),
        "grants": base[: base.index("grants:")] + "grants:\n" + GRANT * 1_300,
        "numbers-on-the-edge": base.replace("[1, 14], grid: 1", "[1e-399, 1e399], grid: 1e-399"),
        "combining-characters": base.replace("researchers", "a" + "\u0301" * 90),
        "line-breaks": "\n" * 990_000 + "%",
        "blanks": base + " " * 990_000,
    }


def main() -> None:
    """Parse every text and print what that took."""
    print("base", resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
    for name, text in texts(sys.stdin.read()).items():
        started = time.process_time()
        with suppress(InvalidInputError):
            parse(text, "p.yaml")
        print(name, time.process_time() - started)
    print("peak", resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)


if __name__ == "__main__":
    main()
