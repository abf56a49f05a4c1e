"""Renting: what a request may hold, what is refused, and the contract that comes of it."""

from swarmctl.market import life
from swarmctl.market.account import Key
from swarmctl.market.asked import Asked, asked
from swarmctl.market.call import Call
from swarmctl.market.contract import Contract, Span
from swarmctl.market.draw import token
from swarmctl.market.money import micro
from swarmctl.market.offers import Offer
from swarmctl.market.wire import Json, Refused, Response, answer, error
from swarmctl.market.world import World

GONE_FOR = 3_600_000
"""How long an offer that somebody else took stays away, ms."""
_KEEP = ("stuck-loading", "oci-error", "exited-at-once", "ssh-refused", "ports-late", "listing-late", "slow-loading")
_LATER = {"outbid": "outbid", "ends-early": "ends", "credit-spent": "credit-spent"}


def rent(call: Call) -> Response:
    """`PUT /asks/ID/`."""
    return answer(_rent(call, call.ids[0]))


def rent_many(call: Call) -> Response:
    """`POST /asks/bulk/`: as many as `ids` names; each is rented or refused by itself."""
    ids = call.body.get("ids")
    if not isinstance(ids, list) or not 0 < len(ids) <= 64 or not all(type(one) is int for one in ids):
        raise error(400, "invalid_args", "error 400/3467: ids must be a list of 1 to 64 offers")
    told = []
    for one in ids:
        try:
            told.append(_rent(call, one))
        except Refused as e:
            told.append({"ask_id": one, **(e.body if isinstance(e.body, dict) else {"msg": e.body})})
    return answer({"success": any(one.get("success") for one in told), "results": told})


def _rent(call: Call, id_: int) -> Json:
    world, now = call.world, call.now
    offer = world.shop.offers.get(id_)
    if offer is None:
        raise _gone(404, id_)
    wanted = asked(call, offer)
    _faults(world, offer, now)
    if not world.rentable(offer, now) and wanted.cancel:
        raise _gone(410, id_)
    if world.left(now) <= 0:
        raise no_credit(world)
    waits = not world.rentable(offer, now) or world.strike("starts-stopped", "rent", offer.machine) is not None
    contract = _contract(call, offer, wanted)
    low = wanted.price is not None and micro(wanted.price) < offer.bid
    refused = low or world.strike("error-with-contract", "rent", offer.machine, contract.id) is not None
    if refused or waits:
        to = "stopped" if refused else "running"
        contract.become(Span(now, "stopped" if refused else None, "stopped", to, to, None, 0, contract.stopped))
    else:
        life.begin(world, contract, now)
    world.keep(contract)
    world.store.log(now, "rent", {"contract": contract.id, "offer": id_, "label": contract.label})
    if refused:
        raise error(400, "invalid_price", "error 400/3504: the bid is too low", new_contract=contract.id, ask_id=id_)
    told: Json = {"success": True, "new_contract": contract.id, "instance_api_key": contract.key}
    if world.strike("no-instance-key", "rent", offer.machine, contract.id):
        del told["instance_api_key"]
    return told


def no_credit(world: World) -> Refused:
    """The refusal where the account has nothing left."""
    return error(int(world.assume["credit-status"]), "insufficient_credit", "Your account lacks credit; add some.")


def _gone(status: int, id_: int) -> Refused:
    if status == 404:
        told = f"error 404/3603: no_such_ask Instance type by id {id_} is not available."
        return error(404, "invalid_args", told, ask_id=id_)
    told = f"error 410/3907: no_such_ask Instance type {id_} is no longer available."
    return error(410, "no_such_ask", told, ask_id=id_)


def _faults(world: World, offer: Offer, now: int) -> None:
    """Refusals by request."""
    for status in (404, 410):
        if world.strike(f"offer-gone-{status}", "rent", offer.machine):
            world.account.taken[str(offer.id)] = now + GONE_FOR
            world.keep_account()
            raise _gone(status, offer.id)
    if world.strike("insufficient-credit", "rent", offer.machine):
        raise no_credit(world)
    if world.strike("spend-rate-limit", "rent", offer.machine):
        raise error(400, "spend_rate_limit", "New accounts may spend only so much an hour; try again later.")
    if world.strike("no-ssh-key-for-vm", "rent", offer.machine):
        raise error(400, "no_ssh_key_for_vm", "error 400/3467: a VM needs an ssh key in your account", ask_id=offer.id)


def _contract(call: Call, offer: Offer, wanted: Asked) -> Contract:
    world, now = call.world, call.now
    id_ = world.next_id()
    seed = world.settings.seed
    key = Key(id_, token(seed, "instance", id_), f"instance-{id_}", now, ["instance_write"], id_)
    world.keep_key(key)
    rule = world.strike("price-changed", "rent", offer.machine, id_)
    base = offer.base if wanted.price is None else micro(wanted.price)
    contract = Contract(
        id=id_,
        offer=offer.id,
        machine=offer.machine,
        gpus=offer.gpus,
        created=now,
        image=wanted.image,
        runtype=wanted.runtype,
        vm=wanted.vm,
        disk=round(wanted.disk * 1000),
        rate=round(base * (1 + rule.percent / 100)) if rule else base,
        storage=offer.storage,
        stopped=offer.stopped,
        up=offer.up,
        down=offer.down,
        bid=wanted.price is not None,
        label=wanted.label,
        env=wanted.env,
        onstart=wanted.onstart,
        args=wanted.args,
        key=key.key,
        ends=now + offer.duration * 1000,
        ssh_keys=[one.text for one in world.ssh.values()],
    )
    _doom(world, contract)
    contract.ports = _ports(world, contract)
    contract.proxy = _port(world, contract, "proxy")
    contract.later(contract.ends, "ends")
    return contract


def _doom(world: World, contract: Contract) -> None:
    """Gives it the faults that it will have."""
    of = ("rent", contract.machine, contract.id)
    for name in _KEEP:
        if rule := world.strike(name, *of):
            contract.faults[name] = round((rule.after if name == "exited-at-once" else rule.seconds) * 1000)
    for name, what in _LATER.items():
        if rule := world.strike(name, *of):
            contract.later(contract.created + round(rule.after * 1000), what)
    for name in ("host-gone", "host-blinks"):
        if rule := world.strike(name, *of):
            contract.later(contract.created + round(rule.after * 1000), "host-gone")
            contract.faults[name] = round(rule.seconds * 1000)
    if world.strike("label-lost", *of):
        contract.label = None


def _ports(world: World, contract: Contract) -> dict[str, int]:
    """By what the guest calls them; 22 where it can be reached directly. From 70000 on both sides have the same."""
    names = ["22/tcp"] if contract.vm or "direc" in contract.runtype else []
    for key in contract.env:
        if key.startswith("-p "):
            inner, _, protocol = key.removeprefix("-p ").split(":")[-1].partition("/")
            names.append(f"{inner}/{protocol or 'tcp'}")
    return {name: _port(world, contract, name) for name in dict.fromkeys(names)}


def _port(world: World, contract: Contract, name: str) -> int:
    return world.free_port() if world.free_port else world.draw("port", contract.id, name).whole(20_000, 60_000)
