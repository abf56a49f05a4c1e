"""Instances as they are shown: one, or the account's, page by page."""

from typing import Any

from swarmctl.market.billing import per_hour
from swarmctl.market.call import Call
from swarmctl.market.contract import Contract
from swarmctl.market.match import checked, holds
from swarmctl.market.paging import after, token_of
from swarmctl.market.wire import Json, Response, answer, error
from swarmctl.market.world import World

PAGE = 25
COLUMNS = (
    *("id", "label", "machine_id", "host_id", "actual_status", "intended_status", "cur_state", "next_state"),
    *("image_uuid", "image_runtype", "gpu_name", "verification", "geolocation", "is_bid", "start_date", "end_date"),
    *("ssh_host", "ssh_port", "disk_space", "public_ipaddr", "status_msg"),
)
"""What a listing can be filtered and ordered by; what is computed (prices, num_gpus) it cannot."""
_LOST = ("actual_status", "intended_status", "cur_state", "next_state", "dph_total", "ports", "end_date", "status_msg")


def show(call: Call) -> Response:
    """`GET /instances/ID/`: null where there is none."""
    contract = call.world.contracts.get(call.ids[0])
    if contract is None or not contract.lives(call.now) or _hit(call, "null-instance", contract.id):
        return answer({"instances": None})
    return answer({"instances": _bent(call, [view(call.world, contract, call.now)])[0]})


def listing(call: Call) -> Response:
    """`GET /api/v1/instances/`."""
    world, now = call.world, call.now
    if _hit(call, "listing-error"):
        raise error(500, "internal_error", "Internal server error")
    if _hit(call, "empty-listing"):
        return answer(_page([], [], None))
    rows = [view(world, one, now) for one in _listed(world, now)]
    rows = _filtered(rows, call.query_json("select_filters", {}))
    order = _order(call.query_json("order_by", []))
    rows = _sorted(rows, order)
    limit = call.query_whole("limit", PAGE)
    limit = min(limit, PAGE) if limit > 0 else 5
    token = call.request.query.get("after_token")
    if token and _hit(call, "duplicate-listing-page"):
        token = None
    start = after(rows, order, token)
    page = rows[start : start + limit]
    more = token_of(page[-1], order) if start + limit < len(rows) else None
    columns = call.query_json("select_cols", ["*"])
    if not isinstance(columns, list):
        raise error(400, "invalid_request", "Error in query parameters: select_cols must be a list")
    page = _bent(call, page)
    if "*" not in columns:
        page = [{str(name): row.get(str(name)) for name in columns} for row in page]
    return answer(_page(page, rows, more))


def deprecated(_: Call) -> Response:
    """`GET /api/v0/instances/`, which is no more."""
    raise error(410, "deprecated_endpoint", "This endpoint has been removed; use /api/v1/instances/.")


def view(world: World, contract: Contract, now: int) -> Json:
    """An instance as the market tells of it."""
    offer = world.shop.offers[contract.offer]
    at = contract.at(now)
    disk = contract.storage / 1e6 * contract.disk / 1000 / 720
    hour = contract.rate / 1e6
    current = per_hour(contract, now) / 1e6
    shown = ports(contract, now)
    kept = {key: value for key, value in offer.facts.items() if key not in {"ask_contract_id", "bundle_id", "verified"}}
    address = world.address or str(offer.facts["public_ipaddr"])
    return {
        **kept,
        "id": contract.id,
        "label": contract.label,
        "image_uuid": contract.image,
        "image_runtype": contract.runtype,
        "image_args": contract.args,
        "extra_env": [[key, value] for key, value in contract.env.items()],
        "onstart": contract.onstart,
        "actual_status": at.actual,
        "cur_state": at.cur,
        "next_state": at.next,
        "intended_status": at.intended,
        "status_msg": at.message,
        "is_bid": contract.bid,
        "start_date": contract.created / 1000,
        "end_date": contract.ends / 1000,
        "duration": max(0, contract.ends - now) / 1000,
        "uptime_mins": uptime(contract, now),
        "ssh_host": world.address or "ssh5.market.invalid",
        "ssh_port": contract.proxy,
        "ssh_idx": "5",
        "public_ipaddr": address,
        "local_ipaddrs": "172.17.0.2",
        "ports": shown,
        "direct_port_count": 100,
        "direct_port_start": -1,
        "direct_port_end": -1,
        "machine_dir_ssh_port": contract.ports.get("22/tcp"),
        "jupyter_token": None,
        "template_id": None,
        "template_hash_id": None,
        "template_name": None,
        "disk_space": contract.disk / 1000,
        "disk_usage": 1.2,
        "disk_util": 0.1,
        "cpu_util": 0.0,
        "gpu_util": 0.0,
        "gpu_temp": 31.0,
        "mem_usage": 0.5,
        "mem_limit": 16.0,
        "vmem_usage": 0.0,
        "volume_info": [],
        "gpu_totalram": offer.facts["gpu_total_ram"],
        "country_code": None,
        "webpage": None,
        "rentable": False,
        "dph_base": hour,
        "dph_total": hour + disk,
        "storage_total_cost": disk,
        "min_bid": offer.bid / 1e6,
        "search": {"gpuCostPerHour": hour, "diskHour": disk, "totalHour": hour + disk, "discountTotalHour": 0},
        "instance": {"gpuCostPerHour": at.gpu / 1e6, "diskHour": current - at.gpu / 1e6, "totalHour": current},
    }


