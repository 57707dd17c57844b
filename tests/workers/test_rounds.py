"""A transport that is the enemy: it may change, swap, drop, repeat, keep and invent, and is found out."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from worker_entries import CANARY
from worker_rounds import ENTRIES, round_of

from sandbox.errors import JobFailedError, TamperingError
from sandbox.keys.sealing import WorkerKeys, seal
from sandbox.workers import dispatch
from sandbox.workers.dispatch import enrolment_path
from sandbox.workers.rounds import Header, SealedRound, done, opened, partial_context, tag
from sandbox.workers.serial import SerialExecutor
from sandbox.workers.worker import Worker


class Wire(SerialExecutor):
    """Hears every byte, and may change what a call is given or what it returns."""

    def __init__(self, run_directory, before=None, after=None):
        super().__init__(run_directory, entries=ENTRIES)
        self.heard = []
        self.before = before or (lambda method, arguments: arguments)
        self.after = after or (lambda method, reply: reply)

    def _call(self, handle, method, *arguments):
        arguments = tuple(self.before(method, arguments))
        self.heard += arguments
        outcome = super()._call(handle, method, *arguments)
        if method != "prepare" and outcome.reply is not None:
            outcome.reply = self.after(method, outcome.reply)
            self.heard.append(outcome.reply)
        return outcome


SHARDS = [(b"p0", b"zero"), (b"p1", b"one"), (b"p2", b"two")]


def _refused(executor, work=None):
    with pytest.raises(TamperingError) as caught:
        executor.run(work or round_of(SHARDS))
    return caught.value.code


def test_the_transport_sees_neither_secrets_nor_partials(tmp_path):
    wire = Wire(tmp_path)
    assert wire.run(round_of([(b"p", CANARY)] * 4, combine="size")) == str(4 * (len(CANARY) + 2)).encode()
    assert wire.heard
    assert not any(CANARY in item for item in wire.heard)
    assert not any((tmp_path / "enrolment.key").read_bytes() in item for item in wire.heard)


def test_the_enrolment_secret_is_private_and_kept(tmp_path):
    first = enrolment_path(tmp_path)
    assert first.stat().st_mode & 0o777 == 0o600
    secret = first.read_bytes()
    assert enrolment_path(tmp_path).read_bytes() == secret
    assert len(secret) == 32
    assert [path.name for path in tmp_path.iterdir()] == ["enrolment.key"]


def test_a_worker_of_another_workspace_gets_nothing(tmp_path):
    other = tmp_path / "other"
    other.mkdir()

    class Foreign(Wire):
        def _hire(self, position):
            return Worker(str(enrolment_path(other)), ENTRIES)

    wire = Foreign(tmp_path)
    assert _refused(wire) == "seal.unknown-worker"
    assert not any(b"round" in item for item in wire.heard)


def test_a_key_put_in_place_of_a_workers_is_refused(tmp_path):
    mine = WorkerKeys.generate()
    wire = Wire(tmp_path, after=lambda m, reply: mine.public + reply[32:] if m == "enrol" else reply)
    assert _refused(wire) == "seal.unknown-worker"


def test_an_old_proof_of_enrolment_is_refused(tmp_path):
    proofs = []

    def replay(method, reply):
        if method == "enrol":
            proofs.append(reply)
            return proofs[0]
        return reply

    wire = Wire(tmp_path, after=replay)
    wire.run(round_of([], combine="size"))  # the first enrolment of each position shares its nonce
    wire.close()
    assert _refused(wire) == "seal.unknown-worker"


@pytest.mark.parametrize("method", ["shard", "combine"])
@pytest.mark.parametrize("place", [0, 1, 2])
def test_any_change_of_a_call_is_refused(tmp_path, method, place):
    def change(called, arguments):
        if called != method:
            return arguments
        changed = list(arguments)
        changed[place] = arguments[place].replace(b"join", b"size").replace(b"echo", b"loud") + b" "
        return changed

    assert _refused(Wire(tmp_path, change)) in {"seal.unseal-failed", "worker.call-refused"}


def test_less_noise_in_the_plan_is_refused(tmp_path):
    def change(method, arguments):
        header, public, *rest = arguments if method == "combine" else (*arguments, b"", b"")
        return (header, public.replace(b"scale 10", b"scale 00"), *rest) if method == "combine" else arguments

    wire = Wire(tmp_path, change)
    assert _refused(wire, round_of(SHARDS, public=b"scale 10")) == "worker.call-refused"


def test_two_shards_swapped_one_missing_one_twice(tmp_path):
    def combining(order):
        def change(method, arguments):
            if method != "combine":
                return arguments
            return (*arguments[:3], *(arguments[3 + index] for index in order))

        return change

    for number, (order, code) in enumerate(
        [
            ([1, 0, 2], "worker.partial-refused"),
            ([0, 1, 1], "worker.partial-refused"),
            ([0, 1], "worker.partials-missing"),
            ([0, 1, 2, 2], "worker.partials-missing"),
            ([], "worker.partials-missing"),
        ]
    ):
        folder = tmp_path / str(number)
        folder.mkdir()
        assert _refused(Wire(folder, combining(order))) == code


def test_a_partial_of_another_round_or_job_is_refused(tmp_path):
    kept = []

    def keep(method, arguments):
        if method == "combine":
            kept.append(arguments[3:])
            return (*arguments[:3], *kept[0])
        return arguments

    wire = Wire(tmp_path, keep)
    wire.run(round_of(SHARDS))
    assert _refused(wire) == "worker.partial-refused"
    assert _refused(wire, round_of(SHARDS, job="job-2")) == "worker.partial-refused"


def test_a_forged_partial_is_refused_though_sealed_to_the_combiner(tmp_path):
    combiner = Worker(str(enrolment_path(tmp_path)), ENTRIES)
    public = combiner.enrol(b"n")[:32]
    sealed = SealedRound(round_of([(b"", b"")]), public)
    call = sealed.combine()
    header = Header.decode(call.header)
    context = partial_context(header.job, header.round, 0)
    body = seal(public, b"forged", context)
    for key in (b"", bytes(32), public):
        reply = combiner.combine(call.header, call.public, call.sealed, tag(key, context, body) + body)
        with pytest.raises(TamperingError, match=r"worker[.]partial-refused"):
            opened(reply)


def _combined(tmp_path, combiner):
    """A round's combine call with genuine partials, as a transport holds it."""
    worker = Worker(str(enrolment_path(tmp_path)), ENTRIES)
    sealed = SealedRound(round_of(SHARDS), combiner.enrol(b"n")[:32])
    partials = []
    for shard in range(3):
        call = sealed.shard(shard, worker.enrol(b"n")[:32])
        partials.append(opened(worker.shard(call.header, call.public, call.sealed)))
    call = sealed.combine()
    return sealed, (call.header, call.public, call.sealed, *partials)


