"""Templates: what they take, who sees them, and what an owner's yes beforehand is worth."""

from __future__ import annotations

import pytest
import stage as stages
from sqlalchemy import delete, update

from sandbox.books import jobs, template_approvals, template_withdrawals, templates
from sandbox.errors import AwaitingApprovalError, DeniedError, InvalidInputError, TamperingError
from service.approvals import template
from service.asked import JobRequest, Mock

TEXT = """\
apiVersion: keyong/v1
kind: JobTemplate
metadata: {name: stays-since}
description: Stays of a ward since a day
sql: |
  SELECT urgent, COUNT(*) AS n FROM health.stays
  WHERE ward = $ward AND seen >= $since AND days >= $least GROUP BY urgent
purpose: planning
epsilon: 0.25
parameters:
  ward: {category: {dataset: health.stays, column: ward}}
  since: {dates: [2020-01-01, 2020-12-31]}
  least: {number: [0, 14]}
"""
GIVEN = {"ward": ("text", "A"), "since": ("date", "2020-06-01"), "least": ("number", "2.5")}


@pytest.fixture
def stage(tmp_path, monkeypatch):
    made = stages.copied(tmp_path, monkeypatch, approval="owner")
    yield made
    made.keeper.close()


@pytest.fixture(scope="module")
def shared(tmp_path_factory):
    """A stage with the template agreed to, for what is refused and changes nothing."""
    place = tmp_path_factory.mktemp("templates")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("KEYONG_ANCHORS", str(place / "anchors"))
        made = stages.build(place, approval="owner")
        agree(made)
        yield made
        made.keeper.close()


def asked(**changes):
    return JobRequest("", "", template="stays-since", parameters={**GIVEN, **changes})


def agree(stage, by=None):
    stage.keeper.template_add(stage.wang, TEXT, "t.yaml")
    digest = stage.keeper.template_show(stage.bureau, "stays-since")["digest"]
    return stage.keeper.template_approve(by or stage.bureau, "stays-since", digest)


def test_without_a_yes_beforehand_a_job_waits(stage):
    stage.keeper.template_add(stage.wang, TEXT, "t.yaml")
    assert stage.keeper.job_submit(stage.wang, asked())["status"] == "awaiting-approval"
    assert stage.keeper.job_explain(stage.wang, asked())["approval"] == "owner"


def test_an_owners_yes_lets_every_job_of_the_template_through_and_no_other(stage):
    assert agree(stage)["approved"] == [stages.DATASET]
    told = stage.keeper.job_explain(stage.wang, asked())
    assert (told["approval"], told["whose"], told["epsilon"]) == ("auto", [], "0.25")
    for changes in ({}, {"ward": ("text", "B")}, {"since": ("text", "2020-12-31")}):
        job = stage.keeper.job_submit(stage.wang, asked(**changes))
        assert job["status"] == "charged"
        shown = stage.keeper.job_run(stage.wang, job["job"])
    assert "DATE '2020-12-31'" in shown["tables"][0]["sql"]
    same = stages.PURPOSE, "SELECT urgent, COUNT(*) AS n FROM health.stays WHERE ward = 'A' GROUP BY urgent"
    assert (
        stage.keeper.job_submit(stage.wang, JobRequest(same[1], same[0], "0.25"))["status"]
        == "awaiting-approval"
    )
    stage.keeper.audit_verify(stage.li)


def test_a_repeated_job_of_a_template_is_a_free_replay(stage):
    agree(stage)
    first = stage.keeper.job_submit(stage.wang, asked())
    stage.keeper.job_run(stage.wang, first["job"])
    assert stage.keeper.job_submit(stage.wang, asked())["replayed"]
    stage.keeper.audit_verify(stage.li)


