"""Terminal sessions on a real workspace: one hospital, four people, nothing faked but where workers run."""

from __future__ import annotations

from pathlib import Path

import pytest
from stage import build


@pytest.fixture
def hospital(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A workspace with a dataset and a policy; the current directory stands beside it."""
    monkeypatch.setenv("KEYONG_ANCHORS", str(tmp_path / "anchors"))
    stage = build(tmp_path, more=", per_job: 1")
    stage.keeper.identity_new("zhao", ["analyst"], ["researchers"])
    stage.keeper.close()
    monkeypatch.setenv("KEYONG_WORKSPACE", str(tmp_path / "ws"))
    monkeypatch.setenv("KEYONG_PURPOSE", "planning")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Keep each file on one test process: sessions share nothing, but starting a process costs a second."""
    for item in items:
        if not item.get_closest_marker("xdist_group") and "tests/story" in str(item.path):
            item.add_marker(pytest.mark.xdist_group(item.path.stem))
