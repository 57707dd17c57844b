"""Errors as codes and facts.

An error carries a *code* (``area.what-is-wrong``) and *facts* (names, limits, lines), never prose and never
a cell value: the words live in ``service/messages`` in every language we speak, and a fact that a row could
have triggered would be a leak.  The class decides the exit code of the command line, and nothing else does.
"""

from __future__ import annotations

from typing import ClassVar

Fact = str | int | float | bool | None | list[str]


class KeyongError(Exception):
    """Something a user can understand and act on; *code* finds its message, *facts* fill it in."""

    exit_code: ClassVar[int] = 1

    def __init__(self, code: str, **facts: Fact) -> None:
        super().__init__(code, facts)
        self.code = code
        self.facts = facts

    def __str__(self) -> str:
        listed = ", ".join(f"{name}={value!r}" for name, value in self.facts.items())
        return f"{self.code}({listed})"

    def __reduce__(self) -> tuple[object, ...]:
        return _rebuild, (type(self), self.code, self.facts)


def _rebuild(kind: type[KeyongError], code: str, facts: dict[str, Fact]) -> KeyongError:
    return kind(code, **facts)


class UsageError(KeyongError):
    """The call itself is wrong: an unknown option, a missing argument, a workspace that is not there."""

    exit_code = 2


class InvalidInputError(KeyongError):
    """What was handed in cannot be accepted: a file, a policy, a statement."""

    exit_code = 3


class StorageError(KeyongError):
    """The disk or the books cannot serve now; what was under way left nothing behind."""

    exit_code = 3


class DeniedError(KeyongError):
    """A rule says no; the facts name the rule."""

    exit_code = 4


class BudgetExceededError(DeniedError):
    """The charge would pass a limit; nothing was recorded."""

    exit_code = 5


class JobFailedError(KeyongError):
    """A job ran and gave no result; the facts never depend on a row."""

    exit_code = 6


class TamperingError(KeyongError):
    """Something stored is not what was signed or chained."""

    exit_code = 7


class AwaitingApprovalError(KeyongError):
    """The job waits for somebody's yes."""

    exit_code = 8
