"""Policies: written, checked, put in force."""

from __future__ import annotations

from pathlib import Path
from typing import Protocol

from sandbox.schema import Principal
from service.asked import Json


class PolicyGate(Protocol):
    """Policies: written, checked, put in force."""

    def policy_validate(self, by: Principal, path: Path) -> Json:
        """``{"dataset", "version", "digest", "problems": [], "changes"}``; raises at the first problem.

        *changes*: what it would change of the policy in force, as in `policy_diff`.
        """

    def policy_apply(self, by: Principal, path: Path, signature: Path | None = None) -> Json:
        """Put a policy in force.

        ``{"dataset", "version", "digest", "supersedes", "loosens": [rule], "changes"}``.  *loosens*: the
        rules that allow what the policy before did not (``["$"]`` for the first one); *changes* as in
        `policy_diff`.
        *signature* is a file that `service.client.signing` wrote, by default ``PATH.sig``: made with the key
        that the dataset's owner has pinned.
        """

    def policy_init(self, by: Principal, dataset: str, language: str = "en") -> Json:
        """Draft the next policy of *dataset*, for its owner; its comments are in *language*.

        ``{"dataset", "version", "supersedes": digest or null, "blanks": number, "source": the YAML}``.
        """

    def policy_lint(self, by: Principal, path: Path) -> Json:
        """``{"file", "dataset", "registered", "findings", "errors", "warnings", "notes": numbers}``.

        ``findings``: ``[{"severity", "code", "where": file:line, "facts"}]``, the worst first.  Columns, tags
        and joins are looked at only where the dataset is registered and belongs to *by*.
        """

    def policy_simulate(self, by: Principal, path: Path, queries: Path | None = None) -> Json:
        """Say what answers under the policy in *path* would look like; reads no data, charges nothing.

        *queries*: SQL statements, otherwise typical ones.  ``{"file", "dataset", "version",
        "expected_units", "every": window or null, "months": that the budget lasts, "questions": [{"sql",
        "purpose", "denied": null or {"code", "facts"}, "cells", "group_size", "at": [{"epsilon", "columns":
        [{"name", "half_width", "error": value or rank}], "per_window", "lifetime", "months"}]}]}``.
        """

    def policy_diff(self, by: Principal, path: Path) -> Json:
        """Compare the policy in *path* with the one in force, for those who may see that.

        ``{"old": null or {"file", "dataset", "version", "digest"}, "new": the same, "changes": [{"direction":
        loosens, tightens or neutral, "code", "rules": [path], "facts"}]}``.
        """

    def policy_show(self, by: Principal, dataset: str) -> Json:
        """Return the policy in force; *key* is the id of the key that signed it.

        ``{"dataset", "version", "digest", "applied", "applied_by", "key": id|null, "source": the YAML}``.
        """
