"""The rules of a round, whatever carries it: who works on which shard, and what a lost worker means.

Law: nothing is sealed to a worker that has not enrolled.  A shard whose worker is lost is sealed anew to
its successor; a lost combiner means a new round, sealed anew from the first shard on, since what was sealed
to the lost one is readable by nobody.  Losses are bounded: data that kills workers fails a job and no more.

A *position* (``combiner``, ``shard-0``, …) is filled by one living worker at a time, its *seat*.  Transports
override the private methods; `run` is the same for all of them and may be called from several threads.
"""

from __future__ import annotations

import secrets
import threading
from abc import ABC, abstractmethod
from collections import Counter, deque
from collections.abc import Collection, Hashable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from sandbox.errors import JobFailedError
from sandbox.keys.files import create_private
from sandbox.keys.sealing import PUBLIC_BYTES, check_enrolment, read_enrolment_secret
from sandbox.workers.executor import Progress, Round
from sandbox.workers.rounds import SealedRound, opened

COMBINER: Final = "combiner"
RETRIES: Final = 3
"""How often a shard, a round or the filling of a position is tried again."""
IN_FLIGHT: Final = 2
"""Shards at one worker: it finds the next one waiting when it has sealed the last."""

ENROLMENT_SECONDS: Final = 600.0
"""A worker shared with another process enrols when it has sealed that one's shards."""

Pending = Hashable
"""A transport's promise of a reply."""


class WorkerLostError(Exception):
    """A transport's word that a worker does not answer any more."""


@dataclass(frozen=True, slots=True)
class Seat:
    """A living, enrolled worker: the transport's *handle* and its authenticated *public* key."""

    position: str
    handle: Any
    public: bytes


def enrolment_path(run_directory: Path) -> Path:
    """Return the workspace's enrolment secret, made (0600) if it is not there; safe among processes."""
    path = run_directory / "enrolment.key"
    if not path.exists():
        candidate = run_directory / f".enrolment-{secrets.token_hex(8)}"
        create_private(candidate, secrets.token_bytes(32))
        # A link appears whole or not at all, and the first one wins.
        with suppress(FileExistsError):
            path.hardlink_to(candidate)
        candidate.unlink()
    return path


