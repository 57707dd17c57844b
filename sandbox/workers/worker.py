"""What happens inside a worker: bytes in, bytes out, no transport.

Law: a worker's private key, a column key, a row and an exact number never leave this object. What leaves
is a public key with its proof of enrolment, a partial sealed to the combiner, the combiner's noisy
answer, or the code of a failure. A worker runs only entries of the closed list, only for a call that it
could unseal, and combines a round once: a second draw of noise over the same partials would average the
first away.

An exception inside an entry may hold a cell value, in its message or in its frames. Therefore it ends
here: `TamperingError` and `JobFailedError` carry public facts and pass as code and facts; everything else
becomes ``job.failed`` with the reason ``worker-error``, whatever it was.
"""

from __future__ import annotations

import faulthandler
import hashlib
import hmac
import importlib
import os
import resource
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from sandbox.errors import JobFailedError, TamperingError
from sandbox.keys.sealing import WorkerKeys, enrol, read_enrolment_secret, seal
from sandbox.workers.entries import ENTRIES, Entries
from sandbox.workers.rounds import (
    TAG_BYTES,
    Header,
    answered,
    done,
    failed,
    partial_context,
    split_secret,
    tag,
)


class Worker:
    """One worker with its own key pair; *enrolment* is the path of the secret that it reads by itself."""

    def __init__(self, enrolment: str, entries: Entries = ENTRIES) -> None:
        self._keys = WorkerKeys.generate()
        self._enrolment = read_enrolment_secret(Path(enrolment))
        self._entries = entries
        self._combined: set[str] = set()

    def enrol(self, nonce: bytes) -> bytes:
        """Return ``public key (32) ‖ tag``: the proof, for the driver's *nonce*, of whose the key is."""
        return self._keys.public + enrol(self._enrolment, self._keys.public, nonce)

    def prepare(self, step: bytes) -> bytes:
        """Import the modules of the entries of *step* (``shard`` or ``combine``), so that work finds them."""

        def load() -> bytes:
            for entry in sorted(self._entries.combine if step == b"combine" else self._entries.shard):
                _function(entry)
            return b""

        return _guarded("", load)

    def shard(self, header: bytes, public: bytes, sealed: bytes) -> bytes:
        """Work on one shard; return a reply whose body is ``tag (32) ‖ partial sealed to the combiner``."""
        return _guarded(_job(header), lambda: self._shard(header, public, sealed))

    def combine(self, header: bytes, public: bytes, sealed: bytes, *partials: bytes) -> bytes:
        """Combine *partials*, the bodies of `shard` replies in shard order; the body is ``tag ‖ answer``."""
        return _guarded(_job(header), lambda: self._combine(header, public, sealed, partials))

    def _shard(self, raw: bytes, public: bytes, sealed: bytes) -> bytes:
        header, plaintext = self._unseal("shard", raw, public, sealed)
        key, combiner, secret = split_secret(plaintext)
        partial = _resolve(header, self._entries.shard)(public, secret)
        context = partial_context(header.job, header.round, header.number)
        body = seal(combiner, partial, context)
        return tag(key, context, body) + body

    def _combine(self, raw: bytes, public: bytes, sealed: bytes, partials: tuple[bytes, ...]) -> bytes:
        header, key = self._unseal("combine", raw, public, sealed)
        if header.round in self._combined:
            raise TamperingError("worker.round-replayed", job=header.job)
        if len(partials) != header.number:
            raise TamperingError(
                "worker.partials-missing", job=header.job, found=len(partials), expected=header.number
            )
        exact = tuple(self._partial(header, key, shard, body) for shard, body in enumerate(partials))
        function = _resolve(header, self._entries.combine)
        self._combined.add(header.round)
        return answered(key, header, function(public, exact))

    def _unseal(self, step: str, raw: bytes, public: bytes, sealed: bytes) -> tuple[Header, bytes]:
        """Authenticate a call: only its driver could seal something for exactly this header."""
        plaintext = self._keys.unseal(sealed, raw)
        header = Header.decode(raw)
        if header.step != step or header.public != hashlib.sha256(public).hexdigest():
            raise TamperingError("worker.call-refused", job=header.job)
        return header, plaintext

    def _partial(self, header: Header, key: bytes, shard: int, body: bytes) -> bytes:
        context = partial_context(header.job, header.round, shard)
        if not hmac.compare_digest(body[:TAG_BYTES], tag(key, context, body[TAG_BYTES:])):
            raise TamperingError("worker.partial-refused", job=header.job, shard=shard)
        return self._keys.unseal(body[TAG_BYTES:], context)


class ProcessWorker(Worker):
    """A worker that has a process of its own and silences it.

    No core dump, no traceback on a crash, standard output and error to nowhere: what a library prints about
    a value it did not like is seen by nobody.  *path* goes in front of the import path (tests keep their
    entries there).
    """

    def __init__(self, enrolment: str, entries: Entries = ENTRIES, path: tuple[str, ...] = ()) -> None:
        silence_process()
        sys.path[:0] = path
        super().__init__(enrolment, entries)


def silence_process() -> None:
    """Switch off core dumps and fault tracebacks of this process and send its output to nowhere."""
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    faulthandler.disable()
    nowhere = os.open(os.devnull, os.O_WRONLY)
    for stream in (1, 2):
        os.dup2(nowhere, stream)
    os.close(nowhere)


def _guarded(job: str, act: Callable[[], bytes]) -> bytes:
    """Return *act*'s reply; no exception of an entry passes, and no message or frame of one."""
    try:
        return done(act())
    except (TamperingError, JobFailedError) as error:
        return failed(error)
    except Exception:  # the boundary: any exception may hold a cell value, so none passes
        return failed(JobFailedError("job.failed", job=job, reason="worker-error"))


def _job(header: bytes) -> str:
    """The job's id for a failure's facts; a header that cannot be read is refused when it is unsealed."""
    try:
        return Header.decode(header).job
    except (ValueError, TypeError, AttributeError):
        return ""


def _resolve(header: Header, allowed: frozenset[str]) -> Callable[..., bytes]:
    if header.entry not in allowed:
        raise JobFailedError("job.failed", job=header.job, reason="unknown-entry")
    return _function(header.entry)


def _function(entry: str) -> Callable[..., Any]:
    module, _, name = entry.partition(":")
    function: Callable[..., Any] = getattr(importlib.import_module(module), name)
    return function
