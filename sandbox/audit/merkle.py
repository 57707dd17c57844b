"""The Merkle tree of the log: hashing and proofs, nothing else.

Hashing is RFC 6962 §2.1 with SHA-256: a leaf is H(0x00 ‖ entry), a node H(0x01 ‖ left ‖ right), the empty
tree H("").  Proofs are RFC 6962 §2.1.1 and §2.1.2, verified as in RFC 9162 §2.1.3.2 and §2.1.4.2.

A *node* (level, position) is the root of the complete subtree over the leaves position·2^level up to, but
without, (position + 1)·2^level.  A log stores every node once and never changes one; every root and every
proof of every earlier size is made of O(log n) of them, fetched through a `Lookup`.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from sandbox.errors import TamperingError

HASH_BYTES: Final = 32
EMPTY_ROOT: Final = hashlib.sha256(b"").digest()

Lookup = Callable[[int, int], bytes]
"""(level, position) to the stored hash of that node."""


@dataclass(frozen=True, slots=True)
class Node:
    """A complete subtree and its hash."""

    level: int
    position: int
    hash: bytes


def leaf_hash(entry: bytes) -> bytes:
    """Return the hash of a leaf."""
    return hashlib.sha256(b"\x00" + entry).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """Return the hash over two subtrees."""
    return hashlib.sha256(b"\x01" + left + right).digest()


def peaks(size: int) -> list[tuple[int, int]]:
    """Return (level, position) of the complete subtrees of a tree of *size* leaves, left to right."""
    levels = range(size.bit_length() - 1, -1, -1)
    return [(level, (size >> level) - 1) for level in levels if size >> level & 1]


class Frontier:
    """A growing tree of which only the peaks are kept: O(log n) memory for any number of leaves."""

    def __init__(self, size: int = 0, hashes: Iterable[bytes] = ()) -> None:
        """Go on from a tree of *size* leaves with the hashes of its `peaks`."""
        self.size = size
        self._hashes = list(hashes)

    def append(self, leaf: bytes) -> list[Node]:
        """Add a leaf hash; return the nodes that it completes, the leaf itself first."""
        position = self.size
        return [Node(level, position >> level, each) for level, each in enumerate(self.push(leaf))]

    def push(self, leaf: bytes) -> list[bytes]:
        """Add a leaf hash; return the hashes of the nodes that it completes, by level from 0."""
        position, completed = self.size, [leaf]
        while position & 1:
            leaf = node_hash(self._hashes.pop(), leaf)
            completed.append(leaf)
            position >>= 1
        self._hashes.append(leaf)
        self.size += 1
        return completed

    def root(self) -> bytes:
        """Return the root over all leaves so far."""
        return _fold(self._hashes)


def root(hashes: Iterable[bytes]) -> bytes:
    """Return the root over leaf *hashes*, in order."""
    frontier = Frontier()
    for leaf in hashes:
        frontier.append(leaf)
    return frontier.root()


def root_at(lookup: Lookup, size: int) -> bytes:
    """Return the root that the tree had at *size* leaves."""
    return _subtree(lookup, 0, size)


def inclusion_proof(lookup: Lookup, leaf: int, size: int) -> list[bytes]:
    """Return the audit path of leaf number *leaf* (from 0) in the tree of *size* > *leaf* leaves."""
    start, end = 0, size
    ranges: list[tuple[int, int]] = []
    while end - start > 1:
        middle = start + _split(end - start)
        if leaf < middle:
            ranges.append((middle, end))
            end = middle
        else:
            ranges.append((start, middle))
            start = middle
    return [_subtree(lookup, *each) for each in reversed(ranges)]


def consistency_proof(lookup: Lookup, first: int, second: int) -> list[bytes]:
    """Return the proof that the tree of *first* leaves begins the one of *second* ≥ *first* leaves.

    Empty if *first* is 0: every tree begins with the empty one.
    """
    if first == 0:
        return []
    start, end = 0, second
    ranges: list[tuple[int, int]] = []
    while end != first:
        middle = start + _split(end - start)
        if first <= middle:
            ranges.append((middle, end))
            end = middle
        else:
            ranges.append((start, middle))
            start = middle
    if start:  # else the verifier knows this subtree: it is the first root
        ranges.append((start, end))
    return [_subtree(lookup, *each) for each in reversed(ranges)]


def verify_inclusion(leaf: bytes, number: int, size: int, proof: Sequence[bytes], root: bytes) -> None:
    """Raise `TamperingError` unless *proof* leads from leaf hash *leaf* to *root* (RFC 9162 §2.1.3.2)."""
    fn, sn, running = number, size - 1, leaf
    sound = 0 <= number < size
    for sibling in proof:
        sound = sound and sn != 0
        if fn & 1 or fn == sn:
            running = node_hash(sibling, running)
            fn, sn = _skip_right_edge(fn, sn)
        else:
            running = node_hash(running, sibling)
        fn, sn = fn >> 1, sn >> 1
    if not sound or sn != 0 or running != root:
        raise TamperingError("log.bad-inclusion", leaf=number, size=size)


def verify_consistency(
    first: int, first_root: bytes, second: int, second_root: bytes, proof: Sequence[bytes]
) -> None:
    """Raise `TamperingError` unless *proof* joins the two trees (RFC 9162 §2.1.4.2)."""
    if not _consistent(first, first_root, second, second_root, proof):
        raise TamperingError("log.bad-consistency", first=first, second=second)


def _consistent(
    first: int, first_root: bytes, second: int, second_root: bytes, proof: Sequence[bytes]
) -> bool:
    if first == 0:
        return not proof and first_root == EMPTY_ROOT
    if first >= second or not proof:
        return first == second and not proof and first_root == second_root
    path = [first_root, *proof] if first & (first - 1) == 0 else list(proof)
    fn, sn = first - 1, second - 1
    while fn & 1:
        fn, sn = fn >> 1, sn >> 1
    one = two = path[0]
    for sibling in path[1:]:
        if sn == 0:
            return False
        if fn & 1 or fn == sn:
            one, two = node_hash(sibling, one), node_hash(sibling, two)
            fn, sn = _skip_right_edge(fn, sn)
        else:
            two = node_hash(two, sibling)
        fn, sn = fn >> 1, sn >> 1
    return sn == 0 and one == first_root and two == second_root


def _skip_right_edge(fn: int, sn: int) -> tuple[int, int]:
    """Climb the levels at which the right edge has no sibling."""
    while fn and not fn & 1:
        fn, sn = fn >> 1, sn >> 1
    return fn, sn


def _split(size: int) -> int:
    """Return the largest power of two below *size* (> 1)."""
    return 1 << (size - 1).bit_length() - 1


def _fold(hashes: Sequence[bytes]) -> bytes:
    if not hashes:
        return EMPTY_ROOT
    running = hashes[-1]
    for left in reversed(hashes[:-1]):
        running = node_hash(left, running)
    return running


def _subtree(lookup: Lookup, start: int, end: int) -> bytes:
    """Return the hash over leaves *start* … *end*, where *start* is aligned as RFC 6962 splits."""
    return _fold([lookup(level, (start >> level) + offset) for level, offset in peaks(end - start)])
