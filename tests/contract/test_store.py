"""What every `Store` promises."""

from pathlib import Path

import pytest

from sandbox.errors import TamperingError
from sandbox.vault.store import DirectoryStore, Store


@pytest.fixture(params=[DirectoryStore])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Store:
    return request.param(tmp_path / "store")


def staged(store: Store, text: str = "data"):
    staging = store.stage()
    (staging.path / "file").write_text(text)
    return staging


def test_published_whole_and_removed_whole(store: Store) -> None:
    staging = staged(store)
    assert not store.file("v1", "file").exists()
    store.publish(staging, "v1")
    assert store.file("v1", "file").read_text() == "data"
    store.remove("v1")
    assert not store.file("v1", "file").exists()


def test_a_version_is_never_replaced(store: Store) -> None:
    store.publish(staged(store, "first"), "v1")
    second = staged(store, "second")
    with pytest.raises(TamperingError, match=r"vault\.version-exists"):
        store.publish(second, "v1")
    store.discard(second)
    assert store.file("v1", "file").read_text() == "first"


def test_sweep_keeps_the_known_and_what_somebody_works_on(store: Store) -> None:
    store.publish(staged(store), "known")
    store.publish(staged(store), "orphan")
    working, gone = staged(store), staged(store)
    gone.lock.close()  # as the operating system does for a dead process
    store.sweep({"known"})
    assert store.file("known", "file").exists()
    assert not store.file("orphan", "file").exists()
    assert working.path.exists()
    assert not gone.path.exists()


def test_discarding_twice_or_after_publishing_harms_nothing(store: Store) -> None:
    staging = staged(store)
    store.discard(staging)
    store.discard(staging)
    staging = staged(store)
    store.publish(staging, "v1")
    store.discard(staging)
    assert store.file("v1", "file").exists()


def test_names_stay_inside(store: Store) -> None:
    for name in ("../v1", "a/b", "staging-1", "", ".", "..", "/etc"):
        with pytest.raises(TamperingError, match=r"vault\.bad-stored-name"):
            store.file(name, "file")
        with pytest.raises(TamperingError, match=r"vault\.bad-stored-name"):
            store.file("v1", name)
