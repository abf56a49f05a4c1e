"""Every fault in the table is seen to happen, and only when its rule says so.

Over 300 lines: one story for each of the table's 48 rows.
"""

from collections.abc import Callable
from typing import Any

import pytest

from fakes.practice import KEY, LONG, Practice, rental
from swarmctl.market import faults
from swarmctl.market.catalogue import FAULTS
from swarmctl.market.wire import Response

SEEN: dict[str, Callable[[Practice], None]] = {}


def shows(name: str) -> Callable[[Callable[[Practice], None]], Callable[[Practice], None]]:
    """Names the fault that a story shows."""

    def keep(story: Callable[[Practice], None]) -> Callable[[Practice], None]:
        SEEN[name] = story
        return story

    return keep


def _try(p: Practice) -> Response:
    return p.call("PUT", f"/api/v0/asks/{p.offer()['id']}/", rental())


def _count(p: Practice) -> int:
    return sum(one["lives"] for one in p.market.books()["contracts"])


@shows("reset-before-accept")
def _(p: Practice) -> None:
    assert _try(p).drop_connection
    assert _count(p) == 0


@shows("reset-after-accept")
def _(p: Practice) -> None:
    assert _try(p).drop_connection
    assert _count(p) == 1


@shows("502-after-accept")
def _(p: Practice) -> None:
    told = _try(p)
    assert (told.status, told.body[:6], _count(p)) == (502, b"<html>", 1)


@shows("503-before-accept")
def _(p: Practice) -> None:
    assert p.call("GET", "/api/v1/instances/").status == 503


@shows("plain-429")
def _(p: Practice) -> None:
    told = p.call("GET", "/api/v1/instances/")
    assert (told.status, told.body) == (429, b"API requests too frequent")


@shows("slow-answer")
def _(p: Practice) -> None:
    assert p.call("GET", "/api/v1/instances/").delay == 30


@shows("garbage-json")
def _(p: Practice) -> None:
    told = p.call("GET", "/api/v1/instances/")
    assert told.status == 200
    with pytest.raises(ValueError, match=r"."):
        told.json()


@shows("html-instead-of-json")
def _(p: Practice) -> None:
    told = p.call("GET", "/api/v1/instances/")
    assert (told.status, told.body[:9]) == (200, b"<!DOCTYPE")


@shows("success-false-200")
def _(p: Practice) -> None:
    assert p.ok("GET", "/api/v1/instances/")["success"] is False


@shows("bad-key-as-404")
def _(p: Practice) -> None:
    assert p.refused(404, "DELETE", "/api/v0/instances/5/", {})["error"] == "auth_error"


@shows("session-expired")
def _(p: Practice) -> None:
    assert p.refused(404, "GET", "/api/v1/instances/")["msg"].startswith("Session expired")


@shows("forbidden")
def _(p: Practice) -> None:
    assert p.refused(403, "GET", "/api/v1/instances/")["error"] == "not_authorized"


def _gone(p: Practice, status: int) -> None:
    offer = p.offer()
    told = p.refused(status, "PUT", f"/api/v0/asks/{offer['id']}/", rental())
    assert "no_such_ask" in told["msg"]
    assert offer["id"] not in {one["id"] for one in p.offers(rentable={"eq": True})}
    p.clock.advance(3600)
    assert offer["id"] in {one["id"] for one in p.offers(rentable={"eq": True})}


@shows("offer-gone-404")
def _(p: Practice) -> None:
    _gone(p, 404)


@shows("offer-gone-410")
def _(p: Practice) -> None:
    _gone(p, 410)


@shows("error-with-contract")
def _(p: Practice) -> None:
    told = _try(p)
    assert told.status == 400
    row = p.show(told.json()["new_contract"])
    assert (row["cur_state"], row["intended_status"]) == ("stopped", "stopped")
    assert p.market.books()["billing"] == [row["id"]]


@shows("insufficient-credit")
def _(p: Practice) -> None:
    assert (_try(p).json()["error"], _count(p)) == ("insufficient_credit", 0)
    other = Practice("insufficient-credit", assume={"credit-status": "200"})
    assert (_try(other).status, _count(other)) == (200, 0)


@shows("spend-rate-limit")
def _(p: Practice) -> None:
    assert (_try(p).json()["error"], _count(p)) == ("spend_rate_limit", 0)


@shows("no-ssh-key-for-vm")
def _(p: Practice) -> None:
    p.ok("POST", "/api/v0/ssh/", {"ssh_key": KEY})
    assert (_try(p).json()["error"], _count(p)) == ("no_ssh_key_for_vm", 0)