def ports(contract: Contract, now: int) -> dict[str, list[dict[str, str]]] | None:
    """Where it is reached from outside; null until it runs."""
    at = contract.at(now)
    if at.actual != "running" or now < at.since + contract.faults.get("ports-late", 0):
        return None
    return {name: [{"HostIp": "0.0.0.0", "HostPort": str(port)}] for name, port in contract.ports.items()}  # noqa: S104


def uptime(contract: Contract, now: int) -> float | None:
    """Minutes that it runs for."""
    at = contract.at(now)
    return (now - at.since) / 60_000 if at.actual == "running" else None


def _listed(world: World, now: int) -> list[Contract]:
    living = [world.contracts[one] for one in sorted(world.awake)]
    return [one for one in living if one.lives(now) and now >= one.created + one.faults.get("listing-late", 0)]


def _filtered(rows: list[Json], wanted: object) -> list[Json]:
    try:
        for column, tests in checked(wanted).items():
            name = _column(column)
            for operator, value in tests.items():
                rows = [row for row in rows if holds(row[name], operator, value)]
    except (ValueError, TypeError, OverflowError) as e:
        raise error(400, "invalid_request", f"Error in query parameters: {str(e)[:100]}") from None
    return rows


def _order(wanted: object) -> list[tuple[str, bool]]:
    """Columns, and whether they go down; `id` is always the last."""
    order = []
    for one in wanted if isinstance(wanted, list) else [wanted]:
        column = _column(one.get("col") if isinstance(one, dict) else one)
        order.append((column, isinstance(one, dict) and one.get("dir") == "desc"))
    return [*order, ("id", False)]


def _column(name: object) -> str:
    if name not in COLUMNS:
        raise error(400, "invalid_request", f"Error in query parameters: {str(name)[:40]} is not a valid search key")
    return str(name)


def _sorted(rows: list[Json], order: list[tuple[str, bool]]) -> list[Json]:
    for column, down in reversed(order):
        rows = sorted(rows, key=lambda row: (row[column] is not None, row[column]), reverse=down)
    return rows


def _page(page: list[Json], rows: list[Json], more: str | None) -> Json:
    labels: dict[str, int] = {}
    for row in rows:
        labels[row["label"] or ""] = labels.get(row["label"] or "", 0) + 1
    told: dict[str, Any] = {"success": True, "instances_found": len(page), "total_instances": len(rows)}
    return {**told, "label_counts": labels, "next_token": more, "instances": page}


def _bent(call: Call, rows: list[Json]) -> list[Json]:
    """With the faults that concern how instances are told."""
    if rule := call.world.strike("clock-skew", call.operation):
        for row in rows:
            row |= {"start_date": row["start_date"] + rule.seconds, "end_date": row["end_date"] + rule.seconds}
    if _hit(call, "missing-fields"):
        rows = [{key: value for key, value in row.items() if key not in _LOST} for row in rows]
    return rows


def _hit(call: Call, name: str, contract: int | None = None) -> bool:
    return call.world.strike(name, call.operation, None, contract) is not None
