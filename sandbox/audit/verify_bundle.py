#!/usr/bin/env python3
"""Verify evidence that ``keyong audit export`` or ``keyong audit prove`` wrote, on any machine.

::

    python3 -I verify_bundle.py BUNDLE [--key KEY] [--kept CHECKPOINT]...
    python3 -I verify_bundle.py --proof PROOF --key KEY [--kept CHECKPOINT]

BUNDLE is a directory or a .zip.  KEY is the log's public key as a reviewer wrote it down beforehand (text,
or a file); CHECKPOINT is a note that a reviewer kept.  Needs Python 3.11 and the package ``cryptography``,
nothing of Keyong.  Ends with 0 if everything holds, 7 if something does not, 2 if it is called wrongly.

What holds then:

* every file is the one that was signed;
* the entries lead to the signed root, and passed through every kept checkpoint (else the tail was cut off or
  there are two logs);
* every charge and every release in the bundle is one in the log, and the other way round; what was released
  had been charged to every dataset that it reads, and what was charged had been decided by the policy that
  was then in force, and did not pass its lifetime limit;
* what each lineage was charged is exactly what the noise of the job's plan costs it, computed here again by
  ADR 3, 6, 12, 13, 17 and 32 in whole numbers and fractions;
* every policy follows the one before it, signed with the key that the dataset's owner had pinned last;
* where a grant asks for approval, so many different persons of those it asks for had said yes before the
  charge, to this very plan, not too long ago; who asked never counts, and nobody had said no.

The PLD figures are information: another library computed them, nobody checks them here, they admitted no
job.  Whoever holds the log's key can sign another log, in which owners have other keys: only a checkpoint
that was kept elsewhere, and keys that were known beforehand, tell the two apart.
"""

from __future__ import annotations

import argparse
import base64
import hashlib
import json
import math
import re
import sys
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import ROUND_HALF_EVEN, Context, Decimal
from fractions import Fraction
from pathlib import Path
from typing import Any, Final

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

OK, TAMPERED, PICO, ATTO = 0, 7, 10**12, 10**18
FAR: Final = re.compile("[\ue000-\U0010ffff]")
SIGNED_AS: Final = b"keyong bundle v1\n"
BOOKS: Final = ("log.jsonl", "jobs.jsonl", "charges.jsonl", "releases.jsonl", "policies.jsonl")
FILES: Final = {*BOOKS, "checkpoint.txt", "key.txt", "pld.json", "README.txt", "verify_bundle.py"}
UNITS: Final = ("epsilon_pico", "rho_pico", "delta_atto")
BOUND: Final = ("plan", "datasets", "grants", "tables")  # facts of a decision that a yes to it repeats
EXPIRES: Final = 14 * 24  # hours for which a yes counts where the policy does not say
LEAF, NODE, START = b"\x00", b"\x01", datetime.min.replace(tzinfo=UTC)
Json = Any
Head = tuple[int, bytes]  # a log's number of leaves, and its root
Peaks = list[Head]  # a growing tree: its complete subtrees, left to right
Party = tuple[str, int, Sequence[str]]  # owner, reviewer or named; how many of them; their names


class Wrong(Exception):  # noqa: N818 - it is a finding, not a failure of this program
    """Something does not hold; the text says what."""


def demand(holds: bool, text: str) -> None:
    """Raise `Wrong` with *text* unless it *holds*."""
    if not holds:
        raise Wrong(text)


def canonical(value: Json) -> bytes:
    """Return the canonical JSON (RFC 8785) of *value*, which holds no floats."""
    text = json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    # Only with such characters may the order of code points differ from that of UTF-16 code units.
    if not text.isascii() and FAR.search(text):
        text = json.dumps(ordered(value), separators=(",", ":"), ensure_ascii=False)
    return text.encode()


def ordered(value: Json) -> Json:
    """Return *value* with every mapping in the order of UTF-16 code units."""
    if isinstance(value, dict):
        return {key: ordered(value[key]) for key in sorted(value, key=lambda key: key.encode("utf-16-be"))}
    return [ordered(item) for item in value] if isinstance(value, list) else value


def digest(value: Json) -> str:
    """Return the SHA-256 of the canonical JSON of *value*."""
    return hashed(canonical(value)).hex()


def signed(public: str, signature: str, text: bytes) -> bool:
    """Whether the Ed25519 key *public* made *signature* over *text*; both are hexadecimal."""
    with suppress(InvalidSignature):
        Ed25519PublicKey.from_public_bytes(bytes.fromhex(public)).verify(bytes.fromhex(signature), text)
        return True
    return False


# --- tree and checkpoints: RFC 6962 §2.1, RFC 9162 §2.1, C2SP tlog-checkpoint ----------------------------


def hashed(*parts: bytes) -> bytes:
    """Return the hash of a `LEAF` with an entry, or of a `NODE` with two hashes."""
    return hashlib.sha256(b"".join(parts)).digest()


def grow(peaks: Peaks, leaf: bytes) -> None:
    """Add a leaf to a tree."""
    width = 1
    while peaks and peaks[-1][0] == width:
        leaf, width = hashed(NODE, peaks.pop()[1], leaf), 2 * width
    peaks.append((width, leaf))


def root_of(peaks: Peaks) -> bytes:
    """Return the root over all leaves so far."""
    running = peaks[-1][1] if peaks else hashed()
    for _, left in reversed(peaks[:-1]):
        running = hashed(NODE, left, running)
    return running