class RoundExecutor(ABC):
    """Runs rounds over a transport; see `sandbox.workers.executor.Executor`."""

    def __init__(self, enrolment: Path) -> None:
        self._enrolment = enrolment
        self._seats: dict[str, Seat] = {}
        self._filling = threading.RLock()

    @abstractmethod
    def _workers(self) -> int:
        """Wait until the transport stands; return how many shard workers it has room for."""

    @abstractmethod
    def _hire(self, position: str) -> Any:
        """Return the handle of a worker for *position*, or raise `WorkerLostError`."""

    @abstractmethod
    def _dismiss(self, handle: Any) -> None:
        """End a worker that was lost, should it still half live."""

    @abstractmethod
    def _call(self, handle: Any, method: str, *arguments: bytes) -> Pending:
        """Begin *method* of a worker."""

    @abstractmethod
    def _next(self, pending: Collection[Pending]) -> Pending:
        """Wait until one of *pending* is decided, and return it."""

    @abstractmethod
    def _reply(self, pending: Pending, patience: float | None = None) -> bytes:
        """Return the reply, or raise `WorkerLostError`; waits *patience* seconds, for ever if None."""

    def run(self, work: Round, progress: Progress | None = None) -> bytes:
        """Return what the combine entry returned; see `Executor.run`."""
        meter = _Meter(progress, len(work.shards))
        positions = [f"shard-{number}" for number in range(self._workers())]
        self._fill([COMBINER, *positions], work.job)
        for _ in range(1 + RETRIES):
            combiner = self._seat(COMBINER, work.job)
            sealed = SealedRound(work, combiner.public)
            partials = self._shards(sealed, positions, meter)
            call = sealed.combine()
            try:
                pending = self._call(
                    combiner.handle, "combine", call.header, call.public, call.sealed, *partials
                )
                return sealed.answer(self._reply(pending))
            except WorkerLostError:
                self._vacate(combiner)
        raise JobFailedError("job.workers-lost", job=work.job)

    def _shards(self, sealed: SealedRound, positions: list[str], meter: _Meter) -> tuple[bytes, ...]:
        """Return the sealed partials in shard order."""
        todo = deque(range(sealed.shards))
        losses: Counter[int] = Counter()
        flying: dict[Pending, tuple[Seat, int]] = {}
        partials: dict[int, bytes] = {}
        while todo or flying:
            self._launch(sealed, positions, todo, flying)
            pending = self._next(flying)
            seat, shard = flying[pending]
            try:
                partials[shard] = opened(self._reply(pending))
                del flying[pending]
            except WorkerLostError:
                self._vacate(seat)
                lost = self._take_back(seat, flying, partials)
                losses[lost[0]] += 1
                if losses[lost[0]] > RETRIES:
                    raise JobFailedError("job.workers-lost", job=sealed.job) from None
                todo.extendleft(reversed(lost))
            meter.show(len(partials))
        return tuple(partials[shard] for shard in range(sealed.shards))

    def _take_back(
        self, seat: Seat, flying: dict[Pending, tuple[Seat, int]], partials: dict[int, bytes]
    ) -> list[int]:
        """Return the shards that were lost with *seat*, the one it was at first.

        Only that one can have ended the worker: those queued behind it were never begun, and must not be
        counted as tried.
        """
        lost = []
        for pending in [pending for pending, (holder, _) in flying.items() if holder is seat]:
            _, shard = flying.pop(pending)
            try:
                partials[shard] = opened(self._reply(pending))
            except WorkerLostError:
                lost.append(shard)
        return lost

    def _launch(
        self,
        sealed: SealedRound,
        positions: list[str],
        todo: deque[int],
        flying: dict[Pending, tuple[Seat, int]],
    ) -> None:
        """Hand out shards, one to each position before a second to any."""
        loads = Counter(seat.position for seat, _ in flying.values())
        for depth in range(IN_FLIGHT):
            for position in positions:
                if todo and loads[position] <= depth:
                    seat = self._seat(position, sealed.job)
                    shard = todo.popleft()
                    call = sealed.shard(shard, seat.public)
                    pending = self._call(seat.handle, "shard", call.header, call.public, call.sealed)
                    flying[pending] = (seat, shard)
                    loads[position] += 1

    def _seat(self, position: str, job: str) -> Seat:
        while (seat := self._seats.get(position)) is None:  # another thread may vacate what this one filled
            self._fill([position], job)
        return seat

    def _fill(self, positions: list[str], job: str = "") -> None:
        """Seat an enrolled worker in every empty one of *positions*, all at once."""
        with self._filling:
            for _ in range(1 + RETRIES):
                with suppress(WorkerLostError):
                    empty = [position for position in positions if position not in self._seats]
                    self._enrol([(position, self._hire(position)) for position in empty])
                    return
        raise JobFailedError("job.workers-lost", job=job)

    def _enrol(self, hired: list[tuple[str, Any]]) -> None:
        """Check each one's proof of enrolment; `TamperingError` if one is not of this workspace."""
        secret = read_enrolment_secret(self._enrolment)
        nonce = secrets.token_bytes(32)
        asked = [(position, handle, self._call(handle, "enrol", nonce)) for position, handle in hired]
        for position, handle, _ in asked:
            # Queued behind the enrolment, so that imports go on while others still enrol.
            self._call(handle, "prepare", b"combine" if position == COMBINER else b"shard")
        for position, handle, pending in asked:
            try:
                proof = self._reply(pending, ENROLMENT_SECONDS)
            except WorkerLostError:
                self._dismiss(handle)
                raise
            public = proof[:PUBLIC_BYTES]
            check_enrolment(secret, public, nonce, proof[PUBLIC_BYTES:])
            self._seats[position] = Seat(position, handle, public)

    def _vacate(self, seat: Seat) -> None:
        """Empty *seat*'s position unless somebody else sits there already."""
        with self._filling:
            if self._seats.get(seat.position) is seat:
                del self._seats[seat.position]
                self._dismiss(seat.handle)


class _Meter:
    """Shows progress that never goes back, even when a round is done again."""

    def __init__(self, progress: Progress | None, total: int) -> None:
        self._progress = progress
        self._total = total
        self._shown = 0

    def show(self, count: int) -> None:
        if self._progress is not None and count > self._shown:
            self._shown = count
            self._progress(count, self._total)
