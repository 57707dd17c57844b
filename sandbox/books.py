"""What stands in the books: every table of a workspace, defined once."""

from __future__ import annotations

import sqlalchemy as sa

metadata = sa.MetaData()


def _text(name: str, **options: object) -> sa.Column[str]:
    return sa.Column(name, sa.Text, nullable=False, **options)  # type: ignore[arg-type]


def _big(name: str) -> sa.Column[int]:
    return sa.Column(name, sa.BigInteger, nullable=False)


principals = sa.Table(
    "principals", metadata, _text("name", primary_key=True), _text("roles"), _text("groups"), _text("created")
)

identity_changes = sa.Table(
    "identity_changes",  # the roles and groups of a person from then on
    metadata,
    sa.Column("leaf", sa.Integer, primary_key=True),
    _text("name", index=True),
    _text("roles"),
    _text("groups"),
    _text("changed"),
    _text("changed_by"),
)

lineages = sa.Table(
    "lineages",
    metadata,
    _text("lineage", primary_key=True),
    _text("namespace"),
    _text("unit"),
    _text("filter"),
    _text("delta"),  # exact decimal text; 0 for pure
    _text("owner"),
    _text("reason"),
    _text("created"),
)

datasets = sa.Table(
    "datasets", metadata, _text("name", primary_key=True), _text("lineage"), _big("current_version")
)

versions = sa.Table(
    "versions",
    metadata,
    _text("lineage", primary_key=True),
    sa.Column("version", sa.BigInteger, primary_key=True, autoincrement=False),
    _text("manifest"),
    _text("signature"),
    _text("digest"),
    _text("created"),
)

removals = sa.Table(
    "removals",  # datasets that are no more; their rows of other tables tell of the past
    metadata,
    _text("lineage", primary_key=True),
    _text("name"),
    _text("removed_by"),
    _text("removed"),
)

destructions = sa.Table(
    "destructions",  # versions whose files and keys are no more
    metadata,
    _text("lineage", primary_key=True),
    sa.Column("version", sa.BigInteger, primary_key=True, autoincrement=False),
)

wrapped_keys = sa.Table(
    "wrapped_keys",
    metadata,
    _text("key_id", primary_key=True),
    _text("context", unique=True),  # canonical JSON, part of the associated data of the wrap
    _text("wrapped_by"),  # key_id of the wrapping key, or "master"
    sa.Column("wrapped", sa.LargeBinary, nullable=False),
)

public_tables = sa.Table(
    "public_tables",
    metadata,
    _text("name", primary_key=True),
    _text("digest"),  # SHA-256 of the stored file
    _text("directory"),  # its place in the vault
    _text("owner"),
    _text("fields"),  # canonical JSON, as are the domains
    _text("domains"),
    _big("rows"),
    _text("created"),
)

cleanings = sa.Table(
    "cleanings",  # what was deleted and must leave the file, the log of changes and the vault, too
    metadata,
    sa.Column("leaf", sa.BigInteger, primary_key=True, autoincrement=False),  # that tells of the deletion
    _text("done"),  # empty until it is
)

tags = sa.Table(
    "tags",
    metadata,
    _text("lineage", primary_key=True),
    _text("column", primary_key=True),
    _text("tag"),
    sa.Column("confirmed", sa.Boolean, nullable=False),
    _text("confidence"),
    _text("evidence"),
    _text("decided_by"),
    _text("reason"),
    _text("changed"),
)

proposals = sa.Table(
    "proposals",  # what each column of the newest version seems to be by itself, whatever its owner decided
    metadata,
    _text("lineage", primary_key=True),
    _text("column", primary_key=True),
    _text("tag"),
    _big("version"),
)

descriptions = sa.Table(
    "descriptions",  # what each dataset is for, in its owner's words
    metadata,
    _text("lineage", primary_key=True),
    _text("text"),
    _text("described_by"),
    _text("described"),
)

policies = sa.Table(
    "policies",
    metadata,
    _text("lineage", primary_key=True),
    sa.Column("version", sa.BigInteger, primary_key=True, autoincrement=False),
    _text("digest"),
    _text("source"),
    _text("applied_by"),
    _text("applied"),
)

