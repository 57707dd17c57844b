"""`keyong dataset inspect` on a real workspace: nothing is stored, no cell leaves unmasked."""

from __future__ import annotations

import contextlib
import io
import json
import shlex

import pytest

from cli.app import run
from service.datasets import inspection

PEOPLE = [f"张{name},138{n:08d},{20 + n},EMP{n:04d}" for n, name in enumerate("伟芳娜敏静丽强磊军洋勇艳")]
RULES = (
    "recognizers:\n  - {name: staff, tag: pi.id.generic, words: [工号], pattern: 'EMP\\d{4}', weight: 0.95}\n"
)


@pytest.fixture
def said(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("KEYONG_LANG", "en")
    for name in ("KEYONG_AS", "KEYONG_WORKSPACE"):
        monkeypatch.delenv(name, raising=False)

    def typed(line: str) -> tuple[int, str, str]:
        out, err = io.StringIO(), io.StringIO()
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
            code = run(shlex.split(line))
        return code, out.getvalue(), err.getvalue()

    assert typed("init")[0] == 0
    assert typed("identity new o --role owner --no-key")[0] == typed("identity new a --role analyst")[0] == 0
    (tmp_path / "people.csv").write_bytes("\n".join(["姓名,手机,年龄,工号", *PEOPLE]).encode("gb18030"))
    (tmp_path / "rules.yaml").write_text(RULES)
    return typed


def test_everything_at_once_and_no_cell(said, tmp_path):
    before = sorted(path for path in tmp_path.rglob("*") if path.is_file())
    asked = "--as o {} dataset inspect people.csv --encoding gb18030 --quality --unit 工号 --preview 5"
    code, out, err = said(asked.format(""))
    assert code == 0, err
    code, listed, _ = said(asked.format("--json"))
    answer = json.loads(listed)
    warning = answer["quality"]["disclosure"]
    assert "disclose" in warning
    assert f"\ncolumns:\n  # {warning}\n" in out  # copied along with the domains
    assert (answer["quality"]["rows"], answer["quality"]["duplicates"], len(answer["preview"])) == (12, 0, 5)
    cells = {cell for row in PEOPLE for cell in row.split(",") if not cell.isdigit() or len(cell) > 2}
    assert not [cell for cell in cells if cell in out + listed]
    assert sorted(path for path in tmp_path.rglob("*") if path.is_file()) == before


def test_explain_with_own_recognisers(said):
    code, out, err = said(
        "--as o dataset inspect people.csv --encoding gb18030 --explain 工号 --recognizers rules.yaml"
    )
    assert code == 0, err
    assert "staff, of your own" in out
    assert "100.0%" in out


@pytest.mark.parametrize(
    ("options", "code", "told"),
    [
        ("", 3, "--encoding gb18030"),
        ("--encoding utf-16", 3, "is not utf-16 text"),
        ("--encoding gb18030 --explain nobody", 2, "there is no column nobody. There are: 姓名"),
        ("--encoding gb18030 --recognizers nothing.yaml", 3, "no file"),
        ("--encoding gb18030 --policy nothing.yaml", 3, "no file"),
        ("--encoding gb18030 --type 手机=date", 3, "None of the cells looked at in column 手机 is a date"),
        ("--encoding gb18030 --unit nobody", 3, "nobody"),
        ("--encoding gb18030 --unit 年龄 --type 年龄=float", 3, "Only integer and string columns"),
        ("--encoding gb18030 --type foo=float", 3, "people.csv has no column foo. See what it has"),
        ("--encoding gb18030 --type '年龄=decimal(99,1)'", 3, "0 <= scale <= precision <= 38"),
        ("--encoding gb18030 --type '年龄=decimal(0,0)'", 3, "0 <= scale <= precision <= 38"),
    ],
)
def test_refusals(said, options, code, told):
    found, out, err = said(f"--as o dataset inspect people.csv {options}")
    assert (found, out) == (code, "")
    assert told in err


@pytest.mark.parametrize("options", ["", "--preview 1", "--quality", "--explain 姓名"])
def test_owners_only(said, options):
    said("identity new r --role reviewer")
    for name in ("a", "r"):
        code, out, _ = said(f"--as {name} dataset inspect people.csv --encoding gb18030 {options}")
        assert (code, out) == (4, "")


def test_a_column_with_somebodys_number_has_no_categories(said, tmp_path):
    rows = [f"{n},{('无', '已核', '张伟电话13812345678')[n % 3]},{('a', 'b')[n % 2]}" for n in range(200)]
    (tmp_path / "notes.csv").write_text("\n".join(["nr,备注,kind", *rows]))
    _, out, _ = said("--as o dataset inspect notes.csv --quality")
    assert "13812345678" not in out
    assert "已核" not in out
    assert '"kind": {use: [], categories: ["a", "b"]}' in out


def test_cells_are_held_to_a_likely_tag_only(said, tmp_path, monkeypatch):
    monkeypatch.setattr(inspection, "LIKELY", 1.1)
    _, out, _ = said("--as o --json dataset inspect people.csv --encoding gb18030 --quality")
    assert {column["invalid"] for column in json.loads(out)["quality"]["columns"]} == {None}
    monkeypatch.undo()


def test_a_file_is_looked_at_before_there_is_a_workspace(said, tmp_path, monkeypatch):
    inside = said("--as o dataset inspect people.csv --encoding gb18030 --quality --preview 2")
    monkeypatch.chdir(tmp_path.parent)
    file = shlex.quote(str(tmp_path / "people.csv"))
    outside = said(f"dataset inspect {file} --encoding gb18030 --quality --preview 2")
    assert outside == inside
    # Whoever says where it is or who asks means one that is there.
    assert said(f"--workspace nowhere dataset inspect {file}")[0] == 2
    assert said(f"--as o dataset inspect {file}")[0] == 2
    monkeypatch.setenv("KEYONG_AS", "o")
    assert said(f"dataset inspect {file} --encoding gb18030 --quality --preview 2") == inside
    monkeypatch.setenv("KEYONG_WORKSPACE", "nowhere")
    assert said(f"dataset inspect {file}")[0] == 2


def test_a_wide_preview_has_a_line_for_each_column(said, tmp_path):
    names = [f"c{number}" for number in range(21)]
    (tmp_path / "wide.csv").write_text("\n".join([",".join(names), *2 * [",".join(21 * ["xyz"])]]) + "\n")
    code, out, _ = said("--as o dataset inspect wide.csv --preview 2")
    assert code == 0
    shown = [line.split() for line in out.splitlines()[-21:]]
    assert shown == [[name, "***", "***"] for name in names]


def test_suggestions_and_decisions_stand_beside_the_evidence(said):
    _, out, _ = said("--as o --json dataset inspect people.csv --encoding gb18030")
    name, phone, *_ = json.loads(out)["columns"]
    assert (name["uses"], name["treatment"], name["decision"], name["drifted_from"]) == (
        [],
        "withhold",
        None,
        None,
    )
    assert (name["basis"]["hipaa"], name["basis_zh"]["hipaa"]) == ("(A) names", "(A) 姓名")
    assert phone["hints"][0].keys() == {"tag", "source", "rule", "weight", "share"}
    for language, word in (("en", "keep back"), ("zh", "不提供")):
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("KEYONG_LANG", language)
            assert word in said("--as o dataset inspect people.csv --encoding gb18030")[1]


@pytest.mark.parametrize(
    ("language", "nulls", "marks"), [("en", "nulls", "missing marks"), ("zh", "空值", "缺失标记")]
)
def test_empty_cells_and_declared_marks_stand_under_their_own_headings(
    said, tmp_path, monkeypatch, language, nulls, marks
):
    monkeypatch.setenv("KEYONG_LANG", language)
    (tmp_path / "ages.csv").write_text("age,name\n7,a\nNA,b\n,c\n")
    _, out, _ = said("--as o dataset inspect ages.csv --quality --missing age=NA")
    headings = out.splitlines()
    assert any(nulls in line and marks in line for line in headings)


def test_each_row_may_be_its_own_unit(said):
    asked = "--as o --json dataset inspect people.csv --encoding gb18030 --quality --unit row"
    code, out, err = said(asked)
    assert code == 0, err
    assert json.loads(out)["quality"]["duplicates"] is None


def test_faults_found_nowhere_have_no_column(said, tmp_path):
    (tmp_path / "days.csv").write_text("birth_date\n" + 9 * "1980-01-01\n" + "2020-02-31\n")
    _, out, _ = said("--as o dataset inspect days.csv --quality")
    table, _, more = out.partition("Found nowhere: ")
    assert "impossible dates" in table
    assert "full-width digits" not in table
    assert "full-width digits" in more.splitlines()[0]


def test_marks_for_nothing_are_said_with_the_options_that_declare_them(said, tmp_path):
    """The options can be pasted: after that the columns are numbers, and nothing is left to say."""
    null = chr(92) + "N"
    rows = [
        f"{n},{'NULL' if n % 3 else n},{n if n % 4 else null},NULL,{n if n % 5 else '-'}" for n in range(40)
    ]
    (tmp_path / "dump.csv").write_text("\n".join(["id,visits,age (years),note,a=b", *rows]))
    asked = "--as o {} dataset inspect dump.csv"
    code, out, err = said(asked.format(""))
    assert code == 0, err
    options = [line for line in out.splitlines() if "--missing" in line]
    assert options == ["   --missing visits=NULL", f"   --missing 'age (years)={null}'"]  # a=b cannot be said
    assert "Text only because of NULL, by the cells looked at: visits." in out
    answer = json.loads(said(f"{asked.format('--json')} {' '.join(options)}")[1])
    assert [it["kind"] for it in answer["columns"]] == ["integer", "integer", "integer", "string", "string"]
    assert answer["seem_missing"] == [{"column": "a=b", "marks": ["-"], "kind": "integer"}]
    named = json.loads(said(asked.format("--json") + " --type visits=string --type a=b=string")[1])
    assert named["seem_missing"] == [{"column": "age (years)", "marks": [null], "kind": "integer"}]
    quality = json.loads(said(f"{asked.format('--json')} --quality")[1])["quality"]
    assert not [line for line in quality["domains"] if "NULL" in line and "visits" in line]
    assert not said("--as o dataset inspect people.csv --encoding gb18030")[1].endswith("\n\n")


def test_of_many_columns_with_the_same_marks_it_is_said_once(said, tmp_path):
    header = ",".join(f"c{n}" for n in range(40))
    (tmp_path / "wide.csv").write_text("\n".join([header, ",".join(["NULL"] * 40), ",".join(["7"] * 40)]))
    _, out, _ = said("--as o dataset inspect wide.csv")
    assert [line for line in out.splitlines() if "--missing" in line] == ["   --missing '*=NULL'"]
    assert "c0, c1, c2, c3, c4, …" in out