@dataclass(frozen=True, slots=True)
class Key:
    """A log's public key under the log's name."""

    name: str
    public: bytes

    @classmethod
    def parse(cls, text: str) -> Key:
        """Return the key that ``name+hash+base64`` says."""
        name, _, rest = text.strip().partition("+")
        said, _, encoded = rest.partition("+")
        key = cls(name, (raw := base64.b64decode(encoded, validate=True))[1:])
        if raw[:1] != b"\x01" or len(raw) != 33 or said != key.hash().hex():
            raise ValueError("not a key")
        return key

    def hash(self) -> bytes:
        """Return the four bytes that name the key on a signature line."""
        return hashlib.sha256(self.name.encode() + b"\n\x01" + self.public).digest()[:4]


def read_note(note: str, key: Key) -> Head:
    """Return size and root of a checkpoint note, after its signature was checked."""
    text, _, lines = note.partition("\n\n")
    said = [line.split(" ") for line in lines.removesuffix("\n").split("\n")]
    demand(lines.endswith("\n") and all(one[0] == "—" for one in said), "a checkpoint has not its form")
    own = [base64.b64decode(raw, validate=True) for _, name, raw in said if name == key.name]
    signatures = [raw for raw in own if raw[:4] == key.hash()]
    demand(bool(signatures), f"a checkpoint has no signature of {key.name}")
    held = all(signed(key.public.hex(), raw[4:].hex(), f"{text}\n".encode()) for raw in signatures)
    demand(held, f"a checkpoint was not signed by the key of {key.name}")
    origin, size, root = text.split("\n")
    demand(origin == key.name, f"a checkpoint is of the log {origin}")
    return int(size), base64.b64decode(root, validate=True)


def root_over(leaf: bytes, number: int, size: int, path: Sequence[bytes]) -> bytes:
    """Return the root that *path* leads to from the leaf *number* (RFC 6962 §2.1.1)."""
    if size == 1:
        return leaf if not path else b""
    half, beside = 1 << (size - 1).bit_length() - 1, path[-1]
    if number < half:
        return hashed(NODE, root_over(leaf, number, half, path[:-1]), beside)
    return hashed(NODE, beside, root_over(leaf, number - half, size - half, path[:-1]))


def roots_over(old: int, size: int, path: Sequence[bytes], known: bytes | None) -> tuple[bytes, bytes]:
    """Return the roots at *old* and at *size* leaves that *path* leads to (RFC 6962 §2.1.2).

    *known* is the root at *old* leaves, None where the first of *path* is.
    """
    if old == size:
        top = path[0] if known is None else known
        return (top, top) if len(path) == (known is None) else (b"", b"")
    half, beside = 1 << (size - 1).bit_length() - 1, path[-1]
    if old <= half:
        first, second = roots_over(old, half, path[:-1], known)
        return first, hashed(NODE, second, beside)
    first, second = roots_over(old - half, size - half, path[:-1], None)
    return hashed(NODE, beside, first), hashed(NODE, beside, second)


# --- what a plan's noise costs: ADR 3, 6, 12, 13, 17, 32 --------------------------------------------------


def rows_of(frame: Json) -> int:
    """Return the largest number of rows of one unit in *frame*."""
    kind, *held = frame
    for inner in inner_frames(frame) if kind != "per-unit" else ():
        rows_of(inner)
    if kind == "per-unit" and held[1] == 0:
        return 1
    demand(type(held[-1]) is int and held[-1] >= 1, "the rows of a unit are not bounded")
    return int(held[-1])


def inner_frames(frame: Json) -> list[Json]:
    """Return the frames that *frame* is made of."""
    return [held for held in frame[1:] if isinstance(held, list)]


def sources(frame: Json) -> frozenset[int]:
    """Return the numbers of the datasets that *frame* reads."""
    found = frozenset({frame[1]} if frame[0] == "scan" else ())
    return found.union(*map(sources, inner_frames(frame)))


def needs(frame: Json, source: int) -> bool:
    """Whether a unit without rows in *source* has none in *frame*."""
    if frame[0] == "scan":
        return bool(frame[1] == source)
    found = inner_frames(frame)
    if frame[0] == "join" and frame[1] in ("inner", "semi"):
        return any(needs(inner, source) for inner in found)
    return needs(found[0], source)


def steps(frame: Json, source: int) -> int:
    """Return in how many steps removing a unit from *source* alone changes its rows in *frame*."""
    anti = frame[0] == "join" and frame[1] == "anti" and rows_of(frame[2]) <= frame[-1]
    return 2 if source in sources(frame[2] if anti else frame) and not needs(frame, source) else 1


@dataclass(frozen=True, slots=True)
class Cost:
    """A loss before it is rounded; no ε under Gaussian noise."""

    epsilon: Fraction | None = Fraction(0)
    rho: Fraction = Fraction(0)
    delta: Fraction = Fraction(0)

    def plus(self, other: Cost, times: int) -> Cost:
        """Return the sum with *times* neighbouring steps of *other*."""
        finite = self.epsilon is not None and other.epsilon is not None
        epsilon = (self.epsilon or 0) + times * (other.epsilon or Fraction(0))
        return Cost(epsilon if finite else None, self.rho + times**2 * other.rho, self.delta + other.delta)


