"""How an answer leaves: on the screen or to a file, as a table, JSON, CSV or Parquet, and as a picture."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, TypeVar

import click

from cli import drawn, render, results
from cli.session import Session
from sandbox.errors import UsageError
from service.client import exports, reports
from service.wording import loss

Json = Mapping[str, Any]
Command = TypeVar("Command", bound=Callable[..., Any])

_ENDINGS: Final = {".csv": "csv", ".parquet": "parquet", ".json": "json"}
_FILE: Final = click.Path(dir_okay=False, path_type=Path)
_OPTIONS = (
    click.option(
        "--format",
        "form",
        type=click.Choice(["table", "json", "csv", "parquet"]),
        help="Otherwise what the file's ending says, or a table.",
    ),
    click.option("-o", "--output", type=_FILE, metavar="FILE", help="Write the answer to FILE."),
    click.option("--plot", type=_FILE, help="Draw the answer too: FILE.svg or FILE.png."),
    click.option("--bars", is_flag=True, help="Draw the answer below the table, noise and all."),
)


@dataclass(frozen=True, slots=True)
class Delivery:
    """What the options say; checked before anything is spent."""

    form: str | None = None
    output: Path | None = None
    plot: Path | None = None
    bars: bool = False

    def __post_init__(self) -> None:
        if self.chosen == "parquet" and self.output is None:
            raise UsageError("export.needs-file")
        if self.bars and self.chosen != "table":
            raise UsageError("export.bars-beside-table")
        if self.output:
            exports.check_place(self.output)
        if self.plot:
            reports.check_format(self.plot)

    @classmethod
    def taken(cls, options: dict[str, Any]) -> Delivery:
        """Return what `delivering` added to *options*, and take it out of them."""
        return cls(**{name: options.pop(name) for name in ("form", "output", "plot", "bars")})

    @property
    def chosen(self) -> str:
        """The format asked for: by name, by the file's ending, or a table."""
        ending = self.output.suffix.lower() if self.output else ""
        return self.form or _ENDINGS.get(ending, "table")


def delivering(command: Command) -> Command:
    """Give *command* the options of which `Delivery` is made."""
    for option in reversed(_OPTIONS):
        command = option(command)
    return command


def deliver(session: Session, result: Json, to: Delivery) -> None:
    """Show or write a result as asked for."""
    as_json = session.json or to.chosen == "json"
    if to.output is None:
        _show(session, result, to, as_json=as_json)
    else:
        _write(session, result, to, to.output, as_json=as_json)
    if to.plot:
        for number in range(len(result["tables"])):
            path = _numbered(to.plot, number)
            reports.result_chart(result, path, number)
            session.tell("cli.chart-written", path=str(path))


def _show(session: Session, result: Json, to: Delivery, *, as_json: bool) -> None:
    if as_json:
        render.out(_json(result))
    elif to.chosen == "csv":
        # An empty line between several tables: a refusal would come after the money is spent.
        render.out("\r\n".join(exports.csv_text(result, number) for number in range(len(result["tables"]))))
        _tell_cost(session, result)
    else:
        results.show_result(session, result)
        if to.bars:
            drawn.show_bars(result)


def _tell_cost(session: Session, result: Json) -> None:
    """Beside rows that say nothing of themselves: what they are and what they cost."""
    if result["mock"]:
        session.tell("mock.banner")
        return
    for each in result["losses"]:
        session.tell("export.cost", dataset=each["dataset"], loss=loss(each), job=result["job"])


def _write(session: Session, result: Json, to: Delivery, output: Path, *, as_json: bool) -> None:
    if to.chosen in ("csv", "parquet"):
        write = exports.write_csv if to.chosen == "csv" else exports.write_parquet
        written = [_numbered(output, number) for number in range(len(result["tables"]))]
        for number, path in enumerate(written):
            write(result, path, number)
    else:
        written = [output]
        with (
            exports.whole(output) as draft,
            draft.open("w", encoding="utf-8") as file,
            contextlib.redirect_stdout(file),
        ):
            _show(session, result, to, as_json=as_json)
    if session.json:
        render.out(_json(result))
    for path in written:
        session.tell("export.written", path=str(path))


def _json(result: Json) -> str:
    return json.dumps(result, ensure_ascii=False, indent=2, allow_nan=False)


def _numbered(path: Path, number: int) -> Path:
    """The file of table *number*: the first as it was named, ``NAME-2`` for the second."""
    return path if number == 0 else path.with_stem(f"{path.stem}-{number + 1}")
