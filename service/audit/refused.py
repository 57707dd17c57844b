"""Why something was refused, in a few words, from the code that the log holds: the facts are not in it."""

from __future__ import annotations

from typing import Final

from service.messages.catalogue import language as users_language
from service.messages.catalogue import say

REASONS: Final = {
    "denied.no-policy": "refusal.no-policy",
    "denied.tag-not-confirmed": "refusal.tag-not-confirmed",
    "denied.column-not-listed": "refusal.column",
    "denied.use-not-listed": "refusal.use",
    "denied.no-bounds": "refusal.no-domain",
    "denied.no-domain": "refusal.no-domain",
    "denied.max-rows": "refusal.max-rows",
    "denied.no-grants": "refusal.not-granted",
    "denied.not-granted-to": "refusal.not-granted",
    "denied.purpose": "refusal.purpose",
    "denied.operation": "refusal.operation",
    "denied.kind": "refusal.operation",
    "denied.expired": "refusal.expired",
    "denied.changed-since": "refusal.changed-since",
    "denied.unknown-dataset": "refusal.unknown-dataset",
    "denied.keys-not-selected": "refusal.no-domain",
    "denied.join": "refusal.join",
    "denied.owner-without-key": "refusal.signature",
    "denied.signature-of-another": "refusal.signature",
    "denied.signed-by-another": "refusal.signature",
    "denied.signed-by-former-key": "refusal.signature",
    "denied.bad-signature": "refusal.signature",
    "denied.nobody-approves": "refusal.nobody-approves",
    "denied.tag-closed": "refusal.tag-closed",
    "denied.result-ended": "refusal.result-ended",
    "denied.result-purged": "refusal.result-ended",
    "budget.per-job": "refusal.per-job",
    "budget.lifetime": "refusal.lifetime",
    "budget.per-analyst": "refusal.per-analyst",
    "budget.window": "refusal.window",
    "budget.selection": "refusal.selection",
    "budget.namespace": "refusal.namespace",
    "budget.namespace-selection": "refusal.namespace",
    "budget.namespace-pure": "refusal.namespace",
}
"""Code of a refusal → message key."""
FAMILIES: Final = {
    "sql": "refusal.sql",
    "plan": "refusal.sql",
    "job": "refusal.request",
    "privacy": "refusal.request",
    "number": "refusal.request",
    "template": "refusal.template",
    "policy": "refusal.policy",
    "role": "refusal.role",
}
"""What a code begins with → message key, for codes that have none of their own."""


def why(code: str, language: str | None = None) -> str:
    """Return why something was refused with *code*; an unknown code says itself."""
    key = REASONS.get(code) or FAMILIES.get(code.partition(".")[0])
    return say(key, language or users_language()) if key else code