def costs(outline: Json) -> list[Cost]:
    """Return what the plan of *outline* costs each of its sources."""
    found = [Cost() for _ in outline["sources"]]
    for part in outline["parts"]:
        demand(part["rows"] >= rows_of(part["frame"]), "a part counts more rows than it is charged for")
        for item in priced(part, outline["mechanism"]):
            for source in sources(part["frame"]):
                found[source] = found[source].plus(item, steps(part["frame"], source))
    return found


def priced(part: Json, mechanism: str) -> Iterator[Cost]:
    """Yield what each measurement of *part* costs one step, and its key selection."""
    (rows, _, cells, _, squares), laplace = reached(part), mechanism == "discrete-laplace"
    demand(laplace or mechanism == "discrete-gaussian", "an unknown mechanism")
    for kind, *held in part["measurements"]:
        if kind == "quantile":
            demand(not held[1] or not held[1][0][2], "a half-width is drawn around no point")
            for asked, rate in (map(Fraction, draw[:2]) for draw in held[1]):
                demand(rate > 0 and 0 <= asked <= 1, "a quantile is drawn without noise")
                each = 2 * rate * max(asked.numerator, asked.denominator - asked.numerator)
                yield Cost(each * rows, each**2 * squares / 8)
            continue
        scale = Fraction(held[-1])
        demand(scale > 0, "a measurement has no noise")
        one, two = moved(part, kind, held)
        yield Cost(one / scale, (one / scale) ** 2 / 2) if laplace else Cost(None, two / (2 * scale))
    if part["selection"] is not None:
        scale, threshold = Fraction(part["selection"][0]), int(part["selection"][1])
        demand(scale > 0 and not laplace, "a key selection has no noise")
        yield Cost(None, cells / (2 * scale), selection_delta(scale, cells, threshold))


def reached(part: Json) -> tuple[int, int, int, int, int]:
    """Return how far one unit reaches: rows, groups, cells, rows of a cell, Σ of squares over cells."""
    rows = groups = most = part["rows"]
    own = None if part["selection"] is not None else math.prod(part["keys"])
    if "bound" in part:
        demand(min(part["bound"]) >= 1, "a bound of groups lets no row through")
        behind = math.prod(size for size in part["within"] if size is not None) or 1
        groups = min(rows, part["bound"][0], rows if own is None else (own or 1) * behind)
        rows = min(rows, groups * part["bound"][1])
        most = min(rows, behind * part["bound"][1])
    squares = rows // most * most**2 + (rows % most) ** 2
    return rows, groups, groups if own is None else min(groups, own), most, squares


def moved(part: Json, kind: str, held: Json) -> tuple[int, int]:
    """Return by how much one unit moves a measurement: L1, and L2 squared."""
    rows, groups, cells, most, squares = reached(part)
    if kind == "total":
        step = largest(*held[:3])
        return rows * step, squares * step**2
    if kind == "units":
        return cells, cells
    demand(kind == "distinct", "an unknown measurement")
    bits = min(rows, groups * min(most, held[0]))
    return bits, bits * min(most, held[0])


def largest(factors: Json, square: bool, shift: str) -> int:
    """Return the largest absolute contribution of a row to a total."""
    if not factors:
        return 1
    ends: list[tuple[Fraction, Fraction]] = []
    for low, high, origin, grid in (map(Fraction, factor) for factor in factors):
        whole = grid > 0 and low <= high and not any(end % grid for end in (low, high, origin))
        demand(whole, "bounds do not lie on their grid")
        ends.append(((low - origin) / grid, (high - origin) / grid))
    corners = [end**2 for end in (*ends[0], Fraction(0))] if square else [Fraction(1)]
    for pair in () if square else ends:
        corners = [corner * end for corner in corners for end in pair]
    return int(max(abs(corner - int(shift)) for corner in corners))


def selection_delta(scale: Fraction, groups: int, threshold: int) -> Fraction:
    """Return groups·P(1 + Z > threshold), Z discrete Gaussian, rounded up to 10^-18."""
    bound = groups * Fraction(tail(scale, threshold) * (1 + 1e-9))
    return min(Fraction(math.ceil(bound * ATTO), ATTO), Fraction(groups))


def tail(scale: Fraction, start: int) -> float:
    """Return P(Z ≥ start), or an upper bound of it."""
    if start <= 0:
        return 1.0
    if scale > 2**20:
        sigma = math.sqrt(float(scale))
        edge = start - 0.5 if start - 0.5 >= sigma * (1 + 1e-9) else start - 1
        return 0.5 * math.erfc(edge / sigma / math.sqrt(2))
    reach = math.isqrt(math.ceil(200 * float(scale))) + 2
    weight = [math.exp(-k * k / (2 * float(scale))) for k in range(reach)]
    return math.fsum(weight[start:]) / (2 * math.fsum(weight) - 1) + math.exp(-90)


