"""What can be done with an instance: label, stop, start, reboot, another bid, destroy."""

from swarmctl.market import life
from swarmctl.market.call import Call
from swarmctl.market.contract import Contract
from swarmctl.market.money import micro
from swarmctl.market.rent import no_credit
from swarmctl.market.wire import Json, Refused, Response, answer, error


def change(call: Call) -> Response:
    """`PUT /instances/ID/`: a label, a state, or both."""
    contract = call.contract()
    if "label" not in call.body and "state" not in call.body:
        raise error(400, "invalid_args", "error 400/3467: give a state or a label")
    if "label" in call.body:
        contract.label = call.text("label", 1024, "label_too_long")
        call.world.store.log(call.now, "label", {"contract": contract.id, "label": contract.label})
    if "state" in call.body:
        _switch(call, contract)
    call.world.keep(contract)
    return answer({"success": True})


def change_many(call: Call) -> Response:
    """`PUT /instances/`: a state for `ids`."""
    for id_ in _ids(call, "ids"):
        contract = call.living(id_)
        _switch(call, contract)
        call.world.keep(contract)
    return answer({"success": True})


def reboot(call: Call) -> Response:
    """`PUT /instances/reboot/ID/`, and recycle, which begins anew on the same machine."""
    contract = call.contract()
    if contract.at(call.now).actual != "running":
        raise error(400, "invalid_args", f"Instance {contract.id} is not running.")
    life.reboot(call.world, contract, call.now)
    call.world.keep(contract)
    return answer({"success": True})


def bid(call: Call) -> Response:
    """`PUT /instances/bid_price/ID/`: too low, and it stops; high enough again, and it starts."""
    contract, world = call.contract(), call.world
    price = call.number("price", 0.001, 32)
    if price is None or not contract.bid:
        raise error(400, "invalid_args", "Please set a bid price >= 0.001.")
    contract.rate = micro(price)
    low = contract.rate < world.shop.offers[contract.offer].bid
    at = contract.at(call.now)
    if low and at.cur == "running":
        contract.become(life.span(contract, call.now, "stopped", "stopped"))
    elif not low and at.actual == "stopped" and at.intended == "stopped":
        life.start(world, contract, call.now)
    elif at.cur == "running":
        contract.become(at._replace(since=call.now, gpu=contract.rate))
    world.keep(contract)
    return answer({"success": True})


def destroy(call: Call) -> Response:
    """`DELETE /instances/ID/`."""
    contract = call.contract()
    _destroy(call, contract)
    return answer({"success": True, "msg": "Instance destroyed successfully"})


def destroy_many(call: Call) -> Response:
    """`DELETE /instances/`: those of `instance_ids` that there are."""
    told: dict[str, Json] = {}
    for id_ in _ids(call, "instance_ids"):
        try:
            _destroy(call, call.living(id_))
            told[str(id_)] = {"success": True}
        except Refused as e:
            told[str(id_)] = e.body if isinstance(e.body, dict) else {"success": False, "msg": e.body}
    return answer({"success": all(one.get("success") is True for one in told.values()), "results": told})


def _destroy(call: Call, contract: Contract) -> None:
    world, now = call.world, call.now
    of = ("destroy", contract.machine, contract.id)
    if world.strike("destroy-5xx-then-ok", *of):
        raise error(500, "internal_error", "Internal server error")
    if world.strike("destroy-lies", *of):
        return
    if rule := world.strike("destroy-slow", *of):
        contract.later(now + round(rule.seconds * 1000), "gone")
        world.keep(contract)
        return
    life.end(contract, now)
    if rule := world.strike("machine-comes-back", *of):
        contract.later(now + round(rule.after * 1000), "returns")
    world.store.log(now, "destroy", {"contract": contract.id})
    world.keep(contract)


def _switch(call: Call, contract: Contract) -> None:
    world, now, state = call.world, call.now, call.body.get("state")
    at = contract.at(now)
    of = ("state", contract.machine, contract.id)
    if state not in ("running", "stopped"):
        raise error(400, "invalid_args", "error 400/3467: state must be running or stopped")
    if state == "stopped" and at.intended != "stopped":
        if not world.strike("stop-ignored", *of):
            life.stop(world, contract, now)
    elif state == "running" and at.cur != "running":
        if world.left(now) <= 0:
            raise no_credit(world)
        if world.strike("gpu-taken", *of):
            contract.faults["gpu-taken"] = 1
        if at.actual not in {"unknown", "offline"}:
            life.start(world, contract, now)
    world.store.log(now, "state", {"contract": contract.id, "state": state})


def _ids(call: Call, name: str) -> list[int]:
    found = call.body.get(name)
    if not isinstance(found, list) or not 0 < len(found) <= 1000 or not all(type(one) is int for one in found):
        raise error(400, "invalid_args", f"error 400/3467: {name} must be a list of instances")
    return found
