"""Evidence bundles: the stand-alone verifier accepts a sound one anywhere and finds whatever is changed.

Two attackers: one without the key changes any file; one with the key (the operator) signs again after
changing any field of the books, or the log itself.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import json
import re
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path
from typing import Any

import owners
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from stage import COUNTS, SELECTION, TOWN, Stage, build, with_labs
from statements import BOTH, grouped, planned, statements

from jobs.codec import plan_to_json
from jobs.facts import Setting
from jobs.outline import outline
from jobs.planning import plan_losses
from policies.sign import key_id, public_half
from policies.sign import sign as sign_policy
from sandbox import canonical
from sandbox.audit import merkle
from sandbox.audit import verify_bundle as script
from sandbox.audit.checkpoint import Checkpoint, sign
from sandbox.audit.verify_bundle import Key, Wrong, main, verify_bundle
from sandbox.errors import DeniedError, InvalidInputError
from sandbox.privacy.loss import Filter
from service.asked import JobRequest

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
    bounds = "3, max_groups: 2, max_group_rows: 2"
    stage = with_labs(build(place, columns=TOWN, more=SELECTION, max_rows=bounds))
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
    assert b'"bound":[2,2]' in (evidence.bundle / "jobs.jsonl").read_bytes()
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
    recomputed(text, BOTH, BOTH_PURE)


SELECTING = "SELECT free, COUNT(*), SUM(days), COUNT(DISTINCT person) FROM a.stays GROUP BY free"


@settings(max_examples=20, deadline=None)
@given(statements() | st.just(SELECTING), st.integers(1, 9), st.integers(1, 9), st.integers(2, 12))
@example("SELECT COUNT(*), COUNT(DISTINCT ward) FROM a.stays GROUP BY ROLLUP (ward, sure)", 5, 3, 12)
@example("SELECT MEDIAN(cost) FROM a.stays GROUP BY ward", 2, 3, 12)
@example(SELECTING, 3, 2, 12)
def test_losses_under_a_bound_of_groups_are_recomputed_exactly(
    text: str, groups: int, each: int, rows: int
) -> None:
    recomputed(text, grouped(BOTH, groups, each, rows), grouped(BOTH_PURE, groups, each, rows))


def recomputed(text: str, zcdp: Setting, pure: Setting) -> None:
    """Hold the losses of the script against those of the product."""
    for setting, filter_ in ((zcdp, Filter.ZCDP), (pure, Filter.PURE)):
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


# --- whose key signed ---------------------------------------------------------------------------------------


def swapped(copy: Path, number: int, change: Callable[[Any], None], key: Any = None) -> list[bytes]:
    """Put another policy in the place of one, in books and log alike; sign it with *key* if there is one."""
    rows = [json.loads(line) for line in (copy / "policies.jsonl").read_bytes().splitlines()]
    old = canonical.digest(rows[number])
    change(rows[number])
    put(copy / "policies.jsonl", rows)
    log = (copy / "log.jsonl").read_bytes().replace(old.encode(), canonical.digest(rows[number]).encode())
    entries = [json.loads(line) for line in log.splitlines()]
    for entry in entries:
        if key is not None and entry["facts"].get("digest") == canonical.digest(rows[number]):
            said = sign_policy(entry["facts"]["digest"], key)
            entry["facts"] |= {"signer": said.key, "signature": said.signature}
    return [canonical.encode(entry) for entry in entries]


def looser(row: Any) -> None:
    row["budget"]["epsilon"] = "100"


def dearer(row: Any) -> None:
    row["budget"]["epsilon"] = "1/10"


def test_a_swapped_policy_is_refused_by_name(evidence: Evidence, copy: Path) -> None:
    evidence.sign_log(copy, swapped(copy, 0, looser))
    with pytest.raises(Wrong, match=r"leaf \d+ \(policy\): the signature of \w+ does not hold"):
        verify_bundle(copy, None, [])


def test_a_policy_that_somebody_else_signed_is_refused_by_name(evidence: Evidence, copy: Path) -> None:
    evidence.sign_log(copy, swapped(copy, 0, looser, owners.key_of("operator")))
    with pytest.raises(Wrong, match=r"not signed with the key that \w+ had pinned"):
        verify_bundle(copy, None, [])


def test_a_limit_that_was_passed_is_found(evidence: Evidence, copy: Path) -> None:
    """Owner and operator lower the limit in policy and log alike: the charges do not fit it any more."""
    rows = [json.loads(line) for line in (copy / "policies.jsonl").read_bytes().splitlines()]
    number = next(place for place, row in enumerate(rows) if row["dataset"] == "health.stays")
    evidence.sign_log(copy, swapped(copy, number, dearer, owners.key_of("bureau")))
    with pytest.raises(Wrong, match="lifetime limit"):
        verify_bundle(copy, None, [])


def unsigned(entries: Log) -> Log:
    for entry in entries:
        if entry["kind"] == "policy":
            del entry["facts"]["signer"], entry["facts"]["signature"]
    return entries


KEYS: dict[str, tuple[Callable[[Log], Log], str]] = {
    "no signature": (unsigned, "not signed with the key"),
    "no pinning": (without("identity-key"), "not signed with the key"),
    "another key pinned": (
        only("identity-key", lambda facts: facts.update(public="ab" * 32)),
        "does not follow the one before it",
    ),
    "a former key that was not there": (
        only("identity-key", lambda facts: facts.update(former="ab" * 16)),
        "does not follow the one before it",
    ),
    "another version": (only("policy", lambda facts: facts.update(version=7)), "not the next policy"),
    "another predecessor": (only("policy", lambda facts: facts.update(supersedes="ab" * 32)), "not the next"),
}


@pytest.mark.parametrize(("forge", "said"), KEYS.values(), ids=KEYS.keys())
def test_signatures_and_keys_are_refused_by_name(
    evidence: Evidence, copy: Path, forge: Callable[[Log], Log], said: str
) -> None:
    entries = [json.loads(line) for line in (copy / "log.jsonl").read_bytes().splitlines()]
    evidence.sign_log(copy, [canonical.encode(entry) for entry in forge(entries)])
    with pytest.raises(Wrong, match=said):
        verify_bundle(copy, None, [])


def test_policies_from_before_signatures_are_told(evidence: Evidence, copy: Path) -> None:
    entries = [json.loads(line) for line in (copy / "log.jsonl").read_bytes().splitlines()]
    entries = without("identity-key")(unsigned(entries))
    evidence.sign_log(copy, [canonical.encode(entry) for entry in entries])
    told = "\n".join(verify_bundle(copy, None, []))
    assert re.search(r"warning      leaf \d+, \d+: a policy was applied before policies were signed", told)
    assert "pinned last: none" in told


# --- who said yes -------------------------------------------------------------------------------------------

RULE = "{need: 2, of: [zhao, wang, group:ethics]}"


@pytest.fixture(scope="module")
def agreed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Evidence]:
    """Evidence of one job that two of three persons had approved, after its owner changed keys."""
    patch, place = pytest.MonkeyPatch(), tmp_path_factory.mktemp("agreed")
    patch.setenv("KEYONG_ANCHORS", str(place / "anchors"))
    stage = build(place, approval=RULE)
    keeper = stage.keeper
    for name, groups in (("zhao", []), ("qian", ["ethics"])):
        keeper.identity_new(name, ["analyst"], groups)
    job = keeper.job_submit(stage.wang, JobRequest(COUNTS, "planning", epsilon="0.5"))["job"]
    for name in ("zhao", "qian"):
        keeper.job_approve(keeper.principal(name), job, "fine")
    keeper.job_run(stage.wang, job)
    owners.pin(keeper, "bureau", 2)
    head = keeper.audit_checkpoint(stage.li)
    (place / "kept").write_text(head["note"])
    keeper.audit_export(stage.li, place / "bundle")
    yield Evidence(stage, place / "bundle", head["verifier_key"], place / "kept")
    keeper.close()
    patch.undo()


def nth(what: str, number: int, **changes: Any) -> Callable[[Log], Log]:
    """Change the *number*-th entry of kind *what*: its actor, its time, or facts."""

    def changed_log(entries: Log) -> Log:
        entry = [one for one in entries if one["kind"] == what][number]
        for name, value in changes.items():
            (entry if name in ("actor", "time", "kind") else entry["facts"])[name] = value
        return entries

    return changed_log


def dropped(kind: str, number: int) -> Callable[[Log], Log]:
    def changed_log(entries: Log) -> Log:
        del entries[[place for place, one in enumerate(entries) if one["kind"] == kind][number]]
        return entries

    return changed_log


def late(entries: Log) -> Log:
    """Let everything from the charge on have happened a month later."""
    charge = next(place for place, entry in enumerate(entries) if entry["kind"] == "charge")
    for entry in entries[charge:]:
        at = dt.datetime.fromisoformat(entry["time"]) + dt.timedelta(days=30)
        entry["time"] = at.isoformat()
    return entries


def both_of_one_person(entries: Log) -> Log:
    return nth("approval", 1, actor="zhao")(entries)


def renewed(entries: Log) -> Log:
    """As `late`, with yeses whose facts say that they were given later than their leaf."""
    for entry in (moved := late(entries)):
        if entry["kind"] == "approval":
            given = dt.datetime.fromisoformat(entry["facts"]["given"]) + dt.timedelta(days=30)
            entry["facts"]["given"] = given.isoformat(timespec="microseconds")
    return moved


def without_grants(entries: Log) -> Log:
    for entry in entries:
        if entry["kind"] == "decision":
            del entry["facts"]["grants"]
    return entries


APPROVALS: dict[str, tuple[Callable[[Log], Log], str]] = {
    "dropped": (dropped("approval", 0), r"1 of 2 had approved job-\w+ for health.stays"),
    "both dropped": (without("approval"), "0 of 2 had approved"),
    "of who asked": (nth("approval", 0, actor="wang"), r"1 of 2 .*; leaf \d+ is of who asked"),
    "of another plan": (nth("approval", 1, plan="ab" * 32), r"1 of 2 .*; leaf \d+ is about another plan"),
    "of another grant": (nth("approval", 1, grants={"health.stays": 1}), "is about another plan"),
    "of another job": (nth("approval", 1, job="job-000000000000"), "never decided"),
    "expired": (late, r"0 of 2 .*; leaf \d+ had expired; leaf \d+ had expired"),
    "dated later than its leaf": (renewed, "had expired"),
    "of one person twice": (both_of_one_person, "1 of 2 had approved"),
    "of somebody who was not asked": (nth("approval", 0, actor="li"), r"leaf \d+ is of somebody else"),
    "of nobody known": (nth("approval", 0, actor="ghost"), r"leaf \d+ is of somebody else"),
    "of who is in no such group": (
        nth("identity", -1, groups=""),
        r"leaf \d+ is of somebody else",
    ),
    "a no": (nth("approval", 0, kind="rejection"), "had been rejected"),
    "grants left out": (without_grants, "names no grants"),
    "a key that the former did not vouch for": (
        nth("identity-key", -1, endorsement="ab" * 64),
        "did not vouch for it",
    ),
}


@pytest.mark.parametrize(("forge", "said"), APPROVALS.values(), ids=APPROVALS.keys())
def test_approvals_are_refused_by_name(
    agreed: Evidence, tmp_path: Path, forge: Callable[[Log], Log], said: str
) -> None:
    copy = Path(shutil.copytree(agreed.bundle, tmp_path / "copy"))
    entries = forge([json.loads(line) for line in (copy / "log.jsonl").read_bytes().splitlines()])
    agreed.sign_log(copy, [canonical.encode(entry) for entry in entries])
    with pytest.raises((Wrong, KeyError), match=said):
        verify_bundle(copy, None, [])
    assert found(copy, agreed)


def test_a_yes_of_others_is_counted(agreed: Evidence) -> None:
    told = "\n".join(verify_bundle(agreed.bundle, Key.parse(agreed.key), [agreed.kept.read_text()]))
    assert "approvals    1 needed" in told
    assert "warning" not in told
    public = public_half(owners.key_of("bureau", 2))
    assert f"bureau {key_id(public)}" in told


def test_an_owner_who_lost_a_key_is_told(agreed: Evidence, tmp_path: Path) -> None:
    copy = Path(shutil.copytree(agreed.bundle, tmp_path / "copy"))
    entries = [json.loads(line) for line in (copy / "log.jsonl").read_bytes().splitlines()]
    entries = nth("identity-key", -1, endorsement="")(entries)
    agreed.sign_log(copy, [canonical.encode(entry) for entry in entries])
    assert "a new key without the word of the former one" in "\n".join(verify_bundle(copy, None, []))


def consents(approval: Any, *yeses: tuple[str, str, dict[str, Any]], asker: str = "wang") -> int:
    """Read a log by hand, decided under *approval* with *yeses* around it; return how many were asked for."""
    content = {"dataset": "a.b", "version": 1, "owner": "bureau", "budget": {"epsilon": "8"}}
    books = script.Books({"D": content | {"grants": [{"approval": approval}]}})
    named = [{"dataset": "a.b", "version": 1, "policy": "D"}]
    bound = {"plan": "P", "datasets": named, "grants": {"a.b": 0}, "tables": {}}
    decided = {"job": "j", "template": "T", **bound}
    yes = {**decided, "given": "2026-11-23T08:00:00+00:00"}
    roles = {"bureau": "owner", "wang": "analyst", "li": "reviewer", "zhao": "owner"}
    roles["both"] = "analyst,reviewer"
    before = [it for it in yeses if it[0].startswith("template-") and "late" not in it[2]]
    entries = [
        *(("identity", who, {"roles": said, "groups": ""}) for who, said in roles.items()),
        ("lineage", "bureau", {"lineage": "L", "filter": "pure", "delta": "0", "owner": "bureau"}),
        ("version", "bureau", {"lineage": "L", "dataset": "a.b", "version": 1, "digest": "M"}),
        ("policy", "bureau", {"lineage": "L", "dataset": "a.b", "version": 1, "digest": "D"}),
        *before,
        ("decision", asker, decided),
        *((kind, who, yes | facts if kind == "approval" else facts) for kind, who, facts in yeses),
        ("charge", asker, {"job": "j", "lineage": "L", "epsilon_pico": 1, "rho_pico": 0, "delta_atto": 0}),
    ]
    at = dt.datetime(2026, 11, 23, 8, tzinfo=dt.UTC)
    for number, (kind, who, facts) in enumerate(entries):
        books.read(script.Leaf(number, kind, who, at, facts))
    return books.consented


TEMPLATE = {"digest": "T", "lineage": "L", "policy": "D"}


def yes(who: str) -> tuple[str, str, dict[str, Any]]:
    return "approval", who, {}


def beforehand(who: str, **more: Any) -> tuple[str, str, dict[str, Any]]:
    return "template-approval", who, {**TEMPLATE, **more}


def changed_to(who: str, roles: str, groups: str = "", by: str = "both") -> tuple[str, str, dict[str, Any]]:
    return "identity-change", by, {"name": who, "roles": roles, "groups": groups}


HELD: list[tuple[Any, list[Any], int]] = [
    ("auto", [], 0),
    ("owner", [yes("bureau")], 1),
    ("owner", [beforehand("bureau")], 0),
    ("owner+reviewer", [yes("bureau"), yes("li")], 2),
    ("owner+reviewer", [changed_to("zhao", "reviewer"), yes("bureau"), yes("zhao")], 2),
    ({"need": 1, "of": ["group:ethics"]}, [changed_to("zhao", "owner", groups="ethics"), yes("zhao")], 1),
    ({"need": 1, "of": ["zhao"]}, [yes("zhao"), yes("li")], 1),
]
LACKING: list[tuple[Any, list[Any], str]] = [
    ("owner", [], "0 of 1 had approved j for a.b .owner."),
    ("owner", [yes("zhao")], "is of somebody else"),
    ("owner", [beforehand("zhao")], "0 of 1"),
    ("owner", [beforehand("bureau", late=True)], "0 of 1"),
    ("owner", [beforehand("bureau", policy="E")], "0 of 1"),
    ("owner", [beforehand("bureau"), ("template-withdrawal", "bureau", TEMPLATE)], "0 of 1"),
    ("owner+reviewer", [yes("bureau"), yes("li"), changed_to("li", "analyst")], ".reviewer."),
    (
        "owner",
        [yes("bureau"), changed_to("bureau", "reviewer", by="zhao")],
        "zhao cannot change",
    ),
    ("owner", [yes("bureau"), changed_to("li", "owner", by="li")], "li cannot change"),
    ("owner+reviewer", [yes("bureau")], ".reviewer."),
    ("owner+reviewer", [yes("li")], ".owner."),
    ("owner+reviewer", [beforehand("bureau"), yes("li")], ".owner."),
    ("owner+reviewer", [yes("bureau"), yes("zhao")], ".reviewer."),
    ({"need": 2, "of": ["zhao", "li"]}, [yes("zhao"), yes("zhao")], "1 of 2"),
]


@pytest.mark.parametrize(("approval", "said", "asked"), HELD)
def test_rules_are_satisfied_by_those_they_name(approval: Any, said: list[Any], asked: int) -> None:
    assert consents(approval, *said) == asked


@pytest.mark.parametrize(("approval", "said", "told"), LACKING)
def test_rules_are_satisfied_by_nobody_else(approval: Any, said: list[Any], told: str) -> None:
    with pytest.raises(Wrong, match=told):
        consents(approval, *said)


def test_owners_agree_beforehand_to_others_jobs_only() -> None:
    with pytest.raises(Wrong, match="0 of 1"):
        consents("owner", beforehand("bureau"), asker="bureau")
    with pytest.raises(Wrong, match="is of who asked"):
        consents("owner+reviewer", yes("bureau"), yes("both"), asker="both")


GRANTS = [
    ("auto", []),
    ("owner", [("owner", 1, ())]),
    ("owner+reviewer", [("owner", 1, ()), ("reviewer", 1, ())]),
    ({"need": 2, "of": ["a", "group:b"]}, [("named", 2, ["a", "group:b"])]),
]


@pytest.mark.parametrize(("consent", "asked"), GRANTS)
def test_whose_yes_a_grant_asks_for(consent: Any, asked: Any) -> None:
    assert script.parties(consent) == asked


# --- called wrongly -----------------------------------------------------------------------------------------

BAD_KEYS = ["keyong/x+12345678", "keyong/x", "+", "", "absent.txt", "x" * 5_000, "a\0b"]


@pytest.mark.parametrize("key", BAD_KEYS, ids=range(len(BAD_KEYS)))
@pytest.mark.parametrize("in_file", [False, True])
def test_what_is_no_key_is_said_to_be_none(
    evidence: Evidence, tmp_path: Path, capsys: pytest.CaptureFixture[str], key: str, *, in_file: bool
) -> None:
    if in_file:
        (tmp_path / "key.txt").write_text(key)
        key = str(tmp_path / "key.txt")
    with pytest.raises(SystemExit) as caught:
        main([str(evidence.bundle), "--key", key])
    assert caught.value.code == 2
    said = capsys.readouterr()
    assert "neither a log's public key" in said.err
    assert "Error" not in said.out + said.err.replace("error:", "")


def test_a_truncated_or_binary_key_file_is_said_to_be_one(evidence: Evidence, tmp_path: Path) -> None:
    whole = (evidence.bundle / "key.txt").read_bytes()
    path = tmp_path / "key.txt"
    for content, code in ((whole[:-9], 2), (b"", 2), (b"\xff\xfe\x00", 2), (whole, 0), (whole.strip(), 0)):
        path.write_bytes(content)
        command = [sys.executable, "-I", evidence.bundle / "verify_bundle.py", evidence.bundle, "--key", path]
        done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
        assert done.returncode == code, content
        assert "Traceback" not in done.stderr


def test_files_that_are_not_there_are_said_not_to_be(evidence: Evidence) -> None:
    for arguments in (["--kept", "absent", str(evidence.bundle)], ["--proof", "absent"]):
        with pytest.raises(SystemExit) as caught:
            main(["--key", evidence.key, *arguments])
        assert caught.value.code == 2


# --- proofs: every one that the log makes, and none of any other size or with another hash ----------------


@pytest.mark.parametrize("size", [1, 2, 3, 4, 7, 8, 13, 16])
def test_every_proof_leads_to_the_root_and_no_other_does(size: int) -> None:
    leaves = [merkle.leaf_hash(bytes([number])) for number in range(size)]
    tree = merkle.Frontier()
    nodes = {(it.level, it.position): it.hash for leaf in leaves for it in tree.append(leaf)}
    lookup, root = (lambda *place: nodes[place]), merkle.root(leaves)
    for number in range(size):
        path = merkle.inclusion_proof(lookup, number, size)
        assert leads(script.root_over, leaves[number], number, size, path, to=root)
        for odd in (path[1:], [*path, root], [root, *path]):
            assert odd == path or not leads(script.root_over, leaves[number], number, size, odd, to=root)
    for old in range(1, size + 1):
        before, path = merkle.root(leaves[:old]), merkle.consistency_proof(lookup, old, size)
        assert leads(script.roots_over, old, size, path, before, to=(before, root))
        for odd in (path[1:], [*path, root], [root, *path], [bytes(32), *path[1:]]):
            assert odd == path or not leads(script.roots_over, old, size, odd, before, to=(before, root))


def leads(found: Callable[..., Any], *given: Any, to: Any) -> bool:
    try:
        return bool(found(*given) == to)
    except IndexError:
        return False


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
