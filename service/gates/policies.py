"""Policies: written, checked, put in force."""

from __future__ import annotations

from pathlib import Path
from typing import Protocol

from sandbox.schema import Principal
from service.asked import Json


class PolicyGate(Protocol):
    """Policies: written, checked, put in force."""

    def policy_validate(self, by: Principal, path: Path) -> Json:
        """``{"dataset", "version", "digest", "problems": []}``; raises at the first problem, with line."""

    def policy_apply(self, by: Principal, path: Path, signature: Path | None = None) -> Json:
        """Put a policy in force: ``{"dataset", "version", "digest", "supersedes", "loosens": [rule]}``.

        *loosens*: the rules that allow what the policy before did not (``["$"]`` for the first one).
        *signature* is a file that `service.signing` wrote, by default ``PATH.sig``: made with the key that
        the dataset's owner has pinned.
        """

    def policy_show(self, by: Principal, dataset: str) -> Json:
        """Return the policy in force; *key* is the id of the key that signed it.

        ``{"dataset", "version", "digest", "applied", "applied_by", "key": id|null, "source": the YAML}``.
        """