def test_noise_is_drawn_once_for_a_round(tmp_path):
    combiner = Worker(str(enrolment_path(tmp_path)), ENTRIES)
    sealed, call = _combined(tmp_path, combiner)
    assert b"zero" in sealed.answer(combiner.combine(*call))
    with pytest.raises(TamperingError, match=r"worker[.]round-replayed"):
        opened(combiner.combine(*call))


def test_a_round_key_of_ones_own_opens_nothing(tmp_path):
    combiner = Worker(str(enrolment_path(tmp_path)), ENTRIES)
    _, (header, public, _, *partials) = _combined(tmp_path, combiner)
    own = seal(combiner.enrol(b"n")[:32], bytes(32), header)
    with pytest.raises(TamperingError, match=r"worker[.]partial-refused"):
        opened(combiner.combine(header, public, own, *partials))


def test_an_invented_or_old_answer_is_refused(tmp_path):
    kept = []

    def replace(method, reply):
        if method == "combine":
            kept.append(reply)
            return kept[0]
        return reply

    wire = Wire(tmp_path, after=replace)
    wire.run(round_of(SHARDS))
    assert _refused(wire) == "worker.answer-refused"
    invented = Wire(tmp_path, after=lambda m, r: done(bytes(32) + b"42") if m == "combine" else r)
    assert _refused(invented) == "worker.answer-refused"


@given(header=st.binary(max_size=60), public=st.binary(max_size=20), sealed=st.binary(max_size=80))
def test_rubbish_is_refused_and_never_raises(tmp_path_factory, header, public, sealed):
    worker = Worker(str(enrolment_path(tmp_path_factory.getbasetemp())), ENTRIES)
    for reply in (worker.shard(header, public, sealed), worker.combine(header, public, sealed)):
        with pytest.raises((TamperingError, JobFailedError)):
            opened(reply)


def test_losses_are_bounded_while_enrolling(tmp_path):
    class Gone(SerialExecutor):
        hired = 0

        def _hire(self, position):
            self.hired += 1
            raise dispatch.WorkerLostError

    executor = Gone(tmp_path, entries=ENTRIES)
    with pytest.raises(JobFailedError, match=r"job[.]workers-lost"):
        executor.run(round_of(SHARDS))
    assert executor.hired == 1 + dispatch.RETRIES
