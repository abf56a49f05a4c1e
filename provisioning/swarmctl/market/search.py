"""Searching offers: filters, prices for the storage asked for, order and limit."""

from collections.abc import Mapping
from typing import Any

from swarmctl.market.call import Call
from swarmctl.market.match import OPERATORS, holds
from swarmctl.market.offers import Offer, shop
from swarmctl.market.wire import Json, Response, answer, error
from swarmctl.market.world import World

Check = tuple[str, str, Any]
FACTS = frozenset(next(iter(shop(1, 1).offers.values())).facts)
PRICED = {"dph_base", "dph_total", "storage_total_cost", "is_bid", "dlperf_per_dphtotal", "flops_per_dphtotal", "score"}
PRICED |= {"duration", "start_date", "end_date", "rentable", "rented", "discounted_dph_total", "vram_costperhour"}
_ALIASES = {"cuda_vers": "cuda_max_good", "dph": "dph_total", "driver_version": "driver_vers"}
_WORDS = {"order", "type", "limit", "allocated_storage", "disable_bundling", "select_cols"}
_TYPES = {
    "on-demand": "on-demand",
    "ondemand": "on-demand",
    "bid": "bid",
    "interruptible": "bid",
    "reserved": "reserved",
}


def search(call: Call) -> Response:
    """`POST /bundles/`."""
    return answer({"success": True, "offers": found(call, call.body)})


def search_asks(call: Call) -> Response:
    """`PUT /search/asks/`: the same, one level down."""
    query = call.body.get("q", {})
    if not isinstance(query, dict):
        raise error(400, "invalid_args", "error 400/3467: q must be an object")
    return answer({"success": True, "offers": found(call, query)})


def found(call: Call, query: Json) -> list[Json]:
    """Offers as a search lists them. Raises Refused."""
    world, now = call.world, call.now
    _quota(call)
    kind = _TYPES.get(str(query.get("type") or "on-demand"))
    storage = _amount(query, "allocated_storage", 8.0, 1e6)
    limit = int(_amount(query, "limit", 1e6, 1e6))
    if kind is None:
        raise error(400, "invalid_args", "error 400/3467: type must be on-demand, bid or reserved")
    tests = _tests({_ALIASES.get(key, key): value for key, value in query.items() if key not in _WORDS})
    wrong = world.strike("search-misfilter", "search") is not None
    stale = world.strike("search-stale", "search") is not None
    fixed = [one for one in tests if one[0] not in PRICED]
    priced = [one for one in tests if one[0] in PRICED]
    offers: list[Json] = []
    for offer in _fitting(call.world, fixed, wrong=wrong):
        told = listed(offer, now, storage, kind, free=stale or world.rentable(offer, now))
        if _passes(told, priced, wrong=wrong):
            offers.append(told)
    return _ordered(offers, query.get("order"))[:limit]


def listed(offer: Offer, now: int, storage: float, kind: str, *, free: bool) -> Json:
    """An offer with the prices of a kind of rental and so many GB. now: ms."""
    base = offer.bid if kind == "bid" else offer.base
    disk = offer.storage / 1e6 * storage / 720
    total = base / 1e6 + disk
    power = offer.facts["dlperf"]
    return {
        **offer.facts,
        "dph_base": base / 1e6,
        "storage_total_cost": disk,
        "dph_total": total,
        "is_bid": kind == "bid",
        "discounted_dph_total": total * 0.8,
        "dlperf_per_dphtotal": power / total,
        "score": power / total * 0.9,
        "flops_per_dphtotal": offer.facts["total_flops"] / total,
        "vram_costperhour": total / offer.facts["gpu_ram"],
        "duration": float(offer.duration),
        "start_date": now / 1000,
        "end_date": now / 1000 + offer.duration,
        "rentable": free,
        "rented": False,
        "search": {
            "gpuCostPerHour": base / 1e6,
            "diskHour": disk,
            "totalHour": total,
            "discountTotalHour": 0,
            "discountedTotalPerHour": total,
        },
    }