def check_loss(cost: Cost, filter_: str, paid: Json, what: str) -> None:
    """Raise `Wrong` unless *paid* is *cost* in the currency of the filter, rounded up once."""
    finite = filter_ != "pure" or (cost.epsilon is not None and not cost.delta)
    demand(finite, f"{what}: the plan costs what a pure filter cannot count")
    pure = (math.ceil((cost.epsilon or 0) * PICO), 0)
    exact = pure if filter_ == "pure" else (0, math.ceil(cost.rho * PICO))
    said = (paid["epsilon_pico"], paid["rho_pico"])
    demand(said == exact, f"{what}: the plan's noise costs {exact}, but {said} was charged (10^-12 ε, ρ)")
    # A tail of a Gaussian is a float; its last digits are the C library's.
    delta = math.ceil(cost.delta * ATTO)
    apart = abs(paid["delta_atto"] - delta)
    demand(apart * 10**6 <= delta, f"{what}: the plan costs δ {delta}, but {paid['delta_atto']} was charged")


def lifetime(budget: Json, filter_: str, delta: str) -> tuple[int, int, int]:
    """Return the lifetime limit of a policy's *budget* as (ε, ρ, δ) in their units (ADR 3)."""
    epsilon = Fraction(budget["epsilon"])
    selection = int(Fraction((budget.get("selection") or {"lifetime": "0"})["lifetime"]) * ATTO)
    if filter_ == "pure":
        return int(epsilon * PICO), 0, 0
    ctx = Context(prec=80, rounding=ROUND_HALF_EVEN)
    parts = ((Decimal(it.numerator), Decimal(it.denominator)) for it in (1 / Fraction(delta), epsilon))
    inverse, asked = (ctx.divide(*part) for part in parts)
    log = ctx.ln(inverse)
    root = ctx.divide(asked, ctx.add(ctx.sqrt(ctx.add(log, asked)), ctx.sqrt(log)))
    rho = Fraction(ctx.multiply(root, root)) * PICO * (1 - Fraction(1, 10**50)) // 1
    return 0, int(rho), selection


# --- the log, read in order: whose keys sign (ADR 23), who may say yes (ADR 25) ----------------------------


@dataclass(frozen=True, slots=True)
class Leaf:
    """An entry of the log: its number, what happened, who did it when, and what it says of it."""

    number: int
    kind: str
    actor: str
    at: datetime
    facts: Json

    def demand(self, holds: bool, text: str) -> None:
        """Raise `Wrong` with *text* and where it stands unless it *holds*."""
        demand(holds, f"leaf {self.number} ({self.kind}): {text}")


@dataclass(slots=True)
class Line:
    """A lineage: its filter with its δ, owner and versions, the policy in force, and what was spent of it."""

    filter: tuple[str, str]
    owner: str
    versions: set[int] = field(default_factory=set)
    policy: str = ""
    spent: list[int] = field(default_factory=lambda: [0, 0, 0])


@dataclass(slots=True)
class Job:
    """What was decided, who had asked, who had agreed to its template beforehand, and what came of it."""

    decision: Json
    asker: str
    beforehand: set[str]
    answers: list[Leaf] = field(default_factory=list)
    charged: dict[str, Leaf] = field(default_factory=dict)
    released: str | None = None
    purged: bool = False


