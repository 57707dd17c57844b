"""Proofs are plain JSON, checked without a database, and good for nothing else."""

from __future__ import annotations

import base64
import copy
import json

import pytest

from sandbox.audit.proofs import check_consistency, check_inclusion, prove_consistency, prove_inclusion
from sandbox.errors import InvalidInputError, TamperingError


@pytest.fixture
def book(books):
    return books(21)


def inclusion(book, leaf: int):
    with book.database.reading() as connection:
        return json.loads(json.dumps(prove_inclusion(connection, book.key, leaf)))


def consistency(book, size: int):
    with book.database.reading() as connection:
        return json.loads(json.dumps(prove_consistency(connection, book.key, size)))


def test_every_leaf_is_proved(book):
    for leaf in range(21):
        proof = inclusion(book, leaf)
        assert check_inclusion(proof, book.key).size == 21
        assert json.loads(proof["entry"])["facts"]["job"] == f"{leaf:032x}"


def test_every_kept_note_is_proved(books):
    book = books()
    notes = {}
    for number in range(1, 22):
        book.grow(1, first=number)
        notes[number] = book.note()
    for size, note in notes.items():
        assert check_consistency(consistency(book, size), note, book.key).size == 21
    with pytest.raises(TamperingError):
        check_consistency(consistency(book, 5), notes[6], book.key)


def test_a_forged_proof(book, books, refused):
    proof = inclusion(book, 7)
    for change in (
        {"leaf": 8},
        {"leaf": -1},
        {"leaf": 21},
        {"entry": proof["entry"] + " "},
        {"entry": "\ud800"},
        {"hashes": proof["hashes"][1:]},
        {"hashes": proof["hashes"] + proof["hashes"][:1]},
        {"hashes": [base64.b64encode(bytes(32)).decode(), *proof["hashes"][1:]]},
    ):
        with refused("log.bad-inclusion"):
            check_inclusion({**proof, **change}, book.key)
    stranger = books(21, name="stranger")
    with refused("log.bad-signature"):
        check_inclusion(proof, stranger.key)
    with refused("log.bad-signature"):
        check_inclusion({**proof, "checkpoint": stranger.note()}, book.key)


@pytest.mark.parametrize(
    "change",
    [
        {"kind": "consistency"},
        {"leaf": True},
        {"leaf": "7"},
        {"entry": 7},
        {"checkpoint": None},
        {"hashes": 7},
        {"hashes": None},
        {"hashes": [7]},
        {"hashes": ["AAAA"]},
        {"hashes": ["!"]},
        {"hashes": ["é"]},
    ],
)
def test_not_a_proof(book, change):
    with pytest.raises(InvalidInputError) as caught:
        check_inclusion({**inclusion(book, 7), **change}, book.key)
    assert caught.value.code == "log.malformed-proof"


def test_missing_parts(book):
    for part in ("kind", "checkpoint", "leaf", "entry", "hashes"):
        proof = copy.deepcopy(inclusion(book, 7))
        del proof[part]
        with pytest.raises(InvalidInputError):
            check_inclusion(proof, book.key)
    with pytest.raises(InvalidInputError):
        check_consistency({}, book.note(), book.key)


@pytest.mark.parametrize("leaf", [-1, 21, 10**12])
def test_no_such_leaf(book, leaf):
    with pytest.raises(InvalidInputError) as caught:
        inclusion(book, leaf)
    assert caught.value.code == "log.no-such-leaf"


def test_no_such_size(book, books):
    for log, size in ((book, 22), (book, -1), (books(name="empty"), 0)):
        with pytest.raises(InvalidInputError) as caught:
            consistency(log, size)
        assert caught.value.code == "log.no-such-size"


def test_a_changed_log_proves_nothing(book, refused):
    book.sql("UPDATE leaves SET entry = '{}' WHERE leaf = 7")
    with refused("log.bad-inclusion", leaf=7):
        inclusion(book, 7)
    book.sql("DELETE FROM leaves WHERE leaf = 8")
    with refused("log.missing-leaf", leaf=8):
        inclusion(book, 8)
    book.sql("DELETE FROM nodes WHERE level = 4")
    with refused("log.bad-node", level=4, position=0):
        inclusion(book, 20)
