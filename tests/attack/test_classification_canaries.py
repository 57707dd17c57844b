"""What classification reads stays on its owner's screen, masked: cells are in no file, message, book or log.

Every command that looks at a file is typed, right and wrong, in tables and JSON, while a watcher reads what
is written.  Values that ten rows share are the one exception: they are proposed as categories.
"""

from __future__ import annotations

import secrets
from pathlib import Path

import pytest
from terminal import typed
from watcher import Watcher, encodings, seen_in

CANARY = f"canary{secrets.token_hex(6)}"
ADD = "--as o dataset add people.csv --name a.people --unit nr --namespace a.person --yes --shards 1"
FILES = {
    "rules.yaml": "recognizers:\n  - {name: badge, tag: pi.id.generic, pattern: 'c\\w+-\\d+'}\n",
    "wrong.yaml": "recognizers:\n  - {name: badge, tag: pi.id.generic, pattern: '(?=c)'}\n",
    "columns.csv": "note,remarks of the ward\n",
    "policy.yaml": "nonsense: true\n",
}
LOOKS = (
    "people.csv",
    "people.csv --quality --unit nr --preview 9",
    "people.csv --preview 100 --recognizers rules.yaml --dictionary columns.csv",
    *(
        f"people.csv --explain {column} --recognizers rules.yaml"
        for column in ("badge", "note", "mail", "born")
    ),
    "people.csv --quality --type nr=date --type note=integer --missing '*=x'",
    "people.csv --recognizers wrong.yaml",
    "people.csv --recognizers people.csv",
    "people.csv --dictionary rules.yaml",
    "people.csv --quality --policy policy.yaml",
    "people.csv --quality --policy people.csv",
    "people.csv --encoding utf-16",
    "people.csv --delimiter ;",
    "people.csv --explain nobody",
    "ragged.csv",
    "latin.csv",
    "late.csv --quality",
    "people.parquet",
)
ASKED = (
    ADD + " --recognizers rules.yaml --dictionary columns.csv",
    "--as o dataset classify a.people",
    "--as o dataset classify a.people --explain badge",
    "--as o dataset tag a.people --all-above 0.5 --reason known",
    "--as o dataset tag a.people note=pi.nothing --reason known",
    "--as o dataset classify a.people --profile hipaa",
    "--as o dataset show a.people",
    "--as r audit list",
)


def people(drifted: bool = False) -> str:
    note = f"{CANARY} " * drifted + f"the patient {CANARY} was seen on day"
    rows = (
        f"{n},{CANARY}{n},,x,,1999-02-31,{n}"
        if n % 3 == 0
        else f"{n},{CANARY} Z{n},{CANARY}-{n:03d},{CANARY}{n}@example.org,{note} {n},{CANARY}-{n},{n}{CANARY}"
        for n in range(60)
    )
    return "\n".join(["nr,name,badge,mail,note,born,plus", *rows, ""])


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    for line in ("init", "identity new o --role owner", "identity new r --role reviewer"):
        assert typed(line).code == 0
    (tmp_path / "temporary").mkdir()
    monkeypatch.setenv("TMPDIR", str(tmp_path / "temporary"))
    for name, text in FILES.items():
        (tmp_path / name).write_text(text)
    (tmp_path / "people.csv").write_text(people())
    (tmp_path / "ragged.csv").write_text(people() + f"{CANARY},{CANARY}\n")
    (tmp_path / "latin.csv").write_bytes(people().encode() + f"{CANARY}é\n".encode("latin-1"))
    (tmp_path / "late.csv").write_text(people() * 2 + f"1,{CANARY}\n")
    (tmp_path / "people.parquet").write_text(people())
    return tmp_path


def test_no_cell_is_written_or_told(place: Path) -> None:
    sources = tuple(path for path in place.iterdir() if path.is_file())
    said = []
    with Watcher(CANARY, place, *sources) as watcher:
        said += [typed(f"--json --as o dataset inspect {look}") for look in LOOKS[:3]]
        said += [typed(f"-v --as o dataset inspect {look}") for look in LOOKS]
        said += [typed(line) for line in ASKED]
        (place / "people.csv").write_text(people(drifted=True).replace("@example", " at example"))
        lineage = next(line.split()[1] for line in said[-8].out.splitlines() if line.startswith("lineage"))
        said += [typed(f"--json {ADD} --lineage {lineage}"), typed("--json --as o dataset classify a.people")]
    assert seen_in(place / "people.csv", encodings(CANARY))
    assert {answer.code for answer in said} == {0, 2, 3}
    assert [answer.code for answer in said[-2:]] == [0, 0]
    assert watcher.rounds > 3
    assert watcher.found == set()
    told = [text for answer in said for text in (answer.out, answer.err)]
    assert not [text for text in told if CANARY in text or CANARY.upper() in text]
