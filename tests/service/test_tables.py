"""Public tables on a real workspace: uploaded, replaced, refused, checked, kept through crash and backup."""

from __future__ import annotations

import hashlib
import json
import shutil
from pathlib import Path

import pyarrow.parquet as pq
import pytest
import sqlalchemy as sa

from sandbox import formats, workspace
from sandbox.books import jobs, leaves, public_tables
from sandbox.errors import DeniedError, InvalidInputError, TamperingError
from sandbox.schema import CategoricalDomain, Principal, Role
from service.asked import NewDataset, NewTable
from service.datasets import publishing, registration, tables
from service.desk import Desk

OWNER = Principal("bureau", frozenset({Role.OWNER}))
OTHER = Principal("office", frozenset({Role.OWNER}))
ANALYST = Principal("wang", frozenset({Role.ANALYST}))


@pytest.fixture
def desk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("KEYONG_ANCHORS", str(tmp_path / "anchors"))
    workspace.create(tmp_path / "ws")
    opened = Desk(workspace.open_workspace(tmp_path / "ws"))
    yield opened
    opened.workspace.close()


def upload(desk: Desk, tmp_path: Path, text: str = "code,factor\nI10,1.5\nE11,\n", by=OWNER, **said):
    (tmp_path / "t.csv").write_text(text)
    return publishing.add(desk, by, NewTable(tmp_path / "t.csv", said.pop("name", "ref.icd"), **said), None)


def stored(desk: Desk) -> Path:
    with desk.reading() as connection:
        row = tables.find(connection, "ref.icd")
        return tables.path(connection, desk.workspace, "ref.icd", row["digest"])


def test_a_table_is_there_for_planning_and_for_everybody(desk, tmp_path):
    said = upload(desk, tmp_path)
    with desk.reading() as connection:
        facts = tables.facts(connection, "ref.icd")
        assert tables.facts(connection, "ref.none") is None
    path = stored(desk)
    assert pq.read_table(path).to_pydict() == {"code": ["I10", "E11"], "factor": [1.5, None]}
    assert facts.digest == said["digest"] == hashlib.sha256(path.read_bytes()).hexdigest()
    assert facts.domains["code"] == CategoricalDomain(("E11", "I10"))
    assert facts.fields["code"].required
    assert not facts.fields["factor"].required
    assert tables.show(desk, "ref.icd")["columns"][1]["kind"] == "float"
    assert [line["name"] for line in tables.listing(desk)] == ["ref.icd"]


def test_a_new_upload_takes_the_place_and_the_old_file_goes(desk, tmp_path):
    first = upload(desk, tmp_path)
    old = stored(desk)
    assert upload(desk, tmp_path, "code\nX\n")["replaced"]
    assert not old.parent.exists()
    with desk.reading() as connection, pytest.raises(TamperingError, match=r"table\.replaced"):
        tables.path(connection, desk.workspace, "ref.icd", first["digest"])
    with desk.reading() as connection:
        assert tables.verify(desk, connection) == 1


def test_names_are_not_shared(desk, tmp_path):
    upload(desk, tmp_path)
    with pytest.raises(DeniedError, match=r"table\.of-another"):
        upload(desk, tmp_path, by=OTHER)
    with pytest.raises(DeniedError, match=r"role\.missing"):
        upload(desk, tmp_path, by=ANALYST, name="ref.other")
    new = NewDataset(tmp_path / "t.csv", "ref.icd", "code", "n.m", filter="pure")
    with pytest.raises(InvalidInputError, match=r"dataset\.name-is-public"):
        registration.add(desk, OWNER, new, None)
    with pytest.raises(InvalidInputError, match=r"table\.bad-name"):
        upload(desk, tmp_path, name="../x")


def test_the_name_of_a_dataset_is_taken(desk, tmp_path):
    (tmp_path / "d.csv").write_text("who,n\n1,2\n")
    registration.add(desk, OWNER, NewDataset(tmp_path / "d.csv", "ref.icd", "who", "n.m", shards=1), None)
    with pytest.raises(InvalidInputError, match=r"table\.name-is-dataset"):
        upload(desk, tmp_path)


def test_what_looks_personal_needs_a_reason_which_is_logged(desk, tmp_path):
    text = "mobile\n13800138000\n13912345678\n"
    with pytest.raises(DeniedError, match=r"table\.personal"):
        upload(desk, tmp_path, text)
    with pytest.raises(DeniedError, match=r"table\.personal"):
        upload(desk, tmp_path, text, reason="  ")
    assert tables.listing(desk) == []
    upload(desk, tmp_path, text, reason="numbers of public offices")
    with desk.reading() as connection:
        entry = json.loads(connection.scalars(sa.select(leaves.c.entry)).all()[-1])
    assert entry["facts"]["reason"] == "numbers of public offices"
    assert "13800138000" not in json.dumps(entry)


def test_no_recogniser_makes_a_table_of_persons_public(desk, tmp_path):
    rule = "{name: hot, tag: general, words: [name, phone, c1], pattern: '.{2,}', share: 0.1, weight: 0.999}"
    (tmp_path / "own.yaml").write_text(f"recognizers:\n  - {rule}\n")
    rows = "".join(f"{1380013000 + n}7,Ann Lee,1391234{n}\n" for n in range(1000, 1060))
    with pytest.raises(DeniedError, match=r"table\.personal") as refused:
        upload(desk, tmp_path, f"phone,name,c1\n{rows}", recognizers=tmp_path / "own.yaml")
    assert len(refused.value.facts["columns"]) == 3


