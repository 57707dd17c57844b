"""The monthly page: nothing that comes from outside breaks out of it, and a real browser shows it whole."""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest

from service.audit.month import Span
from service.audit.page import page

HOSTILE = (
    '"><script>alert(1)</script>',
    "</style><img src=x onerror=alert(1)>",
    "' onload='alert(1)",
    "javascript:alert(1)",
    "\u202etxt.exe\u0000\x1b[31m",
    "]]><svg/onload=alert(1)>",
    "a" * 400,
    "某医院·数据集·" * 30,
)


def loss(epsilon: str) -> dict[str, Any]:
    rho = str(float(epsilon) ** 2 / 60)
    return {"filter": "zcdp", "epsilon": epsilon, "rho": rho, "delta": "0.000001"}


def report(names: tuple[str, ...] = ("health.stays", "wang", "bureau")) -> dict[str, Any]:
    """A report in which every text is one of *names*."""
    pick = names.__getitem__
    dataset, who, owner = pick(0), pick(1 % len(names)), pick(2 % len(names))
    time = "2026-11-23T08:00:00.000000+00:00"
    facts = {"count": 7, "minutes": 5, "jobs": "job-1, job-2", "columns": who, "percent": 83}
    rules = [("probing", "high"), ("near-limit", "look"), ("burst", "notice"), ("other", "notice")]
    return {
        "month": "2026-11",
        "log": {"origin": f"keyong/{dataset}", "size": 1234, "root": "ab" * 32},
        "counts": {"allowed": 12, "refused": 3, "released": 11, "replayed": 1},
        "datasets": [
            {
                "dataset": dataset,
                "owner": owner,
                "policy_version": 2,
                "limit": loss("8"),
                "before": loss("2"),
                "during": loss("3"),
                "after": loss("3.6"),
                "asked": 12,
                "refused": 3,
                "people": [{"who": who, "loss": loss("3")}, {"who": owner, "loss": loss("0.1")}],
            },
            {"dataset": owner, "owner": owner, "limit": None},
        ],
        "namespaces": [
            {"namespace": dataset, **{name: loss("3") for name in ("limit", "before", "during", "after")}}
        ],
        "analysts": [{"who": who, "allowed": 12, "refused": 3, "released": 11, "replayed": 1}],
        "refusals": [
            {
                "who": who,
                "datasets": [dataset],
                "purpose": "",
                "code": "denied.purpose",
                "rule": f"grants[0].{dataset}",
                "count": 3,
            }
        ],
        "policies": [
            {"time": time, "dataset": dataset, "version": 2, "who": owner, "loosens": [f"columns.{who}"]}
        ],
        "alerts": [
            {
                "rule": rule,
                "level": level,
                "leaf": 9,
                "time": time,
                "who": [who],
                "what": [dataset],
                "facts": facts,
            }
            for rule, level in rules
        ],
        "sign_offs": [{"leaf": 1, "time": time, "who": who, "until": 0, "note": owner}],
    }


