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
  had been charged to every dataset that it reads, and what was charged had been decided, by the policy that
  was then in force; where a grant asks for approval, somebody else had approved this very plan before (the
  whole rule, k of n and expiry, is checked by `keyong audit verify`);
* what each lineage was charged is exactly what the noise of the job's plan costs it, computed here again by
  ADR 3, 6, 12, 13 and 17 in whole numbers and fractions;
* no charge passed the lifetime limit of the policy then in force; every policy has the digest that was
  logged.

The PLD figures are information: another library computed them, nobody checks them here, they admitted no
job.  Whoever holds the log's key can sign another log: only a checkpoint that was kept elsewhere, and a key
that was known beforehand, tell the two apart.
"""

from __future__ import annotations

import argparse
import base64
import binascii
import hashlib
import json
import math
import re
import sys
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import ROUND_HALF_EVEN, Context, Decimal
from fractions import Fraction
from pathlib import Path
from typing import Any, Final

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

OK, USAGE, TAMPERED = 0, 2, 7
PICO, ATTO = 10**12, 10**18
FAR: Final = re.compile("[\ue000-\U0010ffff]")
SIGNED_AS: Final = b"keyong bundle v1\n"
FILES: Final = frozenset(
    {
        "checkpoint.txt",
        "key.txt",
        "log.jsonl",
        "jobs.jsonl",
        "charges.jsonl",
        "releases.jsonl",
        "policies.jsonl",
        "pld.json",
        "README.txt",
        "verify_bundle.py",
    }
)
Json = Any


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
    return hashlib.sha256(canonical(value)).hexdigest()


# --- tree and checkpoints: RFC 6962 §2.1, RFC 9162 §2.1, C2SP tlog-checkpoint ----------------------------


def leaf_hash(entry: bytes) -> bytes:
    """Return the hash of a leaf."""
    return hashlib.sha256(b"\x00" + entry).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """Return the hash of a node."""
    return hashlib.sha256(b"\x01" + left + right).digest()


@dataclass(slots=True)
class Tree:
    """A growing tree: the roots of its complete subtrees, left to right, with their sizes."""

    size: int = 0
    peaks: list[tuple[int, bytes]] = field(default_factory=list)

    def append(self, leaf: bytes) -> None:
        """Add a leaf."""
        width = 1
        while self.peaks and self.peaks[-1][0] == width:
            leaf, width = node_hash(self.peaks.pop()[1], leaf), 2 * width
        self.peaks.append((width, leaf))
        self.size += 1

    def root(self) -> bytes:
        """Return the root over all leaves so far."""
        if not self.peaks:
            return hashlib.sha256(b"").digest()
        running = self.peaks[-1][1]
        for _, left in reversed(self.peaks[:-1]):
            running = node_hash(left, running)
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
        raw = base64.b64decode(encoded, validate=True)
        key = cls(name, raw[1:])
        if raw[:1] != b"\x01" or len(raw) != 33 or said != key.hash().hex():
            raise ValueError("not a key")
        return key

    def hash(self) -> bytes:
        """Return the four bytes that name the key on a signature line."""
        return hashlib.sha256(self.name.encode() + b"\n\x01" + self.public).digest()[:4]

    def check(self, signature: bytes, signed: bytes, what: str) -> None:
        """Raise `Wrong` unless this key made *signature* over *signed*."""
        try:
            Ed25519PublicKey.from_public_bytes(self.public).verify(signature, signed)
        except InvalidSignature:
            raise Wrong(f"{what} was not signed by the key of {self.name}") from None


def read_note(note: str, key: Key) -> tuple[int, bytes]:
    """Return size and root of a checkpoint note, after its signature was checked."""
    text, _, lines = note.partition("\n\n")
    signed = [line.split(" ") for line in lines.removesuffix("\n").split("\n")]
    demand(lines.endswith("\n") and all(one[0] == "—" for one in signed), "a checkpoint has not its form")
    own = [base64.b64decode(raw, validate=True) for _, name, raw in signed if name == key.name]
    signatures = [raw for raw in own if raw[:4] == key.hash()]
    demand(bool(signatures), f"a checkpoint has no signature of {key.name}")
    for raw in signatures:
        key.check(raw[4:], f"{text}\n".encode(), "a checkpoint")
    origin, size, root = text.split("\n")
    demand(origin == key.name, f"a checkpoint is of the log {origin}")
    return int(size), base64.b64decode(root, validate=True)


def check_inclusion(leaf: bytes, number: int, size: int, path: Sequence[bytes], root: bytes) -> None:
    """Raise `Wrong` unless *path* leads from *leaf* to *root* (RFC 9162 §2.1.3.2)."""
    fn, sn, running, sound = number, size - 1, leaf, 0 <= number < size
    for sibling in path:
        sound = sound and sn != 0
        if fn & 1 or fn == sn:
            running = node_hash(sibling, running)
            while fn and not fn & 1:
                fn, sn = fn >> 1, sn >> 1
        else:
            running = node_hash(running, sibling)
        fn, sn = fn >> 1, sn >> 1
    demand(sound and sn == 0 and running == root, f"the proof does not show entry {number} in the log")


def check_consistency(first: tuple[int, bytes], second: tuple[int, bytes], path: Sequence[bytes]) -> None:
    """Raise `Wrong` unless *path* shows that the *first* log begins the *second* (RFC 9162 §2.1.4.2)."""
    wrong = f"the log of {second[0]} entries does not begin with the one kept at {first[0]}"
    if first[0] == 0 or first[0] == second[0]:
        demand(not path and (first[0] == 0 or first[1] == second[1]), wrong)
        return
    demand(first[0] < second[0] and bool(path), wrong)
    steps = [first[1], *path] if first[0] & (first[0] - 1) == 0 else list(path)
    fn, sn = first[0] - 1, second[0] - 1
    while fn & 1:
        fn, sn = fn >> 1, sn >> 1
    one = two = steps[0]
    for sibling in steps[1:]:
        demand(sn != 0, wrong)
        if fn & 1 or fn == sn:
            one, two = node_hash(sibling, one), node_hash(sibling, two)
            while fn and not fn & 1:
                fn, sn = fn >> 1, sn >> 1
        else:
            two = node_hash(two, sibling)
        fn, sn = fn >> 1, sn >> 1
    demand(sn == 0 and one == first[1] and two == second[1], wrong)


# --- what a plan's noise costs: ADR 3, 6, 12, 13, 17 ------------------------------------------------------


def rows_of(frame: Json) -> int:
    """Return the largest number of rows of one unit in *frame*."""
    kind, *held = frame
    for inner in held:
        if isinstance(inner, list) and kind != "per-unit":
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
    if frame[0] == "scan":
        return frozenset({frame[1]})
    return frozenset().union(*map(sources, inner_frames(frame)))


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
    if needs(frame, source):
        return 1
    if frame[0] == "join" and frame[1] == "anti" and rows_of(frame[2]) <= frame[-1]:
        return 2 if source in sources(frame[2]) else 1
    return 2 if source in sources(frame) else 1


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
    for kind, *held in part["measurements"]:
        if kind == "quantile":
            demand(not held[1] or not held[1][0][2], "a half-width is drawn around no point")
            yield from (drawn(part["rows"], *draw[:2]) for draw in held[1])
            continue
        scale = Fraction(held[-1])
        demand(scale > 0, "a measurement has no noise")
        one, two = moved(part, kind, held)
        if mechanism == "discrete-laplace":
            yield Cost(one / scale, (one / scale) ** 2 / 2)
        else:
            demand(mechanism == "discrete-gaussian", "an unknown mechanism")
            yield Cost(None, two / (2 * scale))
    if part["selection"] is not None:
        scale, threshold = Fraction(part["selection"][0]), int(part["selection"][1])
        demand(scale > 0 and mechanism == "discrete-gaussian", "a key selection has no noise")
        yield Cost(None, part["rows"] / (2 * scale), selection_delta(scale, part["rows"], threshold))


def drawn(rows: int, quantile: str, rate: str) -> Cost:
    """Return the cost of one exponential mechanism."""
    asked, speed = Fraction(quantile), Fraction(rate)
    demand(speed > 0 and 0 <= asked <= 1, "a quantile is drawn without noise")
    epsilon = 2 * speed * rows * max(asked.numerator, asked.denominator - asked.numerator)
    return Cost(epsilon, epsilon**2 / 8)


def moved(part: Json, kind: str, held: Json) -> tuple[Fraction, Fraction]:
    """Return by how much one unit moves a measurement: L1, and L2 squared."""
    rows = Fraction(part["rows"])
    if kind == "total":
        most = rows * largest(*held[:3])
        return most, most**2
    if kind == "units":
        cells = rows if part["selection"] is not None else min(rows, Fraction(math.prod(part["keys"])))
        return cells, cells
    demand(kind == "distinct", "an unknown measurement")
    return rows, rows * min(rows, held[0])


def largest(factors: Json, square: bool, shift: str) -> int:
    """Return the largest absolute contribution of a row to a total."""
    if not factors:
        return 1
    ends: list[tuple[Fraction, Fraction]] = []
    for low, high, origin, grid in (map(Fraction, factor) for factor in factors):
        whole = grid > 0 and low <= high and not any(end % grid for end in (low, high, origin))
        demand(whole, "bounds do not lie on their grid")
        ends.append(((low - origin) / grid, (high - origin) / grid))
    moved_by = int(shift)
    if square:
        squares = [end**2 - moved_by for end in (*ends[0], Fraction(0))]
        return int(max(abs(square_) for square_ in squares))
    corners = [Fraction(1)]
    for pair in ends:
        corners = [corner * end for corner in corners for end in pair]
    return int(max(abs(corner - moved_by) for corner in corners))


def selection_delta(scale: Fraction, groups: int, threshold: int) -> Fraction:
    """Return groups·P(1 + Z > threshold), Z discrete Gaussian, rounded up to 10^-18."""
    return min(
        Fraction(math.ceil(groups * Fraction(tail(scale, threshold) * (1 + 1e-9)) * ATTO), ATTO),
        Fraction(groups),
    )


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
    if filter_ == "pure":
        demand(
            cost.epsilon is not None and not cost.delta,
            f"{what}: the plan costs what a pure filter cannot count",
        )
        exact = (math.ceil((cost.epsilon or 0) * PICO), 0)
        said = (paid["epsilon_pico"], paid["rho_pico"])
    else:
        exact = (0, math.ceil(cost.rho * PICO))
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
    inverse, asked = (
        ctx.divide(Decimal(value.numerator), Decimal(value.denominator))
        for value in (1 / Fraction(delta), epsilon)
    )
    log = ctx.ln(inverse)
    root = ctx.divide(asked, ctx.add(ctx.sqrt(ctx.add(log, asked)), ctx.sqrt(log)))
    rho = Fraction(ctx.multiply(root, root)) * PICO * (1 - Fraction(1, 10**50)) // 1
    return 0, int(rho), selection


# --- the log, read in order --------------------------------------------------------------------------------


@dataclass(slots=True)
class Books:
    """What the log says so far."""

    policies: Mapping[str, Json]
    filters: dict[str, tuple[str, str]] = field(default_factory=dict)
    homes: dict[str, str] = field(default_factory=dict)
    versions: set[tuple[str, int]] = field(default_factory=set)
    in_force: dict[str, str] = field(default_factory=dict)
    applied: set[str] = field(default_factory=set)
    decided: dict[str, Json] = field(default_factory=dict)
    askers: dict[str, str] = field(default_factory=dict)
    charged: dict[str, dict[str, Json]] = field(default_factory=dict)
    spent: dict[str, list[int]] = field(default_factory=dict)
    released: dict[str, Json] = field(default_factory=dict)
    replayed: dict[str, str] = field(default_factory=dict)
    purged: set[str] = field(default_factory=set)
    approved: set[tuple[str, str]] = field(default_factory=set)
    restored: list[int] = field(default_factory=list)
    backwards: list[int] = field(default_factory=list)
    last: datetime | None = None

    def read(self, number: int, entry: Json) -> None:
        """Take in entry *number*; raise `Wrong` if what stood before it does not carry it."""
        kind, facts, at = entry["kind"], entry["facts"], datetime.fromisoformat(entry["time"])
        if self.last is not None and at < self.last:
            self.backwards.append(number)
        self.last = max(at, self.last or at)
        what = f"leaf {number} ({kind})"
        if kind != "policy" and facts.keys() >= {"lineage", "version", "digest"}:
            self.versions.add((facts["lineage"], facts["version"]))
        match kind:
            case "lineage":
                self.filters[facts["lineage"]] = (facts["filter"], facts["delta"])
            case "version":
                self.homes[facts["dataset"]] = facts["lineage"]
            case "policy":
                demand(facts["digest"] in self.policies, f"{what}: the policy is not in the bundle")
                self.in_force[facts["lineage"]] = facts["digest"]
                self.applied.add(facts["digest"])
            case "decision":
                self._decide(entry, what)
            case "charge":
                self._charge(entry, what)
            case "approval" if entry["actor"] != self.askers.get(facts["job"]):
                self.approved.add((facts["job"], facts["plan"]))
            case "replay":
                demand(facts["job"] in self.decided, f"{what}: it was never decided")
                self._check_approved(facts["job"], what)
                demand(facts["of"] in self.released, f"{what}: {facts['of']} had released nothing")
                self.replayed[facts["job"]] = facts["of"]
            case "release":
                self._release(entry, what)
            case "purge":
                demand(facts["job"] in self.released, f"{what}: {facts['job']} had released nothing")
                self.purged.add(facts["job"])
            case "restored":
                self.restored.append(number)

    def _decide(self, entry: Json, what: str) -> None:
        facts = entry["facts"]
        demand(facts["job"] not in self.decided, f"{what}: {facts['job']} was decided before")
        for item in facts["datasets"]:
            home = self.homes.get(item["dataset"], "")
            known = (home, item["version"]) in self.versions
            demand(known, f"{what}: {item['dataset']} had no version {item['version']}")
            demand(self.in_force.get(home) == item["policy"], f"{what}: another policy was in force")
        self.decided[facts["job"]] = facts
        self.askers[facts["job"]] = entry["actor"]

    def _check_approved(self, job: str, what: str) -> None:
        """Raise `Wrong` if a grant that let *job* through asks for a yes, and none came before."""
        facts = self.decided[job]
        grants = [
            self.policies[item["policy"]]["grants"][facts["grants"][item["dataset"]]]
            for item in facts["datasets"]
        ]
        automatic = all(grant["approval"] == "auto" for grant in grants)
        demand(automatic or (job, facts["plan"]) in self.approved, f"{what}: nobody approved {job}")

    def _charge(self, entry: Json, what: str) -> None:
        facts = entry["facts"]
        job, lineage = facts["job"], facts["lineage"]
        known = job in self.decided or job in {f"lost-{number}" for number in self.restored}
        demand(known, f"{what}: {job} was never decided")
        demand(lineage not in self.charged.get(job, {}), f"{what}: charged twice")
        demand(job not in self.released, f"{what}: charged after the release")
        self.charged.setdefault(job, {})[lineage] = entry
        spent = self.spent.setdefault(lineage, [0, 0, 0])
        for place, unit in enumerate(("epsilon_pico", "rho_pico", "delta_atto")):
            spent[place] += facts[unit]
        if job in self.decided:
            self._check_approved(job, what)
            budget = self.policies[self.in_force[lineage]]["budget"]
            limit = lifetime(budget, *self.filters[lineage])
            within = all(
                s <= m or not facts[u]
                for s, m, u in zip(spent, limit, ("epsilon_pico", "rho_pico", "delta_atto"), strict=True)
            )
            demand(within, f"{what}: the lifetime limit of {lineage} was passed")

    def _release(self, entry: Json, what: str) -> None:
        facts = entry["facts"]
        demand(facts["job"] not in self.released, f"{what}: released twice")
        demand(facts["job"] in self.decided, f"{what}: it was never decided")
        homes = [self.homes[item["dataset"]] for item in self.decided[facts["job"]]["datasets"]]
        unpaid = [home for home in homes if home not in self.charged.get(facts["job"], {})]
        demand(not unpaid, f"{what}: released without a charge on {', '.join(unpaid)}")
        self.released[facts["job"]] = entry


# --- the bundle --------------------------------------------------------------------------------------------


class Bundle:
    """The files of a bundle, each checked against the signed list before it is used."""

    def __init__(self, path: Path) -> None:
        self._zip = None if path.is_dir() else zipfile.ZipFile(path)
        self._path = path
        self.about: Json = json.loads(self._bytes("bundle.json"))

    def check(self, key: Key) -> None:
        """Raise `Wrong` unless *key* signed the list of files and each of them is as listed."""
        key.check(
            bytes.fromhex(self.text("bundle.sig").strip()),
            SIGNED_AS + self._bytes("bundle.json"),
            "the bundle",
        )
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
        return self._bytes(name).decode()

    def _bytes(self, name: str) -> bytes:
        with self._open(name) as file:
            return bytes(file.read())

    def _open(self, name: str) -> Any:
        return self._zip.open(name) if self._zip else (self._path / name).open("rb")


def check_log(
    bundle: Bundle, head: tuple[int, bytes], kept: Sequence[tuple[int, bytes]], books: Books
) -> None:
    """Read every entry into *books*; raise `Wrong` unless they lead to *head* and passed through *kept*."""
    tree, promises = Tree(), dict(kept)
    for size, _ in kept:
        demand(
            size <= head[0],
            f"the log has {head[0]} entries, but {size} were seen before: its tail was cut off",
        )
    for line in bundle.lines("log.jsonl"):
        tree.append(leaf_hash(line))
        if tree.size in promises:
            demand(
                tree.root() == promises[tree.size],
                f"another log was seen when it had {tree.size} entries: there are two",
            )
    demand((tree.size, tree.root()) == head, "the entries do not lead to the signed root")
    for number, line in enumerate(bundle.lines("log.jsonl")):
        entry = json.loads(line)
        demand(canonical(entry) == line, f"leaf {number} is not in canonical form")
        books.read(number, entry)


def check_jobs(bundle: Bundle, books: Books) -> tuple[int, int]:
    """Recompute the loss of every charged job; return how many charges, and how many jobs lack an outline."""
    told = {row["job"]: row for row in bundle.rows("jobs.jsonl")}
    demand(told.keys() == books.decided.keys(), "the jobs are not those that were decided")
    done, lacking = 0, 0
    for job, facts in books.decided.items():
        check_texts(told[job], facts)
        homes = [books.homes[item["dataset"]] for item in facts["datasets"]]
        charged = books.charged.get(job, {})
        demand(charged.keys() in (set(), set(homes)), f"{job} was not charged on exactly what it reads")
        if "outline" not in facts:
            lacking += bool(charged)
            continue
        outline = told[job]["outline"]
        demand(digest(outline) == facts["outline"], f"the outline of {job} is not the one that was decided")
        named = [[item["dataset"], item["version"]] for item in facts["datasets"]]
        demand(outline["sources"] == named, f"the outline of {job} reads other datasets")
        for home, cost in zip(homes, costs(outline) if charged else (), strict=bool(charged)):
            check_loss(cost, books.filters[home][0], charged[home]["facts"], f"{job} on {home}")
            done += 1
    return done, lacking


def check_texts(row: Json, facts: Json) -> None:
    """Hold what the bundle says of a question beside its outline against the decision's leaf."""
    if "plan" in row:
        demand(
            digest(row["plan"]) == facts["plan"], f"the plan of {row['job']} is not the one that was decided"
        )
    if "sql" in row:
        salted = hashlib.sha256(bytes.fromhex(row["salt"]) + row["sql"].encode()).hexdigest()
        demand(salted == facts["text"], f"the text of {row['job']} is not the one that was asked")
    odd = row.keys() - {"job", "outline", "plan", "sql", "salt"}
    demand(not odd, f"{row['job']} has facts that the log does not know")