owner_keys = sa.Table(
    "owner_keys",  # public halves of the keys that owners sign policies with, the former ones included
    metadata,
    _text("key", primary_key=True),  # its id: see policies.sign
    _text("principal"),
    _text("public"),
    _text("former"),  # id of the key it replaces, empty for the first
    _text("endorsement"),  # the former key's signature, empty if that was lost
    _big("leaf"),
    _text("pinned"),
)

policy_signatures = sa.Table(
    "policy_signatures",
    metadata,
    _text("lineage", primary_key=True),
    sa.Column("version", sa.BigInteger, primary_key=True, autoincrement=False),
    _text("key"),  # empty for a policy that is older than signatures
    _text("signature"),
    _big("leaf"),
)

jobs = sa.Table(
    "jobs",
    metadata,
    _text("job", primary_key=True),
    _text("principal"),
    _text("purpose"),
    _text("state"),
    _text("spec"),  # canonical JSON of the JobSpec, text included
    _text("salt"),
    _text("plan"),  # canonical JSON of the plan, empty until planned
    _text("lineage"),
    _text("replay_key", index=True),
    _text("idempotency_key"),
    _text("failure"),
    _text("created"),
    _text("changed"),
)

approvals = sa.Table(
    "approvals",
    metadata,
    sa.Column("leaf", sa.BigInteger, primary_key=True, autoincrement=False),  # where the log tells of it
    _text("job", index=True),
    _text("principal"),
    _text("answer"),  # "yes" or "no"
    _text("bound"),  # digest of what was answered: plan, datasets, grants, public tables
    _text("reason"),
    _text("salt"),
    _text("given"),
)

templates = sa.Table(
    "templates",
    metadata,
    _text("name", primary_key=True),
    _text("digest"),  # of what it says and the datasets it reads
    _text("source"),  # the YAML text as it was written
    _text("datasets"),  # canonical JSON: names
    _text("added_by"),
    _text("added"),
)

template_approvals = sa.Table(
    "template_approvals",  # an owner's yes to every job of a template, under one policy
    metadata,
    _text("digest", primary_key=True),
    _text("lineage", primary_key=True),
    _text("policy", primary_key=True),  # digest of the policy in force
    _text("approved_by"),
    _text("approved"),
)

template_withdrawals = sa.Table(
    "template_withdrawals",  # such a yes taken back, for good
    metadata,
    _text("digest", primary_key=True),
    _text("lineage", primary_key=True),
    _text("policy", primary_key=True),
    _text("withdrawn_by"),
    _text("withdrawn"),
)

charges = sa.Table(
    "charges",
    metadata,
    sa.Column("charge", sa.Integer, primary_key=True),  # SQLite numbers them in order
    _text("lineage", index=True),
    _text("job", index=True),
    _text("principal"),
    _big("epsilon_pico"),
    _big("rho_pico"),
    _big("delta_atto"),
    _text("charged"),
    sa.UniqueConstraint("lineage", "job"),
)

namespace_limits = sa.Table(
    "namespace_limits",  # what all lineages of a namespace may lose together, from then on
    metadata,
    sa.Column("leaf", sa.BigInteger, primary_key=True, autoincrement=False),  # where the log tells of it
    _text("namespace", index=True),
    _text("filter"),
    _text("epsilon"),  # exact decimal text, as are both δ
    _text("delta"),
    _text("selection"),
    _text("reason"),
    _text("set_by"),
    _text("changed"),
)

releases = sa.Table(
    "releases", metadata, _text("job", primary_key=True), _text("result"), _text("digest"), _text("released")
)

leaves = sa.Table(
    "leaves",
    metadata,
    sa.Column("leaf", sa.BigInteger, primary_key=True, autoincrement=False),
    _text("entry"),  # canonical JSON, exactly the bytes that are hashed
)

nodes = sa.Table(
    "nodes",
    metadata,
    sa.Column("level", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("position", sa.BigInteger, primary_key=True, autoincrement=False),
    sa.Column("hash", sa.LargeBinary, nullable=False),
)

checkpoints = sa.Table(
    "checkpoints",
    metadata,
    sa.Column("size", sa.BigInteger, primary_key=True, autoincrement=False),
    _text("note"),
)
