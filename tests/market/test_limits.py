"""Calls keep their distance: by endpoint, by who calls, with a penalty on renting."""

from fakes.practice import Practice, rental
from swarmctl.market.wire import Request


def test_a_call_too_early_is_refused_in_plain_text() -> None:
    p = Practice(apart=0)
    p.call("GET", "/api/v1/instances/")
    told = p.call("GET", "/api/v1/instances/")
    assert (told.status, told.body) == (429, b"API requests too frequent: endpoint threshold=1.0")
    assert "Retry-After" not in told.headers
    p.clock.advance(0.99)
    assert p.call("GET", "/api/v1/instances/").status == 429
    p.clock.advance(0.01)
    assert p.call("GET", "/api/v1/instances/").status == 200


def test_a_rent_too_early_costs_a_penalty() -> None:
    p = Practice(apart=0)
    one, two = p.offers(gpu_name={"eq": "RTX 4090"}, disk_space={"gt": 60})[:2]
    p.rent(one)
    p.clock.advance(4.4)
    path = f"/api/v0/asks/{two['id']}/"
    assert p.call("PUT", path, rental()).status == 429
    p.clock.advance(16.4)
    assert p.call("PUT", path, rental()).status == 429
    p.clock.advance(16.5)
    assert p.call("PUT", path, rental()).status == 200
    assert p.market.books()["billing"] == [20_000_001, 20_000_002]


def test_endpoints_and_callers_do_not_hinder_each_other() -> None:
    p = Practice(apart=0)
    id_ = p.rent()["new_contract"]
    assert p.call("GET", "/api/v1/instances/").status == 200
    assert p.call("GET", f"/api/v0/instances/{id_}/").status == 200
    key = p.ok("POST", "/api/v0/auth/apikeys/", {"name": "other"})["key"]
    assert p.call("GET", "/api/v1/instances/", key=key).status == 200
    asked = Request("GET", "/api/v1/instances/", {}, {"authorization": f"Bearer {p.market.key}"}, client="127.0.0.2")
    assert p.market.handle(asked).status == 200
    assert p.call("GET", f"/api/v0/instances/{id_ + 1}/").status == 429, "an endpoint is one whatever it names"


def test_ten_searches_a_minute() -> None:
    p = Practice(apart=0)
    assert [p.call("POST", "/api/v0/bundles/", {"limit": 1}).status for _ in range(11)] == [200] * 10 + [429]
    p.clock.advance(60)
    assert p.call("POST", "/api/v0/bundles/", {"limit": 1}).status == 200


def test_limits_can_be_lifted() -> None:
    p = Practice(apart=0, limits=False)
    assert {p.call("GET", "/api/v1/instances/").status for _ in range(5)} == {200}
