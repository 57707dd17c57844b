"""What this host offers, in facts: `keyong doctor`."""

from __future__ import annotations

import os
import platform
import resource
import shutil
import sys
from importlib import metadata
from typing import Any, Final

from sandbox.vault.access import known_directories, standing
from service.desk import Desk
from service.keeping import cleaning

MIN_FREE_BYTES: Final = 2**30
_SHOWN: Final = ("ray", "pyarrow", "cryptography", "diffprivlib")


def doctor(desk: Desk) -> dict[str, Any]:
    """Return one line per thing that matters; `ok` false means something will not work as promised."""
    free = shutil.disk_usage(desk.workspace.directory).free
    core_limit, _ = resource.getrlimit(resource.RLIMIT_CORE)
    checks = [
        _check("system", sys.platform == "linux", f"{platform.system()} {platform.machine()}"),
        _check("python", sys.version_info >= (3, 11), platform.python_version()),
        _check("cores", (os.cpu_count() or 1) >= 2, str(os.cpu_count())),
        _check("disk-free", free > MIN_FREE_BYTES, f"{free // 2**20} MiB"),
        _check("core-dumps-off", core_limit == 0, "off" if core_limit == 0 else "workers turn them off"),
        _check("anchor", desk.workspace.anchor.path.is_file(), str(desk.workspace.anchor.path)),
        _check("vault", *_vault(desk)),
        _check("compacted", *_compacted(desk)),
        _check("python-jobs", ok=False, detail="not in this version"),
    ]
    versions = [_check(name, ok=True, detail=metadata.version(name)) for name in _SHOWN]
    return {"checks": [*checks, *versions]}


def _vault(desk: Desk) -> tuple[bool, str]:
    with desk.reading() as connection:
        known = known_directories(connection, desk.workspace.manifest_key.public_key())
    vault = desk.workspace.vault
    there = {path.name for path in vault.iterdir()} if vault.is_dir() else set()
    return known <= there, f"{len(known & there)}/{len(known)} versions"


def _compacted(desk: Desk) -> tuple[bool, str]:
    """Whether withdrawn persons' rows, or what was deleted, still lie in the workspace."""
    with desk.reading() as connection:
        there = standing(connection, desk.workspace.manifest_key.public_key())
        waiting = len(cleaning.waiting(connection))
    newest = {manifest.lineage: manifest for manifest in there}
    pending = sum(bool(manifest.withdrawn) for manifest in newest.values())
    return not (pending or waiting), f"{pending} datasets to compact, {waiting} cleanings under way"


def _check(name: str, ok: bool, detail: str) -> dict[str, Any]:
    return {"name": name, "ok": ok, "detail": detail}