@dataclass(slots=True)
class Books:
    """What the log says so far; *policies* are contents by digest, *noted* leaves to warn of by text."""

    policies: Mapping[str, Json]
    called: dict[str, set[str]] = field(default_factory=dict)
    keys: dict[str, tuple[str, str]] = field(default_factory=dict)
    lines: dict[str, Line] = field(default_factory=dict)
    homes: dict[str, str] = field(default_factory=dict)
    applied: set[str] = field(default_factory=set)
    agreed: set[tuple[str, str, str]] = field(default_factory=set)
    jobs: dict[str, Job] = field(default_factory=dict)
    lost: dict[str, Job] = field(default_factory=dict)
    noted: dict[str, list[int]] = field(default_factory=dict)
    consented: int = 0
    last: datetime = START

    def read(self, leaf: Leaf) -> None:
        """Take in the next leaf; raise `Wrong` if what stood before it does not carry it."""
        if leaf.at < self.last:
            self._note("the clock went back", leaf)
        self.last = max(leaf.at, self.last)
        if leaf.kind != "policy" and leaf.facts.keys() >= {"lineage", "version", "digest"}:
            self.lines[leaf.facts["lineage"]].versions.add(leaf.facts["version"])
        taken = getattr(self, f"_{leaf.kind.replace('-', '_')}_leaf", None)
        if taken is not None:
            taken(leaf, leaf.facts)
        elif leaf.kind in ("approval", "rejection"):
            self._job(leaf).answers.append(leaf)

    def _note(self, text: str, leaf: Leaf) -> None:
        self.noted.setdefault(text, []).append(leaf.number)

    def _identity_leaf(self, leaf: Leaf, facts: Json) -> None:
        words = {"role:": facts["roles"], "group:": facts["groups"]}
        said = {f"{kind}{word}" for kind, text in words.items() for word in text.split(",")}
        self.called[facts.get("name", leaf.actor)] = {facts.get("name", leaf.actor)} | said

    def _identity_change_leaf(self, leaf: Leaf, facts: Json) -> None:
        other = leaf.actor != facts["name"] and "role:reviewer" in self.called.get(leaf.actor, ())
        leaf.demand(other, f"{leaf.actor} cannot change what {facts['name']} is")
        self._identity_leaf(leaf, facts)

    def _identity_key_leaf(self, leaf: Leaf, facts: Json) -> None:
        who, public, word = leaf.actor, facts["public"], facts["endorsement"]
        name, former = hashlib.sha256(bytes.fromhex(public)).hexdigest()[:32], self.keys.get(who, ("", ""))
        follows = (facts["key"], facts["former"]) == (name, former[0])
        leaf.demand(follows, f"the key of {who} does not follow the one before it")
        if former[0] and word:
            vouched = signed(former[1], word, f"keyong-owner-key/v1\n{who}\n{public}".encode())
            leaf.demand(vouched, f"the former key of {who} did not vouch for it")
        elif former[0]:
            self._note("an owner has a new key without the word of the former one", leaf)
        self.keys[who] = (name, public)

    def _lineage_leaf(self, _: Leaf, facts: Json) -> None:
        self.lines[facts["lineage"]] = Line((facts["filter"], facts["delta"]), facts["owner"])

    def _version_leaf(self, _: Leaf, facts: Json) -> None:
        self.homes[facts["dataset"]] = facts["lineage"]

    def _policy_leaf(self, leaf: Leaf, facts: Json) -> None:
        line, content = self.lines[facts["lineage"]], self.policies.get(facts["digest"], {})
        leaf.demand(bool(content), "the policy is not in the bundle")
        told = (facts["dataset"], facts["version"], line.owner, facts.get("supersedes", line.policy))
        found = (*(content[name] for name in ("dataset", "version", "owner")), line.policy)
        leaf.demand(told == found, f"it is not the next policy of {facts['dataset']}")
        if line.owner not in self.keys and "signer" not in facts:
            self._note("a policy was applied before policies were signed", leaf)
        else:
            key = self.keys.get(line.owner, ("", ""))
            pinned = bool(key[0]) and facts.get("signer") == key[0]
            leaf.demand(pinned, f"the policy was not signed with the key that {line.owner} had pinned")
            held = signed(key[1], facts["signature"], f"keyong-policy/v1\n{facts['digest']}".encode())
            leaf.demand(held, f"the signature of {line.owner} does not hold for this policy")
            named = content.get("supersedes", "") == line.policy
            leaf.demand(named, f"{line.owner} signed it to follow another policy than the one in force")
        line.policy = facts["digest"]
        self.applied.add(line.policy)

    def _template_approval_leaf(self, leaf: Leaf, facts: Json) -> None:
        if leaf.actor == self.lines[facts["lineage"]].owner:
            self.agreed.add((facts["digest"], facts["lineage"], facts["policy"]))

    def _template_withdrawal_leaf(self, _: Leaf, facts: Json) -> None:
        self.agreed.discard((facts["digest"], facts["lineage"], facts["policy"]))

    def _decision_leaf(self, leaf: Leaf, facts: Json) -> None:
        leaf.demand(facts["job"] not in self.jobs, f"{facts['job']} was decided before")
        job = self.jobs[facts["job"]] = Job(facts, leaf.actor, set())
        for item in facts["datasets"]:
            line, name = self.lines.get(self.homes.get(item["dataset"], "")), item["dataset"]
            known = line is not None and item["version"] in line.versions
            leaf.demand(known, f"{name} had no version {item['version']}")
            leaf.demand(line is not None and line.policy == item["policy"], "another policy was in force")
            if (facts.get("template"), self.homes[name], item["policy"]) in self.agreed:
                job.beforehand.add(name)

    def _job(self, leaf: Leaf) -> Job:
        leaf.demand(leaf.facts["job"] in self.jobs, f"{leaf.facts['job']} was never decided")
        return self.jobs[leaf.facts["job"]]

    def _check_approved(self, job: Job, leaf: Leaf) -> None:
        """Raise `Wrong` unless every yes that the grants ask for had been given before *leaf*, and no no."""
        facts, name = job.decision, job.decision["job"]
        leaf.demand(all(one.kind == "approval" for one in job.answers), f"{name} had been rejected")
        if "grants" not in facts:  # of an older build, which charged no job that asked for a yes
            leaf.demand("outline" not in facts, f"the decision of {name} names no grants")
            return
        for item in facts["datasets"]:
            grant = self.policies[item["policy"]]["grants"][facts["grants"][item["dataset"]]]
            owner = self.lines[self.homes[item["dataset"]]].owner
            agreed = item["dataset"] in job.beforehand and job.asker != owner
            asked = [] if agreed and grant["approval"] == "owner" else parties(grant["approval"])
            since = leaf.at - timedelta(hours=grant.get("approval_expires", EXPIRES))
            for party in asked:
                void = {one.number: self._void(job, one, party, owner, since) for one in job.answers}
                given = {one.actor for one in job.answers if not void[one.number]}
                why = "".join(f"; leaf {number} {reason}" for number, reason in void.items() if reason)
                lacks = f"{len(given)} of {party[1]} had approved {name} for {item['dataset']} ({party[0]})"
                leaf.demand(len(given) >= party[1], lacks + why)
                self.consented += 1

    def _void(self, job: Job, yes: Leaf, party: Party, owner: str, since: datetime) -> str:
        """Return why a *yes* does not count for *party* of *owner*'s dataset, empty if it does."""
        if yes.actor == job.asker:
            return "is of who asked"
        if any(yes.facts[name] != job.decision[name] for name in BOUND):
            return "is about another plan"
        given, called = datetime.fromisoformat(yes.facts["given"]), self.called.get(yes.actor, set())
        if given <= since or given != yes.at:
            return "had expired"
        one = (yes.actor == owner) == (party[0] == "owner") and f"role:{party[0]}" in called
        return "" if (called & set(party[2]) if party[0] == "named" else one) else "is of somebody else"

    def _charge_leaf(self, leaf: Leaf, facts: Json) -> None:
        line = self.lines[facts["lineage"]]
        job = self.lost.get(facts["job"]) or self._job(leaf)
        leaf.demand(facts["lineage"] not in job.charged, "charged twice")
        leaf.demand(job.released is None, "charged after the release")
        job.charged[facts["lineage"]] = leaf
        line.spent = [spent + facts[unit] for spent, unit in zip(line.spent, UNITS, strict=True)]
        if facts["job"] in self.jobs:
            self._check_approved(job, leaf)
            limits = lifetime(self.policies[line.policy]["budget"], *line.filter)
            pairs = zip(line.spent, limits, UNITS, strict=True)
            within = all(spent <= most or not facts[unit] for spent, most, unit in pairs)
            leaf.demand(within, f"the lifetime limit of {facts['lineage']} was passed")

    def _replay_leaf(self, leaf: Leaf, facts: Json) -> None:
        self._check_approved(self._job(leaf), leaf)
        first = self.jobs.get(facts["of"])
        leaf.demand(first is not None and first.released is not None, f"{facts['of']} had released nothing")

    def _release_leaf(self, leaf: Leaf, facts: Json) -> None:
        job = self._job(leaf)
        leaf.demand(job.released is None, "released twice")
        homes = [self.homes[item["dataset"]] for item in job.decision["datasets"]]
        unpaid = ", ".join(home for home in homes if home not in job.charged)
        leaf.demand(not unpaid, f"released without a charge on {unpaid}")
        job.released = facts["result"]

    def _purge_leaf(self, leaf: Leaf, facts: Json) -> None:
        job = self._job(leaf)
        leaf.demand(job.released is not None, f"{facts['job']} had released nothing")
        job.purged = True

    def _restored_leaf(self, leaf: Leaf, _: Json) -> None:
        self.lost[f"lost-{leaf.number}"] = Job({}, leaf.actor, set())
        self._note("an older copy was accepted; what was logged after it is lost", leaf)