def check_charges(bundle: Bundle, books: Books) -> None:
    """Raise `Wrong` unless the ledger of the bundle is the log's."""
    units = ("job", "lineage", "epsilon_pico", "rho_pico", "delta_atto")
    logged = {
        (*(entry["facts"][unit] for unit in units), entry["actor"], datetime.fromisoformat(entry["time"]))
        for charged in books.charged.values()
        for entry in charged.values()
    }
    rows = list(bundle.rows("charges.jsonl"))
    told = {
        (*(row[unit] for unit in units), row["principal"], datetime.fromisoformat(row["charged"]))
        for row in rows
    }
    demand(len(told) == len(rows) and told == logged, "the charges are not those in the log")
    demand(all(len(row) == len(units) + 2 for row in rows), "a charge has facts that the log does not know")


def check_releases(bundle: Bundle, books: Books) -> int:
    """Raise `Wrong` unless the releases are those in the log and have the size that was planned."""
    outlines = {row["job"]: row["outline"] for row in bundle.rows("jobs.jsonl")}
    seen: set[str] = set()
    for row in bundle.rows("releases.jsonl"):
        job = row["job"]
        entry: Json = books.released.get(job)
        demand(entry is not None and job not in seen, f"the log knows no such release of {job}")
        demand(row.keys() == {"job", "result"}, f"the release of {job} has facts that the log does not know")
        seen.add(job)
        if row["result"] is None:
            demand(job in books.purged, f"the release of {job} is missing, and was not purged")
            continue
        demand(job not in books.purged, f"the release of {job} was purged, and is there")
        demand(
            digest(row["result"]) == entry["facts"]["result"],
            f"the release of {job} is not what was released",
        )
        demand(fits(outlines[job], row["result"]), f"the release of {job} is larger than planned")
    missing = sorted(books.released.keys() - seen)
    demand(not missing, f"releases are missing: {', '.join(missing[:5])}")
    return len(seen)


