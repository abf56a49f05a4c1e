"""The account as it is shown, its SSH keys and its API keys."""

import json
from datetime import UTC, datetime

from swarmctl.market.account import GROUPS, Key, SshKey
from swarmctl.market.call import Call
from swarmctl.market.contract import Contract
from swarmctl.market.draw import token
from swarmctl.market.money import dollars
from swarmctl.market.wire import Json, Response, answer, error

USER = 4242
_KINDS = ("ssh-ed25519 ", "ssh-rsa ", "ssh-dss ", "ecdsa-sha2-", "sk-ssh-ed25519@", "sk-ecdsa-sha2-")


def user(call: Call) -> Response:
    """`GET /users/current/`."""
    world = call.world
    keys = [one.text for one in world.ssh.values()]
    told: Json = {"id": USER, "key_id": call.key.id if call.key else None, "username": "practice", "sid": "practice"}
    told |= {"email": "practice@market.invalid", "ssh_key": keys[0] if keys else "", "has_billing": False}
    return answer({**told, "credit": float(round(dollars(world.left(call.now)), 6)), "balance": 0.0})


def ssh_keys(call: Call) -> Response:
    """`GET /ssh/`."""
    return answer([_told(one) for one in call.world.ssh.values()])


def add_ssh_key(call: Call) -> Response:
    """`POST /ssh/`: into the account, and into containers that run; never into VMs."""
    world = call.world
    key = SshKey(world.next_id(), _public(call), call.now)
    world.ssh[key.id] = key
    world.store.put("ssh", key.id, key.dump())
    for contract in [world.contracts[one] for one in world.awake]:
        if contract.lives(call.now) and not contract.vm:
            contract.ssh_keys.append(key.text)
            world.keep(contract)
    return answer({"success": True, "key": _told(key)})


def change_ssh_key(call: Call) -> Response:
    """`PUT /ssh/ID/`."""
    key = _ssh_key(call)
    key.text = _public(call)
    call.world.store.put("ssh", key.id, key.dump())
    return answer({"success": True, "key": _told(key)})


def drop_ssh_key(call: Call) -> Response:
    """`DELETE /ssh/ID/`."""
    key = _ssh_key(call)
    del call.world.ssh[key.id]
    call.world.store.drop("ssh", key.id)
    return answer({"success": True})


def attached(call: Call) -> Response:
    """`GET /instances/ID/ssh/`: the list is JSON inside of JSON."""
    keys = [{"id": _number(one), "name": "", "public_key": one} for one in call.contract().ssh_keys]
    return answer({"success": True, "ssh_keys": json.dumps(keys)})


def attach(call: Call) -> Response:
    """`POST /instances/ID/ssh/`; a VM keeps the keys that it began with."""
    contract = _container(call)
    text = _public(call)
    if text not in contract.ssh_keys:
        contract.ssh_keys.append(text)
        call.world.keep(contract)
    return answer({"success": True, "msg": "SSH key attached."})


def detach(call: Call) -> Response:
    """`DELETE /instances/ID/ssh/KEY/`. Raises Refused."""
    contract = _container(call)
    known = {one.id: one.text for one in call.world.ssh.values()} | {_number(one): one for one in contract.ssh_keys}
    text = known.get(call.ids[1])
    if text not in contract.ssh_keys:
        raise error(404, "no_such_key", "The key is not attached.")
    contract.ssh_keys.remove(text)
    call.world.keep(contract)
    return answer({"success": True})


def api_keys(call: Call) -> Response:
    """`GET /auth/apikeys/`: without the keys themselves."""
    found = [one for one in call.world.keys.values() if one.contract is None]
    return answer({"apikeys": [_public_key(one) for one in found]})


def add_api_key(call: Call) -> Response:
    """`POST /auth/apikeys/`: allowed what `permissions.api` names."""
    world = call.world
    name = call.text("name", 255)
    if not name:
        raise error(400, "invalid_args", "error 400/3467: name must be text")
    groups = _groups(call.body.get("permissions"))
    id_ = world.next_id()
    key = Key(id_, token(world.settings.seed, "api", id_), name, call.now, groups)
    world.keep_key(key)
    return answer({"success": True, **_public_key(key), "key": key.key})


def drop_api_key(call: Call) -> Response:
    """`DELETE /auth/apikeys/ID/`."""
    found = next((one for one in call.world.keys.values() if one.id == call.ids[0] and one.contract is None), None)
    if found is None or found.key == call.world.key:
        raise error(404, "no_such_key", f"Api key {call.ids[0]} not found.")
    del call.world.keys[found.key]
    call.world.store.drop("key", found.id)
    return answer({"success": True})


def _groups(wanted: object) -> list[str] | None:
    if wanted is None:
        return None
    api = wanted.get("api") if isinstance(wanted, dict) else None
    if not isinstance(api, dict) or not set(api) <= set(GROUPS):
        raise error(400, "invalid_permissions", f"permissions is {{api: {{group: {{}}}}}} of {', '.join(GROUPS)}")
    if any(api.values()):
        raise error(400, "invalid_permissions", "constraints on a group are not part of this market")
    return sorted(api)


def _public_key(key: Key) -> Json:
    allowed: bool | Json = False if key.groups is None else {"api": {one: {} for one in key.groups}}
    return {"id": key.id, "name": key.name, "created_at": _day(key.created), "permissions": allowed}


def _told(key: SshKey) -> Json:
    """The documentation calls the field `key`; others have read `public_key`."""
    dates = {"created_at": _day(key.created), "deleted_at": None}
    return {"id": key.id, "user_id": USER, "key": key.text, "public_key": key.text, **dates}


def _day(ms: int) -> str:
    return datetime.fromtimestamp(ms / 1000, UTC).isoformat()


def _public(call: Call) -> str:
    text = (call.text("ssh_key", 16_384, "no_ssh_key") or "").strip()
    if not text.startswith(_KINDS) or len(text.split()) < 2 or not text.isprintable():
        raise error(400, "no_ssh_key", "No ssh key provided")
    return text


def _ssh_key(call: Call) -> SshKey:
    found = call.world.ssh.get(call.ids[0])
    if found is None:
        raise error(404, "no_such_key", f"SSH key {call.ids[0]} not found.")
    return found


def _container(call: Call) -> Contract:
    contract = call.contract()
    if contract.vm:
        raise error(400, "invalid_args", "The ssh keys of a VM cannot be changed.")
    return contract


def _number(text: str) -> int:
    return int(token(text)[:8], 16)
