"""What ties the pieces of one round together, for both ends of the transport.

Law: a transport that changes, swaps, drops, repeats or invents a piece is found out.

* The *header* of a call is canonical JSON: step, job, random round id, number, entry, SHA-256 of the public
  payload.  It is the context of the seal (RFC 9180 ``info``): a worker that is told anything else than what
  the driver wrote, a plan with less noise for instance, cannot unseal.
* Every round has a random key, sealed to each of its workers.  A partial is sealed to the combiner and
  carries an HMAC-SHA256 under that key over job, round, shard and ciphertext; so does the answer.
* The combiner's header says how many partials there are.

A shard's secret travels as ``round key (32) ‖ combiner's public key (32) ‖ secret``.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import secrets
from dataclasses import dataclass
from typing import Final, Literal

from sandbox import canonical
from sandbox.errors import JobFailedError, KeyongError, TamperingError
from sandbox.keys.sealing import PUBLIC_BYTES, seal
from sandbox.workers.executor import Round

KEY_BYTES: Final = 32
TAG_BYTES: Final = 32

Step = Literal["shard", "combine"]

_DONE: Final = b"+"
_FAILED: Final = b"-"
# What may leave a worker: errors whose facts are public whatever the rows are.
_PASSED: Final[dict[str, type[KeyongError]]] = {"tampering": TamperingError, "job-failed": JobFailedError}


@dataclass(frozen=True, slots=True)
class Call:
    """What the transport carries to a worker: *sealed* is for one worker's eyes and one *header* only."""

    header: bytes
    public: bytes
    sealed: bytes


@dataclass(frozen=True, slots=True)
class Header:
    """What a worker is asked to do; *number* is the shard's number, or how many partials to combine."""

    step: str
    job: str
    round: str
    number: int
    entry: str
    public: str

    def encode(self) -> bytes:
        """Return the canonical bytes that the seal is bound to."""
        return canonical.encode({name: getattr(self, name) for name in self.__slots__})

    @classmethod
    def decode(cls, data: bytes) -> Header:
        """Return what `encode` wrote; *data* has been authenticated by unsealing."""
        return cls(**json.loads(data))


def partial_context(job: str, round_id: str, shard: int) -> bytes:
    """Return what a partial is bound to."""
    return canonical.encode({"step": "partial", "job": job, "round": round_id, "shard": shard})


def _answer_context(job: str, round_id: str) -> bytes:
    return canonical.encode({"step": "answer", "job": job, "round": round_id})


def tag(key: bytes, context: bytes, body: bytes) -> bytes:
    """Return HMAC-SHA256 over *context* (hashed, so that it cannot run into the body) and *body*."""
    return hmac.digest(key, hashlib.sha256(context).digest() + body, "sha256")


def answered(key: bytes, header: Header, answer: bytes) -> bytes:
    """Return the combiner's *answer* with its tag."""
    return tag(key, _answer_context(header.job, header.round), answer) + answer


def done(body: bytes) -> bytes:
    """Return the reply of a step that succeeded."""
    return _DONE + body


def failed(error: TamperingError | JobFailedError) -> bytes:
    """Return the reply of a step that failed with *error*."""
    kind = "tampering" if isinstance(error, TamperingError) else "job-failed"
    return _FAILED + json.dumps({"kind": kind, "code": error.code, "facts": error.facts}).encode()


def opened(reply: bytes) -> bytes:
    """Return the body of a reply, or raise the error that it carries."""
    if reply[:1] == _DONE:
        return reply[1:]
    error = json.loads(reply[1:])
    raise _PASSED[error["kind"]](error["code"], **error["facts"])


class SealedRound:
    """The driver's end of one attempt at a round, sealed to one combiner.

    *combiner* is the combiner's public key, already authenticated.  A new combiner needs a new object: new
    round id, new round key, everything done again.
    """

    def __init__(self, work: Round, combiner: bytes) -> None:
        self._work = work
        self._combiner = combiner
        self._round = secrets.token_hex(16)
        self._key = secrets.token_bytes(KEY_BYTES)

    @property
    def job(self) -> str:
        """The job that this round works for."""
        return self._work.job

    @property
    def shards(self) -> int:
        """How many shards there are."""
        return len(self._work.shards)

    def shard(self, number: int, worker: bytes) -> Call:
        """Return the call for shard *number*, sealed to the authenticated public key *worker*."""
        item = self._work.shards[number]
        header = self._header("shard", number, self._work.shard_entry, item.public)
        sealed = seal(worker, self._key + self._combiner + item.secret, header)
        return Call(header, item.public, sealed)

    def combine(self) -> Call:
        """Return the call that combines the partials of every shard."""
        public = self._work.combine_public
        header = self._header("combine", self.shards, self._work.combine_entry, public)
        return Call(header, public, seal(self._combiner, self._key, header))

    def answer(self, reply: bytes) -> bytes:
        """Return the combiner's answer; raise what it failed with, or `TamperingError` if it is not its."""
        body = opened(reply)
        claimed, answer = body[:TAG_BYTES], body[TAG_BYTES:]
        expected = tag(self._key, _answer_context(self._work.job, self._round), answer)
        if not hmac.compare_digest(claimed, expected):
            raise TamperingError("worker.answer-refused", job=self._work.job)
        return answer

    def _header(self, step: Step, number: int, entry: str, public: bytes) -> bytes:
        digest = hashlib.sha256(public).hexdigest()
        return Header(step, self._work.job, self._round, number, entry, digest).encode()


def split_secret(plaintext: bytes) -> tuple[bytes, bytes, bytes]:
    """Return round key, combiner's public key and the shard's own secret."""
    end = KEY_BYTES + PUBLIC_BYTES
    return plaintext[:KEY_BYTES], plaintext[KEY_BYTES:end], plaintext[end:]