def fits(outline: Json, result: Json) -> bool:
    """Whether *result* has the parts, cells and numbers of the plan."""
    return len(outline["parts"]) == len(result) and all(map(part_fits, outline["parts"], result))


def part_fits(part: Json, released: Json) -> bool:
    """Whether one part of a release has the cells and numbers of its plan."""
    keys = released["keys"]
    if (part["selection"] is None) != (keys is None):
        return False
    cells = math.prod(part["keys"]) if keys is None else len(keys)
    named = all(len(group) == len(part["keys"]) for group in keys or ())
    widths = [width(*item) for item in part["measurements"]]
    return named and [len(vector) for vector in released["vectors"]] == [cells * each for each in widths]


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
    policies = {digest(content): content for content in bundle.rows("policies.jsonl")}
    books = Books(policies)
    check_log(bundle, head, [read_note(note, own) for note in kept], books)
    demand(policies.keys() == books.applied, "the policies are not those that were applied")
    check_charges(bundle, books)
    done, lacking = check_jobs(bundle, books)
    releases, charges = check_releases(bundle, books), sum(map(len, books.charged.values()))
    told = [
        f"log          {own.name}: {head[0]} entries lead to the signed root {head[1].hex()}",
        f"kept         {len(kept)} checkpoints passed",
        f"policies     {len(policies)}, each with the digest that was logged",
        f"charges      {charges}, each logged and decided before; {done} recomputed",
        f"releases     {releases}, each charged before, with the digest and the size that were decided",
    ]
    if key is None:
        told.append("warning      the key came with the bundle: give the one you wrote down with --key")
    if not kept:
        told.append("warning      compared with no checkpoint: give the one you kept with --kept")
    if lacking:
        told.append(f"warning      {lacking} jobs were decided before outlines were logged: not recomputed")
    if books.backwards:
        told.append(
            f"warning      the clock went back at {len(books.backwards)} leaves, first {books.backwards[0]}"
        )
    told += [
        f"warning      leaf {n}: an older copy was accepted; what was logged after it is lost"
        for n in books.restored
    ]
    return [*told, *pld_lines(json.loads(bundle.text("pld.json")))]