def gpu_names(call: Call) -> Response:
    """`GET /gpu_names/unique/`."""
    names = sorted({str(one.facts["gpu_name"]) for one in call.world.shop.offers.values()})
    return answer({"success": True, "gpu_names": names})


def _fitting(world: World, tests: list[Check], *, wrong: bool) -> list[Offer]:
    """Offers whose facts pass; facts do not change, so the answer to a search is kept for the next."""
    key = f"{wrong} {tests}"
    if key not in world.searches:
        if len(world.searches) > 1000:
            world.searches.clear()
        fitting = [one for one in world.shop.offers.values() if _passes(one.facts, tests, wrong=wrong)]
        world.searches[key] = fitting
    return world.searches[key]


def _tests(filters: Json) -> list[Check]:
    tests: list[Check] = []
    for field, wanted in filters.items():
        if not isinstance(wanted, dict) or not set(wanted) <= set(OPERATORS):
            told = f"error 400/3467: {field[:40]}: it takes an object of {', '.join(OPERATORS)}"
            raise error(400, "invalid_args", told)
        if field not in FACTS and field not in PRICED:
            raise error(400, "invalid_request", f"Error in query parameters: {field[:40]} is not a valid search key")
        tests += [(field, operator, _plain(field, value)) for operator, value in wanted.items()]
    return tests


def _passes(told: Mapping[str, Any], tests: list[Check], *, wrong: bool) -> bool:
    """wrong: as it was seen there, newer versions of CUDA are left out, and what does not fit comes along."""
    if wrong:
        return told.get("cuda_max_good", 0) < 13 and (told["id"] % 7 == 0 or _passes(told, tests, wrong=False))
    for field, operator, value in tests:
        try:
            if not holds(_have(told, field, value), operator, value):
                return False
        except (ValueError, TypeError, OverflowError) as e:
            raise error(400, "invalid_args", f"error 400/3467: {field}: {str(e)[:100]}") from None
    return True


def _plain(field: str, value: Any) -> Any:
    """Names may come with `_` for a blank."""
    if field == "gpu_name" and isinstance(value, str):
        return value.replace("_", " ")
    if field == "gpu_name" and isinstance(value, list):
        return [one.replace("_", " ") if isinstance(one, str) else one for one in value]
    return value


def _have(told: Mapping[str, Any], field: str, value: Any) -> Any:
    """Places are compared by their country where two letters are asked for."""
    if field == "geolocation" and all(len(str(one)) == 2 for one in (value if isinstance(value, list) else [value])):
        return str(told[field])[-2:]
    return told[field]


def _ordered(offers: list[Json], order: object) -> list[Json]:
    wanted = order if order is not None else [["score", "desc"]]
    if not isinstance(wanted, list) or not all(isinstance(one, list) and len(one) == 2 for one in wanted):
        raise error(400, "invalid_args", "error 400/3467: order must be a list of [field, asc or desc]")
    for field, direction in reversed(wanted):
        name = _ALIASES.get(str(field), str(field))
        if offers and (name not in offers[0] or isinstance(offers[0][name], dict)):
            raise error(400, "invalid_request", f"Error in query parameters: {name[:40]} is not a valid search key")
        offers.sort(key=lambda one: (one[name] is not None, one[name]), reverse=direction == "desc")
    return offers


def _amount(query: Json, name: str, default: float, most: float) -> float:
    found = query.get(name)
    try:
        number = default if found is None else float(found)
    except (TypeError, ValueError, OverflowError):
        number = -1.0
    if not 0 <= number <= most:
        raise error(400, "invalid_args", f"error 400/3467: {name} must be a number from 0 to {most:g}")
    return number


def _quota(call: Call) -> None:
    world = call.world
    if world.strike("search-quota", "search"):
        world.account.closed = (call.now // 86_400_000 + 1) * 86_400_000
        world.keep_account()
    if call.now < world.account.closed:
        refused = error(429, "search_quota_exceeded", "Daily search quota exceeded; it resets at midnight, UTC.")
        refused.headers["X-RateLimit-Reset"] = str(world.account.closed // 1000)
        raise refused
