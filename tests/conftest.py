"""What holds for every test: no setting of the person's own shell."""

import os
import signal
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

# A shared or slow machine is no finding: deadlines and generation speed are not what these tests are about.
# CI repeats the same examples, so that a red run is about the change; everybody else draws new ones.
settings.register_profile(
    "keyong",
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
    derandomize=os.environ.get("CI") == "true",
)
settings.load_profile("keyong")

for name in [name for name in os.environ if name.startswith("KEYONG_")]:
    del os.environ[name]
os.environ["KEYONG_LANG"] = "en"


# A shell without job control starts what runs in the background deaf to Ctrl-C, and children inherit that.
signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(scope="session", autouse=True)
def _state_home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Keep the anchors of test workspaces out of the person's own state directory."""
    folder = tmp_path_factory.mktemp("state")
    os.environ["XDG_STATE_HOME"] = str(folder)
    return folder
