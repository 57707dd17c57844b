"""Exit codes, in one place.

0 ok, 1 bug, 2 usage, 3 invalid input, 4 denied, 5 budget, 6 job failed, 7 tampering found, 8 awaiting
approval, 130 interrupted.  Codes 2 to 8 belong to `KeyongError` classes.  The text of an exception that is
not ours is never printed: libraries put cell values into it.  A bug shows the kind of the exception and,
with ``-v``, the places in the code it came through; nothing else.
"""

from __future__ import annotations

import errno
import json
import os
import sys
import threading
import traceback
from collections.abc import Callable, Mapping
from typing import Final

import click

from cli.session import ReaderGone, Session, say
from sandbox.errors import Fact, JobFailedError, KeyongError, TamperingError

OK, BUG, USAGE, INVALID, INTERRUPTED = 0, 1, 2, 3, 130
"""The codes that no `KeyongError` class carries alone."""


_JOB_STAYS: Final = (BUG, INVALID, JobFailedError.exit_code, TamperingError.exit_code)
_PROBLEMS: Final = {
    errno.ENOENT: "cli.errno-not-there",
    errno.EACCES: "cli.errno-not-allowed",
    errno.EPERM: "cli.errno-not-allowed",
    errno.ENOSPC: "cli.errno-disk-full",
    errno.EDQUOT: "cli.errno-quota",
    errno.EFBIG: "cli.errno-too-large",
    errno.EROFS: "cli.errno-read-only",
    errno.EISDIR: "cli.errno-directory",
    errno.ENOTDIR: "cli.errno-no-directory",
    errno.EEXIST: "cli.errno-exists",
    errno.ENAMETOOLONG: "cli.errno-long-name",
    errno.EMFILE: "cli.errno-too-many-open",
    errno.EIO: "cli.errno-device",
}
"""What goes wrong with files → message key; other problems are said in the system's words."""


def guarded(action: Callable[[], object], session: Session) -> int:
    """Run *action* and return the exit code; whatever it raises becomes one message on standard error."""
    try:
        code = action()
    except KeyongError as error:
        code = _refused(error, session)
    except click.ClickException as error:
        code = _misused(error, session)
    except (click.Abort, KeyboardInterrupt):
        code = _interrupted(session)
    except ReaderGone:
        code = OK
    except OSError as error:
        # Without a number the text is a library's own, and libraries quote what they read.
        code = _bug(error, session) if error.errno is None else _system(error, session)
    # The last line of defence: an exception that left here would print its text, and texts hold cell values.
    except Exception as error:
        code = _bug(error, session)
    # click hands back the code of --help and friends, and otherwise None, which is what a command returns.
    return code if isinstance(code, int) else OK


def quiet_hooks() -> None:
    """Keep the exceptions of threads, finalisers and of the interpreter's end from printing their texts."""
    sys.excepthook = lambda kind, _error, _trace: _hint_of(kind)
    sys.unraisablehook = lambda event: _hint_of(event.exc_type)
    threading.excepthook = lambda event: _hint_of(event.exc_type)


def _refused(error: KeyongError, session: Session) -> int:
    told = dict(error.facts)
    if "state" in told:
        from service.wording import state  # noqa: PLC0415 - kept out of `keyong --help`

        told["state"] = state(str(told["state"]))
    _report(error.code, say(error.code, **told), error.exit_code, session, error.facts)
    return error.exit_code


def _misused(error: click.ClickException, session: Session) -> int:
    if isinstance(error, click.exceptions.NoArgsIsHelpError):
        error.show()
        return USAGE
    context = error.ctx if isinstance(error, click.UsageError) else None
    command = context.command_path if context else "keyong"
    _report("cli.usage", say("cli.usage", problem=_problem(error), command=command), USAGE, session, {})
    return USAGE


