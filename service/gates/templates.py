"""Templates: jobs with parameters, agreed to beforehand."""

from __future__ import annotations

from typing import Protocol

from sandbox.schema import Principal
from service.asked import Json


class TemplateGate(Protocol):
    """Templates: jobs with parameters, agreed to beforehand."""

    def template_add(self, by: Principal, source: str, file: str) -> Json:
        """Store the template in the YAML text *source*, or in place of an older one of the same author.

        ``{"template", "digest", "datasets": [name], "replaced": bool}``.
        """

    def template_list(self, by: Principal) -> Json:
        """Return the templates whose datasets the caller all sees, or one of whose datasets is theirs.

        ``{"templates": [{"name", "digest", "added_by", "added", "datasets": [{"dataset", "owner",
        "approved": bool, under the policy in force}]}]}``.
        """

    def template_show(self, by: Principal, name: str) -> Json:
        """As a line of `template_list`, and what it asks.

        ``{"description", "sql", "purpose", "epsilon"|null, "errors", "max_rows"|null,
        "parameters": [{"name", "kind": "numbers"|"days"|"category", "values"}], "source"}``.
        """

    def template_approve(self, by: Principal, name: str, digest: str) -> Json:
        """Say yes beforehand to every job of that template, on all of the caller's datasets in it.

        It answers ``approval: owner``, until template or policy change.
        ``{"template", "digest", "approved": [dataset]}``.
        """

    def template_withdraw(self, by: Principal, name: str) -> Json:
        """Take that yes back for good, from the next job on.

        ``{"template", "digest", "withdrawn": [dataset]}``.
        """