def test_another_text_or_another_policy_makes_the_yes_void(stage):
    agree(stage)
    stage.keeper.template_add(stage.wang, TEXT.replace("[0, 14]", "[0, 10]"), "t.yaml")
    assert stage.keeper.job_submit(stage.wang, asked())["status"] == "awaiting-approval"
    agree(stage)
    assert stage.keeper.job_submit(stage.wang, asked())["status"] == "charged"
    stage.apply(version=2, approval="owner", epsilon=9)
    assert stage.keeper.job_submit(stage.wang, asked())["status"] == "awaiting-approval"
    assert not stage.keeper.template_list(stage.wang)["templates"][0]["datasets"][0]["approved"]


@pytest.mark.parametrize("rule", ["owner+reviewer", "{need: 1, of: [bureau]}"])
def test_it_answers_no_rule_but_the_owners(tmp_path, rule):
    stage = stages.build(tmp_path, approval=rule)
    agree(stage)
    assert stage.keeper.job_submit(stage.wang, asked())["status"] == "awaiting-approval"
    stage.keeper.close()


def test_with_two_datasets_each_owner_says_yes_for_their_own(tmp_path):
    stage = stages.with_labs(stages.build(tmp_path, approval="owner"), approval="owner")
    text = TEXT.replace("health.stays\n", "health.stays JOIN health.labs ON person = subject\n")
    stage.keeper.template_add(stage.wang, text, "t.yaml")
    digest = stage.keeper.template_show(stage.wang, "stays-since")["digest"]
    stage.keeper.template_approve(stage.bureau, "stays-since", digest)
    told = stage.keeper.job_explain(stage.wang, asked())
    assert [rule["dataset"] for rule in told["whose"]] == [stages.LABS]
    assert stage.keeper.template_approve(stage.lab, "stays-since", digest)["approved"] == [stages.LABS]
    assert stage.keeper.job_submit(stage.wang, asked())["status"] == "charged"
    stage.keeper.audit_verify(stage.li)
    stage.keeper.close()


def test_only_owners_of_what_is_read_agree_and_only_to_what_they_have_read(stage):
    stage.keeper.template_add(stage.wang, TEXT, "t.yaml")
    digest = stage.keeper.template_show(stage.wang, "stays-since")["digest"]
    for by in (stage.wang, stage.li, stage.lab):
        with pytest.raises(DeniedError):
            stage.keeper.template_approve(by, "stays-since", digest)
    with pytest.raises(InvalidInputError) as refused:
        stage.keeper.template_approve(stage.bureau, "stays-since", "0" * 64)
    assert refused.value.code == "template.other-digest"
    agreed = [stage.keeper.template_approve(stage.bureau, "stays-since", digest) for _ in range(2)]
    assert agreed[0] == agreed[1]
    stage.keeper.audit_verify(stage.li)


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"ward": ("text", "D")}, "template.bad-value"),
        ({"ward": ("text", "A' OR 1=1 --")}, "template.bad-value"),
        ({"ward": ("number", "1")}, "template.bad-value"),
        ({"since": ("date", "2021-01-01")}, "template.bad-value"),
        ({"since": ("date", "2020-02-30")}, "template.bad-value"),
        ({"since": ("date", "2020-06-01' OR 1=1")}, "template.bad-value"),
        ({"since": ("number", "20200601")}, "template.bad-value"),
        ({"least": ("number", "14.01")}, "template.bad-value"),
        ({"least": ("text", "2")}, "template.bad-value"),
        ({"least": ("number", "1 OR 1=1")}, "number.not-a-number"),
        ({"more": ("number", "1")}, "template.surplus"),
    ],
)
def test_values_that_are_not_declared_are_refused(shared, changes, code):
    for act in (shared.keeper.job_submit, shared.keeper.job_explain):
        with pytest.raises(InvalidInputError) as refused:
            act(shared.wang, asked(**changes))
        assert refused.value.code == code


