"""The laws of the layout, and that nothing but ciphertext is ever written."""

import secrets
import signal
import subprocess
import sys
import time
from collections import Counter, defaultdict
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sandbox.errors import InvalidInputError
from sandbox.schema import ORDINAL, UNIT_TAG, Field, Kind
from sandbox.vault import layout as layout_module
from sandbox.vault import source as source_module
from sandbox.vault import spill as spill_module
from sandbox.vault.partition import LayoutKeys
from sandbox.vault.register import Prepared
from sandbox.vault.store import DirectoryStore

Register = Callable[..., Prepared]
Shards = Callable[[Prepared], list[pa.Table]]

# Few values, so that units have several rows and rows repeat; text and numbers of different widths.
ROWS = st.lists(
    st.tuples(st.integers(0, 6), st.sampled_from(["x", "y", "zé" * 20, None]), st.integers(-1, 1)),
    min_size=1,
    max_size=60,
)
SLOW = settings(max_examples=15, suppress_health_check=[HealthCheck.function_scoped_fixture])


def table(rows: list[tuple[int, str | None, int]]) -> pa.Table:
    columns = list(zip(*rows, strict=True))
    return pa.table(
        {
            "person": pa.array(columns[0], pa.int64()),
            "text": pa.array(columns[1], pa.string()),
            "number": pa.array(columns[2], pa.int64()),
        }
    )


def by_shard(tables: list[pa.Table], without: int | None = None) -> list[list[tuple[object, ...]]]:
    """Every stored row with its tag and ordinal, in order, leaving one person out."""
    return [
        [tuple(row.values()) for row in shard.to_pylist() if row["person"] != without] for shard in tables
    ]


@SLOW
@given(rows=ROWS, pick=st.randoms(use_true_random=False))
def test_removing_a_unit_moves_nobody_else(register: Register, shards: Shards, rows, pick) -> None:
    person = pick.choice(rows)[0]
    rest = [row for row in rows if row[0] != person]
    whole = by_shard(shards(register(table(rows), "person")), without=person)
    if rest:
        assert by_shard(shards(register(table(rest), "person"))) == whole


@SLOW
@given(rows=ROWS, pick=st.randoms(use_true_random=False), batch=st.integers(1, 20))
def test_order_batches_spill_and_groups_change_nothing(register, shards, rows, pick, batch) -> None:
    for unit in ("person", "row"):
        whole = shards(register(table(rows), unit))
        mixed = list(rows)
        pick.shuffle(mixed)
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(source_module, "BATCH_ROWS", batch)
            patch.setattr(spill_module, "FLUSH_ROWS", 2 * batch)
            patch.setattr(spill_module, "_DENSE_DICTIONARY", batch % 3)
            patch.setattr(layout_module, "_GROUP_ROWS", batch)
            assert by_shard(shards(register(table(mixed), unit))) == by_shard(whole)


@SLOW
@given(rows=ROWS, pick=st.randoms(use_true_random=False))
def test_when_each_row_is_a_unit_removing_one_moves_no_other(register, shards, rows, pick) -> None:
    rest = list(rows)
    rest.remove(pick.choice(rows))
    whole = by_shard(shards(register(table(rows))))
    tags = [row[-1] for shard in whole for row in shard]
    assert len(set(tags)) == len(rows)
    assert all(row[-2] == 0 for shard in whole for row in shard)
    if rest:
        kept = by_shard(shards(register(table(rest))))
        assert len(set(tags) - {row[-1] for shard in kept for row in shard}) == 1
        for before, after in zip(whole, kept, strict=True):
            assert after == [row for row in before if row in after]


@SLOW
@given(rows=ROWS)
def test_a_shard_holds_whole_units_numbered_and_sorted(register, shards, rows) -> None:
    counts: Counter[int] = Counter(row[0] for row in rows)
    tags = defaultdict(set)
    for number, shard in enumerate(shards(register(table(rows), "person"))):
        held = shard.to_pylist()
        assert [row[UNIT_TAG] for row in held] == sorted(row[UNIT_TAG] for row in held)
        positions = defaultdict(list)
        for row in held:
            positions[row["person"]].append(row[ORDINAL])
            tags[row["person"]].add(row[UNIT_TAG])
            assert row[UNIT_TAG][0] >> 6 == number
        assert all(found == list(range(counts[person])) for person, found in positions.items())
    assert all(len(found) == 1 for found in tags.values())


