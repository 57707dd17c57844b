"""Between policies and workers: who decides, what it costs whom, what is handed out and what is refused."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Mapping
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import pytest
from statements import (
    DELTA,
    PEOPLE,
    PEOPLE_DOMAINS,
    PEOPLE_FIELDS,
    STAY_DOMAINS,
    STAY_FIELDS,
    STAYS,
    WARDS,
    WARDS_FACTS,
    R,
    T,
    read,
)

from jobs.pipeline import Circumstances, Inputs, Paid, Prepared, Shard, execute, judge, prepare
from jobs.planning import plan_losses
from jobs.rounds import work_items
from jobs.spec import ErrorTarget, JobSpec
from policies.approvals import Approval
from policies.model import AccessPolicy, BudgetRule, ColumnRule, Grant, SelectionRule, UnitRule
from sandbox.errors import DeniedError, InvalidInputError, JobFailedError, TamperingError
from sandbox.privacy.loss import PICO, Filter, Loss, rho_of_epsilon
from sandbox.schema import DatasetName, Domain, Field, JobId, Principal, Role, Tag, Use
from sandbox.vault.shard import ShardFile
from sandbox.workers.executor import Progress, Round

TODAY = dt.date(2026, 1, 1)
ANA = Principal("ana", frozenset({Role.ANALYST}))
SPEC = JobSpec("", "care", epsilon=Fraction(1))
JOIN = "SELECT sex, AVG(days) FROM a.stays s JOIN b.people p ON s.person = p.id GROUP BY sex"


def policy(
    name: DatasetName,
    fields: Mapping[str, Field],
    domains: Mapping[str, Domain],
    joins: frozenset[DatasetName],
) -> AccessPolicy:
    every = frozenset({Use.GROUP, Use.FILTER, Use.MEASURE, Use.JOIN})
    operations = frozenset({"count", "sum", "avg", "quantile"})
    grant = Grant(frozenset({"ana"}), frozenset({"care"}), operations, TODAY, Approval.AUTO)
    spend = SelectionRule(DELTA / 100, DELTA)
    return AccessPolicy(
        dataset=name,
        version=1,
        owner="olga",
        unit=UnitRule("person", "ns.person", R, expected_units=1000, most_rows=T),
        budget=BudgetRule(Filter.ZCDP, Fraction(10), DELTA, selection=spend),
        columns=tuple(ColumnRule(c, every, domains.get(c), selected=c == "free") for c in fields),
        grants=(grant,),
        joins=joins,
    )


def facts(**changed: Filter) -> dict[DatasetName, Circumstances]:
    given = {STAYS: (STAY_FIELDS, STAY_DOMAINS, PEOPLE), PEOPLE: (PEOPLE_FIELDS, PEOPLE_DOMAINS, STAYS)}
    return {
        name: Circumstances(
            version=2,
            fields=fields,
            tags={column: Tag("none", confirmed=True) for column in fields},
            policy=policy(name, fields, domains, frozenset({other})),
            filter=changed.get(name.partition(".")[2], Filter.ZCDP),
            delta=DELTA,
            today=TODAY,
        )
        for name, (fields, domains, other) in given.items()
    }


def prepared(
    text: str, spec: JobSpec = SPEC, known: dict[DatasetName, Circumstances] | None = None
) -> Prepared:
    return prepare(read(text), spec, ANA, known or facts(), {WARDS: WARDS_FACTS})


# --- decide ---------------------------------------------------------------------------------------------


def test_every_dataset_decides_by_its_own_policy() -> None:
    known = facts()
    assert set(judge(read(JOIN), SPEC, ANA, known)) == {STAYS, PEOPLE}
    for name in (STAYS, PEOPLE):
        ours = known[name].policy
        assert ours is not None
        for changed, code in (
            (replace(ours, joins=frozenset()), "denied.join"),
            (replace(ours, grants=()), "denied.no-grants"),
        ):
            with pytest.raises(DeniedError) as caught:
                judge(read(JOIN), SPEC, ANA, {**known, name: replace(known[name], policy=changed)})
            assert caught.value.code == code


def test_a_policy_is_asked_for_what_reads_its_dataset_only() -> None:
    known = facts()
    people = known[PEOPLE].policy
    assert people is not None
    counting = replace(people.grants[0], operations=frozenset({"count"}))
    known[PEOPLE] = replace(known[PEOPLE], policy=replace(people, grants=(counting,), joins=frozenset()))
    apart = "SELECT COUNT(*) FROM b.people; SELECT SUM(days) FROM a.stays"
    assert set(judge(read(apart), SPEC, ANA, known)) == {STAYS, PEOPLE}
    with pytest.raises(DeniedError, match=r"denied\.operation"):
        judge(read("SELECT COUNT(*) FROM a.stays; SELECT AVG(age) FROM b.people"), SPEC, ANA, known)


def test_one_policy_that_asks_for_a_yes_makes_the_job_wait() -> None:
    known = facts()
    people = known[PEOPLE].policy
    assert people is not None
    asking = replace(people.grants[0], approval=Approval.OWNER)
    known[PEOPLE] = replace(known[PEOPLE], policy=replace(people, grants=(asking,)))
    assert prepared(JOIN).automatic
    assert not prepared(JOIN, known=known).automatic


# --- cost -----------------------------------------------------------------------------------------------


def test_an_epsilon_is_what_every_dataset_pays() -> None:
    found = prepared(JOIN)
    rho = rho_of_epsilon(Fraction(1), DELTA, up=False)
    assert found.losses == (Loss(rho_pico=rho),) * 2
    assert found.epsilon == 1
    assert found.expected_units == 1000
    mixed = prepared(JOIN, known=facts(people=Filter.PURE))
    assert mixed.plan.mechanism == "discrete-laplace"
    assert mixed.losses[1] == Loss(epsilon_pico=PICO)
    assert mixed.losses[0].epsilon_pico == 0 < mixed.losses[0].rho_pico


def test_the_smallest_delta_converts_for_all() -> None:
    known = facts()
    known[PEOPLE] = replace(known[PEOPLE], delta=DELTA / 1000)
    assert (
        prepared(JOIN, known=known).losses
        == (Loss(rho_pico=rho_of_epsilon(Fraction(1), DELTA / 1000, up=False)),) * 2
    )


def test_stated_errors_find_their_loss() -> None:
    text = "SELECT COUNT(*) FROM a.stays; SELECT COUNT(*) FROM a.stays WHERE urgent"
    tight, wide = ErrorTarget(absolute=Fraction(10)), ErrorTarget(absolute=Fraction(100))
    found = prepared(text, replace(SPEC, epsilon=None, errors=(tight, wide)))
    looser = prepared(text, replace(SPEC, epsilon=None, errors=(wide, wide)))
    assert looser.losses[0].rho_pico < found.losses[0].rho_pico
    assert looser.epsilon < found.epsilon
    same = prepared(text, replace(SPEC, epsilon=found.epsilon))
    assert found.losses[0].fits(same.losses[0] + Loss(rho_pico=10))


def test_a_selection_spends_the_delta_of_every_dataset_it_reads() -> None:
    text = "SELECT free, COUNT(*) FROM a.stays s SEMI JOIN b.people p ON s.person = p.id GROUP BY free"
    found = prepared(text)
    assert all(0 < loss.delta_atto <= DELTA / 100 * 10**18 for loss in found.losses)
    known = facts()
    people = known[PEOPLE].policy
    assert people is not None
    without = replace(people, budget=replace(people.budget, selection=None))
    known[PEOPLE] = replace(known[PEOPLE], policy=without)
    with pytest.raises(InvalidInputError, match="selection-without-delta"):
        prepared(text, known=known)
    prepared("SELECT free, COUNT(*) FROM a.stays GROUP BY free; SELECT COUNT(*) FROM b.people", known=known)


# --- hand out -------------------------------------------------------------------------------------------


def shards(name: str, count: int) -> tuple[Shard, ...]:
    files = (ShardFile(f"{name}-{number}", 1, "0" * 64, name) for number in range(count))
    return tuple(Shard(Path(file.name), file, {"days": file.name.encode()}) for file in files)


@pytest.mark.parametrize(("stays", "people"), [(1, 8), (8, 1), (4, 4), (2, 8)])
def test_work_is_cut_where_the_coarsest_dataset_is(stays: int, people: int) -> None:
    plan = prepared("SELECT COUNT(*) FROM a.stays s JOIN c.wards w ON s.ward = w.ward JOIN b.people p "
                    "ON s.person = p.id").plan  # fmt: skip
    items = work_items(plan, Inputs((shards("s", stays), shards("p", people)), (Path("wards.parquet"),)))
    assert len(items) == min(stays, people)
    read_names: list[list[str]] = [[], []]
    for item in items:
        public, secret = json.loads(item.public), json.loads(item.secret)
        assert public["tables"] == [{"path": "wards.parquet", "digest": WARDS_FACTS.digest}]
        for number, (files, keys) in enumerate(zip(public["sources"], secret["sources"], strict=True)):
            assert [bytes.fromhex(key["keys"]["days"]).decode() for key in keys] == [
                file["path"] for file in files
            ]
            read_names[number] += [file["path"] for file in files]
        first, second = (
            {int(file["path"].partition("-")[2]) * 8 // count for file in files}
            for files, count in zip(public["sources"], (stays, people), strict=True)
        )
        assert min(first) == min(second)  # eighths of the range of tags
    assert read_names == [[f"s-{i}" for i in range(stays)], [f"p-{i}" for i in range(people)]]


def test_files_of_another_plan_are_refused() -> None:
    plan = prepared(JOIN).plan
    for sources in ((shards("s", 1),), (shards("s", 1), ()), (shards("s", 3), shards("p", 1))):
        with pytest.raises(ValueError, match=r"sources|power of two"):
            work_items(plan, Inputs(sources, ()))


# --- execute --------------------------------------------------------------------------------------------


class Answering:
    """An executor that is asked once and answers what it was made with."""

    def __init__(self, answer: bytes) -> None:
        self.answer = answer
        self.rounds: list[Round] = []

    def run(self, work: Round, progress: Progress | None = None) -> bytes:
        self.rounds.append(work)
        return self.answer

    def close(self) -> None:
        """Nothing to end."""


def paid(found: Prepared, *losses: Loss) -> Paid:
    kinds = [Filter.ZCDP] * len(losses)
    return Paid(JobId("job-1"), tuple(zip(range(len(losses)), kinds, losses, strict=True)))


def test_nothing_runs_that_any_dataset_was_not_paid_for() -> None:
    found, executor = prepared(JOIN), Answering(b"")
    first, second = found.losses
    files = Inputs((shards("s", 1), shards("p", 1)), ())
    less = Loss(rho_pico=second.rho_pico - 1)
    for witness in (paid(found, first), paid(found, first, less), paid(found, less, second)):
        with pytest.raises(TamperingError, match="costs-more"):
            execute(witness, found.plan, files, executor)
    lying = replace(found.plan, parts=tuple(replace(part, rows=part.rows - 1) for part in found.plan.parts))
    with pytest.raises(TamperingError, match="costs-more"):
        execute(paid(found, first, second), lying, files, executor)
    assert executor.rounds == []


def test_a_release_of_the_plan_is_returned_and_no_other() -> None:
    found = prepared(JOIN)
    files = Inputs((shards("s", 1), shards("p", 1)), ())
    vectors = [["1", "-2"]] * len(found.plan.parts[0].measurements)
    good = [{"keys": None, "vectors": vectors}]
    executor = Answering(json.dumps(good).encode())
    (released,) = execute(paid(found, *found.losses), found.plan, files, executor)
    assert released.vectors == ((1, -2),) * len(vectors)
    assert plan_losses(found.plan, [Filter.ZCDP] * 2) == found.losses
    wrong: tuple[object, ...] = ([], good * 2, [{"keys": [], "vectors": vectors}], [{"a": 1}], {"a": 1}, [[]])
    for bad in wrong:
        with pytest.raises(JobFailedError):
            execute(paid(found, *found.losses), found.plan, files, Answering(json.dumps(bad).encode()))
