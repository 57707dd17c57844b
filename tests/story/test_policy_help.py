"""An owner writes a policy with help: draft, schema, lint, simulate, diff, on the demonstration's columns."""

from __future__ import annotations

import gzip
import itertools
import json
import re
from pathlib import Path

import jsonschema
import pytest
import yaml
from terminal import Answer, typed

from policies.build import parse
from sandbox.keys import provider

ROOT = Path(__file__).resolve().parents[2]
DEMO = (ROOT / "examples/diabetes/policy.yaml").read_text(encoding="utf-8")
CONFIRMED = re.findall(r"--confirm (\w+)", (ROOT / "examples/demo.sh").read_text(encoding="utf-8"))
WORD = "correct horse battery"


@pytest.fixture(scope="module")
def bureau(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The demonstration's first stays, registered and tagged as the demonstration does."""
    place = tmp_path_factory.mktemp("bureau")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("KEYONG_ANCHORS", str(place / "anchors"))
        patch.setenv("KEYONG_WORKSPACE", str(place / "ws"))
        patch.setattr(provider, "SCRYPT_N", 2**14)
        patch.chdir(place)
        with gzip.open(ROOT / "examples/data/diabetes130.csv.gz", "rt", encoding="utf-8") as source:
            Path("stays.csv").write_text("".join(itertools.islice(source, 120)), encoding="utf-8")
        say("init")
        say("identity new health-bureau --role owner", WORD)
        say("identity new wang --role analyst --group researchers")
        say(
            "--as health-bureau dataset add stays.csv --name health.diabetes --unit patient_nbr"
            " --namespace health.patient --missing '*=?' --yes"
        )
        chosen = " ".join(f"--confirm {column}" for column in CONFIRMED)
        say(f"--as health-bureau dataset tag health.diabetes --all-above 0.9 {chosen} --reason checked")
    return place


@pytest.fixture
def here(bureau: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    monkeypatch.setenv("KEYONG_ANCHORS", str(bureau / "anchors"))
    monkeypatch.setenv("KEYONG_WORKSPACE", str(bureau / "ws"))
    monkeypatch.setenv("KEYONG_AS", "health-bureau")
    monkeypatch.setattr(provider, "SCRYPT_N", 2**14)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def say(line: str, *words: str) -> Answer:
    answer = typed(line, "".join(f"{word}\n" for word in words))
    assert answer.code == 0, answer.err
    return answer


FILLED = (
    ("bounds: [FILL, FILL]", "bounds: [0, 200]"),
    ("max_rows: FILL", "max_rows: 4"),
    ("expected_units: FILL", "expected_units: 70000"),
    ("per_job: FILL", "per_job: 1"),
    ("week, epsilon: FILL", "week, epsilon: 2"),
    ("epsilon: FILL", "epsilon: 8"),
    ("until: FILL", "until: 2030-12-31"),
    ("to: [FILL]", "to: [group:researchers]"),
    ("purposes: [FILL]", "purposes: [p]"),
)


def filled(text: str) -> str:
    """The draft with every blank filled in, where the demonstration's policy says how."""
    known = {rule.name: rule for rule in parse(DEMO, "demo").columns}
    for name, values in re.findall(r"^  (\S+): .*(categories: \[FILL\])", text, re.MULTILINE):
        declared = getattr(known[name].domain, "values", ("a",)) if name in known else ("a", "b")
        shown = ", ".join("null" if value is None else json.dumps(value) for value in declared)
        start = text.index(f"  {name}: ")
        text = text[:start] + text[start:].replace(values, f"categories: [{shown}]", 1)
    for blank, value in FILLED:
        text = text.replace(blank, value)
    return text


def blanks(text: str) -> list[int]:
    """The lines of the draft's rules that have a blank."""
    lines = enumerate(text.splitlines(), 1)
    return [
        number
        for number, line in lines
        if re.search(r"\bFILL\b", line.partition(" # ")[0]) and line[0] != "#"
    ]


def test_a_draft_is_refused_blank_by_blank_until_it_is_filled(here: Path) -> None:
    answer = say("policy init health.diabetes -o draft.yaml")
    draft = Path("draft.yaml").read_text(encoding="utf-8")
    assert "draft.yaml is written" in answer.err
    refused = typed("policy validate draft.yaml")
    first = blanks(draft)[0]
    assert (refused.code, "FILL" in refused.err, f"draft.yaml:{first}:" in refused.err) == (3, True, True)
    assert typed("policy init health.diabetes -o draft.yaml").code == 3, (
        "an owner's file is never overwritten"
    )
    Path("filled.yaml").write_text(filled(draft), encoding="utf-8")
    assert blanks(filled(draft)) == []
    say("policy validate filled.yaml")


def test_a_draft_proposes_what_is_confirmed_and_nothing_from_the_data(here: Path) -> None:
    draft = say("policy init health.diabetes").out
    chinese = json.loads(say("--json policy init health.diabetes").out)
    assert chinese["blanks"] == draft.count("FILL") - sum(
        line.count("FILL") for line in draft.splitlines() if line[0] == "#"
    )
    columns = parse(filled(draft), "draft").columns
    assert {rule.name for rule in columns} >= set(CONFIRMED)
    for value in ("Caucasian", "[70-80)", "Emergency", "InternalMedicine", "8222157"):
        assert value not in draft
    schema = json.loads(say("policy schema").out)
    jsonschema.Draft202012Validator.check_schema(schema)
    assert draft.startswith("# yaml-language-server: $schema=policy.schema.json")


def test_a_draft_speaks_the_language_of_its_owner(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KEYONG_LANG", "zh")
    draft = say("policy init health.diabetes").out
    assert "本草稿依据登记内容和已确认的标签生成" in draft
    assert parse(filled(draft), "draft").columns


def test_from_draft_to_a_second_policy(here: Path) -> None:
    Path("p.yaml").write_text(filled(say("policy init health.diabetes").out), encoding="utf-8")
    linted = typed("policy lint p.yaml")
    assert linted.code == 0, linted.out + linted.err
    simulated = json.loads(say("--json policy simulate p.yaml").out)
    assert simulated["questions"]
    say("policy sign p.yaml", WORD)
    say("policy apply p.yaml")
    second = say("policy init health.diabetes").out
    assert "FILL" not in "".join(line.partition("#")[0] for line in second.splitlines())
    Path("second.yaml").write_text(second, encoding="utf-8")
    answer = say("policy diff --against-current second.yaml")
    assert [line[:1] for line in answer.out.splitlines()] == ["·", "·"], (
        "a draft of a second policy changes nothing"
    )
    Path("third.yaml").write_text(
        second.replace("max_rows: 4", "max_rows: 6").replace("per_job: 1", "per_job: 0.5")
    )
    validated = say("policy validate third.yaml")
    assert "loosens: A job sees up to 6 rows" in validated.out
    say("policy sign third.yaml", WORD)
    applied = json.loads(say("--json policy apply third.yaml").out)
    assert applied["loosens"] == ["unit.max_rows"]
    assert [one["direction"] for one in applied["changes"]] == ["loosens", "tightens", "neutral", "neutral"]
    yaml.safe_load(second)