class Seen(HTMLParser):
    """The elements, attributes and text of a page."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.attributes: list[tuple[str, str]] = []
        self.texts: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.attributes += [(name, value or "") for name, value in attrs]

    def handle_data(self, data: str) -> None:
        self.texts.append(data)


@pytest.mark.parametrize("language", ["en", "zh"])
@pytest.mark.parametrize("name", HOSTILE)
def test_names_from_outside_stay_text(name: str, language: str) -> None:
    plain, seen = Seen(page(report(), language)), Seen(page(report((name, name, name)), language))
    assert seen.tags == plain.tags
    assert {key for key, _ in seen.attributes} == {key for key, _ in plain.attributes}
    assert not seen.tags & {"script", "img", "iframe", "object", "link", "a", "form"}
    assert not any(key.startswith("on") or key in ("href", "src", "style") for key, _ in seen.attributes)
    shown = "".join(seen.texts)
    assert not {"\u202e", "\x00", "\x1b"} & set(shown)
    if name.isprintable():
        assert name in shown


@pytest.mark.parametrize("month", ["2026-13", "2026-1", "26-11", "2026-11-01", "٢٠٢٦-١١", "0000-01", "x"])
def test_what_is_no_month_is_refused(month: str) -> None:
    with pytest.raises(Exception, match="bad-month"):
        Span.parse(month)


def test_months_end_where_the_next_begins() -> None:
    assert Span.parse("2026-12").end == Span.parse("2027-01").begin
    assert Span.parse("2024-02").holds("2024-02-29T23:59:59.999999+00:00")
    assert not Span.parse("2026-11").holds("2026-12-01T00:00:00+00:00")


# --- in a real browser ----------------------------------------------------------------------------------

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
QUIET = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--hide-scrollbars",
    "--virtual-time-budget=3000",
    "--enable-logging=stderr",
    "--v=0",
    "--log-level=0",
]

browser = pytest.mark.skipif(CHROMIUM is None, reason="missing: chromium, the browser")


@pytest.fixture
def profile(tmp_path: Path) -> Iterator[list[str]]:
    return [str(CHROMIUM), *QUIET, f"--user-data-dir={tmp_path / 'profile'}"]


def write(tmp_path: Path, language: str, names: tuple[str, ...]) -> Path:
    path = tmp_path / f"{language}.html"
    path.write_text(page(report(names), language), encoding="utf-8")
    return path


MEASURE = """<script>
const wide = document.documentElement.scrollWidth > document.documentElement.clientWidth;
const out = [...document.querySelectorAll('body *')].filter(e => !e.closest('svg') &&
  e.getBoundingClientRect().right > document.documentElement.clientWidth + 1).map(e => e.tagName);
document.title = 'overflow=' + wide + ' out=' + out.join();
</script>"""


def run(command: list[str], *more: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([*command, *more], capture_output=True, text=True, timeout=90, check=False)


@browser
@pytest.mark.parametrize(("language", "width"), [("en", 1000), ("zh", 420)])
def test_nothing_overflows(tmp_path: Path, profile: list[str], language: str, width: int) -> None:
    path = write(tmp_path, language, ("a" * 200, "某" * 90, "b.c"))
    # Only the copy that is measured may run a script: its policy is taken out.
    text, cut = re.subn(r'<meta http-equiv="Content-Security-Policy"[^>]*>', "", path.read_text("utf-8"))
    assert cut == 1
    path.write_text(text.replace("</body>", f"{MEASURE}</body>"), encoding="utf-8")
    shown = run(profile, f"--window-size={width},900", "--dump-dom", path.as_uri()).stdout
    assert "<title>overflow=false out=</title>" in shown


@browser
def test_it_prints_in_both_languages_and_complains_of_nothing(tmp_path: Path, profile: list[str]) -> None:
    for language, heading in (("en", "Spending by dataset"), ("zh", "各数据集的预算使用")):
        path = write(tmp_path, language, ("health.stays", "王", "bureau"))
        pdf = tmp_path / f"{language}.pdf"
        done = run(profile, "--no-pdf-header-footer", f"--print-to-pdf={pdf}", path.as_uri())
        assert pdf.read_bytes().startswith(b"%PDF"), done.stderr[-500:]
        assert "CONSOLE" not in done.stderr
        if shutil.which("pdftotext"):
            text = subprocess.run(["pdftotext", pdf, "-"], capture_output=True, text=True, check=True).stdout
            assert heading in text
            assert "health.stays" in text


@browser
def test_a_script_in_the_page_would_not_run(tmp_path: Path, profile: list[str]) -> None:
    """Were a name ever let through as markup, the page's own policy would still stop it."""
    path = write(tmp_path, "en", ("x.y", "wang", "bureau"))
    broken = path.read_text("utf-8").replace("</body>", "<script>document.title = 'ran'</script></body>")
    path.write_text(broken, encoding="utf-8")
    assert "<title>ran</title>" not in run(profile, "--dump-dom", path.as_uri()).stdout
