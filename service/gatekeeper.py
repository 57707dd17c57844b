"""The gatekeeper: every use case of Keyong behind one protocol.

The command line and the notebook façade call this protocol and nothing else, so that an HTTP client can take
the place of the embedded implementation (`service.embedded`).  A call takes the principal who asks and
frozen data (`service.asked`), and answers with what JSON can hold: the shapes stand in the docstrings of
`service.gates` and are what ``--json`` prints.  A refusal is a `KeyongError`.
"""

from __future__ import annotations

from typing import Protocol

from service.gates.approvals import ApprovalGate
from service.gates.audit import AuditGate
from service.gates.datasets import DatasetGate
from service.gates.jobs import JobGate
from service.gates.keeping import KeepingGate
from service.gates.people import PeopleGate
from service.gates.policies import PolicyGate
from service.gates.templates import TemplateGate


class Gatekeeper(
    PeopleGate,
    DatasetGate,
    PolicyGate,
    JobGate,
    TemplateGate,
    ApprovalGate,
    AuditGate,
    KeepingGate,
    Protocol,
):
    """Every use case.  Each call checks the principal's role first and logs what it did or refused."""