def pld_lines(pld: Json) -> list[str]:
    """Return the PLD figures as information."""
    lines = [
        f"information  {name}: about ε {each['epsilon']} at δ {each['delta']} by PLD; "
        f"the filter counted ε {each['filter_epsilon']}"
        for name, each in sorted(pld["lineages"].items())
    ]
    return lines or ["information  no PLD figures"]


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
        check_inclusion(leaf_hash(proof["entry"].encode()), proof["leaf"], head[0], path, head[1])
        return [f"entry {proof['leaf']} is in the log of {head[0]} entries: {proof['entry']}"]
    demand(proof["kind"] == "consistency" and len(kept) == 1, "give the checkpoint you kept with --kept")
    first = read_note(kept[0], key)
    demand(first[0] == proof["size"], "the proof begins at another checkpoint")
    check_consistency(first, head, path)
    return [f"the log of {head[0]} entries begins with the one kept at {first[0]}"]


def main(arguments: Sequence[str]) -> int:
    """Run the command; return its exit code."""
    parser = argparse.ArgumentParser(description="Verify evidence of a Keyong log.")
    parser.add_argument(
        "bundle", nargs="?", type=Path, help="directory or .zip that `keyong audit export` wrote"
    )
    parser.add_argument("--proof", type=Path, help="a file that `keyong audit prove` wrote")
    parser.add_argument("--key", help="the log's public key, or a file with it")
    parser.add_argument(
        "--kept", action="append", default=[], type=Path, help="a checkpoint that you kept; repeat"
    )
    asked = parser.parse_args(arguments)
    if (asked.bundle is None) == (asked.proof is None) or (asked.proof and not asked.key):
        parser.error("give a bundle, or --proof and --key")
    try:
        named = asked.key and (Path(asked.key).read_text("utf-8") if "+" not in asked.key else asked.key)
        key = Key.parse(named) if named else None
        kept = [path.read_text("utf-8") for path in asked.kept]
        if key is not None and asked.proof is not None:
            lines = verify_proof(json.loads(asked.proof.read_text("utf-8")), key, kept)
        else:
            lines = verify_bundle(asked.bundle, key, kept)
    except Wrong as finding:
        sys.stdout.write(f"WRONG: {finding}\n")
        return TAMPERED
    except (
        OSError,
        KeyError,
        IndexError,
        TypeError,
        ValueError,
        binascii.Error,
        ArithmeticError,
        zipfile.BadZipFile,
    ) as error:
        sys.stdout.write(f"WRONG: this cannot be read as evidence ({type(error).__name__}: {error})\n")
        return TAMPERED
    sys.stdout.write("\n".join([*lines, "Everything holds."]) + "\n")
    return OK


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
