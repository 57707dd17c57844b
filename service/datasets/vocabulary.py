"""What columns can be: the tags of the taxonomy and what standards say of them, as JSON."""

from __future__ import annotations

from typing import Any

from classifiers.taxonomy import core


def every_tag() -> dict[str, Any]:
    """Return ``{"tags": [as `tag_of`], "levels": {profile: as `profile_of`}}``, in the taxonomy's order."""
    known = core()
    return {
        "tags": [tag_of(name) for name in known.tags],
        "levels": {name: profile_of(name) for name in known.profiles},
    }


def tag_of(name: str) -> dict[str, Any]:
    """Return what the taxonomy says of a tag.

    ``{"tag", "title", "title_zh", "dpv", "role", "sensitive", "levels": {profile: level}, "basis",
    "basis_zh": {profile: where the standard names it}, "uses": [use], "treatment"}``.
    """
    info = core().tags[name]
    return {
        "tag": name,
        "title": info.titles["en"],
        "title_zh": info.titles["zh"],
        "dpv": info.dpv,
        "role": info.role.value,
        "sensitive": info.sensitive,
        "levels": dict(info.levels),
        "basis": _basis(name, "en"),
        "basis_zh": _basis(name, "zh"),
        "uses": [use.value for use in info.uses],
        "treatment": info.treatment,
    }


def profile_of(name: str) -> dict[str, Any]:
    """Return ``{"title", "title_zh", "source", "version", "titles": {level: {language: text}}}``."""
    profile = core().profiles[name]
    return {
        "title": profile.title["en"],
        "title_zh": profile.title["zh"],
        "source": profile.source,
        "version": profile.version,
        "titles": profile.titles,
    }


def _basis(tag: str, language: str) -> dict[str, str]:
    return {it.name: it.basis[tag][language] for it in core().profiles.values() if tag in it.basis}
