"""The demonstration, run for real in a place of its own: every landmark of the story is in what it prints."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
MOST_SECONDS = 300
"""About 60 on two quiet cores; a hang is found, a busy machine is forgiven."""

LANDMARKS = (
    # 1. only ciphertext is written
    r"\$ keyong init\n",
    r"health\.diabetes is registered, version 1\.",
    r"\$ ls\nanchors\nidentities\nworkspace\n",
    # 2. what the columns are, who may learn what
    r"gender +string +Gender .*\n +pi\.gender \(proposed\)",
    r"In force: policy version 1 for health\.diabetes",
    # 3. rehearsed, explained, then answered with intervals
    r"\nhealth\.diabetes +health-bureau +patient_nbr +health\.patient +1 +50 +1\n",
    r"\$ keyong --as wang query .* --mock\nMOCK: invented data\.",
    r"cost +ε 0\.5 \(ρ 0\.004444, δ 1e-6\)",
    r"\[60-70\) +2[12],\d{3} +± 144 +4\.\d+ ",
    r"\n∅ +8[01],\d{3} +± 118 +0\.\d+ ",
    r"\nSteady +Male +1\d\.\d+ ",
    r"\n +1\.(39|4\d)\d* +± 0\.0\d+ +[56]\.\d+ .* 4 +\[4, 4\]\n",
    r"\nStatement 1: SELECT medical_specialty, .*\n(.*\n){2}∅ +4[78],\d{3} +± 166\n",
    r"\nFemale +15 ",
    # 4. denied, too much, free
    r"\(exit code 4\)",
    r"\(exit code 5\)",
    r"free: the same release as before, nothing was spent",
    # 5. the budget, the log, the search
    r"ever, by everybody\n.*ε 1\.13 of 8 spent",
    r"wang +refusal +code=denied\.column-not-listed",
    r"wang +refusal +code=budget\.per-job",
    r"wang +replay +job=job-\w+ +of=job-\w+",
    r"What left: 10 rows × 3 columns, on ",
    r"note +li became known as reviewer\.",
    r"Nothing was changed: log, charges, releases and shards agree\.",
    r"releases +5, each charged before, with the digest and the size that were decided\n",
    r"Everything holds\.",
    r"All 50 values are found in the source",
    r"Searched \d+ files, [\d.]+ MB: 0 values found\.",
)


@pytest.mark.ray
def test_the_whole_story(tmp_path: Path) -> None:
    shutil.copytree(ROOT / "examples", tmp_path / "examples")
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    known = {name: os.environ[name] for name in ("HOME", "TMPDIR") if name in os.environ}
    told = subprocess.run(
        ["bash", str(tmp_path / "examples" / "demo.sh")],
        env={**known, "PATH": path, "LANG": "C.UTF-8", "KEYONG_LANG": "en"},
        capture_output=True,
        text=True,
        timeout=MOST_SECONDS,
        check=False,
    )
    assert told.returncode == 0, told.stderr
    place = 0
    for landmark in LANDMARKS:
        found = re.compile(landmark).search(told.stdout, place)
        assert found, f"not told, or not in its order: {landmark}\n{told.stdout[place:]}"
        place = found.start()
    assert "Denied by rule defaults" in told.stderr
    stage = tmp_path / "demo-workspace"
    assert {item.name for item in stage.iterdir()} == {
        "anchors", "budget.svg", "checkpoint.txt", "evidence", "identities", "month.html", "policy.yaml",
        "policy.yaml.sig", "stays-by-age.svg", "workspace"
    }  # fmt: skip
    _mock, first, again = re.findall(r"\nage +stays .*?\n\n", told.stdout, re.DOTALL)
    assert first == again, "asked again, the same release"
