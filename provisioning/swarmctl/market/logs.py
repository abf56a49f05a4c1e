"""Logs of an instance, fetched in two steps as there: asked for, then read at an address of their own."""

from swarmctl.market.call import Call
from swarmctl.market.draw import token
from swarmctl.market.wire import Json, Response, answer, error

READY = 500
"""ms until the text is at its address."""


def request_logs(call: Call) -> Response:
    """`PUT /instances/request_logs/ID/`: the address at which the text will be."""
    contract = call.world.contracts.get(call.ids[0])
    if contract is None or not contract.lives(call.now):
        raise error(404, "invalid_id", "Invalid instance id.")
    name = token(call.world.settings.seed, "log", contract.id, call.now)
    told: Json = {
        "contract": contract.id,
        "ready": call.now + READY,
        "daemon": call.body.get("daemon_logs") == "true",
        "tail": str(call.body.get("tail") or "1000")[:12],
        "filter": str(call.body.get("filter") or "")[:200],
    }
    call.world.logs[name] = told
    host = call.request.header("host") or "127.0.0.1"
    url = f"http://{host}/instance_logs/{name}.log"
    return answer({"success": True, "result_url": url, "msg": "Logs are being fetched."})


def read_log(call: Call) -> Response:
    """`GET /instance_logs/NAME.log`: 403 until it is there, as a bucket answers."""
    told = call.world.logs.get(call.request.path.rpartition("/")[2].removesuffix(".log"))
    if told is None or call.now < told["ready"]:
        raise error(403, "AccessDenied", "Access Denied")
    contract = call.world.contracts[told["contract"]]
    if told["daemon"] or call.world.read_output is None:
        spans = [one for one in contract.spans if one.since <= call.now]
        lines = [f"{one.since / 1000:.3f} {one.actual or 'scheduling'} {one.message or ''}".rstrip() for one in spans]
    else:
        lines = call.world.read_output(contract.id).splitlines()
    lines = [line for line in lines if told["filter"] in line]
    tail = int(told["tail"]) if told["tail"].isascii() and told["tail"].isdigit() else 1000
    return answer("\n".join(lines[-tail:] if tail else []) + "\n")
