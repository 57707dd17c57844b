"""The guide for analysts: its commands parse, its files load, its notebook runs."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import click
import pytest
import stage as stages

import keyong as facade
from cli.app import keyong
from service.approvals import template
from service.client import jobfiles, notebook

GUIDE = Path(__file__).resolve().parents[2] / "docs" / "analysts.md"


def blocks(kind: str) -> list[str]:
    text = GUIDE.read_text(encoding="utf-8")
    every = re.findall(r"^```([a-z]*)\n(.*?)^```", text, re.MULTILINE | re.DOTALL)
    return [block for named, block in every if named == kind]


def test_the_commands_parse(monkeypatch):
    reached: list[str | None] = []
    monkeypatch.setattr(click.Command, "invoke", lambda self, _: reached.append(self.name))
    lines = [line for block in blocks("") for line in block.splitlines()]
    assert len(lines) > 15
    for line in lines:
        reached.clear()
        keyong.main(shlex.split(line)[1:], prog_name="keyong", standalone_mode=False)
        assert len(reached) > 1, line


def test_the_files_load(tmp_path):
    job, made = blocks("yaml")
    (tmp_path / "job.yaml").write_text(job)
    assert jobfiles.read(tmp_path / "job.yaml").parameters == {"least": ("number", "7")}
    assert set(template.parse(made, "t").parameters) == {"ward", "since", "least"}


def test_the_notebook_runs(tmp_path, monkeypatch, capsys):
    stage = stages.build(tmp_path)
    stage.keeper.template_add(stage.wang, blocks("yaml")[1], "guide")
    monkeypatch.setattr(notebook, "open_gatekeeper", lambda _: stage.keeper)
    (code,) = blocks("python")
    seen: dict[str, object] = {}
    exec(compile(code, "docs/analysts.md", "exec"), seen)
    assert capsys.readouterr().out == "0.5 {'n': ['n_low', 'n_high']}\n"
    assert len(seen["people"]) == 500
    assert "MOCK" in str(seen["trial"])
    assert seen["example"]["purpose"] == "planning"
    assert facade.connect is notebook.connect


def test_attributes_stay_with_a_frame(tmp_path):
    stage = stages.build(tmp_path)
    with notebook.Connection(stage.keeper, stage.wang) as data:
        asked = {"purpose": "planning", "epsilon": 0.5}
        job = data.submit(stages.COUNTS, **asked)
        frame = data.wait(job)
        again = data.result(job)
        for shown in (frame, again, frame.head(2), frame.copy(), frame[["n"]], frame[frame["n"] > -1e9]):
            assert shown.attrs["loss"]["epsilon"] == "0.5"
            assert shown.attrs["intervals"] == {"n": ["n_low", "n_high"]}
            assert (shown.attrs["job"], shown.attrs["mock"]) == (job, False)
        assert frame.sort_values("n").attrs["job"] == job
        assert list(data.jobs()["job"]) == [job]
        both = data.query(f"{stages.COUNTS}; {stages.COUNTS}", mock=True, **asked)
        assert [one.attrs["mock"] for one in both] == [True, True]
        assert both[0].attrs["losses"] == []
        people = data.mock(stages.DATASET, 40)
        assert (len(people), people.index.name, people.attrs["mock"]) == (40, "MOCK", True)
        assert (
            data.explain("SELECT name, COUNT(*) AS n FROM health.stays GROUP BY name", **asked)["verdict"]
            == "denied"
        )


@pytest.mark.parametrize(
    ("value", "bound"),
    [
        (0.1, ("number", "0.1")),
        (7, ("number", "7")),
        (True, ("truth", "true")),
        (None, ("null", "")),
        ("7", ("text", "7")),
    ],
)
def test_values_of_python_are_bound_as_what_they_are(value, bound):
    assert notebook._value(value) == bound
