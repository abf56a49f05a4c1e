"""Which call goes where, what it takes to make it, and how often it may come."""

import re
from collections.abc import Callable
from dataclasses import dataclass

from swarmctl.market import charges, instances, logs, manage, people, rent, search
from swarmctl.market.call import Call
from swarmctl.market.wire import Response


@dataclass(frozen=True, slots=True)
class Route:
    """One endpoint. group: what a key must be allowed, None for what anybody may. Seconds: threshold, penalty.

    own: what a key of an instance may do with that instance.
    """

    method: str
    path: str
    operation: str
    handler: Callable[[Call], Response]
    group: str | None
    threshold: float = 0.0
    penalty: float = 0.0
    own: bool = False

    def ids(self, path: str) -> tuple[int, ...] | None:
        """The numbers that a path names, None where it is another endpoint's."""
        found = _pattern(self.path).fullmatch(path.rstrip("/"))
        return None if found is None else tuple(int(one) for one in found.groups())


READ, WRITE = "instance_read", "instance_write"
ROUTES = (
    Route("POST", "/api/v0/bundles", "search", search.search, None),
    Route("PUT", "/api/v0/search/asks", "search", search.search_asks, None),
    Route("GET", "/api/v0/gpu_names/unique", "names", search.gpu_names, None),
    Route("PUT", "/api/v0/asks/ID", "rent", rent.rent, WRITE, 4.5, 12),
    Route("POST", "/api/v0/asks/bulk", "rent", rent.rent_many, WRITE, 4.5, 12),
    Route("GET", "/api/v0/instances/ID", "show", instances.show, READ, 2.0),
    Route("GET", "/api/v1/instances", "list", instances.listing, READ, 1.0),
    Route("GET", "/api/v0/instances", "list", instances.deprecated, READ),
    Route("PUT", "/api/v0/instances/ID", "state", manage.change, WRITE, 1.0, own=True),
    Route("PUT", "/api/v0/instances", "state", manage.change_many, WRITE, 2.0),
    Route("DELETE", "/api/v0/instances/ID", "destroy", manage.destroy, WRITE, 3.0, own=True),
    Route("DELETE", "/api/v0/instances", "destroy", manage.destroy_many, WRITE, 3.0),
    Route("PUT", "/api/v0/instances/reboot/ID", "reboot", manage.reboot, WRITE, 1.0),
    Route("PUT", "/api/v0/instances/recycle/ID", "reboot", manage.reboot, WRITE, 1.0),
    Route("PUT", "/api/v0/instances/bid_price/ID", "bid", manage.bid, WRITE, 5.5),
    Route("PUT", "/api/v0/instances/request_logs/ID", "logs", logs.request_logs, READ),
    Route("GET", "/api/v0/instances/ID/ssh", "keys", people.attached, READ),
    Route("POST", "/api/v0/instances/ID/ssh", "keys", people.attach, WRITE),
    Route("DELETE", "/api/v0/instances/ID/ssh/ID", "keys", people.detach, WRITE, 2.0),
    Route("GET", "/api/v0/users/current", "user", people.user, "user_read"),
    Route("GET", "/api/v0/ssh", "keys", people.ssh_keys, "user_read"),
    Route("POST", "/api/v0/ssh", "keys", people.add_ssh_key, "user_write", 1.0),
    Route("PUT", "/api/v0/ssh/ID", "keys", people.change_ssh_key, "user_write", 1.0),
    Route("DELETE", "/api/v0/ssh/ID", "keys", people.drop_ssh_key, "user_write"),
    Route("GET", "/api/v0/auth/apikeys", "apikeys", people.api_keys, "user_read", 1.0),
    Route("POST", "/api/v0/auth/apikeys", "apikeys", people.add_api_key, "user_write", 2.0),
    Route("DELETE", "/api/v0/auth/apikeys/ID", "apikeys", people.drop_api_key, "user_write", 2.0),
    Route("GET", "/api/v0/charges", "charges", charges.charges, "billing_read", 1.0),
    Route("GET", "/instance_logs/NAME", "log", logs.read_log, None),
)
_PATTERNS: dict[str, re.Pattern[str]] = {}


def route(method: str, path: str) -> tuple[Route, tuple[int, ...]] | None:
    """The endpoint of a call and the numbers in its path."""
    for one in ROUTES:
        if one.method == method and (ids := one.ids(path)) is not None:
            return one, ids
    return None


def _pattern(path: str) -> re.Pattern[str]:
    if path not in _PATTERNS:
        text = path.replace("/ID", r"/([0-9]{1,18})").replace("/NAME", r"/[0-9a-f]{64}\.log")
        _PATTERNS[path] = re.compile(text)
    return _PATTERNS[path]