@shows("no-instance-key")
def _(p: Practice) -> None:
    assert set(p.rent()) == {"success", "new_contract"}


@shows("price-changed")
def _(p: Practice) -> None:
    offer = p.offer(allocated_storage=60)
    row = p.show(p.rent(offer)["new_contract"])
    assert row["dph_base"] == pytest.approx(offer["dph_base"] * 1.3, rel=1e-5)
    p.clock.advance(3600)
    assert float(p.market.books()["spent"]) > offer["dph_total"] * 1.25


@shows("label-lost")
def _(p: Practice) -> None:
    assert p.show(p.rent()["new_contract"])["label"] is None


@shows("starts-stopped")
def _(p: Practice) -> None:
    row = p.runs(p.rent()["new_contract"])
    assert (row["cur_state"], row["intended_status"], row["actual_status"]) == ("stopped", "running", None)
    assert p.market.books()["billing"] == [row["id"]]


@shows("stuck-loading")
def _(p: Practice) -> None:
    id_ = p.rent()["new_contract"]
    first = p.runs(id_)
    p.clock.advance(36_000)
    row = p.show(id_)
    assert (row["actual_status"], row["status_msg"], row["ports"]) == ("loading", first["status_msg"], None)
    assert p.market.books()["billing"] == [id_]


@shows("slow-loading")
def _(p: Practice) -> None:
    id_ = p.rent()["new_contract"]
    messages = set()
    for _ in range(5):
        p.clock.advance(330)
        messages.add(p.show(id_)["status_msg"])
    assert p.show(id_)["actual_status"] == "loading"
    assert len(messages) > 3
    p.clock.advance(400)
    assert p.show(id_)["actual_status"] == "running"


@shows("oci-error")
def _(p: Practice) -> None:
    row = p.runs(p.rent()["new_contract"])
    assert row["actual_status"] == "created"
    assert ": OCI runtime create failed:" in row["status_msg"]


@shows("exited-at-once")
def _(p: Practice) -> None:
    row = p.runs(p.rent()["new_contract"])
    assert (row["actual_status"], row["intended_status"], row["ports"]) == ("exited", "running", None)
    assert p.market.books()["billing"] == [row["id"]], "its storage"


@shows("host-gone")
def _(p: Practice) -> None:
    id_ = p.rent()["new_contract"]
    p.clock.advance(585)
    assert p.show(id_)["actual_status"] == "unknown"
    p.clock.advance(120)
    row = p.show(id_)
    assert (row["actual_status"], row["intended_status"]) == ("offline", "running")
    assert p.market.books()["billing"] == []
    p.ok("PUT", f"/api/v0/instances/{id_}/", {"state": "running"})
    assert p.runs(id_)["actual_status"] == "offline"


@shows("host-blinks")
def _(p: Practice) -> None:
    id_ = p.rent()["new_contract"]
    p.clock.advance(600 + 150)
    assert p.show(id_)["actual_status"] == "offline"
    p.clock.advance(200)
    assert p.show(id_)["actual_status"] == "running"


@shows("ssh-refused")
def _(p: Practice) -> None:
    from swarmctl.market.hosts.guest import guests

    id_ = p.rent()["new_contract"]
    world = p.market.world
    runs = next(one.since for one in world.contracts[id_].spans if one.actual == "running")
    states = [guests(world, runs + ms, "")[0].state for ms in (-1, 0, 299_999, 300_000)]
    assert states == ["made", "stopped", "stopped", "running"]
    assert p.runs(id_)["ports"]


@shows("ports-late")
def _(p: Practice) -> None:
    id_ = p.rent()["new_contract"]
    runs = next(one.since for one in p.market.world.contracts[id_].spans if one.actual == "running") / 1000
    p.clock.advance(runs - p.clock.now() + 30)
    row = p.show(id_)
    assert (row["actual_status"], row["ports"]) == ("running", None)
    p.clock.advance(30)
    assert p.show(id_)["ports"]


@shows("outbid")
def _(p: Practice) -> None:
    offer = p.offer(type="bid")
    spot, fixed = (
        p.rent(offer, price=offer["min_bid"])["new_contract"],
        p.rent(p.offer(num_gpus={"eq": 2}))["new_contract"],
    )
    p.clock.advance(900)
    row = p.show(spot)
    assert (row["cur_state"], row["intended_status"], row["next_state"]) == ("stopped", "stopped", "stopped")
    assert p.show(fixed)["actual_status"] == "running"


