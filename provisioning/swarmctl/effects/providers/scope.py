"""What a key may do, by what the market says of it and by asking what changes nothing."""

import json
from collections.abc import Mapping
from typing import Any

from swarmctl.core.leasing import fields
from swarmctl.core.leasing.answers import Said, Trouble
from swarmctl.effects.providers.problems import problem
from swarmctl.effects.providers.provider import Scope
from swarmctl.effects.providers.vastclient import VastClient

NEEDED = ("misc", "user_read", "instance_read", "instance_write")
"""Groups without which nothing can be rented."""

USEFUL = ("billing_read", "user_write")
"""Groups with which costs are explained to the cent, and our SSH key is put into the account."""


def scope_of(client: VastClient, now: int) -> Scope:
    """The groups of the client's key. now: epoch seconds. Raises ProviderError for a key that is not valid."""
    user = client.read("user", "/api/v0/users/current/")
    if user.trouble is Trouble.KEY:
        raise problem(user, "asking for the account", client.key)
    told = _told(client, user)
    if told is not None:
        groups: dict[str, bool | None] = {name: name in told for name in (*NEEDED, *USEFUL)}
        return Scope(groups, bool(told - {*NEEDED, *USEFUL}))
    day = json.dumps({"day": {"gte": now - 86400, "lte": now}})
    asked = {
        "user_read": user,
        "instance_read": client.read("list", "/api/v1/instances/", {"limit": "1", "select_filters": "{}"}),
        "billing_read": client.read("charges", "/api/v0/charges/", {"limit": "1", "select_filters": day}),
    }
    return Scope({name: _allowed(said) for name, said in asked.items()}, None)


def _told(client: VastClient, user: Said) -> set[str] | None:
    """The groups that the market lists for the key, all of them for one without limits; None where it does not tell."""
    mine = fields.identity(user.document.get("key_id")) if isinstance(user.document, Mapping) else ""
    if not mine or user.trouble is not None:
        return None
    said = client.read("user", "/api/v0/auth/apikeys/")
    keys = said.document.get("apikeys") if isinstance(said.document, Mapping) else None
    for entry in keys if isinstance(keys, list) and said.trouble is None else ():
        if isinstance(entry, Mapping) and fields.identity(entry.get("id")) == mine and "permissions" in entry:
            return _groups(entry["permissions"])
    return None


def _groups(permissions: Any) -> set[str]:
    api = permissions.get("api") if isinstance(permissions, Mapping) else None
    return set(map(str, api)) if isinstance(api, Mapping) else {*NEEDED, *USEFUL, "everything"}


def _allowed(said: Said) -> bool | None:
    if said.trouble is None:
        return True
    return False if said.trouble in {Trouble.FORBIDDEN, Trouble.KEY} else None
