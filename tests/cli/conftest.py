"""A small gatekeeper that really keeps its few books, so that the command line can be seen at work."""

from __future__ import annotations

import contextlib
import io
import json
import re
import shlex
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest

from cli.app import run
from sandbox.errors import (
    BudgetExceededError,
    DeniedError,
    InvalidInputError,
    JobFailedError,
    TamperingError,
    UsageError,
)
from sandbox.schema import Principal, Role

TABLES = {
    "age": (
        [
            {"name": "age", "kind": "key"},
            {"name": "stays", "kind": "value"},
            {"name": "days", "kind": "value"},
        ],
        [
            {
                "age": None,
                "stays": 12,
                "stays_low": -5,
                "stays_high": 29,
                "days": None,
                "days_low": None,
                "days_high": None,
            },
            {
                "age": "NULL",
                "stays": 12345,
                "stays_low": 12328,
                "stays_high": 12362,
                "days": 4.21734,
                "days_low": 4.18734,
                "days_high": 4.24734,
            },
            {
                "age": "七十岁",
                "stays": 7,
                "stays_low": 0,
                "stays_high": 24,
                "days": 4.5,
                "days_low": 3.2,
                "days_high": 5.8,
            },
        ],
    ),
    "insulin": (
        [{"name": "insulin", "kind": "key"}, {"name": "stays", "kind": "value"}],
        [{"insulin": "No", "stays": 47383, "stays_low": 47333, "stays_high": 47433}],
    ),
}


LOOSER = {
    "direction": "loosens",
    "code": "diff.may-group",
    "rules": ["columns.race.use"],
    "facts": {"who": ["group:researchers", "wang"], "columns": ["race"]},
}
STRICTER = {
    "direction": "tightens",
    "code": "diff.window-less",
    "rules": ["budget.window"],
    "facts": {"every": "week", "old": "3", "new": "2", "queries": 18, "loss": "0.5"},
}


def loss(epsilon: Fraction | str) -> dict[str, str]:
    value = Fraction(epsilon)
    return {
        "filter": "zcdp",
        "epsilon": str(float(value)),
        "rho": str(float(value / 32)),
        "delta": "0.000001",
    }


