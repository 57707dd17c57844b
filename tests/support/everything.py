"""A policy that says everything the language can say, and one that says something else in every place."""

WHOLE = """
apiVersion: keyong/v1
kind: AccessPolicy
metadata: {dataset: d.a, version: 2, owner: bureau, supersedes: SIX}
unit: {key: id, namespace: n, max_rows: 4, most_rows: 9, max_groups: 3, max_group_rows: 2, expected_units: 10}
budget: {filter: zcdp, epsilon: 8, delta: 1e-6, per_job: 1, per_analyst: 2, window: {every: week, epsilon: 2},
  selection: {per_job: 1e-9, lifetime: 1e-7}}
defaults: {"pi.*": deny}
tags: {"pi.*": {use: [group]}, pi.name: deny}
joins: [d.b]
release: {minimum_count: 5}
results: {keep: 90d}
columns:
  a: {use: [group, filter], categories: [x, y, null], description: letters}
  b: {use: [group, measure], bounds: [0, 10], grid: 0.5}
  c: {use: [group], dates: [2020-01-01, 2020-12-31]}
  d: {use: [group], keys: selected}
grants:
  - {to: [wang, "group:r"], purposes: [p], operations: [count], until: 2027-12-31, approval: owner,
    approval_expires: 7d, kinds: [sql]}
  - {to: [li], purposes: [p, q], operations: [count, sum], until: 2027-12-31, approval: {need: 1, of: [zhao]},
    kinds: [sql, python]}
""".replace("SIX", "ab" * 32)
OTHER = WHOLE
for here, there in (
    ("d.a", "d.z"),
    ("version: 2", "version: 3"),
    ("bureau", "office"),
    ("abab", "acac"),
    ("key: id", "key: nr"),
    ("namespace: n", "namespace: m"),
    ("max_rows: 4", "max_rows: 5"),
    ("most_rows: 9", "most_rows: 8"),
    ("max_groups: 3", "max_groups: 4"),
    ("group_rows: 2", "group_rows: 1"),
    ("units: 10", "units: 11"),
    ("epsilon: 8", "epsilon: 9"),
    ("1e-6", "1e-5"),
    ("per_job: 1,", "per_job: 2,"),
    ("analyst: 2", "analyst: 3"),
    ("every: week, epsilon: 2", "every: day, epsilon: 3"),
    ("1e-9", "1e-10"),
    ("1e-7", "1e-8"),
    ('{"pi.*": deny', '{"geo.*": deny'),
    ("use: [group]}, pi", "use: [filter]}, pi"),
    ("[d.b]", "[d.c]"),
    ("minimum_count: 5", "minimum_count: 6"),
    ("90d", "91d"),
    ("x, y, null", "x, z, null"),
    ("letters", "signs"),
    ("[0, 10], grid: 0.5", "[1, 11], grid: 0.25"),
    ("2020-01-01, 2020-12-31", "2020-01-02, 2020-12-30"),
    ("[group, filter]", "[group]"),
    ('wang, "group:r"', "wang"),
    ("[p]", "[q]"),
    ("[count]", "[sum]"),
    ("until: 2027", "until: 2028"),
    ("approval: owner", "approval: auto"),
    ("approval_expires: 7d, ", ""),
    ("need: 1, of: [zhao]", "need: 2, of: [zhao, qian]"),
    ("[sql, python]", "[sql, model]"),
):
    assert here in OTHER, here
    OTHER = OTHER.replace(here, there)
