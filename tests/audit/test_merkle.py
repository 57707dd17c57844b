"""The tree against the reference vectors of Certificate Transparency and against RFC 6962 read literally."""

from __future__ import annotations

import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sandbox.audit.merkle import (
    EMPTY_ROOT,
    Frontier,
    consistency_proof,
    inclusion_proof,
    leaf_hash,
    root,
    root_at,
    verify_consistency,
    verify_inclusion,
)
from sandbox.errors import TamperingError

# Leaves, roots and proofs of the reference implementation (google/certificate-transparency).
LEAVES = ["", "00", "10", "2021", "3031", "40414243", "5051525354555657", "606162636465666768696a6b6c6d6e6f"]
ROOTS = [
    "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
]
LEFT_PAIR = "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e"
SIXTH = "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b"
LAST_PAIR = "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0"
RIGHT_HALF = "6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4"
FIFTH_PAIR = "0ebc5d3437fbe2db158b9f126a1d118e308181031d0a949f8dededebc558ef6a"
FIRST = "96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7"


def built(leaves: list[bytes]):
    """Return (hashes, lookup) of a tree kept as a log keeps it."""
    frontier, nodes = Frontier(), {}
    for leaf in leaves:
        for node in frontier.append(leaf_hash(leaf)):
            assert (node.level, node.position) not in nodes
            nodes[node.level, node.position] = node.hash
    assert len(nodes) == 2 * len(leaves) - len(leaves).bit_count()
    return [leaf_hash(leaf) for leaf in leaves], lambda level, position: nodes[level, position]


def node(left: bytes, right: bytes) -> bytes:
    return hashlib.sha256(b"\x01" + left + right).digest()


def split(size: int) -> int:
    return max(k for k in (1 << power for power in range(40)) if k < size)


def mth(hashes: list[bytes]) -> bytes:  # RFC 6962 §2.1
    if len(hashes) < 2:
        return hashes[0] if hashes else hashlib.sha256().digest()
    k = split(len(hashes))
    return node(mth(hashes[:k]), mth(hashes[k:]))


def path(m: int, hashes: list[bytes]) -> list[bytes]:  # §2.1.1
    if len(hashes) == 1:
        return []
    k = split(len(hashes))
    if m < k:
        return [*path(m, hashes[:k]), mth(hashes[k:])]
    return [*path(m - k, hashes[k:]), mth(hashes[:k])]


def subproof(m: int, hashes: list[bytes], whole: bool) -> list[bytes]:  # §2.1.2
    if m == len(hashes):
        return [] if whole else [mth(hashes)]
    k = split(len(hashes))
    if m <= k:
        return [*subproof(m, hashes[:k], whole), mth(hashes[k:])]
    return [*subproof(m - k, hashes[k:], False), mth(hashes[:k])]


REFERENCE, LOOKUP = built([bytes.fromhex(leaf) for leaf in LEAVES])
MANY, MANY_LOOKUP = built([number.to_bytes(2, "big") for number in range(300)])


@pytest.mark.parametrize("size", range(9))
def test_reference_roots(size):
    assert root(REFERENCE[:size]).hex() == root_at(LOOKUP, size).hex() == ROOTS[size]


@pytest.mark.parametrize(
    ("leaf", "size", "proof"),
    [
        (0, 1, []),
        (0, 8, [FIRST, LEFT_PAIR, RIGHT_HALF]),
        (5, 8, [SIXTH, LAST_PAIR, ROOTS[4]]),
        (2, 3, [ROOTS[2]]),
    ],
)
def test_reference_inclusion(leaf, size, proof):
    assert [each.hex() for each in inclusion_proof(LOOKUP, leaf, size)] == proof
    verify_inclusion(
        REFERENCE[leaf], leaf, size, [bytes.fromhex(each) for each in proof], root(REFERENCE[:size])
    )


