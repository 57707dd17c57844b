"""Jobs as files: what they say, what is typed beside them, what is refused with its line."""

from __future__ import annotations

import pytest

from sandbox.errors import InvalidInputError
from service.asked import JobRequest
from service.client import jobfiles

JOB = """\
apiVersion: keyong/v1
kind: Job
metadata: {name: stays-by-ward}
sql: |
  SELECT ward, COUNT(*) AS n FROM health.stays
  WHERE days >= $least AND ward = $ward AND seen >= $since GROUP BY ward
purpose: planning
epsilon: 0.25
weights: [2, 0.5]
max_rows: 2
parameters: {least: 2.5, ward: "7", since: null}
"""


@pytest.fixture
def write(tmp_path):
    def written(text, name="job.yaml"):
        path = tmp_path / name
        path.write_text(text, encoding="utf-8")
        return path

    return written


def test_a_file_is_a_whole_job(write):
    assert jobfiles.read(write(JOB)) == JobRequest(
        "SELECT ward, COUNT(*) AS n FROM health.stays\n"
        "WHERE days >= $least AND ward = $ward AND seen >= $since GROUP BY ward\n",
        "planning",
        epsilon="0.25",
        weights=("2", "0.5"),
        max_rows=2,
        parameters={"least": ("number", "2.5"), "ward": ("text", "7"), "since": ("null", "")},
    )


def test_errors_are_one_or_several(write):
    def asking(error):
        return jobfiles.read(write(JOB.replace("epsilon: 0.25\nweights: [2, 0.5]", f"error: {error}")))

    assert asking("50").error == "50"
    assert asking('"1%"').error == "1%"
    assert asking('["1%", 0.5]').errors == ("1%", "0.5")


def test_sql_alone_is_a_job_for_no_purpose_yet(write):
    path = write("\ufeffSELECT 1\n", "job.sql")
    assert jobfiles.read(path) == JobRequest("SELECT 1\n", "")


def test_what_is_typed_takes_the_place_of_the_file(write):
    job = jobfiles.read(write(JOB))
    typed = {"epsilon": None, "error": "50", "purpose": "other", "parameters": {"ward": ("text", "B")}}
    found = jobfiles.with_options(job, {**typed, "max_rows": None, "weights": ()})
    assert (found.epsilon, found.error, found.weights) == (None, "50", ())
    assert (found.purpose, found.max_rows) == ("other", 2)
    assert found.parameters == {**job.parameters, "ward": ("text", "B")}
    assert jobfiles.with_options(job, {"epsilon": "1"}).epsilon == "1"


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("7", ("number", "7")),
        ("-0.5", ("number", "-0.5")),
        ("+3", ("number", "3")),
        ("2024-02-29", ("date", "2024-02-29")),
        ("[60-70)", ("text", "[60-70)")),
        ("1e5", ("text", "1e5")),
        ("true", ("text", "true")),
    ],
)
def test_typed_values_read_as_what_they_look_like(text, value):
    assert jobfiles.typed_value(text) == value


@pytest.mark.parametrize(
    ("edit", "code"),
    [
        (("epsilon: 0.25", "epsilon: 0.25\nsecret: 1"), "policy.unknown-key"),
        (("epsilon: 0.25", "epsilon: 0.25\nepsilon: 1"), "policy.duplicate-key"),
        (("epsilon: 0.25", 'epsilon: "0.25"'), "policy.not-a-number"),
        (("epsilon: 0.25", "epsilon: .inf"), "policy.not-finite"),
        (("kind: Job", "kind: AccessPolicy"), "policy.not-one-of"),
        (("apiVersion: keyong/v1\n", ""), "policy.missing-key"),
        (("max_rows: 2", "max_rows: 0"), "policy.not-a-whole-number"),
        (("max_rows: 2", "template: x"), "template.sql-or-template"),
        (("2.5", "[1]"), "policy.not-a-single-value"),
        (("least: 2.5", '"a; b": 2'), "policy.bad-name"),
        (("least: 2.5", "least: &a 2"), "policy.alias"),
    ],
)
def test_what_is_wrong_is_refused_with_its_line(write, edit, code):
    with pytest.raises(InvalidInputError) as refused:
        jobfiles.read(write(JOB.replace(*edit)))
    assert refused.value.code == code
    assert int(str(refused.value.facts["line"])) >= 1


def test_files_that_cannot_be_read(tmp_path, write):
    with pytest.raises(InvalidInputError):
        jobfiles.read(tmp_path / "none.yaml")
    with pytest.raises(InvalidInputError):
        jobfiles.read(write("x" * (2**20 + 1), "long.sql"))
    path = tmp_path / "latin.sql"
    path.write_bytes(b"SELECT '\xe9'")
    with pytest.raises(InvalidInputError):
        jobfiles.read(path)


def test_a_statement_is_no_file():
    for text in ("SELECT x.sql", "-", "SELECT 1", "select\n.yaml"):
        assert not jobfiles.is_file(text)
    for text in ("a.sql", "dir/job.yaml", "x.yml"):
        assert jobfiles.is_file(text)