def parties(consent: Json) -> list[Party]:
    """Return whose yes a grant asks for: kinds, how many of each, and their names where it names them."""
    if isinstance(consent, dict):
        return [("named", consent["need"], consent["of"])]
    return [(kind, 1, ()) for kind in consent.split("+") if kind != "auto"]


# --- the bundle --------------------------------------------------------------------------------------------


class Bundle:
    """The files of a bundle, each checked against the signed list before it is used."""

    def __init__(self, path: Path) -> None:
        self._path, self._zip = path, None if path.is_dir() else zipfile.ZipFile(path)
        self.about: Json = json.loads(self.text("bundle.json"))

    def check(self, key: Key) -> None:
        """Raise `Wrong` unless *key* signed the list of files and each of them is as listed."""
        signature, about = self.text("bundle.sig").strip(), self.text("bundle.json").encode()
        held = signed(key.public.hex(), signature, SIGNED_AS + about)
        demand(held, f"the bundle was not signed by the key of {key.name}")
        listed = self.about["files"]
        names = set(self._zip.namelist()) if self._zip else {path.name for path in self._path.iterdir()}
        odd = sorted(names ^ (listed.keys() | {"bundle.json", "bundle.sig"}) | (listed.keys() ^ FILES))
        demand(not odd, f"files are missing or do not belong here: {', '.join(odd)}")
        for name, said in sorted(listed.items()):
            with self._open(name) as file:
                found = hashlib.file_digest(file, "sha256").hexdigest()
            demand(found == said, f"{name} is not the file that was signed")

    def lines(self, name: str) -> Iterator[bytes]:
        """Yield the lines of a file."""
        with self._open(name) as file:
            for line in file:
                yield line.removesuffix(b"\n")

    def rows(self, name: str) -> Iterator[Json]:
        """Yield what the lines of a file say."""
        return map(json.loads, self.lines(name))

    def text(self, name: str) -> str:
        """Return a small file as text."""
        with self._open(name) as file:
            return str(file.read().decode())

    def _open(self, name: str) -> Any:
        return self._zip.open(name) if self._zip else (self._path / name).open("rb")


def check_log(bundle: Bundle, head: Head, kept: Sequence[Head], books: Books) -> None:
    """Read every entry into *books*; raise `Wrong` unless they lead to *head* and passed through *kept*."""
    size, peaks, most = 0, Peaks(), max((size for size, _ in kept), default=0)
    cut = f"the log has {head[0]} entries, but {most} were seen before: its tail was cut off"
    demand(most <= head[0], cut)
    for size, line in enumerate(bundle.lines("log.jsonl"), 1):
        grow(peaks, hashed(LEAF, line))
        same = all(root_of(peaks) == root for at, root in kept if at == size)
        demand(same, f"another log was seen when it had {size} entries: there are two")
    demand((size, root_of(peaks)) == head, "the entries do not lead to the signed root")
    for number, line in enumerate(bundle.lines("log.jsonl")):
        entry = json.loads(line)
        demand(canonical(entry) == line, f"leaf {number} is not in canonical form")
        said = (entry["kind"], entry["actor"], datetime.fromisoformat(entry["time"]), entry["facts"])
        books.read(Leaf(number, *said))


