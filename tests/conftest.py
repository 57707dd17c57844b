"""What holds for every test: no setting of the person's own shell, one Ray cluster at a time."""

import os
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

# A shared or slow machine is no finding: deadlines and generation speed are not what these tests are about.
settings.register_profile("keyong", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("keyong")

for name in [name for name in os.environ if name.startswith("KEYONG_")]:
    del os.environ[name]
os.environ["KEYONG_LANG"] = "en"


@pytest.fixture(scope="session", autouse=True)
def _state_home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Keep the anchors of test workspaces out of the person's own state directory."""
    folder = tmp_path_factory.mktemp("state")
    os.environ["XDG_STATE_HOME"] = str(folder)
    return folder


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put tests that start Ray on one test process: two clusters at once would starve two cores."""
    for item in items:
        if item.get_closest_marker("ray"):
            item.add_marker(pytest.mark.xdist_group("ray"))
