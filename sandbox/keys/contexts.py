"""What each key of a workspace is for: its context, written once, for who makes it and who opens it."""

from __future__ import annotations

from typing import Final

from sandbox.schema import LineageId

LOG_SIGNING: Final = {"purpose": "log-signing-key"}
MANIFEST_SIGNING: Final = {"purpose": "manifest-signing-key"}


def dataset(lineage: LineageId) -> dict[str, str]:
    """Return the context of a dataset's key, which wraps all that only this dataset needs."""
    return {"purpose": "dataset", "lineage": lineage}


def row_order(lineage: LineageId) -> dict[str, str]:
    """Return the context of the key that orders the rows of a unit."""
    return {"purpose": "row-order", "lineage": lineage}


def linkage(namespace: str) -> dict[str, str]:
    """Return the context of the key that makes the unit tags of all datasets of a namespace."""
    return {"purpose": "linkage", "namespace": namespace}


def column(lineage: LineageId, version: int, shard: int, name: str) -> dict[str, str]:
    """Return the context of the key of one column (or the footer) of one shard."""
    return {
        "purpose": "column",
        "lineage": lineage,
        "version": str(version),
        "shard": str(shard),
        "column": name,
    }