def check_jobs(bundle: Bundle, books: Books) -> tuple[int, int]:
    """Recompute the loss of every charged job; return how many charges, and how many jobs lack an outline."""
    told = {row["job"]: row for row in bundle.rows("jobs.jsonl")}
    demand(told.keys() == books.jobs.keys(), "the jobs are not those that were decided")
    done, lacking = 0, 0
    for job, found in books.jobs.items():
        facts, charged = found.decision, found.charged
        row, odd = told[job], told[job].keys() - {"job", "outline", "plan", "sql", "salt"}
        demand(not odd, f"{job} has facts that the log does not know")
        planned = "plan" not in row or digest(row["plan"]) == facts["plan"]
        demand(planned, f"the plan of {job} is not the one that was decided")
        salted = hashed(bytes.fromhex(row.get("salt", "")), row.get("sql", "").encode()).hex()
        asked = "sql" not in row or salted == facts["text"]
        demand(asked, f"the text of {job} is not the one that was asked")
        homes = [books.homes[item["dataset"]] for item in facts["datasets"]]
        demand(charged.keys() in (set(), set(homes)), f"{job} was not charged on exactly what it reads")
        if "outline" not in facts:
            lacking += bool(charged)
            continue
        outline = row["outline"]
        demand(digest(outline) == facts["outline"], f"the outline of {job} is not the one that was decided")
        named = [[item["dataset"], item["version"]] for item in facts["datasets"]]
        demand(outline["sources"] == named, f"the outline of {job} reads other datasets")
        for home, cost in zip(homes, costs(outline) if charged else (), strict=bool(charged)):
            check_loss(cost, books.lines[home].filter[0], charged[home].facts, f"{job} on {home}")
            done += 1
    return done, lacking


def check_charges(bundle: Bundle, books: Books) -> None:
    """Raise `Wrong` unless the ledger of the bundle is the log's."""
    units, at = ("job", "lineage", *UNITS), datetime.fromisoformat
    logged = {
        (*(leaf.facts[unit] for unit in units), leaf.actor, leaf.at)
        for job in (*books.jobs.values(), *books.lost.values())
        for leaf in job.charged.values()
    }
    rows = list(bundle.rows("charges.jsonl"))
    told = {(*(row[unit] for unit in units), row["principal"], at(row["charged"])) for row in rows}
    demand(len(told) == len(rows) and told == logged, "the charges are not those in the log")
    demand(all(len(row) == len(units) + 2 for row in rows), "a charge has facts that the log does not know")


def check_releases(bundle: Bundle, books: Books) -> int:
    """Raise `Wrong` unless the releases are those in the log and have the size that was planned."""
    outlines = {row["job"]: row["outline"] for row in bundle.rows("jobs.jsonl")}
    seen: set[str] = set()
    for row in bundle.rows("releases.jsonl"):
        job, found = row["job"], books.jobs.get(row["job"])
        if found is None or found.released is None or job in seen:
            raise Wrong(f"the log knows no such release of {job}")
        demand(row.keys() == {"job", "result"}, f"the release of {job} has facts that the log does not know")
        seen.add(job)
        if row["result"] is None:
            demand(found.purged, f"the release of {job} is missing, and was not purged")
            continue
        demand(not found.purged, f"the release of {job} was purged, and is there")
        demand(digest(row["result"]) == found.released, f"the release of {job} is not what was released")
        demand(fits(outlines[job]["parts"], row["result"]), f"the release of {job} is larger than planned")
    missing = sorted({job for job, it in books.jobs.items() if it.released is not None} - seen)
    demand(not missing, f"releases are missing: {', '.join(missing[:5])}")
    return len(seen)


def fits(parts: Json, result: Json) -> bool:
    """Whether *result* has the cells and numbers of the *parts* of a plan."""
    sound = len(parts) == len(result)
    for part, released in zip(parts, result, strict=False):
        keys, vectors = released["keys"], released["vectors"]
        cells = math.prod(part["keys"]) if keys is None else len(keys)
        sound &= (part["selection"] is None) == (keys is None)
        sound &= all(len(group) == len(part["keys"]) for group in keys or ())
        sound &= list(map(len, vectors)) == [cells * width(*item) for item in part["measurements"]]
    return sound


def width(kind: str, *held: Json) -> int:
    """Return how many numbers of a measurement there are in a cell."""
    if kind == "quantile":
        return 3 * sum(not draw[2] for draw in held[1])
    return int(held[3] or 1) if kind == "total" else 1


# --- the command --------------------------------------------------------------------------------------------