@pytest.mark.parametrize("step", ["write_public", "_make_visible"])
def test_what_fails_on_the_way_leaves_the_old_table(desk, tmp_path, monkeypatch, step):
    upload(desk, tmp_path)
    before = stored(desk)

    def fails(*_args, **_more):
        raise KeyboardInterrupt

    monkeypatch.setattr(publishing, step, fails)
    with pytest.raises(KeyboardInterrupt):
        upload(desk, tmp_path, "code\nX\n")
    assert stored(desk) == before
    assert [path.name for path in desk.workspace.vault.iterdir()] == [before.parent.name]


def test_what_a_kill_leaves_is_swept_by_the_next_upload(desk, tmp_path):
    unknown = desk.workspace.vault / "public.0123456789abcdef"
    unknown.mkdir()
    (desk.workspace.vault / "staging-dead").mkdir()
    upload(desk, tmp_path)
    assert [path.name for path in desk.workspace.vault.iterdir()] == [stored(desk).parent.name]


def test_verify_finds_a_changed_file_and_a_changed_row(desk, tmp_path):
    upload(desk, tmp_path)
    path = stored(desk)
    whole = path.read_bytes()
    path.write_bytes(whole[:-1] + bytes([whole[-1] ^ 1]))
    with desk.reading() as connection, pytest.raises(TamperingError, match=r"table\.changed"):
        tables.verify(desk, connection)
    path.unlink()
    with desk.reading() as connection, pytest.raises(TamperingError, match=r"table\.missing"):
        tables.verify(desk, connection)
    path.write_bytes(whole)
    for change in ({"domains": "{}"}, {"owner": "office"}, {"rows": 3}, {"name": "ref.icd2"}):
        with desk.workspace.database.transaction() as connection:
            kept = dict(tables.find(connection, "ref.icd"))
            connection.execute(sa.update(public_tables).values(**change))
        with desk.reading() as connection, pytest.raises(TamperingError, match=r"audit\.books-differ"):
            tables.verify(desk, connection)
        with desk.workspace.database.transaction() as connection:
            connection.execute(sa.update(public_tables).values(**kept))
    with desk.reading() as connection:
        assert tables.verify(desk, connection) == 1


def test_a_backup_holds_it(desk, tmp_path):
    upload(desk, tmp_path)
    workspace.backup(desk.workspace, tmp_path / "copy", lambda _: None)
    shutil.rmtree(tmp_path / "anchors")
    workspace.restore(tmp_path / "copy", tmp_path / "back")
    back = Desk(workspace.open_workspace(tmp_path / "back"))
    with back.reading() as connection:
        assert tables.verify(back, connection) == 1
    back.workspace.close()


def age(directory: Path, number: int = 1) -> tuple[Path, dict[str, object]]:
    """Say that the workspace has format *number*; return the file that says so and what it said before."""
    identity = directory / formats.IDENTITY_FILE
    held = json.loads(identity.read_text())
    identity.write_text(json.dumps(held | {"format": number}))
    identity.chmod(0o600)
    return identity, held


def test_an_older_workspace_is_brought_up_to_ours(desk, tmp_path):
    """Format 1 had no public tables; its books are kept beside the new ones."""
    directory = desk.workspace.directory
    with desk.workspace.database.transaction() as connection:
        connection.exec_driver_sql("DROP TABLE public_tables")
    desk.workspace.close()
    identity, held = age(directory)
    opened = Desk(workspace.open_workspace(directory))
    assert tables.listing(opened) == []
    upload(opened, tmp_path)
    assert json.loads(identity.read_text()) == held
    kept = directory / "books-format-1.sqlite"
    assert kept.stat().st_mode & 0o777 == identity.stat().st_mode & 0o777 == 0o600
    opened.workspace.close()
    assert workspace.open_workspace(directory).id == held["id"]
    assert not list(directory.glob("*.partial"))


def with_a_job(desk: Desk) -> Path:
    """Put a job in the books and close them; return the workspace's directory."""
    job = {"job": "job-1", "principal": "wang", "purpose": "p", "state": "submitted"}
    with desk.workspace.database.transaction() as connection:
        blank = {column.name: "{}" for column in jobs.columns if not column.nullable}
        connection.execute(jobs.insert().values(blank | job))
    desk.workspace.close()
    return desk.workspace.directory


SINCE_5 = ("identity_changes", "template_withdrawals")
SINCE_4 = ("owner_keys", "policy_signatures", "approvals", "templates", "template_approvals")
NEWER = {3: SINCE_4 + SINCE_5, 4: SINCE_5}
"""Tables that a format has not got."""


@pytest.mark.parametrize("number", NEWER)
def test_an_older_workspace_keeps_its_jobs(desk, number):
    with desk.workspace.database.transaction() as connection:
        for table in NEWER[number]:
            connection.exec_driver_sql(f"DROP TABLE {table}")
    directory = with_a_job(desk)
    age(directory, number)
    opened = workspace.open_workspace(directory)
    with opened.database.reading() as connection:
        assert connection.execute(sa.select(jobs.c.job)).scalars().all() == ["job-1"]
    opened.close()
    assert (directory / f"books-format-{number}.sqlite").is_file()
    workspace.open_workspace(directory).close()


def test_an_older_workspace_with_jobs_is_refused_as_it_is(desk):
    """Plans of format 1 cannot be read, so its releases could not be verified."""
    directory = with_a_job(desk)
    identity, _ = age(directory)
    before = identity.read_text()
    for _ in range(2):
        with pytest.raises(InvalidInputError) as refused:
            workspace.open_workspace(directory)
        assert (refused.value.code, refused.value.facts["found"]) == ("workspace.old-jobs", 1)
    assert identity.read_text() == before
    assert not list(directory.glob("books-format-*"))