def test_a_template_fixes_everything_but_its_values(stage):
    agree(stage)
    for given in (
        JobRequest("", "", "8", template="stays-since", parameters=GIVEN),
        JobRequest("", "sales", template="stays-since", parameters=GIVEN),
        JobRequest("SELECT 1", "", template="stays-since", parameters=GIVEN),
        JobRequest("", "", max_rows=1, template="stays-since", parameters=GIVEN),
    ):
        with pytest.raises(InvalidInputError) as refused:
            stage.keeper.job_submit(stage.wang, given)
        assert refused.value.code == "template.fixed"
    with pytest.raises(InvalidInputError) as refused:
        stage.keeper.job_submit(stage.wang, JobRequest("", "", template="stays-since"))
    assert refused.value.code == "template.missing"
    stated = JobRequest("", "planning", template="stays-since", parameters=GIVEN)
    assert stage.keeper.job_submit(stage.wang, stated)["status"] == "charged"
    assert stage.keeper.job_rehearse(stage.wang, asked(), Mock(units=50))["mock"]


def test_templates_are_for_those_who_see_what_they_read(stage):
    agree(stage)
    stage.keeper.identity_new("zhao", ["analyst"], ["others"])
    zhao = stage.keeper.principal("zhao")
    assert stage.keeper.template_list(zhao)["templates"] == []
    for act in (
        lambda: stage.keeper.template_show(zhao, "stays-since"),
        lambda: stage.keeper.template_show(zhao, "nothing"),
        lambda: stage.keeper.job_submit(zhao, asked()),
    ):
        with pytest.raises(DeniedError) as refused:
            act()
        assert refused.value.code == "template.unknown"
    with pytest.raises(DeniedError) as refused:
        stage.keeper.template_add(zhao, TEXT.replace("stays-since", "mine"), "t.yaml")
    assert refused.value.code == "denied.unknown-dataset"
    with pytest.raises(DeniedError) as refused:
        stage.keeper.template_add(stage.bureau, TEXT, "t.yaml")
    assert refused.value.code == "template.of-another"


@pytest.mark.parametrize(
    ("edit", "code"),
    [
        (("epsilon: 0.25", ""), "template.epsilon-or-error"),
        (("epsilon: 0.25", "epsilon: 0.25\nerror: 5"), "template.epsilon-or-error"),
        (("purpose: planning\n", ""), "template.no-purpose"),
        (("$least", "3"), "template.names-differ"),
        (("$least", "$most"), "template.names-differ"),
        (("[0, 14]", "[14, 0]"), "template.empty-range"),
        (("{number: [0, 14]}", "{number: [0, 14], dates: [2020-01-01, 2020-01-02]}"), "template.one-kind"),
        (("{number: [0, 14]}", "{text: any}"), "policy.unknown-key"),
        (("column: ward", "column: days"), "template.no-categories"),
        (("SELECT urgent", "SELECT nonsense"), "sql.unknown-column"),
        (("GROUP BY urgent", "GROUP BY urgent; DROP TABLE x"), "sql.not-a-select"),
    ],
)
def test_what_is_wrong_with_a_template_is_told_when_it_is_added(shared, edit, code):
    with pytest.raises(InvalidInputError) as refused:
        shared.keeper.template_add(shared.wang, TEXT.replace(*edit), "t.yaml")
    assert refused.value.code == code


def test_the_digest_is_of_what_is_said():
    one = template.parse(TEXT, "a").digest(("health.stays",))
    respaced = TEXT.replace("2020-01-01, 2020", "2020-01-01,  2020") + "# x\n"
    assert one == template.parse(respaced, "b").digest(("health.stays",))
    for edit in (("0.25", "0.5"), ("A day", ""), ("[0, 14]", "[0, 15]"), ("ward = ", "ward <> ")):
        changed = template.parse(TEXT.replace(*edit), "c").digest(("health.stays",))
        assert (changed != one) is (TEXT.replace(*edit) != TEXT)
    assert one != template.parse(TEXT, "a").digest(("health.labs",))


