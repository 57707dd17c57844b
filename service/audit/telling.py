"""The account of a job in sentences, made of the gatekeeper's JSON alone."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from service import wording
from service.audit.refused import why
from service.messages.catalogue import language, say

Json = Mapping[str, Any]

ALERTS: Final = {
    "burst": "alert.burst",
    "refusals": "alert.refusals",
    "near-duplicates": "alert.near-duplicates",
    "probing": "alert.probing",
    "near-limit": "alert.near-limit",
    "namespace-close": "alert.namespace-near",
    "namespace-near": "alert.namespace-near",
    "namespace-raised": "alert.namespace-raised",
    "namespace-limit": "alert.namespace-limit",
    "lowered": "alert.lowered",
    "loosened": "alert.loosened",
    "identity": "alert.identity",
    "identity-change": "alert.identity-change",
    "key": "alert.key",
    "rotation": "alert.rotation",
    "removal": "alert.removal",
    "second-lineage": "alert.second-lineage",
    "drift": "alert.drift",
    "texts": "alert.texts",
    "clock": "alert.clock",
    "restored": "alert.restored",
}
"""Rule of an alert → message key."""
FIRST_POLICY: Final = ["$"]
"""What the leaf of a policy says it loosens where there was none before."""
USES: Final = {
    "group": "account.use-group",
    "filter": "account.use-filter",
    "measure": "account.use-measure",
    "join": "account.use-join",
    "feature": "account.use-feature",
}
"""Use of a column → message key."""
EVENTS: Final = {
    "replay": "account.event-replay",
    "approval": "account.event-approval",
    "rejection": "account.event-rejection",
    "refused": "account.event-refused",
    "failed": "account.event-failed",
    "interrupted": "account.event-interrupted",
    "cancelled": "account.event-cancelled",
}
"""What became of a job on its way → message key; other leaves are named as they are."""


def account(told: Json) -> list[str]:
    """Return the account *told* (as `Gatekeeper.audit_account`) as lines of text."""
    tongue = language()
    return [
        *_question(told, tongue),
        *(line for dataset in told["datasets"] for line in _dataset(dataset, told, tongue)),
        *(_table(table, tongue) for table in told["tables"]),
        *_outcome(told, tongue),
    ]


def _question(told: Json, tongue: str) -> Iterator[str]:
    asked = told["decision"]
    when = instant(asked["time"])
    yield say(
        "account.asked", tongue, who=told["who"], time=when, purpose=told["purpose"], leaf=asked["leaf"]
    )
    for number, statement in enumerate(told["statements"], 1):
        shown: dict[str, Any] = {
            "number": number,
            "operations": [name.upper() for name in statement["operations"]],
        }
        if not statement["keys"]:
            yield say("account.statement-whole", tongue, **shown)
        elif not statement["cells"]:
            yield say("account.statement-selected", tongue, **shown, keys=statement["keys"])
        else:
            cells = statement["cells"]
            yield say("account.statement", tongue, **shown, keys=statement["keys"], cells=cells)
        if bound := wording.group_bound(statement, tongue):
            yield say("account.group-bound", tongue, bound=bound)
    noise = wording.mechanism(told["mechanism"], tongue)
    yield say("account.noise", tongue, rows=told["rows"], noise=noise)


def _dataset(dataset: Json, told: Json, tongue: str) -> Iterator[str]:
    name, version, policy = dataset["dataset"], dataset["version"], dataset["policy"]
    columns = [_column(column, tongue) for column in dataset["columns"]]
    if columns:
        yield say("account.read", tongue, dataset=name, version=version, columns=columns)
    else:
        yield say("account.read-persons", tongue, dataset=name, version=version)
    grant = dataset["grant"]
    if grant is not None:
        facts = {key: grant[key] for key in ("number", "to", "purposes", "operations", "until")}
        yield say(
            "account.allowed", tongue, policy=policy["version"], digest=short(policy["digest"]), **facts
        )
    charged = dataset["charged"]
    if charged is None:
        yield say("account.nothing-charged", tongue, dataset=name)
    else:
        cost = wording.loss(dataset["loss"])
        when = instant(charged["time"])
        yield say("account.charged", tongue, dataset=name, cost=cost, time=when, leaf=charged["leaf"])


def _column(column: Json, tongue: str) -> str:
    uses = [say(USES[use], tongue) if use in USES else use for use in column["uses"]]
    if column["tag"] is None:
        return say("account.column-untagged", tongue, name=column["name"], uses=uses)
    return say("account.column", tongue, name=column["name"], uses=uses, tag=column["tag"])


def _table(table: Json, tongue: str) -> str:
    return say("account.table", tongue, name=table["name"], digest=short(table["digest"]))


def _outcome(told: Json, tongue: str) -> Iterator[str]:
    for event in told["events"]:
        key = EVENTS.get(event["kind"])
        facts = {"time": instant(event["time"]), "leaf": event["leaf"], "who": event["actor"]}
        if key is None:
            yield say("account.event", tongue, what=event["kind"], **facts)
        else:
            reason = event["facts"].get("code") or "–"
            yield say(key, tongue, **facts, code=reason, of=event["facts"].get("of", ""))
    release = told["release"]
    if release is None:
        yield say("account.nothing-left", tongue, state=wording.state(told["state"]))
    else:
        yield say(
            "account.released",
            tongue,
            time=instant(release["time"]),
            leaf=release["leaf"],
            shape=_shape(release, tongue),
            digest=release["digest"],
        )
    code = told["decision"]["code"]
    if code is not None:
        yield say("account.code", tongue, version=code["version"], sources=short(code["sources"]))


def _shape(release: Json, tongue: str) -> list[str]:
    if release["shape"] is None:
        return [say("account.shape-gone", tongue)]
    return [
        say("account.shape", tongue, rows=item["rows"], columns=item["columns"]) for item in release["shape"]
    ]


def alert(told: Json, tongue: str | None = None) -> str:
    """Return one alert (as `Gatekeeper.audit_alerts`) as a sentence, in *tongue* or the user's language."""
    key = ALERTS.get(told["rule"])
    if key is None:
        return str(told["rule"])
    if told["rule"] == "refusals" and told["what"]:
        key = "alert.refusals-about"
    tongue, facts = tongue or language(), dict(told["facts"])
    if "roles" in facts:
        facts["roles"] = [wording.role(name, tongue) for name in facts["roles"].split(",")]
    return say(key, tongue, who=told["who"], what=told["what"], **facts)


def loosened(rules: Sequence[str], tongue: str | None = None) -> str:
    """Return by which rules a policy allows more than the one before, or that there was none before."""
    tongue = tongue or language()
    return say("account.first-policy", tongue) if list(rules) == FIRST_POLICY else ", ".join(rules)


def refusal(entry: Json, leaf: int) -> str:
    """Return what the leaf of a refusal says as a sentence; *entry* as it stands in the log."""
    facts = entry["facts"]
    return say(
        "account.refusal",
        language(),
        who=entry["actor"],
        time=instant(entry["time"]),
        leaf=leaf,
        rule=facts["rule"] or "–",
        code=facts["code"],
        why=why(facts["code"]),
        datasets=[item["dataset"] for item in facts.get("datasets", ())],
        purpose=facts.get("purpose") or "–",
    )


def instant(text: str) -> str:
    """Return an ISO 8601 instant in UTC to the second: ``2026-11-23 02:44:26``."""
    return text[:19].replace("T", " ")


def short(digest: str) -> str:
    """Return the beginning of a digest, enough to recognise it; JSON has it whole."""
    return digest[:16]
