"""The rows of the stage's stays as they are stored, in clear, for an oracle to read."""

from __future__ import annotations

from typing import Final

import pyarrow as pa
from stage import DATASET, Stage

from sandbox.schema import ORDINAL, UNIT_TAG
from sandbox.vault.access import open_column_keys
from sandbox.vault.parquet import read_batches
from sandbox.vault.store import DirectoryStore
from service import dossier

_TYPES: Final = {
    "ward": pa.string(),
    "days": pa.int64(),
    "cost": pa.float64(),
    "seen": pa.date32(),
    "urgent": pa.bool_(),
    ORDINAL: pa.int64(),
    UNIT_TAG: pa.binary(),
}


def stays(stage: Stage) -> pa.Table:
    """Return all stored rows, with the position of each within its unit, and the unit's tag."""
    workspace = stage.keeper._desk.workspace  # type: ignore[attr-defined]
    with workspace.database.reading() as connection:
        manifest = dossier.read(connection, workspace, DATASET).manifest
        keys = open_column_keys(manifest, connection, workspace.keyring, tuple(_TYPES))
    store = DirectoryStore(workspace.vault)
    tables = [
        pa.Table.from_pandas(pa.Table.from_batches([batch]).to_pandas(), preserve_index=False)
        for file, granted in zip(manifest.files, keys, strict=True)
        for batch in read_batches(store.file(manifest.directory, file.name), file, granted, tuple(_TYPES))
    ]
    whole = pa.concat_tables(tables, promote_options="permissive")
    return whole.select(list(_TYPES)).cast(pa.schema(list(_TYPES.items())))