def test_the_books_are_held_against_the_log(stage):
    agree(stage)
    job = stage.keeper.job_submit(stage.wang, asked())["job"]
    stage.keeper.audit_verify(stage.li)

    def spoil(statement):
        with stage.keeper._desk.workspace.database.transaction() as connection:
            connection.execute(statement)
        with pytest.raises(TamperingError):
            stage.keeper.audit_verify(stage.li)

    def mend(statement):
        with stage.keeper._desk.workspace.database.transaction() as connection:
            connection.execute(statement)
        stage.keeper.audit_verify(stage.li)

    spoil(update(templates).values(source=TEXT.replace("0.25", "2")))
    with pytest.raises(TamperingError):
        stage.keeper.job_submit(stage.wang, asked(ward=("text", "B")))
    mend(update(templates).values(source=TEXT))
    spoil(update(templates).values(added_by="li"))
    mend(update(templates).values(added_by="wang"))
    with stage.keeper._desk.reading() as connection:
        row = dict(connection.execute(template_approvals.select()).mappings().one())
    spoil(template_approvals.delete())
    mend(template_approvals.insert().values(row))
    spoil(template_approvals.insert().values(row | {"policy": "0" * 64}))
    mend(template_approvals.delete().where(template_approvals.c.policy == "0" * 64))
    with stage.keeper._desk.reading() as connection:
        spec = connection.execute(jobs.select().where(jobs.c.job == job)).mappings().one()["spec"]
    spoil(update(jobs).values(spec=spec.replace('"template"', '"templates"')))


def test_a_waiting_job_stays_one_though_its_template_is_agreed_to_later(stage):
    stage.keeper.template_add(stage.wang, TEXT, "t.yaml")
    waiting = stage.keeper.job_submit(stage.wang, asked())["job"]
    agree(stage)
    with pytest.raises(AwaitingApprovalError):
        stage.keeper.job_run(stage.wang, waiting)
    stage.keeper.job_approve(stage.bureau, waiting, "fine")
    assert stage.keeper.job_run(stage.wang, waiting)["tables"]
    stage.keeper.audit_verify(stage.li)


def test_a_yes_that_is_taken_back_counts_for_earlier_jobs_only(stage):
    agree(stage)
    before = stage.keeper.job_submit(stage.wang, asked())
    assert before["status"] == "charged"
    answer = stage.keeper.template_withdraw(stage.bureau, "stays-since")
    assert answer["withdrawn"] == [stages.DATASET]
    assert not stage.keeper.template_list(stage.wang)["templates"][0]["datasets"][0]["approved"]
    after = stage.keeper.job_submit(stage.wang, asked(ward=("text", "B")))
    assert after["status"] == "awaiting-approval"
    assert stage.keeper.job_run(stage.wang, before["job"])["status"] == "released"
    stage.keeper.audit_verify(stage.li)  # the first job was agreed to when it was charged
    with pytest.raises(InvalidInputError, match=r"template\.nothing-agreed"):
        stage.keeper.template_withdraw(stage.bureau, "stays-since")
    digest = answer["digest"]
    with pytest.raises(InvalidInputError, match=r"template\.taken-back"):
        stage.keeper.template_approve(stage.bureau, "stays-since", digest)
    stage.apply(version=2, approval="owner")
    assert stage.keeper.template_approve(stage.bureau, "stays-since", digest)["approved"] == [stages.DATASET]
    assert stage.keeper.job_submit(stage.wang, asked(ward=("text", "C")))["status"] == "charged"
    stage.keeper.audit_verify(stage.li)


@pytest.mark.parametrize(
    "forge", [delete(template_withdrawals), update(template_withdrawals).values(policy="0" * 64)]
)
def test_a_withdrawal_that_is_undone_behind_the_log_is_found(stage, forge):
    agree(stage)
    stage.keeper.template_withdraw(stage.bureau, "stays-since")
    with stage.keeper._desk.workspace.database.transaction() as connection:
        connection.execute(forge)
    with pytest.raises(TamperingError, match=r"audit\.books-differ"):
        stage.keeper.audit_verify(stage.li)


def test_only_an_owner_takes_back_what_was_theirs(shared):
    for by, code in ((shared.wang, "role.missing"), (shared.lab, "template.")):
        with pytest.raises(DeniedError) as caught:
            shared.keeper.template_withdraw(by, "stays-since")
        assert caught.value.code.startswith(code)
