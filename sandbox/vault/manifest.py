"""What a version of a dataset is: the one signed text that everything else is checked against.

Canonical JSON, signed with Ed25519; its digest goes into the log.  It names files, sizes, digests, fields
and the ids of keys.  It holds no key, no cell and no number of rows or units.  (A file's size follows its
number of rows: whoever may read the manifest, or the disk, can estimate it.)

A version may show the files and keys of an earlier one without some units: *stored* says of which.  What a
withdrawal adds is written in format 2; a manifest without any of it stays format 1, byte for byte.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, fields
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from sandbox import canonical
from sandbox.errors import TamperingError
from sandbox.schema import DatasetName, Digest, Field, Kind, LineageId
from sandbox.vault.shard import FOOTER, ShardFile, stored_columns

FORMAT = 3
_SIGNED_AS = b"keyong manifest v1\n"  # a signature over a manifest is one over nothing else


@dataclass(frozen=True, slots=True)
class Manifest:
    """A version of a dataset.

    *files* in shard order; *key_ids*, per shard, of the footer and the `stored_columns` in order.
    *directory* is its files' name in the store, *created* an ISO 8601 moment in UTC.  *stored* is the version
    that files and keys were made for, None for this one.  *withdrawn* are the tags (hexadecimal, sorted) of
    units that may have rows in the files and are left out by whoever reads; *dropped* those of withdrawn
    units whose rows are not there any more: a later version does not bring them back.
    """

    dataset: DatasetName
    lineage: LineageId
    version: int
    unit: str
    namespace: str
    filter: str
    fields: tuple[Field, ...]
    directory: str
    files: tuple[ShardFile, ...]
    key_ids: tuple[tuple[str, ...], ...]
    withdrawn: tuple[str, ...]
    created: str
    stored: int | None = None
    dropped: tuple[str, ...] = ()

    @property
    def home(self) -> int:
        """The version that files and keys were made for."""
        return self.version if self.stored is None else self.stored

    @property
    def hidden(self) -> frozenset[str]:
        """The tags of all units that were withdrawn and not readmitted."""
        return frozenset((*self.withdrawn, *self.dropped))

    @property
    def shards(self) -> int:
        """Number of shards."""
        return len(self.files)

    def key_id(self, shard: int, column: str) -> str:
        """Return the id of the key of one column (or FOOTER) of one shard; `ValueError` if unknown."""
        return self.key_ids[shard][(FOOTER, *stored_columns(self.fields)).index(column)]

    def text(self) -> str:
        """Return the canonical JSON."""
        return canonical.encode(self._written()).decode()

    def digest(self) -> Digest:
        """Return the SHA-256 of the canonical JSON."""
        return canonical.digest(self._written())

    def _written(self) -> dict[str, Any]:
        held = {item.name: getattr(self, item.name) for item in fields(self)}
        held["fields"] = [held_of(one) for one in self.fields]
        held["files"] = [asdict(one) for one in self.files]
        if any(field.written for field in self.fields):
            return {"format": FORMAT, **held}
        if self.stored is None and not self.dropped:
            del held["stored"], held["dropped"]
            return {"format": 1, **held}
        return {"format": 2, **held}


def sign_manifest(manifest: Manifest, key: Ed25519PrivateKey) -> str:
    """Return the signature over *manifest*, in hexadecimal."""
    return key.sign(_SIGNED_AS + manifest.text().encode()).hex()


def load_manifest(text: str, signature: str, key: Ed25519PublicKey) -> Manifest:
    """Return the manifest that *text* is, after its signature has been checked.

    Raises `TamperingError` if the signature is not *key*'s over exactly this text, or the format is unknown.
    """
    try:
        key.verify(bytes.fromhex(signature), _SIGNED_AS + text.encode())
    except (InvalidSignature, ValueError):
        raise TamperingError("vault.bad-manifest-signature") from None
    held = json.loads(text)
    if held.pop("format") not in range(1, FORMAT + 1):
        raise TamperingError("vault.unknown-manifest-format", known=FORMAT)
    return Manifest(
        **held
        | {
            "fields": tuple(field_of(field) for field in held["fields"]),
            "files": tuple(ShardFile(**file) for file in held["files"]),
            "key_ids": tuple(tuple(ids) for ids in held["key_ids"]),
            "withdrawn": tuple(held["withdrawn"]),
            "dropped": tuple(held.get("dropped", ())),
        }
    )


def held_of(field: Field) -> dict[str, Any]:
    """Return *field* as JSON holds it: as before there were forms of cells (format 3), where it has none."""
    held = asdict(field)
    return held if field.written else {name: it for name, it in held.items() if name != "written"}


def field_of(held: dict[str, Any]) -> Field:
    """Return the field that was written as *held*."""
    return Field(**held | {"kind": Kind(held["kind"]), "missing": tuple(held["missing"])})
