"""Evidence bundles: the stand-alone verifier accepts a sound one anywhere and finds whatever is changed.

Two attackers: one without the key changes any file; one with the key (the operator) signs again after
changing any field of the books, or the log itself.
"""

from __future__ import annotations

import hashlib
import json
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from stage import SELECTION, TOWN, Stage, build, with_labs
from statements import BOTH, planned, statements

from jobs.codec import plan_to_json
from jobs.outline import outline
from jobs.planning import plan_losses
from sandbox import canonical
from sandbox.audit import merkle
from sandbox.audit import verify_bundle as script
from sandbox.audit.checkpoint import Checkpoint, sign
from sandbox.audit.verify_bundle import Key, Wrong, main, verify_bundle
from sandbox.errors import DeniedError, InvalidInputError
from sandbox.privacy.loss import Filter

QUESTIONS = (
    "SELECT ward, AVG(cost) AS c, COUNT(*), VAR_POP(days), COUNT(DISTINCT ward), MEDIAN(cost) "
    "FROM health.stays WHERE days > 11 GROUP BY ward",
    "SELECT test, COUNT(*) FROM health.stays s LEFT JOIN health.labs l ON s.person = l.subject GROUP BY test",
    "SELECT town, COUNT(*) FROM health.stays GROUP BY town",
)
BOTH_PURE = replace(
    BOTH,
    sources=tuple(replace(source, filter=Filter.PURE) for source in BOTH.sources),
    selection_delta=Fraction(0),
)
BOOKS = ("jobs", "charges", "releases", "policies")


@dataclass(frozen=True, slots=True)
class Evidence:
    """A stage with answers, its exported bundle, the key, and a checkpoint of before the last question."""

    stage: Stage
    bundle: Path
    key: str
    kept: Path

    @property
    def signer(self) -> Any:
        """The log, whose key an operator holds."""
        return self.stage.keeper._desk.workspace.log  # type: ignore[attr-defined]

    def sign(self, bundle: Path) -> None:
        """Sign *bundle* as it is now, as only the operator can."""
        about = json.loads((bundle / "bundle.json").read_bytes())
        about["files"] = {
            name: hashlib.sha256((bundle / name).read_bytes()).hexdigest() for name in about["files"]
        }
        about["size"] = len((bundle / "log.jsonl").read_bytes().splitlines())
        text = canonical.encode(about)
        (bundle / "bundle.json").write_bytes(text)
        (bundle / "bundle.sig").write_text(self.signer.attest(script.SIGNED_AS, text).hex())

    def sign_log(self, bundle: Path, lines: list[bytes]) -> None:
        """Put another log into *bundle* and sign it."""
        (bundle / "log.jsonl").write_bytes(b"".join(line + b"\n" for line in lines))
        root = merkle.root(map(merkle.leaf_hash, lines))
        note = sign(Checkpoint(self.signer.key.name, len(lines), root), self.signer._signing_key)
        (bundle / "checkpoint.txt").write_text(note)
        self.sign(bundle)


@pytest.fixture(scope="module")
def evidence(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Evidence]:
    patch, place = pytest.MonkeyPatch(), tmp_path_factory.mktemp("evidence")
    patch.setenv("KEYONG_ANCHORS", str(place / "anchors"))
    stage = with_labs(build(place, columns=TOWN, more=SELECTION))
    for question in (*QUESTIONS, QUESTIONS[0]):
        stage.ask(question)
    head = stage.keeper.audit_checkpoint(stage.li)
    (place / "kept").write_text(head["note"])
    stage.ask("SELECT COUNT(*) FROM health.stays", "0.25")
    stage.keeper.audit_export(stage.li, place / "bundle")
    yield Evidence(stage, place / "bundle", head["verifier_key"], place / "kept")
    stage.keeper.close()
    patch.undo()


@pytest.fixture
def copy(evidence: Evidence, tmp_path: Path) -> Path:
    return Path(shutil.copytree(evidence.bundle, tmp_path / "copy"))


def alone(*arguments: object) -> tuple[int, str]:
    """Run the script of a bundle with an interpreter that knows of nothing here."""
    command = [sys.executable, "-I", *map(str, arguments)]
    done = subprocess.run(command, cwd="/", capture_output=True, text=True, timeout=60, check=False)
    assert not done.stderr
    return done.returncode, done.stdout


