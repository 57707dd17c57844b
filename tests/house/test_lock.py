"""requirements.lock pins what setup.cfg asks for, by hash, from the public index and nowhere else."""

import configparser
import re
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

PIN = re.compile(r"^([A-Za-z0-9_.-]+)==([^ ;\\]+)", re.MULTILINE)


@pytest.fixture(scope="module")
def lock(root: Path) -> str:
    return (root / "requirements.lock").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def wanted(root: Path) -> list[Requirement]:
    config = configparser.ConfigParser()
    config.read(root / "setup.cfg", encoding="utf-8")
    lines = config["options"]["install_requires"] + config["options.extras_require"]["dev"]
    return [Requirement(line) for line in lines.splitlines() if line and not line.startswith("#")]


def test_everything_asked_for_is_pinned_within_its_range(lock, wanted):
    pinned = {}
    for name, version in PIN.findall(lock):
        pinned.setdefault(canonicalize_name(name), []).append(version)
    loose = [
        str(requirement)
        for requirement in wanted
        for version in pinned.get(canonicalize_name(requirement.name), ["0"])
        if version not in requirement.specifier
    ]
    assert loose == []


def test_every_line_is_a_pin_a_hash_or_a_remark(lock):
    known = re.compile(r"#|\s+#|\s+--hash=sha256:[0-9a-f]{64}( \\)?$|[A-Za-z0-9_.-]+==\S+( ; .+)? \\$")
    assert [line for line in lock.splitlines() if line and not known.match(line)] == []


def test_setuptools_is_locked_because_it_builds_the_project(lock):
    assert "setuptools" in dict(PIN.findall(lock))