class FakeGatekeeper:
    """Budget ε 2, one dataset, one policy; jobs run at once; `race` is denied, `bug` and friends go wrong."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.people: dict[str, dict[str, Any]] = {}
        self.jobs: dict[str, dict[str, Any]] = {}
        self.spent = Fraction(0)
        self.tables: dict[str, dict[str, Any]] = {}
        self.tags: dict[str, tuple[str, bool]] = {"age": ("pi.age", False), "race": ("pi.ethnicity", False)}
        self.added: Any = None
        self.about = ""
        self.closed = 0

    # people
    def identity_new(self, name, roles, groups):
        self.people[name] = {
            "name": name,
            "roles": list(roles),
            "groups": list(groups),
            "created": "2026-11-23",
        }
        self.people[name]["key"] = None
        return {key: self.people[name][key] for key in ("name", "roles", "groups")}

    def identity_change(self, by, name, roles, groups):
        self.people[name] |= {"roles": list(roles), "groups": list(groups)}
        return {key: self.people[name][key] for key in ("name", "roles", "groups")}

    def identity_key(self, by, public, endorsement=""):
        former, self.people[by.name]["key"] = self.people[by.name]["key"], public[:32]
        return {"name": by.name, "key": public[:32], "former": former}

    def identity_list(self):
        return {"identities": list(self.people.values())}

    def principal(self, name):
        if name not in self.people:
            raise UsageError("identity.unknown", name=name)
        found = self.people[name]
        return Principal(name, frozenset(map(Role, found["roles"])), frozenset(found["groups"]))

    # datasets
    def dataset_preview(self, by, new):
        columns = [{"name": "age", "kind": "string", "tag": "pi.age", "confidence": "0.95"}]
        marks = [{"column": "age", "marks": ["?"], "kind": "integer"}]
        later = new.lineage is not None
        return {
            "columns": columns,
            "declared": later,
            "seem_missing": [] if later else marks,
            "seem_typed": [],
        }

    def dataset_add(self, by, new, progress=None):
        if not new.path.exists():
            raise FileNotFoundError(2, "No such file", str(new.path))
        self.added = new
        if progress:
            progress("read", 1, 2)
        report = {
            "rows": 101766,
            "null_units_dropped": 0,
            "withdrawn_dropped": 0,
            "nonconforming": {"age": 3},
            "drifted": {},
            "seem_missing": [{"column": "age", "marks": ["?"], "kind": "integer"}]
            if "seem" in new.name
            else [],
            "seem_typed": [],
        }
        return {
            "dataset": new.name,
            "lineage": "lin-1",
            "version": 1,
            "digest": "ab" * 4,
            "columns": [],
            "owner_report": report,
        }

    def dataset_list(self, by, search=None):
        one = {
            "name": "health.diabetes",
            "owner": "health-bureau",
            "unit": "patient_nbr",
            "namespace": "health.patient",
        }
        told = {"version": 1, "columns": 2, "policy_version": None, "description": self.about, "matches": []}
        found = search is None or search in "health.diabetes race"
        datasets = [{**one, **told, "matches": ["race"] if search == "race" else []}] if found else []
        if search:
            return {"datasets": datasets, "public_tables": []}
        return {"datasets": datasets, "public_tables": [{**t, "columns": 1} for t in self.tables.values()]}

    def table_preview(self, by, new):
        return {"columns": [{"name": "code", "kind": "string"}], "personal": []}

    def table_add(self, by, new, progress=None):
        if "people" in new.name and new.reason is None:
            raise DeniedError("table.personal", rule="public", columns=["name (pi.name)"])
        self.added, replaced = new, new.name in self.tables
        columns = [{"name": "code", "kind": "string", "required": True, "domain": "I10, E11"}]
        told = {"public": True, "name": new.name, "owner": by.name, "digest": "ef" * 32, "rows": 1200}
        self.tables[new.name] = {**told, "created": "2026-11-23T02:00:00", "columns": columns}
        personal = ["name (pi.name)"] if new.reason else []
        return self.tables[new.name] | {"replaced": replaced, "personal": personal, "nonconforming": {}}

    def dataset_show(self, by, name):
        if name in self.tables:
            return self.tables[name]
        columns = [
            {
                "name": c,
                "kind": "string",
                "required": False,
                "tag": t,
                "title": "Age" if c == "age" else None,
                "title_zh": "年龄" if c == "age" else None,
                "confirmed": ok,
                "uses": ["group"],
                "domain": "a, b",
                "keys": None,
                "description": "as reported|上报" if c == "race" else "",
            }
            for c, (t, ok) in self.tags.items()
        ]
        head = {
            "name": name,
            "lineage": "lin-1",
            "version": 1,
            "unit": "patient_nbr",
            "namespace": "health.patient",
        }
        return {
            **head,
            "filter": "zcdp",
            "delta": "1e-6",
            "shards": 16,
            "owner": "health-bureau",
            "max_rows": 4,
            "max_groups": None,
            "max_group_rows": None,
            "most_rows": 100,
            "joins": ["health.visits"],
            "selection": {"per_job": "1e-9", "lifetime": "1e-7"},
            "description": self.about,
            "grants": [
                {
                    "purposes": ["readmission-statistics"],
                    "operations": ["avg", "count"],
                    "until": "2027-12-31",
                    "approval": "auto",
                    "whose": None,
                }
            ],
            "budget": {"limit": loss("2"), "remaining": loss(2 - self.spent), "per_job": loss("1")},
            "columns": columns,
            "examples": [
                {"sql": "SELECT COUNT(*) AS n FROM x WHERE age = 'a'", "purpose": "p", "epsilon": "0.5"}
            ],
        }

    def dataset_mock(self, by, name, path, wanted, progress=None):
        if path.exists():
            raise InvalidInputError("mock.file-exists", path=str(path))
        path.write_text("age\na\n")
        rows, units = wanted.rows or 200, wanted.units or 100
        return {
            **{"dataset": name, "mock": True, "path": str(path)},
            **{"rows": rows, "units": units, "seed": wanted.seed},
        }

    def dataset_describe(self, by, name, text):
        self.about = text
        return {"dataset": name, "description": text}

    def dataset_classify(self, by, name):
        columns = [
            {
                "name": c,
                "kind": "string",
                "tag": t,
                "title": "Age",
                "title_zh": "年龄",
                "dpv": "pd:Age",
                "role": "quasi",
                "sensitive": c == "race",
                "levels": {"gbt35273": "personal", "pipl": "sensitive" if c == "race" else "personal"},
                "basis": {"pipl": "article 28"} if c == "race" else {},
                "basis_zh": {"pipl": "第二十八条"} if c == "race" else {},
                "proposed": "pi.age",
                "seems": "pi.age",
                "confidence": "0.95",
                "confirmed": ok,
                "decision": {"by": by.name, "at": "2026-11-23T02:00:00", "reason": "known"} if ok else None,
                "drifted_from": "general" if c == "race" else None,
                "uses": ["group", "filter"],
                "treatment": "categories",
                "hints": [
                    {"tag": "pi.age", "source": "name", "rule": "age", "weight": 0.9, "share": None},
                    {"tag": "general", "source": "values", "rule": "few-words", "weight": 0.5, "share": 0.7},
                ],
                "runners_up": [
                    {"tag": "general", "title": "Nothing", "title_zh": "无", "confidence": "0.05"}
                ],
            }
            for c, (t, ok) in self.tags.items()
        ]
        titles = {"personal": {"en": "personal", "zh": "一般"}, "sensitive": {"en": "strict", "zh": "敏感"}}
        both = {"name": "both", "title": "Both", "title_zh": "两者", "columns": ["age", "race"]}
        law = {"title": "The Law", "title_zh": "本法", "titles": titles, "level": "personal"}
        return {
            "columns": columns,
            "levels": {
                "gbt35273": {**law, "columns": ["age", "race"], "combinations": []},
                "pipl": {**law, "level": "sensitive", "columns": [], "combinations": ["both"]},
            },
            "combinations": [{**both, "levels": {"pipl": "sensitive"}}],
        }

    def dataset_tag(self, by, name, said):
        self.decisions = said
        for column, tag in said.tags.items():
            self.tags[column] = (tag or self.tags[column][0], True)
        if said.above is not None:
            self.tags = {c: (t, True) for c, (t, _) in self.tags.items()}
        confirmed = {c: t for c, (t, ok) in self.tags.items() if ok}
        return {
            "dataset": name,
            "confirmed": confirmed,
            "unconfirmed": [c for c, (_, ok) in self.tags.items() if not ok],
            "drifted": [],
            "weaker": {},
        }

    # policies
    def policy_validate(self, by, path):
        if "broken" in path.name:
            raise InvalidInputError(
                "policy.duplicate-key", file=str(path), line=3, path="columns.age", key="age"
            )
        changes = [LOOSER] if "next" in path.name else []
        return {
            **{"dataset": "health.diabetes", "version": 1, "digest": "cd" * 4},
            **{"problems": [], "changes": changes},
        }

    def policy_init(self, by, dataset, language="en"):
        source = "unit: {key: patient_nbr, max_rows: FILL}\n"
        return {"dataset": dataset, "version": 1, "supersedes": None, "blanks": 1, "source": source}

    def policy_lint(self, by, path):
        past = {"severity": "warning", "code": "lint.grant-past", "where": f"{path}:17"}
        past["facts"] = {"number": 0, "until": "2025-12-31"}
        misfit = {"severity": "error", "code": "policy.unknown-column", "where": f"{path}:9"}
        misfit["facts"] = {"column": "agee"}
        findings = [] if "good" in path.name else [misfit, past] if "bad" in path.name else [past]
        count = {one["severity"]: 1 for one in findings}
        return {
            **{"file": str(path), "dataset": "health.diabetes", "registered": "far" not in path.name},
            **{"findings": findings, "errors": count.get("error", 0)},
            **{"warnings": count.get("warning", 0), "notes": 0},
        }

    def policy_simulate(self, by, path, queries=None):
        columns = [
            {"name": "stays", "half_width": 83.1, "error": "value"},
            {"name": "middle", "half_width": None, "error": "rank"},
        ]
        at = {"epsilon": "0.5", "columns": columns, "per_window": 15, "lifetime": 204, "months": 3.1}
        asked = {"sql": "SELECT age,\n  COUNT(*) AS stays", "purpose": "p", "denied": None}
        denied = {"code": "denied.no-grants", "facts": {"rule": "grants", "where": f"{path}:12", "ask": "li"}}
        refused = {"sql": "SELECT race", "purpose": None, "denied": denied, "cells": 0, "group_size": None}
        return {
            **{"file": str(path), "dataset": "health.diabetes", "version": 1, "expected_units": 70000},
            **{"every": "week", "months": 3.1},
            "questions": [{**asked, "cells": 10, "group_size": 7000, "at": [at]}, {**refused, "at": []}],
        }

    def policy_diff(self, by, path):
        named = {"dataset": "health.diabetes", "version": 1, "digest": "cd" * 4, "file": "policy version 1"}
        changes = [] if "same" in path.name else [LOOSER, STRICTER]
        return {"old": None if "first" in path.name else named, "new": named, "changes": changes}

    def policy_apply(self, by, path, signature=None):
        told = {"supersedes": None, "loosens": ["$"], "changes": [LOOSER] if "next" in path.name else []}
        return {"dataset": "health.diabetes", "version": 1, "digest": "cd" * 4, **told}

    def policy_show(self, by, dataset):
        return {
            "dataset": dataset,
            "version": 1,
            "digest": "cd" * 4,
            "applied": "2026-11-23",
            "applied_by": "health-bureau",
            "source": "kind: AccessPolicy\n",
        }

    # jobs
    def _cost(self, request):
        if request.template:
            return Fraction(1, 2)
        if request.error is not None or request.errors:
            return Fraction(1, 2)
        if not re.fullmatch(r"\d+(\.\d+)?", request.epsilon) or Fraction(request.epsilon) == 0:
            raise InvalidInputError("number.not-a-number", value=request.epsilon)
        return Fraction(request.epsilon)

    def _check(self, request):
        if "race" in request.sql:
            raise DeniedError("fake.denied", rule="columns.race", dataset="health.diabetes")
        return self._cost(request)

    def _kind(self, sql):
        return "age" if "age" in sql else "insulin"

    def _replays(self, request):
        return [
            j for j, one in self.jobs.items() if one["request"] == request and one["status"] == "released"
        ]

    def job_explain(self, by, request):
        cost = self._check(request)
        if request.template and not request.parameters:
            facts = {"name": "least", "template": request.template, "allowed": "0 … 14"}
            raise InvalidInputError("template.missing", **facts)
        if "boom" in request.sql:
            raise ValueError("secret cell value 13800138000")
        texts = [text.strip() for text in request.sql.split(";")]
        left = {"epsilon": str(float(2 - self.spent)), "rho": "0.05", "delta": "0"}
        dataset = {
            **{"dataset": "health.diabetes", "version": 1, "policy_version": 1, "rule": "grants[0]"},
            **{"approval": "auto", "max_rows": 4, "most_rows": 100, "max_groups": 2, "max_group_rows": 3},
            **{"loss": loss(cost), "remaining": left, "queries_left": 4},
        }
        workload = {
            "dataset": "health.diabetes",
            "loss": loss(cost),
            "parts": [loss(cost)] * len(texts),
            "sum": loss(cost * len(texts)),
        }
        facts = {"rule": "columns", "where": "policy:9", "column": "income", "ask": "health-bureau"}
        reason = {"dataset": "health.diabetes", "rule": "columns", "ask": "health-bureau", "facts": facts}
        if "income" in request.sql:
            codes = ("denied.column-not-listed", "denied.tag-not-confirmed")
            return {"verdict": "denied", "reasons": [{**reason, "code": code} for code in codes]}
        limit = {**reason, "code": "budget.window", "facts": {"asked": "9", "remaining": "1", "dataset": "x"}}
        return {
            "verdict": "over-budget" if cost > 2 else "allowed",
            "reasons": [limit] if cost > 2 else [],
            "datasets": [dataset],
            "public_tables": [],
            "mechanism": "discrete-gaussian",
            "epsilon": str(float(cost)),
            "approval": "auto",
            "whose": [],
            "loss": loss(cost),
            "free_replay": bool(self._replays(request)),
            "remaining": left,
            "queries_left": 4,
            "halved": str(float(cost * 2)),
            "statements": [self._explained(number, text) for number, text in enumerate(texts, start=1)],
            "measurements": [
                {
                    **{"statements": list(range(1, len(texts) + 1)), "kind": "count", "column": ""},
                    **{"clamp": None, "bound": 4, "half_width": 16.97},
                    "losses": [{"dataset": "health.diabetes", **loss(cost)}],
                }
            ],
            "workload": [workload] if len(texts) > 1 else [],
            "selection": [{"statements": [1], "threshold": 40, "delta": "1e-9"}]
            if "drug" in texts[0]
            else [],
            "suppression": ["result.declared-groups"],
        }

    def _explained(self, number, text):
        rows = {"what": "health.diabetes", "kind": "rows", "low": "0", "high": "4", "source": "unit.max_rows"}
        clamp = {"what": "d", "kind": "sum per unit", "low": "0.5", "high": None, "source": "derived"}
        columns = [
            {
                **{"name": c["name"], "kind": c["kind"], "clamp": None},
                "half_width": 16.97 if c["kind"] == "value" else None,
                "error": "rank" if c["name"] == "days" else "value",
                "bound": 4 if c["kind"] == "value" else None,
                "derived_from": [rows, clamp] if c["name"] == "days" else [],
            }
            for c in TABLES[self._kind(text)][0]
        ]
        return {"statement": number, "sql": text, "cells": 3, "group_size": None, "columns": columns}

    # templates
    def template_add(self, by, source, file):
        self.template = {"name": "stays", "added_by": by.name, "digest": "ab" * 4, "approved": False}
        return {"template": "stays", "digest": "ab" * 4, "datasets": ["health.diabetes"], "replaced": False}

    def _template(self):
        told = {"dataset": "health.diabetes", "owner": "health-bureau", "approved": self.template["approved"]}
        return {**self.template, "added": "2026-11-23", "datasets": [told]}

    def template_list(self, by):
        return {"templates": [self._template()]}

    def template_show(self, by, name):
        if name != "stays":
            raise DeniedError("template.unknown", rule="templates", name=name)
        parameters = [
            {"name": "age", "kind": "category", "values": "health.diabetes: age"},
            {"name": "least", "kind": "numbers", "values": "0 … 14"},
        ]
        said = {"description": "Stays", "sql": "SELECT 1\nFROM x\n", "purpose": "p", "epsilon": "0.5"}
        return {**self._template(), **said, "errors": [], "parameters": parameters, "source": ""}

    def template_approve(self, by, name, digest):
        self.template["approved"] = True
        return {"template": name, "digest": digest, "approved": ["health.diabetes"]}

    def template_withdraw(self, by, name):
        self.template["approved"] = False
        return {"template": name, "digest": self.template["digest"], "withdrawn": ["health.diabetes"]}

    def job_rehearse(self, by, request, wanted):
        cost = self._check(request)
        dataset = {"name": "health.diabetes", "version": 1, "rows": wanted.rows or 200, "units": 100}
        return {
            **{"mock": True, "seed": wanted.seed, "job": None, "status": "mock", "replayed": False},
            **{"losses": [], "loss": loss(0), "datasets": [dataset], "public_tables": []},
            "would_cost": [{"dataset": "health.diabetes", **loss(cost)}],
            "mechanism": "discrete-gaussian",
            "tables": [self._table(1, request.sql)],
        }

    def job_submit(self, by, request, idempotency_key=None):
        cost = self._check(request)
        if again := self._replays(request):
            return {"job": again[0], "status": "released", "replayed": True}
        job = f"job-{len(self.jobs) + 1}"
        status = "awaiting-approval" if "approval" in request.purpose else "charged"
        if status == "charged":
            if self.spent + cost > 2:
                raise BudgetExceededError("fake.budget", left=str(float(2 - self.spent)))
            self.spent += cost
        self.jobs[job] = {
            "request": request,
            "status": status,
            "cost": cost,
            "by": by.name,
            "replayed": False,
        }
        return {"job": job, "status": status, "replayed": False}

    def job_run(self, by, job, progress=None):
        one = self._job(job)
        if "interrupt" in one["request"].sql and one["status"] != "interrupted":
            one["status"] = "interrupted"
            raise KeyboardInterrupt
        if "crash" in one["request"].sql:
            raise JobFailedError("fake.job")
        one["replayed"], one["status"] = one["status"] == "released", "released"
        return self.job_result(by, job)

    def _job(self, job):
        if job not in self.jobs:
            raise UsageError("job.unknown", job=job)
        return self.jobs[job]

    def job_result(self, by, job):
        one = self._job(job)
        cost = loss(0 if one["replayed"] else one["cost"])
        return {
            "mock": False,
            "job": job,
            "status": "released",
            "replayed": one["replayed"],
            "losses": [{"dataset": "health.diabetes", **cost}],
            "loss": cost,
            "datasets": [{"name": "health.diabetes", "version": 1}],
            "public_tables": [],
            "mechanism": "discrete-gaussian",
            "tables": [
                self._table(number, text.strip())
                for number, text in enumerate(one["request"].sql.split(";"), start=1)
            ],
        }

    def _table(self, number, text):
        columns, rows = TABLES[self._kind(text)]
        if "ROLLUP" in text:
            rows = [*rows, {**rows[1], "age": None, "_totals": ["age"]}, {**rows[1], "age": "Σ all"}]
        notes = [{"key": "fake.note", "facts": {"of": key}} for key in ("all", self._kind(text))]
        return {"statement": number, "sql": text, "columns": columns, "rows": rows, "notes": notes}

    def job_status(self, by, job):
        one = self._job(job)
        at = {"created": "2026-11-23T02:00:00Z", "changed": "2026-11-23T02:00:01Z"}
        return {
            "job": job,
            "status": one["status"],
            "principal": one["by"],
            "purpose": one["request"].purpose,
            **at,
            "failure": None,
            "approval": self._approval(one),
        }

    def _approval(self, one):
        if "approval" not in one["request"].purpose:
            return None
        owner = {"party": "owner", "need": 1, "of": ["health-bureau"], "given": [], "missing": 1}
        rule = {"dataset": "health.diabetes", "rule": "owner", "expires_hours": 336, "parties": [owner]}
        return {"rules": [rule], "said": [], "complete": False, "ask": ["health-bureau"]}

    def job_list(self, by):
        return {
            "jobs": [
                {
                    **self.job_status(by, j),
                    "datasets": ["health.diabetes"],
                    "losses": [{"dataset": "health.diabetes", **loss(one["cost"])}],
                }
                for j, one in self.jobs.items()
            ]
        }

    def job_cancel(self, by, job):
        self._job(job)["status"] = "cancelled"
        return self.job_status(by, job)

    # budget and log
    def budget_show(self, by, dataset):
        charges = [
            {"job": j, "principal": one["by"], "at": "2026-11-23T02:00", "loss": loss(one["cost"])}
            for j, one in self.jobs.items()
        ]
        return {
            "dataset": dataset,
            "filter": "zcdp",
            "delta": "0.000001",
            "limit": loss("2"),
            "spent": loss(self.spent),
            "remaining": loss(2 - self.spent),
            "window": {"every": "week", "limit": loss("1"), "spent": loss(self.spent)},
            "per_job": loss("1"),
            "per_analyst": None,
            "charges": charges,
        }

    def budget_limit(self, by, namespace, wanted):
        self.limited = (namespace, wanted)
        figures = {"limit": loss("2"), "spent": loss(self.spent), "remaining": loss(2 - self.spent)}
        return {"namespace": namespace, "filter": wanted.filter, "delta": wanted.delta, **figures, "leaf": 9}

    def audit_list(self, by, first=0, limit=1000, only=None):
        leaf = {
            "leaf": 0,
            "kind": "release",
            "time": "2026-11-23T02:00",
            "actor": "wang",
            "facts": {"job": "job-1"},
        }
        return {"size": 1, "leaves": [leaf], "more": None}

    def audit_show(self, by, leaf):
        proof = {"kind": "inclusion", "checkpoint": "keyong/log\n1\nbb\n", "leaf": leaf}
        return {**proof, "entry": '{"kind":"release"}', "hashes": ["cc", "dd"]}

    def audit_account(self, by, job):
        if job != "job-1":
            raise DeniedError("job.unknown", rule="jobs", job=job)
        at = {"leaf": 0, "time": "2026-11-23T02:00:00"}
        column = {"name": "age", "uses": ["group"], "tag": "pi.age"}
        grant = {"number": 0, "to": ["group:researchers"], "purposes": ["planning"], "operations": ["count"]}
        dataset = {
            "dataset": "health.diabetes",
            "version": 1,
            "policy": {"version": 2, "digest": "ab" * 32},
            "grant": {**grant, "until": "2027-12-31"},
            "columns": [column],
            "loss": loss("0.5"),
            "charged": at,
        }
        return {
            "job": job,
            "who": "wang",
            "purpose": "planning",
            "state": "released",
            "decision": {**at, "verdict": "allowed", "code": {"version": "1.0", "sources": "cd" * 32}},
            "datasets": [dataset],
            "tables": [],
            "statements": [
                {"operations": ["count"], "keys": ["age"], "cells": 3}
                | {"max_groups": 2, "max_group_rows": None}
            ],
            "rows": 4,
            "mechanism": "discrete-gaussian",
            "release": {**at, "digest": "ef" * 32, "shape": [{"rows": 3, "columns": 2, "numbers": 3}]},
            "replay_of": None,
            "events": [{**at, "kind": "interrupted", "actor": "keyong", "facts": {"code": ""}}],
            "sql": None,
        }

    def audit_prove(self, by, *, leaf=None, job=None, since=None):
        if [leaf, job, since].count(None) != 2:
            raise UsageError("audit.prove-one")
        return {"kind": "inclusion", "leaf": leaf, "hashes": []}

    def audit_alerts(self, by, *, everything=False):
        facts = {"count": 6, "columns": "age", "jobs": "job-1"}
        at = {"first": 1, "leaf": 5, "time": "2026-11-23T02:00:00"}
        one = {"rule": "probing", "level": "high", **at, "who": ["wang"], "what": ["health.diabetes"]}
        return {"reviewed": 3, "alerts": [] if everything else [{**one, "facts": facts}]}

    def audit_sign_off(self, by, until=None, note=""):
        return {"leaf": 7, "since": 4, "until": 6 if until is None else until, "root": "bb"}

    def audit_month(self, by, month):
        log = {"origin": "keyong/w", "size": 7, "root": "bb"}
        lists = ("datasets", "namespaces", "analysts", "refusals", "policies", "alerts", "sign_offs")
        return {"month": month, "log": log, "counts": {}, **{name: [] for name in lists}}

    def audit_export(self, by, target, *, texts=False, progress=None):
        counts = {"jobs": 1, "charges": 1, "releases": 1, "policies": 1, "accounting": None}
        return {"target": str(target), "texts": texts, "size": 1, "root": "bb", **counts}

    def audit_verify(self, by, kept=(), progress=None):
        if any("old" in note for note in kept):
            raise TamperingError("fake.log", size=1)
        return {
            "size": 1,
            "root": "bb",
            "releases": 1,
            "charges": 1,
            "shards_checked": 16,
            "public_tables": 0,
            "restored": [],
            "clock_back": {"leaves": 0, "first": None},
        }

    def audit_checkpoint(self, by):
        return {"size": 1, "root": "bb", "note": "keyong/log\n1\nbb\n", "verifier_key": "keyong+1+AA"}

    # keeping
    def backup(self, by, target):
        return {"target": str(target), "files": 20, "key_file": True}

    def doctor(self):
        return {"checks": [{"name": "disk", "ok": True, "detail": "9 GB free"}]}

    def close(self):
        self.closed += 1


class FakeService:
    """Stands in for `service.embedded`."""

    def __init__(self, root: Path) -> None:
        self.keeper = FakeGatekeeper(root)
        self.passphrase: str | None = None

    def open_gatekeeper(self, workspace, *, passphrase=None, executor="ray"):
        return self.keeper

    def create_workspace(self, directory, passphrase):
        self.passphrase = passphrase
        return {"workspace": str(directory / ".keyong"), "keyring": "file", "warning": "cli.result-null"}

    def restore_workspace(self, source, target):
        return {"workspace": str(target), "refused": None}

    def accept_restore(self, workspace, name, reason, *, passphrase=None):
        charged = [{"lineage": "lin-1", "dataset": "health.diabetes", "loss": loss("1")}]
        return {"leaf": 7, "how": "log.rolled-back", "found": 7, "lost": 9, "jobs": 1, "charged": charged}

    def pool(self, action, workspace):
        return {"pool": "running" if action != "stop" else "stopped"}


@dataclass
class Answer:
    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)


class Terminal:
    """Types command lines at `keyong` with the fake behind it."""

    def __init__(self, root: Path) -> None:
        self.service = FakeService(root)

    def __call__(self, line: str) -> Answer:
        out, err = io.StringIO(), io.StringIO()
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
            code = run(shlex.split(line), self.service)
        return Answer(code, out.getvalue(), err.getvalue())


@pytest.fixture
def keyong(tmp_path, monkeypatch):
    for name in ("KEYONG_AS", "KEYONG_WORKSPACE", "KEYONG_PURPOSE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("KEYONG_LANG", "en")
    monkeypatch.chdir(tmp_path)
    return Terminal(tmp_path)


@pytest.fixture
def known(keyong):
    """A terminal at which owner, analyst and reviewer are known."""
    for name, role in (("health-bureau", "owner"), ("wang", "analyst"), ("li", "reviewer")):
        keyong.service.keeper.identity_new(name, [role], ["researchers"] if role == "analyst" else [])
    return keyong
