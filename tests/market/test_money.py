"""Bills are exact: every state, storage and bandwidth, explained by the charges, until nothing is left."""

import itertools
import json
import random
from fractions import Fraction
from typing import Any

import pytest

from fakes.practice import Practice
from swarmctl.market.billing import owed
from swarmctl.market.contract import Contract

DAY = 86400


def _charges(p: Practice, since: float = 0, until: float = 4e9, **more: str) -> list[dict[str, Any]]:
    query = {"select_filters": json.dumps({"day": {"gte": since, "lte": until}}), "limit": "500", **more}
    return list(p.ok("GET", "/api/v0/charges/", query=query)["results"])


def _spent(p: Practice, id_: int) -> dict[str, Fraction]:
    told = next(one for one in p.market.books()["contracts"] if one["id"] == id_)
    return {key: Fraction(value) for key, value in told["by_kind"].items()} | {"total": Fraction(told["spent"])}


def test_a_story_costs_what_its_prices_and_hours_say() -> None:
    """Independently of how the market counts: prices of the offer times hours of each state, in fractions."""
    p = Practice(apart=0, limits=False)
    offer = next(one for one in p.offers(num_gpus={"eq": 1}) if one["inet_down_cost"] and one["inet_up_cost"])
    id_ = p.rent(offer, disk=16)["new_contract"]
    contract = p.market.world.contracts[id_]
    p.clock.advance(7200)
    p.ok("PUT", f"/api/v0/instances/{id_}/", {"state": "stopped"})
    p.clock.advance(2)  # it takes two seconds to stop
    p.clock.advance(3600 * 5)
    p.ok("PUT", f"/api/v0/instances/{id_}/", {"state": "running"})
    p.clock.advance(1800)
    p.control("POST", "traffic", {"contract": id_, "down": 3_500_000_000, "up": 1_000_000})
    p.destroy(id_)
    p.clock.advance(DAY * 3)
    base, storage = Fraction(str(offer["dph_base"])), Fraction(str(offer["storage_cost"]))
    stopped = Fraction(contract.stopped, 1_000_000)
    gpu = base * Fraction(7202 + 1800, 3600)
    disk = (storage * Fraction(9002, 3600) + stopped * 5) * 16 / 720
    down = Fraction(str(offer["inet_down_cost"])) * Fraction(7, 2)
    up = Fraction(str(offer["inet_up_cost"])) / 1000
    told = _spent(p, id_)
    for kind, exact in (("gpu", gpu), ("disk", disk), ("bwd", down), ("bwu", up), ("total", gpu + disk + down + up)):
        assert abs(told[kind] - exact) <= Fraction(1, 1_000_000), kind
    (row,) = _charges(p)
    assert abs(Fraction(str(row["amount"])) - (gpu + disk + down + up)) <= Fraction(1, 2000)
    assert row["source"] == f"instance-{id_}"
    assert row["metadata"] == {"label": "swarm/x"}
    shown = {item["type"]: item["amount"] for item in row["items"]}
    assert shown["gpu"] == pytest.approx(float(gpu), abs=0.0006)
    assert shown["disk"] == pytest.approx(float(disk), abs=0.0006)
    user = p.ok("GET", "/api/v0/users/current")
    assert user["credit"] == pytest.approx(100 - float(told["total"]), abs=2e-6)


def test_days_add_up_to_the_whole() -> None:
    p = Practice(credit=1e6)
    id_ = p.rent()["new_contract"]
    begun = p.clock.now() - p.apart
    p.clock.advance(DAY * 9.3)
    p.destroy(id_)
    p.clock.advance(DAY)
    midnight = begun // DAY * DAY
    days = [_charges(p, midnight + n * DAY, midnight + n * DAY) for n in range(12)]
    amounts = [Fraction(str(row["amount"])) for rows in days for row in rows]
    assert len(amounts) == 10
    assert abs(sum(amounts) - _spent(p, id_)["total"]) <= Fraction(len(amounts), 2000)
    assert abs(Fraction(str(_charges(p)[0]["amount"])) - _spent(p, id_)["total"]) <= Fraction(1, 2000)


def test_a_range_from_noon_on_lacks_that_day_unless_told_otherwise() -> None:
    for assume, rows in (({}, 0), ({"charges-by-day": "no"}, 1)):
        p = Practice(assume=assume)
        p.clock.advance(-p.clock.now() % DAY + DAY / 2)
        p.rent()
        p.clock.advance(3600)
        assert len(_charges(p, p.clock.now() - 3000)) == rows


def test_charges_come_in_pages_latest_first() -> None:
    p = Practice()
    for offer in p.offers(disk_space={"gt": 60}, num_gpus={"eq": 1}, gpu_name={"eq": "RTX 4090"})[:3]:
        id_ = p.rent(offer)["new_contract"]
        p.clock.advance(600)
        p.destroy(id_)
    filters = json.dumps({"day": {"gte": 0, "lte": 4e9}, "type": {"in": ["instance"]}})
    seen, token = [], ""
    for _ in range(3):
        query = {"select_filters": filters, "limit": "1", "after_token": token}
        told = p.ok("GET", "/api/v0/charges/", query=query)
        seen += told["results"]
        token = told["next_token"]
    assert token is None
    assert told["total"] == 3
    assert [one["start"] for one in seen] == sorted((one["start"] for one in seen), reverse=True)
    assert [one["start"] for one in _charges(p, latest_first="false")] == [one["start"] for one in reversed(seen)]


