"""Who asks: the name given, or the only one there is."""

from __future__ import annotations

from sandbox.errors import UsageError
from sandbox.schema import Principal
from service.gatekeeper import Gatekeeper


def asking_principal(gatekeeper: Gatekeeper, name: str | None) -> Principal:
    """Return the stored identity *name*; without a name the only one there is.

    Raises `UsageError` for an unknown name, and without one if nobody or several are known.
    """
    if name is not None:
        return gatekeeper.principal(name)
    names = [str(one["name"]) for one in gatekeeper.identity_list()["identities"]]
    if not names:
        raise UsageError("cli.nobody-known")
    if len(names) > 1:
        raise UsageError("cli.who-asks", names=names)
    return gatekeeper.principal(names[0])
