"""What all lineages of a namespace may spend together: exact, in one currency, whoever races whom."""

import datetime as dt
from concurrent.futures import ThreadPoolExecutor
from fractions import Fraction
from math import ceil, floor

import mpmath
import pytest
import sqlalchemy as sa
from hypothesis import given, settings
from hypothesis import strategies as st

from sandbox.books import charges, datasets, lineages, namespace_limits
from sandbox.database import Database
from sandbox.errors import BudgetExceededError
from sandbox.privacy import ledger, namespaces
from sandbox.privacy.ledger import Charge, Limits
from sandbox.privacy.loss import ATTO, MAX_EPSILON, PICO, Filter, Loss, cost_of_epsilon, pure_of_rho

NOW = dt.datetime(2026, 11, 23, 12, tzinfo=dt.UTC)
PURE, ZCDP = {"p": "0", "q": "0"}, {"y": "1e-6", "z": "1e-9"}
"""Lineages of the namespace n with their δ."""
ANYTHING = Limits(Loss(*[MAX_EPSILON * PICO] * 3))


def open_books(path):
    database = Database(path)
    database.create()
    with database.transaction() as connection:
        for lineage, delta in {**PURE, **ZCDP, "elsewhere": "0"}.items():
            connection.execute(
                sa.insert(lineages).values(
                    lineage=lineage, namespace="m" if lineage == "elsewhere" else "n", unit="u",
                    filter="zcdp" if lineage in ZCDP else "pure", delta=delta, owner="o", reason="",
                    created="",
                )
            )  # fmt: skip
            if lineage != "q":  # as if there were no dataset any more
                named = {"name": f"d.{lineage}", "lineage": lineage, "current_version": 1}
                connection.execute(sa.insert(datasets).values(**named))
    return database


@pytest.fixture(scope="module")
def database(tmp_path_factory):
    database = open_books(tmp_path_factory.mktemp("books") / "books.sqlite")
    yield database
    database.close()


class Undone(Exception):
    """Ends a test's transaction without keeping it."""


@pytest.fixture
def connection(database):
    try:
        with database.transaction() as connection:
            yield connection
            raise Undone
    except Undone:
        pass


def limit(connection, epsilon, delta="0.000001", selection="0", filter_="zcdp"):
    leaf = connection.scalar(sa.select(sa.func.count()).select_from(namespace_limits))
    said = {"filter": filter_, "epsilon": epsilon, "delta": delta, "selection": selection}
    row = {"namespace": "n", **said, "reason": "", "set_by": "", "changed": ""}
    connection.execute(sa.insert(namespace_limits).values(leaf=leaf, **row))


def pay(connection, job, **losses):
    """Charge *losses* by lineage to one job."""
    wanted = [(Charge(lineage, job, "ana", loss, NOW), ANYTHING) for lineage, loss in losses.items()]
    return ledger.charge_all(connection, wanted)


def refused(connection, job, **losses):
    before = connection.scalar(sa.select(sa.func.count()).select_from(charges))
    with pytest.raises(BudgetExceededError) as caught:
        pay(connection, job, **losses)
    assert connection.scalar(sa.select(sa.func.count()).select_from(charges)) == before
    return caught.value


def pure(epsilon):
    return Loss(epsilon_pico=int(Fraction(epsilon) * PICO))


def rho(epsilon, lineage="y"):
    return cost_of_epsilon(Filter.ZCDP, Fraction(epsilon), Fraction(ZCDP[lineage]))


def independent_rho(epsilon, delta):
    """(√(L + ε) - √L)² with 60 digits, the way it is printed, as a fraction."""
    with mpmath.workdps(60):
        log = -mpmath.log(mpmath.mpf(delta.numerator) / delta.denominator)
        root = mpmath.sqrt(log + mpmath.mpf(epsilon.numerator) / epsilon.denominator) - mpmath.sqrt(log)
        return Fraction(mpmath.nstr(root * root, 50))


# --- one limit over several lineages ----------------------------------------------------------------------