@pytest.mark.parametrize(
    "query",
    [
        {},
        {"select_filters": "{}"},
        {"select_filters": '{"day":{"gte":0}}'},
        {"select_filters": '{"day":{"gte":"x","lte":1}}'},
        {"select_filters": '{"day":{"gte":0,"lte":1},"type":{"in":["house"]}}'},
        {"select_filters": '{"day":{"gte":0,"lte":1}}', "after_token": "x"},
        {"select_filters": "7"},
    ],
)
def test_charges_without_their_days_are_refused(query: dict[str, str]) -> None:
    p = Practice()
    p.rent()
    assert p.refused(400, "GET", "/api/v0/charges/", query=query)["success"] is False


def test_loading_costs_or_does_not_as_assumed() -> None:
    spent = []
    for answer in ("yes", "no"):
        p = Practice(assume={"loading-billed": answer})
        id_ = p.rent()["new_contract"]
        p.clock.advance(3600)
        spent.append(_spent(p, id_)["gpu"])
    contract = p.market.world.contracts[id_]
    runs = next(one.since for one in contract.spans if one.actual == "running") - contract.created
    assert abs(spent[0] - spent[1] - Fraction(contract.rate, 10**6) * Fraction(runs, 3_600_000)) < Fraction(1, 10**5)


def test_an_empty_account_stops_everything_at_that_second_and_loses_it_two_days_later() -> None:
    p = Practice(credit=2, apart=0, limits=False)
    id_ = p.rent()["new_contract"]
    contract = p.market.world.contracts[id_]
    hourly = Fraction(contract.rate, 10**6) + Fraction(contract.storage * 60, 720 * 10**6)
    begun = p.clock.now()
    p.clock.advance(DAY)
    row = p.show(id_)
    assert (row["actual_status"], row["intended_status"]) == ("stopped", "stopped")
    stopped = p.market.world.contracts[id_].at(round(p.clock.now() * 1000)).since / 1000
    assert stopped - begun == pytest.approx(float(2 / hourly * 3600), abs=0.002)
    assert Fraction(p.market.books()["credit"]) < 0, "storage goes on"
    offer = p.offer(rentable={"eq": True})
    assert p.refused(400, "PUT", f"/api/v0/asks/{offer['id']}/", {"image": "x"})["error"] == "insufficient_credit"
    p.refused(400, "PUT", f"/api/v0/instances/{id_}/", {"state": "running"})
    p.control("POST", "credit", {"amount": 50})
    p.ok("PUT", f"/api/v0/instances/{id_}/", {"state": "running"})
    p.clock.advance(3 * DAY)
    assert p.show(id_)["actual_status"] == "stopped", "and again"
    p.clock.advance(2 * DAY)
    assert p.show(id_) is None
    before = p.market.books()["spent"]
    p.clock.advance(DAY)
    assert p.market.books()["spent"] == before


def test_a_contract_ends_on_its_day_and_is_gone_two_days_later() -> None:
    p = Practice(credit=1e9)
    offer = p.offers(duration={"lt": 100_000}, disk_space={"gt": 60})[0]
    id_ = p.rent(offer)["new_contract"]
    p.clock.advance(offer["duration"] + 1)
    row = p.show(id_)
    assert (row["actual_status"], row["status_msg"]) == ("stopped", "contract ended")
    assert p.market.books()["billing"] == [id_]
    p.clock.advance(2 * DAY)
    assert p.show(id_) is None
    assert p.market.books()["billing"] == []


def test_a_bill_is_the_same_however_time_is_cut() -> None:
    rng = random.Random(4)
    p = Practice(apart=0, limits=False, pace=0.001)
    id_ = p.rent()["new_contract"]
    for _ in range(40):
        p.clock.advance(rng.random() * 3)
        p.ok("PUT", f"/api/v0/instances/{id_}/", {"state": rng.choice(("running", "stopped"))})
        p.control("POST", "traffic", {"contract": id_, "down": rng.randrange(10**9), "up": rng.randrange(10**9)})
    contract = p.market.world.contracts[id_]
    start, end = contract.created, round(p.clock.now() * 1000) + 1
    whole = owed(contract, end)
    cuts = [start, *sorted(rng.randrange(start, end) for _ in range(300)), end]
    pieces = [owed(contract, until, since) for since, until in itertools.pairwise(cuts)]
    assert sum(one.total for one in pieces) == whole.total
    assert whole.gpu == sum(_slow(contract, ms) for ms in range(start, end)) * 720 * 1000


def _slow(contract: Contract, ms: int) -> int:
    """Its rate in that millisecond."""
    return contract.at(ms).gpu


def test_time_does_not_pass_any_more_for_what_is_over() -> None:
    p = Practice()
    id_ = p.rent()["new_contract"]
    p.destroy(id_)
    p.show(id_)
    assert p.market.world.awake == set()
    assert p.market.world.contracts[id_].settled
