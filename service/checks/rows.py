"""Which tables repeat which leaves of the log, and how."""

from __future__ import annotations

from typing import Final

from sandbox.books import (
    charges,
    destructions,
    identity_changes,
    lineages,
    namespace_limits,
    owner_keys,
    policies,
    principals,
    releases,
    removals,
    versions,
)

COLUMNS: Final[dict[str, dict[str, str]]] = {
    "charge": {
        **{name: name for name in ("job", "lineage", "epsilon_pico", "rho_pico", "delta_atto")},
        "principal": "actor",
        "charged": "time",
    },
    "destruction": {name: name for name in ("lineage", "version")},
    "identity": {"name": "actor", "roles": "roles", "groups": "groups", "created": "time"},
    "identity-change": {
        **{name: name for name in ("leaf", "name", "roles", "groups")},
        "changed_by": "actor",
        "changed": "time",
    },
    "identity-key": {
        **{name: name for name in ("key", "public", "former", "endorsement", "leaf")},
        "principal": "actor",
        "pinned": "time",
    },
    "lineage": {
        **{name: name for name in ("lineage", "namespace", "unit", "filter", "delta", "owner", "reason")},
        "created": "time",
    },
    "namespace-limit": {
        **{name: name for name in ("leaf", "namespace", "filter", "epsilon", "delta", "selection", "reason")},
        "set_by": "actor",
        "changed": "time",
    },
    "policy": {
        **{name: name for name in ("lineage", "version", "digest")},
        "applied_by": "actor",
        "applied": "time",
    },
    "release": {"job": "job", "digest": "result", "released": "time"},
    "removal": {"lineage": "lineage", "name": "dataset", "removed_by": "actor", "removed": "time"},
    "version": {name: name for name in ("lineage", "version", "digest")},
}
"""For each kind of leaf, and column of its table: the fact, or the actor or time, that the leaf repeats."""
TABLES: Final = {
    "charge": charges,
    "destruction": destructions,
    "identity": principals,
    "identity-change": identity_changes,
    "identity-key": owner_keys,
    "lineage": lineages,
    "namespace-limit": namespace_limits,
    "policy": policies,
    "release": releases,
    "removal": removals,
    "version": versions,
}
"""For each kind of leaf, its table."""