@shows("ends-early")
def _(p: Practice) -> None:
    id_ = p.rent()["new_contract"]
    p.clock.advance(1800)
    assert p.show(id_)["actual_status"] == "stopped"
    assert p.market.books()["billing"] == [id_]


@shows("gpu-taken")
def _(p: Practice) -> None:
    id_ = p.rent()["new_contract"]
    p.runs(id_)
    for state in ("stopped", "running"):
        p.ok("PUT", f"/api/v0/instances/{id_}/", {"state": state})
    row = p.runs(id_)
    assert (row["cur_state"], row["intended_status"]) == ("stopped", "running")


@shows("stop-ignored")
def _(p: Practice) -> None:
    id_ = p.rent()["new_contract"]
    p.runs(id_)
    assert p.ok("PUT", f"/api/v0/instances/{id_}/", {"state": "stopped"}) == {"success": True}
    assert p.show(id_)["actual_status"] == "running"


@shows("listing-error")
def _(p: Practice) -> None:
    p.refused(500, "GET", "/api/v1/instances/")


@shows("empty-listing")
def _(p: Practice) -> None:
    p.rent()
    told = p.listed()
    assert (told["success"], told["instances"], told["total_instances"]) == (True, [], 0)


@shows("duplicate-listing-page")
def _(p: Practice) -> None:
    for offer in p.offers(gpu_name={"eq": "RTX 4090"}, num_gpus={"eq": 1}, disk_space={"gt": 60})[:3]:
        p.rent(offer)
    first = p.listed(limit="1")
    assert p.listed(limit="1", after_token=first["next_token"])["instances"][0]["id"] == first["instances"][0]["id"]


@shows("listing-late")
def _(p: Practice) -> None:
    id_ = p.rent()["new_contract"]
    assert p.listed()["instances"] == []
    assert p.show(id_)["id"] == id_
    p.clock.advance(60)
    assert [one["id"] for one in p.listed()["instances"]] == [id_]


@shows("null-instance")
def _(p: Practice) -> None:
    id_ = p.rent()["new_contract"]
    assert p.show(id_) is None
    assert [one["id"] for one in p.listed()["instances"]] == [id_]


@shows("missing-fields")
def _(p: Practice) -> None:
    id_ = p.rent()["new_contract"]
    for row in (p.show(id_), p.listed()["instances"][0]):
        assert row["id"] == id_
        assert not {"actual_status", "dph_total", "ports", "end_date"} & set(row)


@shows("clock-skew")
def _(p: Practice) -> None:
    begun = p.clock.now()
    row = p.show(p.rent()["new_contract"])
    assert row["start_date"] - begun == pytest.approx(7200, abs=60)


@shows("search-quota")
def _(p: Practice) -> None:
    for _ in range(2):
        told = p.call("POST", "/api/v0/bundles/", {})
        assert (told.status, told.json()["error"]) == (429, "search_quota_exceeded")
        assert int(told.headers["X-RateLimit-Reset"]) % 86400 == 0
        p.control("POST", "faults", {"spec": ""})
    p.clock.advance(86400)
    assert p.offers()


@shows("search-misfilter")
def _(p: Practice) -> None:
    found = p.offers(gpu_name={"eq": "RTX 4090"}, num_gpus={"eq": 1})
    assert any(one["gpu_name"] != "RTX 4090" for one in found)
    assert not any(one["cuda_max_good"] == 13.0 for one in found)


@shows("search-stale")
def _(p: Practice) -> None:
    offer = p.offer()
    p.rent(offer)
    assert offer["id"] in {one["id"] for one in p.offers(rentable={"eq": True})}


@shows("destroy-lies")
def _(p: Practice) -> None:
    id_ = p.rent()["new_contract"]
    assert p.destroy(id_)["success"] is True
    assert p.show(id_)["id"] == id_
    assert p.market.books()["billing"] == [id_]


@shows("destroy-5xx-then-ok")
def _(p: Practice) -> None:
    id_ = p.rent()["new_contract"]
    p.refused(500, "DELETE", f"/api/v0/instances/{id_}/", {})
    assert p.show(id_)
    p.control("POST", "faults", {"spec": "destroy-5xx-then-ok:times=1"})
    p.refused(500, "DELETE", f"/api/v0/instances/{id_}/", {})
    p.destroy(id_)
    assert p.show(id_) is None


@shows("destroy-slow")
def _(p: Practice) -> None:
    p.apart = 5
    id_ = p.rent()["new_contract"]
    p.destroy(id_)
    assert p.show(id_)
    p.clock.advance(15)
    assert p.show(id_) is None