def verify_bundle(path: Path, key: Key | None, kept: Sequence[str]) -> list[str]:
    """Return what holds, in lines; raise `Wrong` at the first thing that does not."""
    bundle = Bundle(path)
    own = Key.parse(bundle.text("key.txt"))
    demand(key is None or key == own, "the bundle was signed with another key than the one you gave")
    bundle.check(own)
    head = read_note(bundle.text("checkpoint.txt"), own)
    demand(head[0] == bundle.about["size"], "the bundle and its checkpoint differ in size")
    books = Books(policies := {digest(content): content for content in bundle.rows("policies.jsonl")})
    check_log(bundle, head, [read_note(note, own) for note in kept], books)
    demand(policies.keys() == books.applied, "the policies are not those that were applied")
    check_charges(bundle, books)
    done, lacking = check_jobs(bundle, books)
    releases, charges = check_releases(bundle, books), sum(1 for _ in bundle.lines("charges.jsonl"))
    keys = ", ".join(f"{owner} {key}" for owner, (key, _) in sorted(books.keys.items())) or "none"
    told = [
        f"log          {own.name}: {head[0]} entries lead to the signed root {head[1].hex()}",
        f"kept         {len(kept)} checkpoints passed",
        f"policies     {len(policies)}, each logged, and signed with the key that its owner had pinned",
        f"keys         pinned last: {keys}",
        f"approvals    {books.consented} needed, each given by others before the charge",
        f"charges      {charges}, each logged and decided before; {done} recomputed",
        f"releases     {releases}, each charged before, with the digest and the size that were decided",
    ]
    if key is None:
        told.append("warning      the key came with the bundle: give the one you wrote down with --key")
    told += ["warning      compared with no checkpoint: give the one you kept with --kept"] * (not kept)
    if lacking:
        told.append(f"warning      {lacking} jobs were decided before outlines were logged: not recomputed")
    for text, numbers in books.noted.items():
        more = f" … ({len(numbers)})" * (len(numbers) > 9)
        told.append(f"warning      leaf {', '.join(map(str, numbers[:9]))}{more}: {text}")
    for name, each in sorted(json.loads(bundle.text("pld.json"))["lineages"].items()):
        tighter = f"about ε {each['epsilon']} at δ {each['delta']} by PLD"
        told.append(f"information  {name}: {tighter}; the filter counted ε {each['filter_epsilon']}")
    return told


def verify_proof(proof: Json, key: Key, kept: Sequence[str]) -> list[str]:
    """Return what a proof shows, in lines; raise `Wrong` if it shows nothing."""
    if proof["kind"] == "job":
        for each in proof["proofs"]:
            said = json.loads(each["entry"])["facts"].get("job")
            demand(said == proof["job"], f"an entry is not about {proof['job']}")
        return [line for each in proof["proofs"] for line in verify_proof(each, key, kept)]
    head = read_note(proof["checkpoint"], key)
    path = [base64.b64decode(each, validate=True) for each in proof["hashes"]]
    if proof["kind"] == "inclusion":
        number, entry = proof["leaf"], hashed(LEAF, proof["entry"].encode())
        shown = 0 <= number < head[0] and root_over(entry, number, head[0], path) == head[1]
        demand(shown, f"the proof does not show entry {number} in the log")
        return [f"entry {proof['leaf']} is in the log of {head[0]} entries: {proof['entry']}"]
    demand(proof["kind"] == "consistency" and len(kept) == 1, "give the checkpoint you kept with --kept")
    first = read_note(kept[0], key)
    demand(first[0] == proof["size"], "the proof begins at another checkpoint")
    begins = first[0] == 0 and not path
    if 0 < first[0] <= head[0]:
        begins = roots_over(first[0], head[0], path, first[1]) == (first[1], head[1])
    demand(begins, f"the log of {head[0]} entries does not begin with the one kept at {first[0]}")
    return [f"the log of {head[0]} entries begins with the one kept at {first[0]}"]


def read_file(path: Path) -> str:
    """Return the text of a file that was given on the command line; `ValueError` says which is no text."""
    try:
        return path.read_text("utf-8")
    except (OSError, ValueError):
        raise ValueError(f"{path} cannot be read") from None


def read_key(named: str) -> Key:
    """Return the key that *named* is, or that stands in the file of this name."""
    with suppress(ValueError):
        return Key.parse(named)
    with suppress(ValueError):
        return Key.parse(read_file(Path(named)))
    raise ValueError(f"--key: {named[:80]!r} is neither a log's public key (name+hash+key) nor a file of one")


def main(arguments: Sequence[str]) -> int:
    """Run the command; return its exit code."""
    parser = argparse.ArgumentParser(description="Verify evidence of a Keyong log.")
    parser.add_argument("bundle", nargs="?", type=Path, help="what `keyong audit export` wrote")
    parser.add_argument("--proof", type=Path, help="a file that `keyong audit prove` wrote")
    parser.add_argument("--key", help="the log's public key, or a file with it")
    parser.add_argument("--kept", action="append", default=[], type=Path, help="a checkpoint, kept; repeat")
    asked = parser.parse_args(arguments)
    if (asked.bundle is None) == (asked.proof is None) or (asked.proof and not asked.key):
        parser.error("give a bundle, or --proof and --key")
    try:
        key = read_key(asked.key) if asked.key is not None else None
        kept = [read_file(path) for path in asked.kept]
        proof = read_file(asked.proof) if asked.proof else None
    except ValueError as error:
        parser.error(str(error))
    try:
        if key is not None and proof is not None:
            lines = verify_proof(json.loads(proof), key, kept)
        else:
            lines = verify_bundle(asked.bundle, key, kept)
    except Exception as error:  # whatever a strange file breaks, it is no evidence
        strange = f"this cannot be read as evidence ({type(error).__name__}: {error})"
        sys.stdout.write(f"WRONG: {error if isinstance(error, Wrong) else strange}\n")
        return TAMPERED
    sys.stdout.write("\n".join([*lines, "Everything holds."]) + "\n")
    return OK


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
