"""What the real market does not have: its clock, its faults, its books and its log, under `/_market/`."""

import hmac
from collections.abc import Callable
from typing import Any

from swarmctl.market import life
from swarmctl.market.billing import owed, per_hour, seconds
from swarmctl.market.call import Call
from swarmctl.market.contract import Contract
from swarmctl.market.money import dollars, units
from swarmctl.market.wire import Json, Request, Response, answer, body_of, error
from swarmctl.market.world import World

FAR = 20 * 365 * 86400
HAPPENINGS = ("host-gone", "host-back", "outbid", "ends", "expired", "credit-spent", "returns", "exited")


def serve(world: World, request: Request, now: int) -> Response:
    """Answers one call of a person or a test. Raises Refused."""
    given = request.header("authorization").removeprefix("Bearer ").strip()
    if not hmac.compare_digest(given.encode(), world.control_key.encode()):
        raise error(403, "not_authorized", "the control surface takes the control key only")
    call = Call(world, request, now, "control", body=body_of(request))
    found = _CALLS.get((request.method, request.path.rstrip("/").removeprefix("/_market/")))
    if found is None:
        there = ", ".join(f"{method} /_market/{name}" for method, name in _CALLS)
        raise error(404, "not_found", f"there are {there}")
    return answer(found(call))


def books(world: World, now: int) -> Json:
    """What every contract costs and has cost. Money as decimal text of dollars, exact to a millionth."""
    told = [_entry(one, now) for one in world.contracts.values()]
    money = {"credit": _text(world.left(now)), "spent": _text(world.spent(now))}
    billing = [one["id"] for one in told if one["per_hour"] != "0.000000"]
    return {"now": now / 1000, **money, "broke": bool(world.account.broke), "billing": billing, "contracts": told}


def _entry(contract: Contract, now: int) -> Json:
    bill = owed(contract, now)
    at = contract.at(now)
    gpu, anything = seconds(contract, now)
    return {
        "id": contract.id,
        "label": contract.label,
        "machine": contract.machine,
        "offer": contract.offer,
        "vm": contract.vm,
        "bid": contract.bid,
        "created": contract.created / 1000,
        "lives": contract.lives(now),
        "state": at.actual,
        "since": at.since / 1000,
        "per_hour": f"{per_hour(contract, now) / 1e6:.6f}",
        "gpu_seconds": gpu,
        "billed_seconds": anything,
        "spent": _text(bill.total),
        "by_kind": {"gpu": _text(bill.gpu), "disk": _text(bill.disk), "bwd": _text(bill.down), "bwu": _text(bill.up)},
    }


def _text(amount: int) -> str:
    return f"{dollars(amount):.6f}"


def _now(call: Call) -> Json:
    return {"now": call.now / 1000}


def _advance(call: Call) -> Json:
    ahead = call.number("seconds", 0, FAR)
    if ahead is None:
        raise error(400, "invalid_args", f"seconds must be a number from 0 to {FAR}")
    call.world.clock.advance(ahead)
    call.world.store.put("clock", 0, {"now": call.world.clock.now(), "ahead": getattr(call.world.clock, "ahead", 0.0)})
    now = call.world.now()
    call.world.settle(now)
    return {"now": now / 1000}


def _faults(call: Call) -> Json:
    return {"faults": [one.dump() for one in call.world.rules]}


def _set_faults(call: Call) -> Json:
    try:
        call.world.set_rules(call.text("spec", 100_000) or "")
    except ValueError as e:
        raise error(400, "invalid_args", str(e)) from None
    return _faults(call)


def _books(call: Call) -> Json:
    return books(call.world, call.now)


def _events(call: Call) -> Json:
    return {"events": call.world.store.events(call.query_whole("after", 0), call.query_whole("limit", 1000))}


def _happen(call: Call) -> Json:
    """Something befalls a contract now."""
    contract = _named(call)
    what = call.body.get("what")
    if what == "exited":
        span = life.span(contract, call.now, "exited", "stopped", "exited (137)")
        contract.become(span._replace(intended="running"))
    elif what in HAPPENINGS:
        life.befall(call.world, contract, call.now, str(what))
    else:
        raise error(400, "invalid_args", f"what is one of {', '.join(HAPPENINGS)}")
    call.world.keep(contract)
    return _entry(contract, call.now)


def _credit(call: Call) -> Json:
    """Money comes into the account."""
    amount = call.number("amount", 0, 1e9)
    call.world.account.credit += units(amount or 0)
    if call.world.left(call.now) > 0:
        call.world.account.broke = 0
    call.world.keep_account()
    return {"credit": _text(call.world.left(call.now))}


def _traffic(call: Call) -> Json:
    """Bytes that an instance has moved since they were last told."""
    contract = _named(call)
    down, up = (int(call.number(one, 0, 1e15) or 0) for one in ("down", "up"))
    call.world.moved(contract, call.now, down, up)
    return _entry(contract, call.now)


def _named(call: Call) -> Contract:
    id_ = call.body.get("contract")
    found = call.world.contracts.get(id_) if type(id_) is int else None
    if found is None or found.settled:
        raise error(404, "no_such_instance", "contract must be the id of a rental")
    return found


_CALLS: dict[tuple[str, str], Callable[[Call], dict[str, Any]]] = {
    ("GET", "now"): _now,
    ("POST", "advance"): _advance,
    ("GET", "faults"): _faults,
    ("POST", "faults"): _set_faults,
    ("GET", "books"): _books,
    ("GET", "events"): _events,
    ("POST", "happen"): _happen,
    ("POST", "credit"): _credit,
    ("POST", "traffic"): _traffic,
}
