"""What was charged, by instance: GPU, storage and bandwidth of a range of days."""

import base64
import json

from swarmctl.market.billing import DAY, owed, seconds
from swarmctl.market.call import LARGEST, Call
from swarmctl.market.contract import GONE, Contract
from swarmctl.market.match import checked
from swarmctl.market.money import Bill, dollars
from swarmctl.market.wire import Json, Response, answer, error

_KINDS = {"instance", "volume", "serverless"}


def charges(call: Call) -> Response:
    """`GET /charges/`. Amounts are rounded to a tenth of a cent, as there."""
    world = call.world
    since, until = _days(call)
    wanted = _wanted(call)
    late = world.strike("charges-late", "charges")
    end = call.now - round(late.seconds * 1000) if late else call.now
    if world.assume["charges-by-day"] == "yes":
        since, until = -(-since // DAY) * DAY, (until // DAY + 1) * DAY
    until = min(until, end)
    found = [one for one in world.contracts.values() if one.created < until and _end(one, call.now) > since]
    rows = [row for row in (_row(one, since, until, call.now) for one in found if wanted) if row["amount"] > 0]
    latest = call.request.query.get("latest_first", "true").lower() != "false"
    rows.sort(key=lambda row: row["start"], reverse=latest)
    start = _start(call)
    limit = max(1, min(call.query_whole("limit", 100), 500))
    page = rows[start : start + limit]
    more = base64.b64encode(json.dumps({"offset": start + limit}).encode()).decode()
    told = {"success": True, "count": len(page), "total": len(rows), "results": page}
    return answer({**told, "next_token": more if start + limit < len(rows) else None})


def _days(call: Call) -> tuple[int, int]:
    """The range asked for, in ms."""
    try:
        day = checked(call.query_json("select_filters", {})).get("day", {})
        since, until = (round(float(day[one]) * 1000) for one in ("gte", "lte"))
    except (ValueError, TypeError, KeyError, OverflowError):
        told = "Must provide both 'day' gte and lte filters for instance charges"
        raise error(400, "invalid_request", told) from None
    return max(-LARGEST, min(since, LARGEST)), max(-LARGEST, min(until, LARGEST))


def _wanted(call: Call) -> bool:
    kinds = checked(call.query_json("select_filters", {})).get("type", {}).get("in", list(_KINDS))
    if not isinstance(kinds, list) or not all(isinstance(one, str) and one in _KINDS for one in kinds):
        raise error(400, "invalid_request", f"Error in query parameters: type is in {', '.join(sorted(_KINDS))}")
    return "instance" in kinds


def _start(call: Call) -> int:
    token = call.request.query.get("after_token")
    try:
        offset = json.loads(base64.b64decode(token, validate=True))["offset"] if token else 0
    except (ValueError, KeyError, TypeError, RecursionError):
        offset = None
    if type(offset) is not int or offset < 0:
        raise error(400, "invalid_token", "Invalid pagination token")
    return offset


def _row(contract: Contract, since: int, until: int, now: int) -> Json:
    bill = owed(contract, until, since)
    start, end = max(contract.created, since), min(_end(contract, now), until)
    days = (end - start) / DAY
    metadata = {"label": contract.label} if contract.label else {}
    head = _item("instance", f"instance-{contract.id}", f"Instance {contract.id} Charges - {days:.0f} days", bill.total)
    span = {"start": start // 1000, "end": end // 1000}
    items = [{**one, **span} for one in _items(contract, bill, until)]
    return {**head, **span, "metadata": metadata, "items": items}


def _items(contract: Contract, bill: Bill, until: int) -> list[Json]:
    hours = seconds(contract, until)[0] / 3600
    told = f"{hours:.3f} hours at ${contract.rate / 1e6:.3f}/hour"
    disk = f"{contract.disk / 1000:g} GB at ${contract.storage / 1e6:.3f}/GB/month"
    kinds = (
        ("gpu", told, bill.gpu),
        ("disk", disk, bill.disk),
        ("bwd", "download", bill.down),
        ("bwu", "upload", bill.up),
    )
    return [_item(kind, None, text, amount) for kind, text, amount in kinds if amount]


def _item(kind: str, source: str | None, told: str, amount: int) -> Json:
    shown = float(round(dollars(amount), 3))
    return {"type": kind, "source": source, "description": told, "amount": shown, "metadata": {}, "items": []}


def _end(contract: Contract, now: int) -> int:
    last = contract.spans[-1]
    return last.since if last.actual == GONE and last.since <= now else now