# --- sound evidence -------------------------------------------------------------------------------------


def test_a_sound_bundle_is_accepted_elsewhere(evidence: Evidence) -> None:
    where = (evidence.bundle / "verify_bundle.py", evidence.bundle)
    code, out = alone(*where, "--key", evidence.key, "--kept", evidence.kept)
    assert code == 0, out
    assert "5 recomputed" in out
    assert "warning" not in out
    assert "health.stays: about ε" in out
    assert "the key came with the bundle" in alone(*where)[1]


def test_the_pld_figure_is_below_what_the_filter_counted(evidence: Evidence) -> None:
    figures = json.loads((evidence.bundle / "pld.json").read_text())["lineages"]
    assert figures.keys() == {"health.stays", "health.labs"}
    assert all(0 < float(each["epsilon"]) <= float(each["filter_epsilon"]) for each in figures.values())


def test_a_zip_says_the_same(evidence: Evidence, tmp_path: Path) -> None:
    packed = tmp_path / "b.zip"
    with zipfile.ZipFile(packed, "w") as archive:
        for path in evidence.bundle.iterdir():
            archive.write(path, path.name)
    assert verify_bundle(packed, Key.parse(evidence.key), []) == verify_bundle(
        evidence.bundle, Key.parse(evidence.key), []
    )


def test_texts_leave_only_where_they_are_asked_for(evidence: Evidence, tmp_path: Path) -> None:
    told = b"".join(path.read_bytes() for path in evidence.bundle.iterdir() if path.suffix == ".jsonl")
    assert b"SELECT" not in told
    assert b'"11"' not in (evidence.bundle / "jobs.jsonl").read_bytes()
    evidence.stage.keeper.audit_export(evidence.stage.li, tmp_path / "b.zip", texts=True)
    with zipfile.ZipFile(tmp_path / "b.zip") as archive:
        assert b"days > 11" in archive.read("jobs.jsonl")
    assert main([str(tmp_path / "b.zip"), "--key", evidence.key]) == 0


def test_only_reviewers_export_and_nothing_is_overwritten(evidence: Evidence, tmp_path: Path) -> None:
    stage = evidence.stage
    for who in (stage.bureau, stage.wang):
        with pytest.raises(DeniedError):
            stage.keeper.audit_export(who, tmp_path / "b")
    with pytest.raises(InvalidInputError):
        stage.keeper.audit_export(stage.li, evidence.bundle)
    assert list(tmp_path.iterdir()) == []


@settings(max_examples=20, deadline=None)
@given(statements())
def test_losses_are_recomputed_exactly(text: str) -> None:
    for setting, filter_ in ((BOTH, Filter.ZCDP), (BOTH_PURE, Filter.PURE)):
        try:
            plan = planned(text, setting)
        except InvalidInputError:
            continue  # some need the other filter, or a declared domain
        losses = plan_losses(plan, [filter_] * len(plan.sources))
        found = script.costs(outline(plan_to_json(plan)))
        for cost, loss in zip(found, losses, strict=True):
            script.check_loss(cost, filter_.value, loss.to_json(), "")
            more = loss.to_json() | {"epsilon_pico": loss.epsilon_pico + 1}
            with pytest.raises(Wrong):
                script.check_loss(cost, filter_.value, more, "")


# --- an attacker without the key ------------------------------------------------------------------------


def found(bundle: Path, evidence: Evidence, *, kept: bool = False) -> bool:
    more = ["--kept", str(evidence.kept)] if kept else []
    return main([str(bundle), "--key", evidence.key, *more]) == 7


