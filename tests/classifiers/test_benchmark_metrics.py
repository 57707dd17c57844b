"""What the classification benchmark counts, by examples small enough to count by hand."""

import gzip
import math

import pytest

from benchmarks.classification import __main__ as harness
from benchmarks.classification import agreement, baseline, labelled, metrics, report
from benchmarks.classification.metrics import Judged, Share

JUDGED = [
    Judged("t: a", "pi.name", True, "pi.name", 0.99),
    Judged("t: b", "pi.contact.mobile", True, "pi.id.generic", 0.93),
    Judged("t: c", "finance.account", False, "general", 0.2),
    Judged("t: d", "general", False, "general", 0.95),
    Judged("t: e", "general", False, "pi.age", 0.55),
    Judged("t: f", "org.name", True, "org.name", 0.7),
    Judged("t: g", "geo.region", False, "pi.address", 0.7),
]


def test_pii_yes_or_no_does_not_ask_which():
    precision, recall = metrics.pii(JUDGED)
    assert precision == Share(2, 4), "a and b of a, b, e, g"
    assert recall == Share(2, 3), "a and b of a, b, c"


def test_a_category_is_right_only_if_it_is_exactly_the_label():
    precision, recall = metrics.category(JUDGED)
    assert precision == Share(2, 5), "a and f of all but c and d"
    assert recall == Share(2, 5), "a and f of a, b, c, f, g"


def test_values_alone_count_only_columns_that_values_show():
    assert metrics.from_values(JUDGED) == Share(2, 3), "a and f of a, b, f"


def test_general_counts_among_the_confident_proposals():
    assert metrics.sure(JUDGED) == Share(2, 3), "a and d of a, b, d"


def test_the_reliability_table_holds_every_proposal_once():
    bins = metrics.reliability(JUDGED)
    assert [(it.low, it.right) for it in bins] == [
        (0.0, Share(0, 1)),
        (0.5, Share(0, 1)),
        (0.7, Share(1, 2)),
        (0.9, Share(0, 1)),
        (0.95, Share(2, 2)),
    ]
    assert bins[2].said == pytest.approx(0.7)
    certain = metrics.reliability([Judged("t: z", "pi.age", True, "pi.age", 1.0)])
    assert certain[0].right == Share(1, 1)


def test_shares_of_nothing_and_intervals():
    assert math.isnan(Share(0, 0).value)
    assert Share(0, 0).interval == (0.0, 1.0)
    low, high = Share(5, 10).interval
    assert (round(low, 3), round(high, 3)) == (0.237, 0.763), "Wilson's interval of 5 in 10"
    assert report.share(Share(0, 0)) == "–"


def test_errors_list_missed_pii_first():
    lines = report.errors(JUDGED).splitlines()[2:]
    assert [line.split(" ")[2] for line in lines] == ["c", "e", "g", "b"]


@pytest.mark.parametrize("part", [[], ["--part", "heldout"], ["--part", "fresh"]])
def test_wrong_columns_of_the_held_out_part_are_shown_to_nobody(part, capsys):
    with pytest.raises(SystemExit):
        harness.main(["--errors", *part])
    assert "held out" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("header", "tag"),
    [
        ("emailAddress", "pi.contact.email"),
        ("客户姓名", "pi.name"),
        ("身份证号", "pi.id.resident"),
        ("ShipAddress", "pi.address"),
        ("patient_id", "pi.id.generic"),
        ("column_4", "general"),
    ],
)
def test_the_baseline_knows_plain_headers(header, tag):
    assert baseline.propose(header) == tag


def test_headers_can_be_taken_away(tmp_path):
    table = next(it for it in labelled.tables("intl", "development") if it.name.endswith("retail/customers"))
    bare = labelled.without_header(table, tmp_path)
    header, first, *_ = bare.read_text(encoding="utf-8").splitlines()
    assert header.split(",") == [f"column_{place}" for place in range(1, len(table.labels) + 1)]
    assert first
    assert len(labelled.propose(bare)) == len(table.labels)


def test_labels_that_do_not_fit_are_refused(tmp_path):
    folder = tmp_path / "intl" / "development" / "shop"
    folder.mkdir(parents=True)
    (folder / "labels.yaml").write_text("t: [{column: a, tag: pi.nonsense, values: true}]", encoding="utf-8")
    (folder / "others.yaml").write_text("t: {b: [pi.name], c: [pi.name]}", encoding="utf-8")
    (folder / "t.csv.gz").write_bytes(gzip.compress(b"a\n1\n"))
    with pytest.raises(ValueError, match="unknown tags"):
        list(labelled.tables("intl", "development", tmp_path))


@pytest.mark.parametrize(
    ("author", "b", "c", "tag", "shown"),
    [
        ("pi.name", "pi.name", "general", "pi.name", True),
        ("pi.name", "general", "general", "general", False),
        ("pi.name", "org.name", "general", "pi.name", True),
    ],
)
def test_two_of_three_say_what_a_column_is(tmp_path, author, b, c, tag, shown):
    folder = tmp_path / "intl" / "development" / "shop"
    folder.mkdir(parents=True)
    (folder / "labels.yaml").write_text(f"t: [{{column: a, tag: {author}, values: true}}]", encoding="utf-8")
    (folder / "others.yaml").write_text(f"t: {{b: [{b}], c: [{c}]}}", encoding="utf-8")
    (folder / "t.csv.gz").write_bytes(gzip.compress(b"a\n1\n"))
    (table,) = labelled.tables("intl", "development", tmp_path)
    (label,) = table.labels
    assert (label.tag, label.values, label.author, label.others) == (tag, shown, author, (b, c))


def test_kappa_is_that_of_the_textbook():
    # Cohen 1960 in the form every textbook has: 20 yes-yes, 5 and 10 differ, 15 no-no gives 0.4.
    one = ["yes"] * 25 + ["no"] * 25
    other = ["yes"] * 20 + ["no"] * 5 + ["yes"] * 10 + ["no"] * 15
    assert agreement.kappa(one, other) == pytest.approx(0.4)
    assert agreement.kappa(one, one) == 1
