"""What a policy says of tags: which columns it closes, and which it opens without naming them.  Pure.

``tags`` maps a pattern (a tag, or a family such as ``pi.id.*``) to ``deny`` or to uses:

* a deny wins over everything else that is said of a column, however exact;
* uses hold for columns that have no uses of their own: those that ``columns`` does not list, and those it
  lists with a domain only.  Of several patterns that fit, the longest speaks.

They act on confirmed tags only.  A use that needs a domain still needs one (`policies.decide`).
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from policies.load import Path
from policies.model import AccessPolicy, ColumnRule, TagRule


@dataclass(frozen=True, slots=True)
class Effective:
    """The rule that holds for a column; *name* and *path* are those of what gives it its uses."""

    rule: ColumnRule
    name: str
    path: Path


def fits(pattern: str, tag: str) -> bool:
    """Whether *pattern* covers *tag*: ``pi.id.*`` covers ``pi.id`` and all below it."""
    family = pattern.endswith(".*") and f"{tag}.".startswith(pattern.removesuffix("*"))
    return pattern == tag or family


def denying(policy: AccessPolicy, tag: str) -> str | None:
    """Return the pattern that closes columns of *tag*, None if there is none."""
    found = (it.pattern for it in policy.tags if it.uses is None and fits(it.pattern, tag))
    return max(found, key=_exactness, default=None)


def effective(policy: AccessPolicy, column: str, tag: str | None) -> Effective | None:
    """Return what holds for *column*, whose confirmed tag is *tag* (None: it has none); None: nothing."""
    own = policy.column(column)
    if tag is not None and denying(policy, tag) is not None:
        return None
    if own is not None and not own.by_tag:
        return Effective(own, f"columns.{column}.use", ("columns", column, "use"))
    opened = _opening(policy, tag)
    if opened is None or opened.uses is None:
        return None if own is None else Effective(own, f"columns.{column}.use", ("columns", column))
    rule = replace(own or ColumnRule(column, frozenset()), uses=opened.uses)
    return Effective(rule, f'tags["{opened.pattern}"].use', ("tags", opened.pattern))


def _opening(policy: AccessPolicy, tag: str | None) -> TagRule | None:
    found = (it for it in policy.tags if it.uses is not None and tag is not None and fits(it.pattern, tag))
    return max(found, key=lambda it: _exactness(it.pattern), default=None)


def _exactness(pattern: str) -> tuple[int, str]:
    return len(pattern), pattern