def test_one_unit_has_one_tag_across_datasets_and_shard_counts(register, shards, tmp_path) -> None:
    def tags(data: pa.Table, **more: object) -> dict[str, tuple[bytes, int]]:
        tables = shards(register(data, "person", **more))
        return {
            str(row["person"]): (row[UNIT_TAG], number * 16 // len(tables))
            for number, shard in enumerate(tables)
            for row in shard.to_pylist()
        }

    numbers = tags(pa.table({"person": [7, 70, 700]}), shards=16)
    texts = tags(pa.table({"person": ["7", " 70 ", "700", "007"], "more": [1, 2, 3, 4]}), shards=16)
    assert {name: texts[name] for name in ("7", "700")} == {name: numbers[name] for name in ("7", "700")}
    assert texts[" 70 "] == numbers["70"]
    assert texts["007"] != texts["7"]
    coarse = tags(pa.table({"person": [7, 70, 700]}), shards=2)
    assert all(coarse[n][0] == numbers[n][0] and coarse[n][1] == numbers[n][1] // 8 * 8 for n in coarse)
    other = tags(pa.table({"person": [7]}), keys=LayoutKeys(linkage=b"x" * 32, order=bytes(32)))
    assert other["7"][0] != numbers["7"][0]


def test_sampled_rows_of_a_unit_are_a_fair_sample(register, shards) -> None:
    """The row that a bound of 1 keeps is pseudorandom: 2,000 units, 5 rows each, two of them equal."""
    values = np.tile(np.array([0, 1, 2, 3, 3]), 2000)
    data = pa.table({"person": np.repeat(np.arange(2000), 5), "value": values})
    first = [r["value"] for s in shards(register(data, "person")) for r in s.to_pylist() if r[ORDINAL] == 0]
    observed = np.bincount(first, minlength=4)
    expected = 2000 * np.array([1, 1, 1, 2]) / 5
    assert ((observed - expected) ** 2 / expected).sum() < 21.1  # chi², 3 degrees of freedom, p = 1e-4
    # Repeated rows are not neighbours more often than chance says (10 pairs of places, 4 of them neighbours).
    near = 0
    for shard in shards(register(data, "person")):
        places = defaultdict(list)
        for row in shard.to_pylist():
            if row["value"] == 3:
                places[row["person"]].append(row[ORDINAL])
        near += sum(abs(a - b) == 1 for a, b in places.values())
    assert abs(near - 800) < 4 * (2000 * 0.4 * 0.6) ** 0.5


def test_every_kind_comes_back_as_duckdb_reads_it(register, shards, tmp_path: Path) -> None:
    path = tmp_path / "all.csv"
    rng = np.random.default_rng(7)
    lines = ["id,i,f,d,s,b,day,at"]
    for _ in range(3000):
        cells = [
            str(rng.integers(400)),
            str(rng.integers(-(2**62), 2**62)),
            repr(float(rng.normal())),
            f"{rng.integers(-(10**9), 10**9) / 100:.2f}",
            f"word {rng.integers(50)}",
            str(bool(rng.integers(2))).lower(),
            str(np.datetime64("2020-01-01") + rng.integers(1000)),
            str(np.datetime64("2020-01-01T00:00:00.000001") + rng.integers(10**15)).replace("T", " "),
        ]
        lines.append(",".join("" if column and rng.random() < 0.1 else c for column, c in enumerate(cells)))
    path.write_text("\n".join(lines))
    fields = (
        Field("id", Kind.INTEGER, required=True),
        Field("i", Kind.INTEGER),
        Field("f", Kind.FLOAT),
        Field("d", Kind.DECIMAL, precision=12, scale=2),
        Field("s", Kind.STRING),
        Field("b", Kind.BOOLEAN),
        Field("day", Kind.DATE),
        Field("at", Kind.TIMESTAMP),
    )
    read = pa.concat_tables(shards(register(path, "id", fields))).drop_columns([ORDINAL, UNIT_TAG])
    oracle = duckdb.sql(
        f"""SELECT id::BIGINT, i::BIGINT, f::DOUBLE, d::DECIMAL(12, 2), s, b::BOOLEAN, day::DATE,
            "at"::TIMESTAMP FROM read_csv('{path}', all_varchar=true)"""
    ).fetchall()
    assert Counter(tuple(row.values()) for row in read.to_pylist()) == Counter(oracle)


def test_wide_decimals_and_many_distinct_texts(register, shards) -> None:
    values = [Decimal(10) ** 30 + n for n in range(6000)]
    texts = [f"text number {n}" for n in range(6000)]
    data = pa.table({"id": range(6000), "d": pa.array(values, pa.decimal128(38, 0)), "t": texts})
    read = pa.concat_tables(shards(register(data, "id")), promote_options="permissive").sort_by("id")
    assert read["d"].to_pylist() == values
    assert read["t"].to_pylist() == texts


@pytest.mark.parametrize("drop", [False, True])
def test_rows_without_a_unit(register, shards, drop: bool) -> None:
    data = pa.table({"id": ["a", None, " ", "", "b"], "n": [1, 2, 3, 4, None]})
    fields = (Field("id", Kind.STRING, required=True), Field("n", Kind.INTEGER))
    if not drop:
        with pytest.raises(InvalidInputError) as caught:
            register(data, "id", fields)
        assert (caught.value.code, caught.value.facts["count"]) == ("vault.null-units", 3)
        return
    prepared = register(data, "id", fields, drop_null_units=True)
    assert sorted(row["id"] for shard in shards(prepared) for row in shard.to_pylist()) == ["a", "b"]
    assert (prepared.report.rows, prepared.report.dropped_null_units) == (2, 3)


def test_refusals_leave_nothing_behind(register, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    data = pa.table({"id": [1, 2], "x": [0.5, None]})
    wrong = {
        "vault.required-nulls": {
            "fields": (Field("id", Kind.INTEGER), Field("x", Kind.FLOAT, required=True))
        },
        "vault.other-columns": {"fields": (Field("id", Kind.INTEGER),)},
        "vault.bad-shards": {"shards": 3},
        "vault.no-such-unit": {"unit": "nobody"},
        "vault.bad-unit-kind": {"unit": "x"},
    }
    for code, more in wrong.items():
        with pytest.raises(InvalidInputError) as caught:
            register(data, **{"unit": "id", **more})
        assert caught.value.code == code
    with pytest.raises(InvalidInputError, match=r"vault\.no-rows"):
        register(data.slice(0, 0), fields=(Field("id", Kind.INTEGER), Field("x", Kind.FLOAT)))
    monkeypatch.setattr("sandbox.vault.spill.MAX_BUCKET_BYTES", 100)
    with pytest.raises(InvalidInputError, match=r"vault\.unit-too-large"):
        register(pa.table({"id": [1] * 100}), "id")
    assert list((tmp_path / "store").iterdir()) == []


def test_long_cells_are_held_with_their_own_rows_only(
    register, shards, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sandbox.vault.spill.MAX_BUCKET_BYTES", 1_000_000)
    notes = [None if row == 3 else f"{row} " + "x" * 200_000 for row in range(20)]
    rows = [
        row
        for shard in shards(register(pa.table({"id": range(20), "note": notes}), "id"))
        for row in shard.to_pylist()
    ]
    assert {row["id"]: row["note"] for row in rows} == dict(enumerate(notes))
    with pytest.raises(InvalidInputError) as refused:
        register(pa.table({"id": [1] * 20, "note": notes}), "id")
    assert refused.value.code == "vault.cells-too-large"
    assert (refused.value.facts["column"], refused.value.facts["rows"]) == ("note", 20)


@pytest.mark.parametrize("error", [OSError(28, "No space left on device"), KeyboardInterrupt()])
@pytest.mark.parametrize(
    "where", ["os.pwrite", "sandbox.vault.parquet.sha256", "sandbox.vault.register.conform"]
)
def test_full_disk_and_ctrl_c_anywhere(
    register, tmp_path, monkeypatch, where: str, error: BaseException
) -> None:
    def fail(*_: object) -> None:
        raise error

    monkeypatch.setattr(where, fail)
    with pytest.raises((InvalidInputError, KeyboardInterrupt)) as caught:
        register(pa.table({"id": range(1000)}), "id")
    assert isinstance(caught.value, KeyboardInterrupt) or caught.value.code == "vault.disk-full"
    assert list((tmp_path / "store").iterdir()) == []


def test_no_cell_is_ever_written_in_clear(register, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Search every file whenever a spill is read or a shard closed, for texts and for numbers' bytes."""
    canary, number = f"canary {secrets.token_hex(8)}", secrets.randbits(62)
    marks = [canary.encode(), canary.encode()[::-1], number.to_bytes(8, "little"), str(number).encode()]
    seen: list[int] = []

    def search(*_: object) -> None:
        files = [path for path in (tmp_path / "store").rglob("*") if path.is_file()]
        for path in files:
            assert path.stat().st_mode & 0o077 == 0
            data = path.read_bytes()
            seen.append(len(data))
            assert not any(mark in data for mark in [*marks, b"patient_column"])

    for name in ("sandbox.vault.spill.Spill.read", "sandbox.vault.register.write_shard"):
        package, attribute = name.rsplit(".", 1)
        owner = sys.modules["sandbox.vault.spill"].Spill if "Spill" in package else sys.modules[package]
        real = getattr(owner, attribute)

        def spy(*arguments: object, real: Callable[..., object] = real) -> object:
            search()
            result = real(*arguments)
            search()
            return result

        monkeypatch.setattr(owner, attribute, spy)
    text = [canary, *(f"{n}" for n in range(5000))]
    data = pa.table({"id": range(5001), "patient_column": text, "n": pa.array([number] * 5001, pa.int64())})
    register(data, "id")
    register(data)
    search()
    assert sum(seen) > 100_000


KILLED = """
import sys
from pathlib import Path
from sandbox.vault.partition import LayoutKeys
from sandbox.vault.propose import propose_fields
from sandbox.vault.register import Declaration, prepare
from sandbox.vault.source import open_source
from sandbox.vault.store import DirectoryStore
source = open_source(Path(sys.argv[1]))
declared = Declaration("a.b", "l1", 1, "id", "n.s", "zcdp", propose_fields(source))
print("ready", flush=True)
prepare(source, declared, LayoutKeys(bytes(32), bytes(32)), DirectoryStore(Path(sys.argv[2])))
print("prepared", flush=True)
"""


def test_killed_at_random_nothing_is_visible_and_it_can_run_again(tmp_path: Path, register) -> None:
    rows = 400_000
    data = pa.table({"id": np.arange(rows) // 3, "x": np.random.default_rng(1).normal(size=rows)})
    pq.write_table(data, tmp_path / "big.parquet")
    store = DirectoryStore(tmp_path / "store")
    half_written = 0
    for delay in (0.0, 0.05, 0.2, 0.3, 0.4):
        process = subprocess.Popen(
            [sys.executable, "-c", KILLED, str(tmp_path / "big.parquet"), str(tmp_path / "store")],
            stdout=subprocess.PIPE,
            cwd=Path(__file__).parents[2],
        )
        assert process.stdout is not None
        process.stdout.readline()
        time.sleep(delay)
        store.sweep(set())  # never takes what a living process works on
        process.send_signal(signal.SIGKILL)
        process.wait()
        left = list((tmp_path / "store").iterdir())
        half_written += bool(left)
        assert all(path.name.startswith("staging-") for path in left)
        store.sweep(set())
        assert list((tmp_path / "store").iterdir()) == []
    assert half_written >= 2
    assert register(data, "id").report.rows == rows
    assert len(list((tmp_path / "store").iterdir())) == 1


def test_nonconforming_cells_are_reported_to_the_owner(register, tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text("id,n\n" + "1,2\n" * 5 + "2,?\n3,none\n4,\n5,x\n")
    fields = (Field("id", Kind.INTEGER), Field("n", Kind.INTEGER, missing=("?",)))
    assert register(path, "id", fields).report.nonconforming == {"n": 2}


def test_registering_again_gives_other_ciphertext(register, shards) -> None:
    data = pa.table({"id": range(100)})
    one, two = register(data, "id"), register(data, "id")
    assert by_counts(shards(one)) == by_counts(shards(two))
    assert not set(one.shards[0].keys.values()) & set(two.shards[0].keys.values())
    assert {s.file.label for s in one.shards}.isdisjoint(s.file.label for s in two.shards)
    assert len({key for s in one.shards for key in s.keys.values()}) == 4 * 4


def by_counts(tables: list[pa.Table]) -> list[int]:
    return [pc.count(t["id"]).as_py() for t in tables if t.num_rows]


def test_rows_of_a_bucket_bring_along_no_texts_of_others(tmp_path: Path) -> None:
    """Many columns of a few texts each are no long cells: what is written grows with the rows."""
    columns = [f"c{place}" for place in range(300)]
    plain = pa.schema([pa.field(name, pa.dictionary(pa.int32(), pa.string())) for name in columns])
    spill = spill_module.Spill(tmp_path / "spill", plain, 4)
    for flush in range(3):
        texts = pa.array([f"{flush} {row:057d}" for row in range(2_000)]).dictionary_encode()
        marks = np.random.default_rng(flush).integers(0, 256, (2_000, 16), np.uint8)
        spill.add(pa.RecordBatch.from_arrays([texts] * 300, schema=plain), marks, marks)
        spill.flush()
        spill.check()
    assert spill.rows.sum() == 6_000
    assert spill.bytes.sum() < 1.5 * 6_000 * 300 * (60 + 8)