def test_a_pure_and_a_zcdp_lineage_exhaust_what_they_share(connection):
    limit(connection, "2")
    pay(connection, "1", p=pure("0.2"))  # ρ 0.02
    pay(connection, "2", y=rho("1"))
    room = namespaces.current(connection, "n").loss.rho_pico - PICO // 50 - rho("1").rho_pico
    assert namespaces.left_for(connection, "z") == Loss(rho_pico=room)
    left = namespaces.left_for(connection, "p")
    assert Fraction(left.epsilon_pico, PICO) ** 2 / 2 <= Fraction(room, PICO)
    error = refused(connection, "3", p=Loss(left.epsilon_pico + 1))
    assert (error.code, error.exit_code, error.facts["namespace"]) == ("budget.namespace", 5, "n")
    assert Fraction(error.facts["remaining"]) * PICO <= left.epsilon_pico
    pay(connection, "4", p=left)
    assert refused(connection, "5", z=Loss(rho_pico=2)).facts["remaining"] == "0"
    assert refused(connection, "6", q=pure("0.01")).facts["dataset"] == "q"  # its dataset is no more
    assert pay(connection, "7", elsewhere=pure(9))
    assert not pay(connection, "4", p=left)  # a retry finds its own


@pytest.mark.parametrize("lineage", ["p", "y", "z"])
def test_what_a_refusal_says_is_left_is_admitted(connection, lineage):
    limit(connection, "1.37")
    pay(connection, "1", q=pure("0.1"))

    def loss(epsilon):
        return pure(epsilon) if lineage in PURE else rho(epsilon, lineage)

    remaining = refused(connection, "2", **{lineage: loss(5)}).facts["remaining"]
    assert pay(connection, "3", **{lineage: loss(remaining)})


@pytest.mark.parametrize("pair", [("p", "q"), ("p", "y"), ("y", "z"), ("z", "p")])
def test_a_job_over_two_datasets_pays_twice(connection, pair):
    limit(connection, "1")

    def losses(epsilon):
        """Of one noise, by what the first of them pays."""
        paid = pure(epsilon) if pair[0] in PURE else rho(epsilon, pair[0])
        noise = namespaces.counted(Filter.ZCDP, paid)
        return {name: Loss(pure_of_rho(noise.rho_pico)) if name in PURE else noise for name in pair}

    (both,) = namespaces.common(connection, [*losses("0.15").items()])
    alone = [namespaces.counted(Filter.ZCDP, loss).rho_pico for loss in losses("0.15").values()]
    assert both.cost == Loss(rho_pico=sum(alone))
    assert both.times() == namespaces.current(connection, "n").loss.rho_pico // sum(alone)
    told = refused(connection, "1", **losses(1))
    pay(connection, "2", **losses(told.facts["remaining"]))
    assert refused(connection, "3", **losses("0.05")).facts["dataset"] == f"d.{pair[0]}"


def test_without_a_limit_nothing_is_different(connection):
    assert namespaces.left_for(connection, "p") is None
    assert not namespaces.common(connection, [("p", pure(1)), ("y", rho(1))])
    for job in range(5):
        assert pay(connection, f"{job}", p=pure(100), y=rho(100))


def test_lowered_nothing_more_is_admitted_and_raised_it_is(connection):
    limit(connection, "4")
    pay(connection, "1", y=rho(3))
    limit(connection, "1")
    refused(connection, "2", y=Loss(rho_pico=1))
    assert namespaces.left_for(connection, "y") == Loss()
    limit(connection, "4")
    assert pay(connection, "2", y=Loss(rho_pico=1))


def test_a_delta_for_selection_is_counted_apart(connection):
    limit(connection, "4", selection="0.000000001")
    pay(connection, "1", y=Loss(rho_pico=5, delta_atto=6 * 10**8))
    error = refused(connection, "2", z=Loss(rho_pico=5, delta_atto=5 * 10**8))
    assert (error.code, error.facts["remaining"]) == ("budget.namespace-selection", "4e-10")
    limit(connection, "4")  # what is not said is not allowed
    refused(connection, "3", z=Loss(rho_pico=5, delta_atto=1))
    assert pay(connection, "3", z=Loss(rho_pico=5))


def test_a_pure_limit_adds_up_epsilon_and_counts_nothing_else(connection):
    limit(connection, "1", delta="0", filter_="pure")
    for job in range(9):
        pay(connection, f"{job}", p=pure("0.1"))
    assert namespaces.left_for(connection, "q") == pure("0.1")
    assert namespaces.left_for(connection, "y") == Loss()
    assert refused(connection, "a", y=rho("0.01")).code == "budget.namespace-pure"
    assert refused(connection, "b", p=pure("0.05"), q=pure("0.06")).facts["remaining"] == "0.0454545"
    assert pay(connection, "c", p=pure("0.05"), q=pure("0.05"))
    refused(connection, "d", q=Loss(epsilon_pico=1))


def test_a_pure_limit_with_rho_on_the_books_admits_nothing(connection):
    pay(connection, "1", y=rho("0.1"))
    limit(connection, "1", delta="0", filter_="pure")
    assert refused(connection, "2", p=Loss(epsilon_pico=1)).code == "budget.namespace"


