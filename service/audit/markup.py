"""HTML that cannot be broken out of: everything is escaped unless it was made here.

`tag` makes an element; what it is given as content is text, unless it is `Safe`, which only this module
makes. Text is also rid of control characters and of marks that turn its direction, since names come from
outside.
"""

from __future__ import annotations

from collections.abc import Iterable
from html import escape
from typing import Final

_VOID: Final = frozenset({"meta", "rect", "path", "line", "br"})


class Safe(str):
    """Markup made by this module."""

    __slots__ = ()


Content = str | int | Safe | Iterable["Content"] | None


def text(value: object) -> Safe:
    """Return *value* escaped; what is not printable is written out."""
    shown = (c if c.isprintable() else c.encode("unicode_escape").decode() for c in str(value))
    return Safe(escape("".join(shown), quote=True))


def tag(name: str, content: Content = None, /, **attributes: object) -> Safe:
    """Return the element *name*; ``class_`` is written ``class``, ``stroke_width`` ``stroke-width``."""
    given = "".join(
        f' {key.rstrip("_").replace("_", "-")}="{text(value)}"' for key, value in attributes.items()
    )
    if name in _VOID:
        return Safe(f"<{name}{given}/>")
    return Safe(f"<{name}{given}>{join(content)}</{name}>")


def join(content: Content) -> Safe:
    """Return *content* one after the other."""
    if content is None:
        return Safe("")
    if isinstance(content, Safe):
        return content
    if isinstance(content, str | int):
        return text(content)
    return Safe("".join(map(join, content)))


def table(headings: Iterable[Content], rows: Iterable[Iterable[Content]], numbers: frozenset[int]) -> Safe:
    """Return a table; columns whose place is in *numbers* stand to the right."""

    def cells(kind: str, row: Iterable[Content]) -> Safe:
        return join(
            [
                tag(kind, cell, **({"class_": "number"} if place in numbers else {}))
                for place, cell in enumerate(row)
            ]
        )

    head = tag("thead", tag("tr", cells("th", headings)))
    return tag("table", [head, tag("tbody", [tag("tr", cells("td", row)) for row in rows])])


def document(language: str, title: str, style: str, style_digest: str, body: Content) -> Safe:
    """Return a page that runs no script and fetches nothing: its policy allows *style* alone, by digest."""
    policy = f"default-src 'none'; style-src 'sha256-{style_digest}'; base-uri 'none'; form-action 'none'"
    head = [
        tag("meta", charset="utf-8"),
        tag("meta", http_equiv="Content-Security-Policy", content=policy),
        tag("meta", name="viewport", content="width=device-width, initial-scale=1"),
        tag("meta", name="referrer", content="no-referrer"),
        tag("title", title),
        Safe(f"<style>{style}</style>"),
    ]
    page = tag("html", [tag("head", head), tag("body", body)], lang=language)
    return Safe(f"<!DOCTYPE html>\n{page}\n")
