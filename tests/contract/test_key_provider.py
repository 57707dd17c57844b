"""What every KeyProvider must do, whoever keeps the master key."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sandbox.errors import InvalidInputError, TamperingError
from sandbox.keys import provider as module
from sandbox.keys.provider import KeyProvider, create_provider, open_provider

PASSPHRASE = "correct horse 电池 staple"


@pytest.fixture(autouse=True)
def cheap_scrypt(monkeypatch):
    monkeypatch.setattr(module, "SCRYPT_N", 2**14)


@pytest.fixture(params=[None, PASSPHRASE], ids=["file", "passphrase"])
def passphrase(request) -> str | None:
    return request.param


@pytest.fixture
def provider(tmp_path: Path, passphrase: str | None) -> KeyProvider:
    return create_provider(tmp_path, passphrase)


def reopen(directory: Path, passphrase: str | None) -> KeyProvider:
    return open_provider(directory, (lambda: passphrase) if passphrase else None)


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(key=st.binary(min_size=32, max_size=32), context=st.binary(max_size=200))
def test_what_was_wrapped_unwraps_under_its_context_only(provider, key, context):
    wrapped = provider.wrap(key, context)
    assert provider.unwrap(wrapped, context) == key
    assert key not in wrapped
    for other in (context + b"x", context[:-1] + b"\x00x"):
        with pytest.raises(TamperingError) as caught:
            provider.unwrap(wrapped, other)
        assert caught.value.code == "key.unwrap-failed"


def test_a_second_process_opens_what_the_first_wrapped(provider, tmp_path, passphrase):
    wrapped = provider.wrap(b"k" * 32, b"context")
    assert reopen(tmp_path, passphrase).unwrap(wrapped, b"context") == b"k" * 32


def test_every_flipped_bit_is_found(provider):
    wrapped = provider.wrap(b"k" * 32, b"context")
    for position in range(len(wrapped) * 8):
        forged = bytearray(wrapped)
        forged[position // 8] ^= 1 << position % 8
        with pytest.raises(TamperingError):
            provider.unwrap(bytes(forged), b"context")


def test_every_other_length_is_found(provider):
    wrapped = provider.wrap(b"k" * 32, b"context")
    for forged in [wrapped[:length] for length in range(len(wrapped))] + [wrapped + b"\x00"]:
        with pytest.raises(TamperingError):
            provider.unwrap(forged, b"context")


def test_the_same_key_never_looks_the_same(provider):
    assert len({provider.wrap(b"k" * 32, b"") for _ in range(200)}) == 200


def test_another_workspace_opens_nothing(provider, tmp_path, passphrase):
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    stranger = create_provider(elsewhere, passphrase)
    with pytest.raises(TamperingError):
        stranger.unwrap(provider.wrap(b"k" * 32, b"context"), b"context")


def test_only_keys_are_wrapped(provider):
    for wrong in (b"", b"k" * 31, b"k" * 33):
        with pytest.raises(ValueError, match="32 bytes"):
            provider.wrap(wrong, b"")


def test_a_master_key_is_never_made_twice(provider, tmp_path):
    for other in (None, PASSPHRASE):
        with pytest.raises(InvalidInputError) as caught:
            create_provider(tmp_path, other)
        assert caught.value.code == "key.exists"


def test_files_are_private_and_hold_no_clear_key(provider, tmp_path, passphrase):
    (path,) = tmp_path.iterdir()
    assert path.stat().st_mode & 0o777 == 0o600
    for mode in (0o640, 0o604, 0o620, 0o666):
        path.chmod(mode)
        with pytest.raises(InvalidInputError) as caught:
            reopen(tmp_path, passphrase)
        assert caught.value.code == "key.open-to-others"
        assert caught.value.facts["mode"] == f"{mode:04o}"


def test_a_lost_key_says_so(tmp_path):
    with pytest.raises(InvalidInputError) as caught:
        open_provider(tmp_path, None)
    assert caught.value.code == "key.missing-file"


def test_repr_shows_no_key(provider):
    assert "object at" in repr(provider)
