"""A rental market in a few lines: raw JSON as the market's documentation prints it, and every call can be spoilt."""

import json
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from email.utils import formatdate
from typing import Any

from swarmctl.effects.providers.transport import Answer, LostError, NotSentError

Spoil = Callable[["TinyMarket", str, str, Any], Answer | None]
START = datetime(2027, 1, 1, tzinfo=UTC)


class Hours:
    """A clock that moves when somebody waits, and never otherwise."""

    def __init__(self) -> None:
        self.seconds = 0.0
        self.waits: list[float] = []

    def now(self) -> datetime:
        return START + timedelta(seconds=self.seconds)

    def monotonic(self) -> float:
        return self.seconds

    def sleep(self, seconds: float) -> None:
        self.waits.append(seconds)
        self.seconds += max(0.0, seconds)


def answer(status: int, body: Any) -> Answer:
    return Answer(status, body.encode() if isinstance(body, str) else json.dumps(body).encode())


@dataclass
class TinyMarket:
    """Transport and market in one. offers: raw entries. spoil: asked first, before the call (`before`) and after."""

    clock: Hours
    offers: list[dict[str, Any]] = field(default_factory=list)
    held: dict[int, dict[str, Any]] = field(default_factory=dict)
    spoil: Spoil | None = None
    after: Spoil | None = None
    calls: list[tuple[str, str, Any]] = field(default_factory=list)
    ssh: list[dict[str, Any]] = field(default_factory=list)
    next_id: int = 9_000_001
    ended: dict[int, float] = field(default_factory=dict)
    past: dict[int, dict[str, Any]] = field(default_factory=dict)
    key: Any = None
    fast: float | None = 0.0
    """Seconds by which the market's clock is ahead of ours; None for one that does not say."""

    def send(self, method: str, path: str, query: Mapping[str, str], body: Mapping[str, Any] | None) -> Answer:
        self.calls.append((method, path, None if body is None else dict(body)))
        for hook, act in ((self.spoil, None), (None, self._answer), (self.after, None)):
            if act is not None:
                given = act(method, path, dict(query), dict(body or {}))
            elif hook is not None and (spoilt := hook(self, method, path, body)) is not None:
                return self._dated(spoilt)
        return self._dated(given)

    def _dated(self, given: Answer) -> Answer:
        if self.fast is None or given.headers:
            return given
        at = START.timestamp() + self.clock.seconds + self.fast
        return Answer(given.status, given.body, {"date": formatdate(at, usegmt=True)})

    def count(self, method: str, part: str) -> int:
        """Calls of a method whose path holds this."""
        return sum(m == method and part in p for m, p, _ in self.calls)

    def kinds(self) -> Counter[str]:
        return Counter(f"{m} {p}" for m, p, _ in self.calls)

    def _answer(self, method: str, path: str, query: dict[str, str], body: dict[str, Any]) -> Answer:
        parts = [part for part in path.split("/") if part]
        if parts[2] == "bundles":
            return answer(200, {"offers": self.offers})
        if parts[2] == "asks":
            return self._rent(int(parts[3]), body)
        if parts[:3] == ["api", "v1", "instances"]:
            return self._page(query)
        if parts[2] == "instances":
            return self._one(method, int(parts[3]), body)
        if parts[2] == "charges":
            return self._charges(query)
        return self._account(method, parts[2], body)

    def _account(self, method: str, what: str, body: dict[str, Any]) -> Answer:
        if what == "ssh" and method == "POST":
            self.ssh.append({"id": len(self.ssh) + 1, "public_key": body["ssh_key"]})
            return answer(200, {"success": True})
        if what == "ssh":
            return answer(200, self.ssh)
        if what == "users":
            return answer(200, {"id": 77, "credit": 12.5, "email": "a@b.c"})
        return answer(404, {"success": False, "error": "not_found"})

    def _rent(self, offer: int, body: dict[str, Any]) -> Answer:
        found = next((o for o in self.offers if o["id"] == offer), None)
        if found is None:
            return answer(410, {"success": False, "error": "no_such_ask", "msg": "error 410/3907: gone"})
        self.offers.remove(found)
        contract, self.next_id = self.next_id, self.next_id + 1
        storage = found["storage_cost"] * body["disk"] / 720
        self.held[contract] = {
            "id": contract,
            "machine_id": found["machine_id"],
            "label": body["label"],
            "actual_status": None,
            "intended_status": "running",
            "cur_state": "unloaded",
            "next_state": "running",
            "status_msg": None,
            "start_date": self.clock.now().timestamp(),
            "extra_env": [[name, value] for name, value in body["env"].items()],
            "dph_base": found["dph_base"],
            "storage_total_cost": storage,
            "dph_total": found["dph_base"] + storage,
            "gpu_name": found["gpu_name"],
            "num_gpus": found["num_gpus"],
            "is_bid": "price" in body,
            "ports": None,
        }
        return answer(200, {"success": True, "new_contract": contract, "instance_api_key": f"inst-{contract}-key"})

    def _page(self, query: dict[str, str]) -> Answer:
        limit, after = int(query.get("limit", 25)), int(query.get("after_token", 0))
        rest = [entry for id_, entry in sorted(self.held.items()) if id_ > after]
        page = rest[:limit]
        token = str(page[-1]["id"]) if len(rest) > limit else None
        body = {"success": True, "instances_found": len(page), "total_instances": len(self.held), "next_token": token}
        return answer(200, {**body, "instances": page})

    def _charges(self, query: dict[str, str]) -> Answer:
        """By the second, of machines that began on or after the UTC day that is asked for."""
        day = json.loads(query["select_filters"])["day"]
        rows = []
        for id_, one in sorted({**self.past, **self.held}.items()):
            end = START.timestamp() + self.ended.get(id_, self.clock.seconds)
            start = one["start_date"]
            if start // 86400 * 86400 < day["gte"] or start > day["lte"]:
                continue
            span = {"start": start, "end": end}
            prices = {"gpu": one["dph_base"], "disk": one["storage_total_cost"]}
            items = [
                {"type": kind, "amount": round(price * (end - start) / 3600, 3), **span}
                for kind, price in prices.items()
            ]
            amount = sum(item["amount"] for item in items)
            rows.append({"source": f"instance-{id_}", "amount": amount, "metadata": {"label": one["label"]}, **span})
            rows[-1]["items"] = items
        return answer(200, {"success": True, "count": len(rows), "total": len(rows), "results": rows})

    def _one(self, method: str, id_: int, body: dict[str, Any]) -> Answer:
        held = self.held.get(id_)
        if method == "GET":
            return answer(200, {"instances": held})
        if held is None:
            return answer(404, {"success": False, "error": "no_such_instance", "msg": f"no instance {id_}"})
        if method == "DELETE":
            self.ended[id_] = self.clock.seconds
            self.past[id_] = self.held.pop(id_)
        elif "label" in body:
            held["label"] = body["label"]
        else:
            held |= {"intended_status": body["state"], "cur_state": body["state"], "actual_status": body["state"]}
        return answer(200, {"success": True})


def lost(_market: TinyMarket, _method: str, _path: str, _body: Any) -> Answer | None:
    """Nobody hears the answer."""
    raise LostError("connection reset by peer")


def unsent(_market: TinyMarket, _method: str, _path: str, _body: Any) -> Answer | None:
    """Nothing leaves this machine."""
    raise NotSentError("connection refused")


def on(method: str, part: str, do: Spoil, times: int = 10**6, skip: int = 0) -> Spoil:
    """Spoils calls of a method whose path holds this: so many, after so many that work."""
    seen = 0

    def spoil(market: TinyMarket, m: str, path: str, body: Any) -> Answer | None:
        nonlocal seen
        if m != method or part not in path:
            return None
        seen += 1
        return do(market, m, path, body) if skip < seen <= skip + times else None

    return spoil


def says(status: int, body: Any) -> Spoil:
    """Answers so."""
    return lambda *_: answer(status, body)


def total(held: Mapping[str, Any]) -> Decimal:
    return Decimal(str(held["dph_total"]))
