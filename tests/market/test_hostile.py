"""Whatever is sent, an answer comes: never an exception, and never a rental."""

import json
import random
from typing import Any

import pytest

from fakes.practice import Practice
from swarmctl.market.routes import ROUTES
from swarmctl.market.wire import Request

ODD: list[Any] = [
    *(None, True, False, 0, -1, 1, 10**18, 10**400, 1.5, -0.0, "", "x", "\x00", "1e999", "é" * 300, "nan"),
    *([], {}, [[]], {"eq": 1}, {"eq": None}, {"in": [None, {}]}, {"gt": {}}, [["id", "asc"]], ["running"]),
]
FIELDS = (
    *(
        "image",
        "disk",
        "price",
        "label",
        "env",
        "onstart",
        "args",
        "args_str",
        "runtype",
        "vm",
        "ids",
        "state",
        "q",
        "order",
    ),
    *("limit", "type", "allocated_storage", "num_gpus", "gpu_name", "geolocation", "instance_ids", "ssh_key", "name"),
    *(
        "permissions",
        "tail",
        "filter",
        "daemon_logs",
        "cancel_unavail",
        "contract",
        "what",
        "seconds",
        "spec",
        "amount",
    ),
)
QUERIES = ("select_filters", "order_by", "select_cols", "after_token", "limit", "latest_first")


@pytest.mark.parametrize("seed", range(4))
def test_nothing_that_is_sent_breaks_it(seed: int) -> None:
    rng = random.Random(seed)
    p = Practice(apart=0, limits=False, credit=1e9)
    id_ = p.rent()["new_contract"]
    paths = [(one.method, one.path.replace("ID", str(id_)) + "/") for one in ROUTES]
    paths += [
        (method, f"/_market/{name}") for method in ("GET", "POST") for name in ("happen", "faults", "credit", "events")
    ]
    for _ in range(600):
        method, path = rng.choice(paths)
        body = {name: rng.choice(ODD) for name in rng.sample(FIELDS, rng.randrange(6))}
        query = {name: json.dumps(rng.choice(ODD)) for name in rng.sample(QUERIES, rng.randrange(3))}
        told = p.call(method, path, body, query, p.market.control_key if "_market" in path else p.market.key)
        assert 200 <= told.status < 500, (method, path, body, query)


@pytest.mark.parametrize(
    "body", [b"{", b"[]", b"7", b"\xff\xfe", b'{"a": NaN}', b"[" * 100_000, b'{"a":1e999}', b"null"]
)
def test_a_body_that_is_no_object_is_refused(body: bytes) -> None:
    p = Practice()
    assert p.call("PUT", f"/api/v0/asks/{p.offer()['id']}/", body).status == 400
    assert p.listed()["total_instances"] == 0


@pytest.mark.parametrize(
    "path",
    [
        "/",
        "",
        "/api/v0/",
        "/api/v0/instances/x/",
        "/api/v0/instances/-1/",
        f"/api/v0/instances/{'9' * 50}/",
        "/_market",
    ],
)
def test_a_path_that_is_none_is_a_404(path: str) -> None:
    assert Practice().call("GET", path).status == 404


def test_headers_come_in_any_case() -> None:
    p = Practice()
    asked = Request("GET", "/api/v0/users/current", {}, {"AUTHORIZATION": f"Bearer {p.market.key}"})
    assert p.market.handle(asked).status == 200
