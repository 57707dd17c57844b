"""Three days at one hospital: an owner's, an analyst's and a reviewer's, typed one after the other.

``days/*.txt`` are played on one real workspace with the real command line, workers in this process.  Beyond
what `transcript` says, commands may end in ``<<< WORDS`` (standard input) and ``> FILE``, and these prepare
and look:

- ``export NAME=VALUE``, ``write FILE TEXT``, ``cp FROM TO``, ``rm PATH`` (also of directories),
- ``edit FILE OLD NEW`` replaces what must stand there,
- ``keep NAME PATTERN`` keeps what PATTERN finds in the last answer; ``$NAME`` stands for it from there on,
- ``forge FILE SQL`` changes the books behind Keyong's back,
- ``python …`` runs a process of its own.
"""

from __future__ import annotations

import csv
import random
import re
import shlex
import shutil
import sqlite3
import string
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from pathlib import Path

import pytest
from terminal import Answer, typed
from transcript import check, steps

from sandbox.keys import provider

DAYS = ("owner", "analyst", "reviewer")
PEOPLE = 300
FIRST = ("Anna", "David", "Emma", "James", "John", "Laura", "Maria", "Michael", "Peter", "Sarah")
LAST = ("Anderson", "Brown", "Clark", "Davis", "Evans", "Harris", "Johnson", "Miller", "Smith")


def stays() -> Iterator[Sequence[object]]:
    """Invented stays of `PEOPLE` patients, one to three each."""
    rng = random.Random(20261128)
    yield "patient", "name", "phone", "sex", "ward", "age", "days", "cost"
    for person in range(PEOPLE):
        name = f"{rng.choice(FIRST)} {rng.choice(LAST)}"
        who = 5001 + person, name, f"138{rng.randrange(10**8):08d}", rng.choice("FM")
        for _ in range(rng.randint(1, 3)):
            ward = rng.choice(("cardiology", "oncology", "paediatrics", "surgery"))
            yield *who, ward, rng.randint(0, 95), rng.randint(1, 28), f"{rng.uniform(200, 20_000):.2f}"


class Hospital:
    """A directory, a shell's variables and what was said last."""

    def __init__(self, place: Path, patch: pytest.MonkeyPatch) -> None:
        self.place, self.patch = place, patch
        self.begun: list[str] = []
        self.ended: list[str] = []
        self.kept: dict[str, str] = {}
        self.last = Answer(0, "", "")
        with (place / "stays.csv").open("w", newline="") as file:
            csv.writer(file).writerows(stays())

    def play(self, day: str) -> None:
        """Play the days up to *day* that were not played yet."""
        assert self.begun == self.ended, "an earlier day did not go as written"
        for name in DAYS[len(self.begun) : DAYS.index(day) + 1]:
            self.begun.append(name)
            for variable in ("KEYONG_AS", "KEYONG_PURPOSE"):
                self.patch.delenv(variable, raising=False)
            self.patch.setenv("KEYONG_LANG", "en")
            text = (Path(__file__).parent / "days" / f"{name}.txt").read_text(encoding="utf-8")
            for command, expected in steps(text):
                self.step(command, expected)
            self.ended.append(name)

    def step(self, command: str, expected: Sequence[str]) -> None:
        """Do one command and hold what it says against what is expected."""
        name, _, rest = command.partition(" ")
        if name == "keep":
            variable, _, pattern = rest.partition(" ")
            found = re.search(pattern, self.last.out + self.last.err)
            assert found, f"{pattern} in {self.last}"
            self.kept[variable] = found[found.re.groups]
            return
        rest = string.Template(rest).safe_substitute(self.kept).replace(r"\n", "\n")
        if name in ("keyong", "python"):
            rest, _, words = rest.partition(" <<< ")
            target = re.search(r" > (\S+)$", rest)
            rest = rest[: target.start()] if target else rest
            self.last = answer = (keyong if name == "keyong" else python)(rest, words)
            if target:
                Path(target[1]).write_text(answer.out, encoding="utf-8")
                answer = Answer(answer.code, "", answer.err)
            wanted = [string.Template(line).safe_substitute(self.kept) for line in expected]
            check(command, wanted, answer)
        elif name == "export":
            self.patch.setenv(*rest.split("=", 1))
        else:
            PREPARE[name](*shlex.split(rest))


def keyong(line: str, words: str) -> Answer:
    return typed(line, "".join(f"{word}\n" for word in shlex.split(words)))


def python(line: str, words: str) -> Answer:
    command = [sys.executable, *shlex.split(line)]
    done = subprocess.run(command, input=words, capture_output=True, text=True, timeout=60, check=False)
    return Answer(done.returncode, done.stdout, done.stderr)


def copy(source: str, target: str) -> None:
    if Path(source).is_dir():
        shutil.copytree(source, target)
    else:
        shutil.copy(source, target)


def remove(path: str) -> None:
    if Path(path).is_dir():
        shutil.rmtree(path)
    else:
        Path(path).unlink()


def edit(path: str, old: str, new: str) -> None:
    text = Path(path).read_text(encoding="utf-8")
    assert old in text, text
    Path(path).write_text(text.replace(old, new, 1), encoding="utf-8")


def forge(path: str, sql: str) -> None:
    with closing(sqlite3.connect(path)) as books:
        assert books.execute(sql).rowcount
        books.commit()


PREPARE: dict[str, Callable[..., object]] = {
    "write": lambda path, text: Path(path).write_text(text + "\n", encoding="utf-8"),
    "cp": copy,
    "rm": remove,
    "edit": edit,
    "forge": forge,
}


@pytest.fixture(scope="module")
def hospital(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Hospital]:
    place = tmp_path_factory.mktemp("hospital")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("KEYONG_ANCHORS", str(place / "anchors"))
        patch.setattr(provider, "SCRYPT_N", 2**14)
        patch.setenv("COLUMNS", "160")
        patch.chdir(place)
        yield Hospital(place, patch)


@pytest.mark.parametrize("day", DAYS)
def test_day(day: str, hospital: Hospital) -> None:
    hospital.play(day)