def _problem(error: click.ClickException) -> str:  # noqa: PLR0911 (a table, each key literal)
    """Say in the user's language what click found; what it says itself is English."""
    match error:
        case click.NoSuchOption():
            near = error.possibilities or []
            key = "cli.no-such-option-near" if near else "cli.no-such-option"
            return say(key, name=error.option_name, near=near)
        case click.MissingParameter():
            return say(
                "cli.missing-parameter",
                name=error.param.get_error_hint(error.ctx) if error.param and error.ctx else "",
            )
        case click.exceptions.NoSuchCommand():
            return say("cli.no-such-command", name=error.command_name)
        case click.BadOptionUsage():
            return say("cli.option-alone", name=error.option_name)
        case click.BadParameter() if error.param is not None:
            return _bad_value(error.param, error.ctx)
        case click.UsageError() if type(error) is click.UsageError:
            return say("cli.surplus-argument")
        case _:
            return error.format_message().rstrip(".")


def _bad_value(parameter: click.Parameter, context: click.Context | None) -> str:
    name = parameter.get_error_hint(context) if context else ""
    match parameter.type:
        case click.Choice() as choice:
            return say("cli.not-one-of", name=name, known=[str(one) for one in choice.choices])
        case click.IntRange() as numbers:
            low, high = numbers.min or 0, numbers.max
            return say("cli.not-in-range", name=name, low=low, high="…" if high is None else high)
        case click.types.IntParamType():
            return say("cli.not-a-whole-number", name=name)
        case click.Path() as path:
            return say("cli.no-directory" if path.dir_okay else "cli.no-file", name=name)
        case _:
            return say("cli.bad-value", name=name)


def _interrupted(session: Session) -> int:
    if session.job is None:
        _report("cli.interrupted", say("cli.interrupted"), INTERRUPTED, session, {})
    else:
        message = say("cli.interrupted-job", job=session.job)
        _report("cli.interrupted-job", message, INTERRUPTED, session, {"job": session.job})
    return INTERRUPTED


def _system(error: OSError, session: Session) -> int:
    number = error.errno or 0
    if number == errno.EPIPE:
        return OK
    # Our words or os.strerror, not the exception's own text: libraries put into it what they read.
    problem = say(_PROBLEMS[number]) if number in _PROBLEMS else os.strerror(number)
    facts = {"problem": problem, "path": str(error.filename or "")}
    where = f"{facts['problem']} {facts['path']}".strip()
    _report("cli.system", say("cli.system", problem=where), INVALID, session, facts)
    return INVALID


def _bug(error: BaseException, session: Session) -> int:
    kind = type(error).__name__
    _report("cli.bug", say("cli.bug", kind=kind), BUG, session, {"kind": kind})
    if session.verbose:
        for line in places(error):
            click.echo(line, err=True)
    return BUG


def places(error: BaseException) -> list[str]:
    """Return where *error* and what caused it came through: kinds, files, lines, functions; no values."""
    lines: list[str] = []
    cause: BaseException | None = error
    while cause is not None:
        lines.append(type(cause).__name__)
        frames = traceback.extract_tb(cause.__traceback__, limit=-40)
        lines.extend(f"  {frame.filename}:{frame.lineno} {frame.name}" for frame in frames)
        cause = cause.__cause__ or cause.__context__
    return lines


def _report(code: str, message: str, exit_code: int, session: Session, facts: Mapping[str, Fact]) -> None:
    if session.job is not None and "job" not in facts and exit_code in _JOB_STAYS:
        # Whoever ran the command again would pay again.
        message = f"{message} {say('cli.job-stays', job=session.job)}"
        facts = {**facts, "job": session.job}
    if session.json:
        told = {"code": code, "message": message, "facts": dict(facts), "exit_code": exit_code}
        message = json.dumps({"error": told}, ensure_ascii=False)
    else:
        message = f"keyong: {message}"
    click.echo(message, err=True)


def _hint_of(kind: type[BaseException]) -> None:
    sys.stderr.write(f"keyong: {kind.__name__} in the background\n")