def test_what_may_have_been_spent_is_counted_and_not_refused(connection):
    limit(connection, "1")
    ledger.write_off(connection, Charge("p", "lost-1", "li", pure(5), NOW))
    assert namespaces.spent(connection, namespaces.current(connection, "n")) == Loss(rho_pico=25 * PICO // 2)
    refused(connection, "1", y=Loss(rho_pico=1))


def test_sums_past_64_bits_are_sums(connection):
    limit(connection, "1000000")
    rows = [
        {"lineage": lineage, "job": f"{job}", "principal": "ana", "delta_atto": 0, "charged": "",
         "epsilon_pico": 0 if lineage in ZCDP else 10**18, "rho_pico": 10**18 if lineage in ZCDP else 0}
        for lineage in (*PURE, *ZCDP) for job in range(8)
    ]  # fmt: skip
    connection.execute(sa.insert(charges), rows)
    whole = namespaces.spent(connection, namespaces.current(connection, "n"))
    assert whole == Loss(rho_pico=16 * 10**18 + 16 * 10**36 // (2 * PICO))
    refused(connection, "x", p=Loss(1))


# --- an independent computation ---------------------------------------------------------------------------

EPSILONS = st.one_of(st.integers(1, 2 * 10**12), st.integers(1, 10**4), st.just(10**11))
PARTS = st.one_of(
    st.dictionaries(st.sampled_from([*PURE]), EPSILONS.map(Loss), min_size=1),
    st.dictionaries(
        st.sampled_from([*ZCDP]),
        st.builds(Loss, st.just(0), st.integers(1, 10**11), st.sampled_from([0, 0, 1, 10**9])),
        min_size=1,
    ),
)
JOBS = st.lists(st.builds(lambda one, two: one | two, PARTS, PARTS), min_size=1, max_size=8)
STEPS = st.lists(
    st.tuples(st.integers(10**9, 4 * 10**12), st.sampled_from([3, 6, 12]), JOBS), min_size=1, max_size=3
)


def exact_rho(loss):
    """What *loss* is in ρ, and what it is counted as: no less, and a multiple of 10^-12."""
    exact = Fraction(loss.epsilon_pico, PICO) ** 2 / 2 + Fraction(loss.rho_pico, PICO)
    return exact, Fraction(ceil(exact * PICO), PICO)


@settings(max_examples=25, deadline=None)
@given(STEPS, st.sampled_from([Fraction(0), Fraction(2, 10**9)]))
def test_admission_is_what_fractions_say_and_no_limit_is_passed(database, steps, selection):
    """Limits change between jobs; the oracle adds fractions over what was admitted and knows no ledger."""
    with pytest.raises(Undone), database.transaction() as connection:  # noqa: PT012
        true, total, spent_delta = Fraction(0), Fraction(0), Fraction(0)
        for number, (epsilon, places, jobs) in enumerate(steps):
            most = independent_rho(Fraction(epsilon, PICO), Fraction(1, 10**places))
            limit(connection, f"{epsilon}e-12", f"1e-{places}", str(float(selection)))
            for place, job in enumerate(jobs):
                rhos = [exact_rho(loss) for loss in job.values()]
                counted = sum(rho for _, rho in rhos)
                delta = sum(Fraction(loss.delta_atto, ATTO) for loss in job.values())
                fits = total + counted <= Fraction(floor(most * PICO), PICO)
                fits &= not delta or spent_delta + delta <= selection
                try:
                    assert pay(connection, f"{number}-{place}", **job)
                except BudgetExceededError:
                    assert not fits
                    continue
                assert fits
                true, total = true + sum(rho for rho, _ in rhos), total + counted
                spent_delta += delta
                assert true <= total <= most
                assert not delta or spent_delta <= selection
        raise Undone


# --- races ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kinds", [("p", "z"), ("y", "z"), ("p", "q")])
def test_of_racers_for_the_last_of_it_exactly_one_wins(tmp_path, kinds):
    path = tmp_path / "books.sqlite"
    database = open_books(path)
    with database.transaction() as connection:
        limit(connection, "1")
        room = namespaces.current(connection, "n").loss
    database.close()

    def submit(number):
        own, lineage = Database(path), kinds[number % 2]
        try:
            with own.transaction() as connection:
                loss = pure("0.18") if lineage in PURE else Loss(rho_pico=room.rho_pico * 9 // 10)
                return pay(connection, f"job-{number}", **{lineage: loss})
        except BudgetExceededError:
            return False
        finally:
            own.close()

    with ThreadPoolExecutor(8) as pool:
        assert sum(pool.map(submit, range(16))) == 1
