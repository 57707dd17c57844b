"""Entries that workers of the tests run: they echo, fail, die, print and wait."""

import json
import os
import signal
import sys
import time
from pathlib import Path

from sandbox.errors import InvalidInputError, JobFailedError, TamperingError

CANARY = b"canary-4a7f31c9e05d"


def kill_self() -> None:
    """End this process at once; tests of workers inside their own process put something milder here."""
    os.kill(os.getpid(), signal.SIGKILL)


def echo(public: bytes, secret: bytes) -> bytes:
    """public + secret: what a partial of this shard is."""
    return public + b"/" + secret


def loud(public: bytes, secret: bytes) -> bytes:
    """Print the secret wherever one can print, then echo."""
    print("out", secret, flush=True)
    print("err", secret, file=sys.stderr, flush=True)
    os.write(1, secret)
    os.write(2, secret)
    return echo(public, secret)


def die_once(public: bytes, secret: bytes) -> bytes:
    """Kill this process the first time: *public* names a directory, *secret* is what to answer."""
    marker = Path(public.decode()) / f"died-{secret.decode()}"
    if not marker.exists():
        marker.touch()
        kill_self()
    return secret


def die_thrice(public: bytes, secret: bytes) -> bytes:
    """Kill this process as often as a shard may, then answer."""
    for time_ in ("1st", "2nd", "3rd"):
        die_once(public, secret + time_.encode())
    return secret


def die(public: bytes, secret: bytes) -> bytes:
    """Kill this process every time."""
    kill_self()
    return b""


def slow(public: bytes, secret: bytes) -> bytes:
    """Take as many seconds as *public* says."""
    time.sleep(float(public))
    return secret


def fail(public: bytes, secret: bytes) -> bytes:
    """Raise what *public* names, with the secret in its message."""
    secret_text = secret.decode()
    raise {
        "value": ValueError(f"cannot convert {secret_text}"),
        "memory": MemoryError(secret_text),
        "input": InvalidInputError("number.not-a-number", value=secret_text),
        "tampering": TamperingError("vault.shard-changed", dataset="health.d", shard=3),
        "job": JobFailedError("job.failed", job="j", reason="deadline"),
    }[public.decode()]


def join(public: bytes, partials: tuple[bytes, ...]) -> bytes:
    """The partials in the order given, as JSON text."""
    return json.dumps([public.decode(), *(p.decode() for p in partials)]).encode()


def size(public: bytes, partials: tuple[bytes, ...]) -> bytes:
    """Only how many bytes there were: a stand-in for noise."""
    return str(sum(map(len, partials))).encode()


def die_once_joining(public: bytes, partials: tuple[bytes, ...]) -> bytes:
    """Kill the combiner the first time."""
    die_once(public, b"combiner")
    return join(b"", partials)


def fail_joining(public: bytes, partials: tuple[bytes, ...]) -> bytes:
    """Raise with an exact number in the message."""
    raise ArithmeticError(partials)


def where(public: bytes, secret: bytes) -> bytes:
    """Say what this process knows of the world."""
    import resource

    return json.dumps(
        {
            "pid": os.getpid(),
            "path": sys.path,
            "environment": dict(os.environ),
            "core": resource.getrlimit(resource.RLIMIT_CORE),
            "modules": sorted(sys.modules),
            "safe": sys.flags.safe_path,
        }
    ).encode()