@shows("machine-comes-back")
def _(p: Practice) -> None:
    p.apart = 5
    id_ = p.rent()["new_contract"]
    p.destroy(id_)
    assert p.show(id_) is None
    assert p.market.books()["billing"] == []
    p.clock.advance(30)
    assert p.show(id_)["actual_status"] == "running"
    assert p.market.books()["billing"] == [id_]
    p.control("POST", "faults", {"spec": ""})
    p.destroy(id_)
    p.clock.advance(86400)
    assert p.show(id_) is None


@shows("credit-spent")
def _(p: Practice) -> None:
    id_ = p.rent()["new_contract"]
    p.clock.advance(900)
    assert p.show(id_)["actual_status"] == "stopped"
    assert p.ok("GET", "/api/v0/users/current")["credit"] <= 0


@shows("charges-late")
def _(p: Practice) -> None:
    p.rent()
    p.clock.advance(1800)
    query = {"select_filters": '{"day":{"gte":0,"lte":4e9}}'}
    assert p.ok("GET", "/api/v0/charges/", query=query)["results"] == []
    p.clock.advance(3600)
    assert p.ok("GET", "/api/v0/charges/", query=query)["results"]


def test_every_fault_has_its_story() -> None:
    assert set(SEEN) == {one.name for one in FAULTS}
    assert len(FAULTS) >= 40


@pytest.mark.parametrize("name", [one.name for one in FAULTS])
def test_a_fault_happens(name: str) -> None:
    SEEN[name](Practice(name))


@pytest.mark.parametrize("name", [one.name for one in FAULTS])
def test_without_its_fault_a_story_is_another(name: str) -> None:
    """So that no story would pass whatever the market does."""
    with pytest.raises((AssertionError, KeyError, TypeError, pytest.fail.Exception)):
        SEEN[name](Practice())


def _hits(spec: str, calls: int = 40, **settings: Any) -> list[int]:
    p = Practice(spec, apart=2, **settings)
    return [n for n in range(calls) if p.call("GET", "/api/v1/instances/").status == 429]


def test_a_rule_strikes_always_once_some_times_at_a_call_or_at_a_rate() -> None:
    assert _hits("plain-429") == list(range(40))
    assert _hits("plain-429:once") == [0]
    assert _hits("plain-429:times=3") == [0, 1, 2]
    assert _hits("plain-429:call=5") == [4]
    often = _hits("plain-429:rate=0.3", 200)
    assert 35 <= len(often) <= 85
    assert _hits("plain-429:rate=0.3", 200) == often
    assert _hits("plain-429:rate=0.3", 200, seed=9) != often
    assert _hits("plain-429:rate=0") == []
    assert _hits("plain-429:on=rent+destroy") == []
    assert _hits("plain-429:on=list+destroy:times=2") == [0, 1]


def test_a_rule_may_be_for_one_machine_or_one_contract() -> None:
    p = Practice()
    one, two = p.offer(), p.offer(num_gpus={"eq": 2})
    p.control("POST", "faults", {"spec": f"label-lost:machine={two['machine_id']}"})
    first, second = p.rent(one)["new_contract"], p.rent(two)["new_contract"]
    assert (p.show(first)["label"], p.show(second)["label"]) == ("swarm/x", None)
    p.control("POST", "faults", {"spec": f"destroy-lies:contract={first}"})
    p.destroy(first)
    p.destroy(second)
    assert [row["id"] for row in p.listed()["instances"]] == [first]


def test_options_measure_a_fault() -> None:
    dear = Practice("price-changed:percent=10")
    offer = dear.offer()
    assert dear.show(dear.rent(offer)["new_contract"])["dph_base"] == pytest.approx(offer["dph_base"] * 1.1, rel=1e-5)
    p = Practice("host-gone:after=100,ports-late:seconds=5")
    id_ = p.rent()["new_contract"]
    p.clock.advance(LONG)
    assert p.show(id_)["actual_status"] == "offline"


@pytest.mark.parametrize(
    "spec",
    [
        "no-such-fault",
        "outbid:always",
        "outbid:once=1",
        "outbid:times=0",
        "outbid:times=x",
        "outbid:rate=2",
        "outbid:rate=nan",
        "outbid:after=-1",
        "outbid:after=inf",
        "outbid:machine=-5",
        "outbid:contract=1e3",
        "outbid:on=list",
        "plain-429:on=",
        "outbid:call=99999999999999999999999999",
    ],
)
def test_a_spec_that_makes_no_sense_says_what_there_is(spec: str) -> None:
    with pytest.raises(ValueError, match=r"there are|takes a|is no fault"):
        faults.parse(spec)
