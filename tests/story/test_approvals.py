"""A day of approvals at the terminal: an analyst waits, two approvers look and decide, in both languages."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from stage import COUNTS, build
from terminal import Answer, typed

from classifiers.taxonomy import core

SQL = "SELECT ward, AVG(days) AS d FROM health.stays WHERE days > {days} GROUP BY ward"


@pytest.fixture
def ward(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A workspace whose policy asks for the yes of the owner and of a reviewer."""
    monkeypatch.setenv("KEYONG_ANCHORS", str(tmp_path / "anchors"))
    build(tmp_path, approval="owner+reviewer\n    approval_expires: 36h").keeper.close()
    monkeypatch.setenv("KEYONG_WORKSPACE", str(tmp_path / "ws"))
    monkeypatch.setenv("KEYONG_PURPOSE", "planning")


def ask(days: int) -> tuple[str, Answer]:
    answer = typed(f'--as wang query "{SQL.format(days=days)}" --epsilon 0.5')
    found = re.search(r"job-[0-9a-f]{12}", answer.err)
    assert found is not None, answer.err
    return found[0], answer


def lines(text: str) -> list[str]:
    return [line.rstrip() for line in text.splitlines() if line.strip()]


@pytest.mark.usefixtures("ward")
def test_a_day(monkeypatch: pytest.MonkeyPatch) -> None:
    explained = typed(f'--as wang job explain "{COUNTS}" --epsilon 0.5')
    assert (
        "approval            health.stays: the owner (bureau), a reviewer who is not the owner; "
        "a yes counts for 36 hours" in lines(explained.out)
    )
    job, answer = ask(2)
    assert answer.code == 8
    assert answer.out == ""
    assert lines(answer.err)[-1] == (
        f"keyong: job {job} waits for approval by bureau, li; nothing is charged yet. "
        f"`keyong job status {job}` shows how it stands; "
        f"once approved, `keyong job wait {job}` brings the answer."
    )
    assert typed(f"--as wang job wait {job}").code == 8
    pending = typed("--as bureau job pending")
    row = [job, "wang", "health.stays", "planning", *_created(job), "bureau,", "li"]
    assert lines(pending.out)[-1].split() == row
    shown = lines(typed(f"--as bureau job show {job}").out)
    assert SQL.format(days=2) in shown
    for line in (
        "Statement 1 asks for AVG by ward: 4 groups.",
        "It would look at no more than 3 rows of a person and add noise (discrete Gaussian).",
        "approval  health.stays: a reviewer who is not the owner: yes missing",
        "Spent by wang on health.stays so far: ε 0 (ρ 0, δ 1e-6)",
    ):
        assert line in shown
    days = next(line.split() for line in shown if line.startswith("days "))
    assert days[1] in core().tags  # which one is not this day's business
    assert days[2] == core().tags[days[1]].titles["en"].split()[0]
    assert days[-2:] == ["filter,", "measure"]
    assert typed(f"--as wang job approve {job}").code == 4
    assert lines(typed(f"--as bureau job approve {job} --reason 'fine by us'").out) == [
        f"Your yes to {job} is recorded. Still missing: li."
    ]
    assert lines(typed("--as bureau job pending").err) == ["No job waits for your yes."]
    assert lines(typed(f"--as li job approve {job}").out) == [
        f"Your yes to {job} was the last one it needed: it is charged, and its analyst can run it."
    ]
    status = typed(f"--as wang job status {job}").out
    assert re.search(r"^yes +bureau, \S+ \S+: fine by us$", status, re.MULTILINE)
    assert typed(f"--as wang job wait {job}").code == 0
    monkeypatch.setenv("KEYONG_LANG", "zh")
    other, answer = ask(3)
    assert f"作业 {other} 正在等待 bureau、li 批准" in answer.err
    shown = lines(typed(f"--as li job show {other}").out)
    assert "与本问题十分相近的作业有 1 个。这类结果相减，可能暴露人数很少的群体。" in shown
    assert any(job in line and line.endswith("仅常量不同") for line in shown)
    assert typed(f"--as li job reject {other}").code == 2
    assert lines(typed(f"--as li job reject {other} --reason 病区人数太少").out) == [
        f"{other} 已被拒绝，理由会告知提交人。"
    ]
    status = typed(f"--as wang job status {other}")
    assert re.search(r"^不同意 +li, \S+ \S+: 病区人数太少$", status.out, re.MULTILINE)
    assert lines(status.err) == ["原因：审批人不同意。"]
    assert typed(f"--as wang job wait {other}").code == 3
    assert typed("--as li -q audit verify").code == 0
    account = typed(f"--as li audit show {job}").out
    assert account.count("同意") == 2


def _created(job: str) -> list[str]:
    created = json.loads(typed(f"--json --as wang job status {job}").out)["created"]
    return created[:19].split("T")


@pytest.mark.usefixtures("ward")
def test_json_says_the_same() -> None:
    job, _ = ask(2)
    waiting = json.loads(typed("--json --as li job pending").out)["jobs"]
    assert [(one["job"], one["approval"]["ask"]) for one in waiting] == [(job, ["bureau", "li"])]
    shown = json.loads(typed(f"--json --as li job show {job}").out)
    assert (shown["changed_since"], shown["code"], shown["history"]["jobs"]) == (False, [], 0)
    assert shown["datasets"][0]["columns"][0]["uses"] == ["filter", "measure"]
    answer = json.loads(typed(f"--json --as li job approve {job}").out)
    assert (answer["status"], answer["ask"]) == ("awaiting-approval", ["bureau"])
    refused = typed(f'--json --as wang query "{SQL.format(days=4)}" --epsilon 0.5')
    assert (refused.code, refused.error["facts"]["ask"]) == (8, ["bureau", "li"])
