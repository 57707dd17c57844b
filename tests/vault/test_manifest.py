"""The signed text: what goes in comes out, and nothing else does."""

import json
from dataclasses import replace

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from sandbox import canonical
from sandbox.errors import TamperingError
from sandbox.schema import DatasetName, Field, Kind, LineageId
from sandbox.vault import manifest as manifest_module
from sandbox.vault.manifest import Manifest, load_manifest, sign_manifest
from sandbox.vault.shard import FOOTER, ShardFile

KEY = Ed25519PrivateKey.generate()
MANIFEST = Manifest(
    dataset=DatasetName("health.diabetes"),
    lineage=LineageId("l1"),
    version=1,
    unit="id",
    namespace="health.patient",
    filter="zcdp",
    fields=(
        Field("id", Kind.INTEGER, required=True),
        Field("年龄", Kind.DECIMAL, missing=("?", "无"), precision=5, scale=2),
    ),
    directory="l1.1.00",
    files=(ShardFile("0000.parquet", 10, "ab" * 32, "cd" * 16),),
    key_ids=(("f", "k0", "k1", "k2", "k3"),),
    withdrawn=(),
    created="2026-11-23T00:00:00+00:00",
)


def test_signed_and_loaded_is_the_same() -> None:
    signature = sign_manifest(MANIFEST, KEY)
    assert load_manifest(MANIFEST.text(), signature, KEY.public_key()) == MANIFEST
    assert MANIFEST.digest() == canonical.digest(json.loads(MANIFEST.text()))
    assert [MANIFEST.key_id(0, name) for name in (FOOTER, "id", "__unit")] == ["f", "k0", "k3"]
    assert MANIFEST.shards == 1


def test_any_change_is_refused() -> None:
    text, signature, public = MANIFEST.text(), sign_manifest(MANIFEST, KEY), KEY.public_key()
    changed = [text.replace("zcdp", "pure"), text + " ", text.replace('"version":1', '"version":2'), "", "{}"]
    for other in changed:
        with pytest.raises(TamperingError, match=r"vault\.bad-manifest-signature"):
            load_manifest(other, signature, public)
    stranger = Ed25519PrivateKey.generate()
    plain = KEY.sign(text.encode()).hex()  # signed, but not as a manifest
    for wrong in (sign_manifest(MANIFEST, stranger), "", "zz", signature[:-2], plain):
        with pytest.raises(TamperingError, match=r"vault\.bad-manifest-signature"):
            load_manifest(text, wrong, public)


def test_what_a_withdrawal_adds_is_format_2_and_nothing_else_changes() -> None:
    assert json.loads(MANIFEST.text()).keys().isdisjoint({"stored", "dropped"})
    assert json.loads(MANIFEST.text())["format"] == 1
    later = replace(MANIFEST, version=2, stored=1, withdrawn=("00" * 16,), dropped=("ff" * 16,))
    assert json.loads(later.text())["format"] == 2
    assert load_manifest(later.text(), sign_manifest(later, KEY), KEY.public_key()) == later
    assert (MANIFEST.home, later.home) == (1, 1)


def test_how_cells_are_written_is_format_3_and_nothing_else_changes() -> None:
    assert all("written" not in held for held in json.loads(MANIFEST.text())["fields"])
    forms = tuple(replace(field, written="comma") for field in MANIFEST.fields)
    later = replace(MANIFEST, fields=forms)
    assert json.loads(later.text())["format"] == 3
    assert load_manifest(later.text(), sign_manifest(later, KEY), KEY.public_key()) == later


def test_a_newer_format_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(manifest_module, "FORMAT", 4)
    later = replace(MANIFEST, fields=(replace(MANIFEST.fields[0], written="dmy"),))
    text, signature = later.text(), sign_manifest(later, KEY)
    monkeypatch.undo()
    with pytest.raises(TamperingError, match=r"vault\.unknown-manifest-format"):
        load_manifest(text, signature, KEY.public_key())