def test_every_file_is_signed(evidence: Evidence, copy: Path) -> None:
    for path in sorted(copy.iterdir()):
        whole = path.read_bytes()
        for place in {0, len(whole) // 2, len(whole) - 2}:
            path.write_bytes(whole[:place] + bytes([whole[place] ^ 1]) + whole[place + 1 :])
            assert found(copy, evidence), (path.name, place)
        path.unlink()
        assert found(copy, evidence), path.name
        path.write_bytes(whole)
    (copy / "more.txt").write_text("x")
    assert found(copy, evidence)


def test_a_tampered_bundle_is_refused_elsewhere(evidence: Evidence, copy: Path) -> None:
    log = copy / "log.jsonl"
    log.write_bytes(log.read_bytes().replace(b'"wang"', b'"zhao"', 1))
    code, out = alone(evidence.bundle / "verify_bundle.py", copy, "--key", evidence.key)
    assert (code, out.splitlines()) == (7, ["WRONG: log.jsonl is not the file that was signed"])


def test_what_is_no_evidence_is_refused(evidence: Evidence, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    (tmp_path / "text.zip").write_text("no zip")
    for path in ("empty", "text.zip", "absent"):
        assert main([str(tmp_path / path)]) == 7
    other = Key("keyong/other", bytes(32))
    with pytest.raises(Wrong, match="another key"):
        verify_bundle(evidence.bundle, other, [])
    with pytest.raises(SystemExit) as caught:
        main([])
    assert caught.value.code == 2


# --- the operator, who has the key ----------------------------------------------------------------------


def fields(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Yield the path of every single value in *value*."""
    inside = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, item in inside:
        yield from fields(item, (*path, key))
    if not isinstance(value, dict | list) or not value:
        yield path


def changed(value: Any, path: tuple[Any, ...]) -> Any:
    """Return a copy of *value* with what stands at *path* changed."""
    made = json.loads(json.dumps(value))
    at = made
    for step in path[:-1]:
        at = at[step]
    at[path[-1]] = other(at[path[-1]])
    return made


def other(value: Any) -> Any:
    match value:
        case bool():
            return not value
        case int():
            return value + 1
        case str():
            return f"{value}0"
    return [1]


@pytest.mark.parametrize("name", BOOKS)
def test_every_changed_field_of_the_books_is_found(evidence: Evidence, copy: Path, name: str) -> None:
    path = copy / f"{name}.jsonl"
    rows = [json.loads(line) for line in path.read_bytes().splitlines()]
    tried = 0
    for number, row in enumerate(rows):
        places = list(fields(row))
        for place in places[:: max(1, len(places) // 25)]:
            put(path, [*rows[:number], changed(row, place), *rows[number + 1 :]])
            evidence.sign(copy)
            assert found(copy, evidence), (name, place)
            tried += 1
        for without in ([*rows[:number], *rows[number + 1 :]], [*rows, row | {"more": 1}]):
            put(path, without)
            evidence.sign(copy)
            assert found(copy, evidence), (name, number)
    assert tried >= len(rows)


def put(path: Path, rows: list[Any]) -> None:
    path.write_bytes(b"".join(canonical.encode(row) + b"\n" for row in rows))


Log = list[dict[str, Any]]


def only(kind: str, change: Callable[[dict[str, Any]], None]) -> Callable[[Log], Log]:
    def changed_log(entries: Log) -> Log:
        change(next(entry["facts"] for entry in entries if entry["kind"] == kind))
        return entries

    return changed_log


def without(kind: str) -> Callable[[Log], Log]:
    return lambda entries: [entry for entry in entries if entry["kind"] != kind]


def release_first(entries: Log) -> Log:
    place = next(number for number, entry in enumerate(entries) if entry["kind"] == "charge")
    after = next(number for number, entry in enumerate(entries) if entry["kind"] == "release")
    entries[place], entries[after] = entries[after], entries[place]
    return entries


FORGED: dict[str, Callable[[Log], Log]] = {
    "a charge lowered": only("charge", lambda facts: facts.update(rho_pico=1)),
    "no charges": without("charge"),
    "no decisions": without("decision"),
    "no policies": without("policy"),
    "no releases": without("release"),
    "no lineages": without("lineage"),
    "another policy": only("policy", lambda facts: facts.update(digest="00" * 32)),
    "another outline": only("decision", lambda facts: facts.update(outline="00" * 32)),
    "a version that was not there": only("decision", lambda facts: facts["datasets"][0].update(version=9)),
    "another result": only("release", lambda facts: facts.update(result="00" * 32)),
    "another filter": only("lineage", lambda facts: facts.update(filter="pure")),
    "released before it was charged": release_first,
}


@pytest.mark.parametrize("forge", FORGED.values(), ids=FORGED.keys())
def test_a_forged_log_carries_no_other_books(
    evidence: Evidence, copy: Path, forge: Callable[[Log], Log]
) -> None:
    entries = [json.loads(line) for line in (copy / "log.jsonl").read_bytes().splitlines()]
    evidence.sign_log(copy, [canonical.encode(entry) for entry in forge(entries)])
    assert found(copy, evidence)


def test_a_forged_log_and_books_are_found_by_what_was_kept(evidence: Evidence, copy: Path) -> None:
    lines = (copy / "log.jsonl").read_bytes().splitlines()
    renamed = [line.replace(b'"reason":"test"', b'"reason":"else"') for line in lines]
    evidence.sign_log(copy, renamed)
    assert not found(copy, evidence), "signed with the real key, it holds in itself"
    assert found(copy, evidence, kept=True)


def test_a_cut_tail_is_found_by_what_was_kept(evidence: Evidence, copy: Path) -> None:
    lines = (copy / "log.jsonl").read_bytes().splitlines()
    size = script.read_note(evidence.kept.read_text(), Key.parse(evidence.key))[0]
    for name in BOOKS[:-1]:
        (copy / f"{name}.jsonl").write_bytes(b"")
    before = next(number for number, line in enumerate(lines) if b'"kind":"decision"' in line)
    assert before < size
    evidence.sign_log(copy, lines[:before])
    assert not found(copy, evidence), "signed with the real key, it holds in itself"
    assert found(copy, evidence, kept=True)


def test_a_limit_that_was_passed_is_found(evidence: Evidence, copy: Path) -> None:
    """The operator lowers the limit in policy and log alike: the charges do not fit it any more."""
    rows = [json.loads(line) for line in (copy / "policies.jsonl").read_bytes().splitlines()]
    old = [canonical.digest(row) for row in rows]
    for row in rows:
        row["budget"]["epsilon"] = "1/10"
    put(copy / "policies.jsonl", rows)
    log = (copy / "log.jsonl").read_bytes()
    for digest, row in zip(old, rows, strict=True):
        log = log.replace(digest.encode(), canonical.digest(row).encode())
    evidence.sign_log(copy, log.splitlines())
    with pytest.raises(Wrong, match="lifetime limit"):
        verify_bundle(copy, None, [])


YESES = [("bureau", "P", True), ("wang", "P", False), ("bureau", "Q", False)]


@pytest.mark.parametrize(("by", "plan", "held"), YESES)
def test_a_yes_is_of_somebody_else_and_for_this_plan(by: str, plan: str, held: bool) -> None:
    policy = {"grants": [{"approval": "owner"}], "budget": {"epsilon": "8"}}
    books = script.Books({"D": policy}, {"L": ("pure", "0")}, {"a.b": "L"}, {("L", 1)}, {"L": "D"})
    named = [{"dataset": "a.b", "version": 1, "policy": "D"}]
    loss = {"epsilon_pico": 1, "rho_pico": 0, "delta_atto": 0}
    entries = [
        ("decision", "wang", {"job": "j", "plan": "P", "datasets": named, "grants": {"a.b": 0}}),
        ("approval", by, {"job": "j", "plan": plan}),
        ("charge", "wang", {"job": "j", "lineage": "L", **loss}),
    ]
    decision, approval, charge = (
        {"kind": kind, "actor": who, "time": "2026-11-23T08:00:00+00:00", "facts": facts}
        for kind, who, facts in entries
    )
    books.read(0, decision)
    books.read(1, approval)
    if held:
        books.read(2, charge)
        return
    with pytest.raises(Wrong, match="nobody approved"):
        books.read(2, charge)


# --- proofs ---------------------------------------------------------------------------------------------


def test_proofs_are_checked_by_the_script(evidence: Evidence, tmp_path: Path) -> None:
    stage, key = evidence.stage, ["--key", evidence.key]
    job = stage.keeper.job_list(stage.wang)["jobs"][0]["job"]
    proofs = {
        "leaf": stage.keeper.audit_prove(stage.li, leaf=3),
        "job": stage.keeper.audit_prove(stage.li, job=job),
        "since": stage.keeper.audit_prove(stage.li, since=evidence.kept.read_text()),
    }
    for name, proof in proofs.items():
        path = tmp_path / f"{name}.json"
        path.write_text(json.dumps(proof))
        kept = ["--kept", str(evidence.kept)] if name == "since" else []
        assert main(["--proof", str(path), *key, *kept]) == 0
        for place in fields(proof):
            path.write_text(json.dumps(changed(proof, place)))
            assert main(["--proof", str(path), *key, *kept]) == 7, place
    code, out = alone(evidence.bundle / "verify_bundle.py", "--proof", tmp_path / "leaf.json", *key)
    assert code == 7, out
