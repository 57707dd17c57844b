"""A complete policy as text, and helpers to bend it."""

from __future__ import annotations

import pytest

POLICY = """\
apiVersion: keyong/v1
kind: AccessPolicy
metadata: {dataset: health.diabetes, version: 1, owner: health-bureau}
unit: {key: patient_nbr, namespace: health.patient, max_rows: 4, expected_units: 70000}
budget: {filter: zcdp, epsilon: 8, delta: 1e-6, per_job: 1, window: {every: week, epsilon: 2}}
defaults: {"pi.*": deny, untagged: deny}
columns:
  age:              {use: [group, filter], categories: ["[0-10)", "[10-20)"]}
  A1Cresult:        {use: [group, filter], categories: [null, Norm, ">7", ">8"]}
  time_in_hospital: {use: [measure, filter], bounds: [1, 14], grid: 1}
  admitted:         {use: [group], dates: [2020-01-01, 2024-12-31]}
grants:
  - to: [group:researchers]
    purposes: [readmission-statistics]
    operations: [count, sum, avg, quantile]
    until: 2027-12-31
    approval: auto
"""


@pytest.fixture(scope="session")
def text() -> str:
    return POLICY