@pytest.mark.parametrize(
    ("first", "second", "proof"),
    [
        (1, 1, []),
        (1, 8, [FIRST, LEFT_PAIR, RIGHT_HALF]),
        (6, 8, [FIFTH_PAIR, LAST_PAIR, ROOTS[4]]),
        (2, 5, [LEFT_PAIR, SIXTH]),
    ],
)
def test_reference_consistency(first, second, proof):
    assert [each.hex() for each in consistency_proof(LOOKUP, first, second)] == proof
    roots = bytes.fromhex(ROOTS[first]), bytes.fromhex(ROOTS[second])
    verify_consistency(first, roots[0], second, roots[1], [bytes.fromhex(each) for each in proof])


def test_every_proof_of_every_small_tree():
    for size in range(1, 34):
        whole = mth(MANY[:size])
        assert root_at(MANY_LOOKUP, size) == whole
        for leaf in range(size):
            proof = inclusion_proof(MANY_LOOKUP, leaf, size)
            assert proof == path(leaf, MANY[:size])
            verify_inclusion(MANY[leaf], leaf, size, proof, whole)
        for first in range(1, size + 1):
            proof = consistency_proof(MANY_LOOKUP, first, size)
            assert proof == subproof(first, MANY[:size], True)
            verify_consistency(first, mth(MANY[:first]), size, whole, proof)


def mutations(proof: list[bytes], draw) -> list[bytes]:
    kind = draw(st.sampled_from(["drop", "add", "change", "swap"]))
    place = draw(st.integers(0, max(0, len(proof) - 1)))
    bent = list(proof)
    if kind == "add" or not proof:
        bent.insert(place, draw(st.binary(min_size=32, max_size=32)))
    elif kind == "drop":
        del bent[place]
    elif kind == "change":
        bent[place] = bytes([bent[place][0] ^ 1]) + bent[place][1:]
    else:
        bent = bent[1:] + bent[:1] if len(bent) > 1 else []
    return bent


@given(st.data())
def test_nothing_else_is_accepted(data):
    size = data.draw(st.integers(2, 300))
    first, leaf = data.draw(st.integers(1, size)), data.draw(st.integers(0, size - 1))
    whole, part = root_at(MANY_LOOKUP, size), root_at(MANY_LOOKUP, first)
    proof = inclusion_proof(MANY_LOOKUP, leaf, size)
    other = data.draw(st.integers(-2, size + 2).filter(lambda number: number != leaf))
    for arguments in (
        (MANY[leaf], leaf, size, mutations(proof, data.draw), whole),
        (MANY[leaf], other, size, proof, whole),
        (leaf_hash(b"forged"), leaf, size, proof, whole),
        (MANY[leaf], leaf, size, proof, leaf_hash(b"")),
    ):
        with pytest.raises(TamperingError):
            verify_inclusion(*arguments)
    proof = consistency_proof(MANY_LOOKUP, first, size)
    for arguments in (
        (first, part, size, whole, mutations(proof, data.draw)),
        (first, leaf_hash(b""), size, whole, proof),
        (first, part, size, leaf_hash(b""), proof),
        (first + 1, part, size, whole, proof),
    ):
        with pytest.raises(TamperingError):
            verify_consistency(*arguments)


def test_the_empty_tree_begins_every_tree():
    verify_consistency(0, EMPTY_ROOT, 5, root_at(MANY_LOOKUP, 5), consistency_proof(MANY_LOOKUP, 0, 5))
    with pytest.raises(TamperingError):
        verify_consistency(0, MANY[0], 5, root_at(MANY_LOOKUP, 5), [])
    with pytest.raises(TamperingError):
        verify_consistency(5, root_at(MANY_LOOKUP, 5), 3, root_at(MANY_LOOKUP, 3), [])


def test_proofs_look_up_few_nodes():
    asked = []

    def lookup(level, position):
        asked.append((level, position))
        return bytes(32)

    size = 2**40 - 1  # the worst right edge: forty peaks
    inclusion_proof(lookup, 0, size)
    consistency_proof(lookup, 2**39 + 1, size)
    assert len(asked) < 2 * 3 * 40


def test_a_proof_of_a_smaller_tree_is_none_of_a_larger():
    proof, whole = inclusion_proof(MANY_LOOKUP, 0, 8), root_at(MANY_LOOKUP, 8)
    verify_inclusion(MANY[0], 0, 8, proof, whole)
    with pytest.raises(TamperingError):
        verify_inclusion(MANY[0], 0, 16, proof, whole)
