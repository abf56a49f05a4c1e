"""Searches answer as the market's do: filters, prices, order, and what somebody has taken."""

from typing import Any

import pytest

from fakes.practice import Practice
from swarmctl.market.match import holds


@pytest.mark.parametrize(
    ("have", "operator", "want", "passes"),
    [
        (2, "eq", "2", True),
        (2, "eq", "3", False),
        (2, "neq", "2", False),
        (2.5, "gt", "2.4", True),
        (2.5, "gt", 2.5, False),
        (2.5, "gte", "2.5", True),
        (2.5, "lt", "2.5", False),
        (2.5, "lte", 2.5, True),
        (True, "eq", "true", True),
        (True, "eq", False, False),
        (False, "neq", True, True),
        ("A40", "in", ["A40", "L4"], True),
        ("A40", "notin", ["A40", "L4"], False),
        (8, "in", ["4", "8"], True),
        (None, "eq", None, True),
        (None, "gt", 1, False),
        (None, "in", ["x", None], True),
        ("x", "eq", None, False),
    ],
)
def test_an_operator_compares_by_the_type_of_what_is_there(have: Any, operator: str, want: Any, passes: bool) -> None:
    assert holds(have, operator, want) is passes


def test_numbers_may_come_as_text_as_the_command_line_sends_them() -> None:
    p = Practice()
    as_text = p.offers(
        gpu_name={"eq": "A100 PCIE"}, num_gpus={"eq": "1"}, dph_total={"lt": "2"}, gpu_ram={"gte": 70000.0}
    )
    as_number = p.offers(gpu_name={"eq": "A100 PCIE"}, num_gpus={"eq": 1}, dph_total={"lt": 2}, gpu_ram={"gte": 70000})
    assert [one["id"] for one in as_text] == [one["id"] for one in as_number] != []
    assert all(one["gpu_ram"] > 70000 and one["dph_total"] < 2 and one["num_gpus"] == 1 for one in as_text)


def test_names_and_places_come_in_the_documented_spellings() -> None:
    p = Practice()
    assert {one["gpu_name"] for one in p.offers(gpu_name={"in": ["RTX_4090", "RTX 5090"]})} == {"RTX 4090", "RTX 5090"}
    there = p.offers(geolocation={"in": ["US", "CA"]})
    assert {one["geolocation"][-2:] for one in there} == {"US", "CA"}
    assert all(one["geolocation"] == "Norway, NO" for one in p.offers(geolocation={"eq": "Norway, NO"}))
    drivers = {one["driver_version"] for one in p.offers(driver_version={"gte": 570000000})}
    assert drivers == {"570.133.20", "580.95.05"}


@pytest.mark.parametrize("gb", [8, 60, 500.5])
def test_the_price_is_that_of_the_storage_asked_for(gb: float) -> None:
    offer = Practice().offers(allocated_storage=gb, disk_space={"gte": gb}, limit=1)[0]
    storage = offer["storage_cost"] * gb / 720
    assert offer["storage_total_cost"] == pytest.approx(storage, rel=1e-9)
    assert offer["dph_total"] == pytest.approx(offer["dph_base"] + storage, rel=1e-9)


def test_storage_is_eight_gb_where_nothing_is_said() -> None:
    p = Practice()
    assert p.offers(limit=1)[0]["dph_total"] == p.offers(limit=1, allocated_storage=8)[0]["dph_total"]


def test_a_bid_costs_the_least_that_is_taken() -> None:
    p = Practice()
    fixed, bid = p.offers(id={"eq": 10_000_000})[0], p.offers(id={"eq": 10_000_000}, type="bid")[0]
    assert bid["is_bid"] is True
    assert bid["dph_base"] == bid["min_bid"] < fixed["dph_base"]
    assert p.offers(type="interruptible")[0]["is_bid"] is True
    assert p.offers(type="reserved")[0]["discounted_dph_total"] < p.offers(type="on-demand")[0]["dph_total"]


def test_order_goes_by_several_fields_and_by_score_where_none_is_given() -> None:
    p = Practice()
    found = p.offers(order=[["num_gpus", "desc"], ["dph_total", "asc"]], limit=50)
    assert [(-one["num_gpus"], one["dph_total"]) for one in found] == sorted(
        (-one["num_gpus"], one["dph_total"]) for one in found
    )
    scores = [one["score"] for one in p.ok("POST", "/api/v0/bundles/", {"limit": 20})["offers"]]
    assert scores == sorted(scores, reverse=True)
    assert len(scores) == 20


def test_the_newer_endpoint_finds_the_same() -> None:
    p = Practice()
    query = {"gpu_name": {"eq": "H200"}, "order": [["dph_total", "asc"]]}
    newer = p.ok("PUT", "/api/v0/search/asks/", {"select_cols": ["*"], "q": query})["offers"]
    assert [one["id"] for one in newer] == [one["id"] for one in p.offers(**query)] != []


@pytest.mark.parametrize(
    "query",
    [
        {"no_such_field": {"eq": 1}},
        {"num_gpus": 1},
        {"num_gpus": {"like": 1}},
        {"num_gpus": {"eq": "many"}},
        {"num_gpus": {"eq": [1]}},
        {"num_gpus": {"in": 1}},
        {"verified": {"eq": "perhaps"}},
        {"dph_total": {"lt": {}}},
        {"order": "dph_total"},
        {"order": [["no_such_field", "asc"]]},
        {"order": [["search", "asc"]]},
        {"type": "barter"},
        {"limit": -1},
        {"limit": "some"},
        {"allocated_storage": "nan"},
    ],
)
def test_a_query_that_makes_no_sense_is_refused(query: dict[str, Any]) -> None:
    told = Practice().refused(400, "POST", "/api/v0/bundles/", query)
    assert told["error"] in {"invalid_args", "invalid_request"}


def test_no_key_is_needed_to_look() -> None:
    p = Practice()
    assert p.call("POST", "/api/v0/bundles/", {"limit": 1}, key="").status == 200
    assert "A100 SXM4" in p.call("GET", "/api/v0/gpu_names/unique/", key="").json()["gpu_names"]


def test_what_is_rented_is_not_offered_until_it_is_free_again() -> None:
    p = Practice()
    offer = p.offer()
    rented = p.rent(offer)["new_contract"]
    assert offer["id"] not in {one["id"] for one in p.offers(rentable={"eq": True})}
    assert p.offers(id={"eq": offer["id"]})[0]["rentable"] is False
    p.destroy(rented)
    assert p.offers(id={"eq": offer["id"]})[0]["rentable"] is True


def test_parts_of_a_machine_share_its_cards() -> None:
    p = Practice()
    by_machine: dict[int, list[dict[str, Any]]] = {}
    for one in p.offers():
        by_machine.setdefault(one["machine_id"], []).append(one)
    small, large = sorted(
        next(found for found in by_machine.values() if len(found) == 2), key=lambda one: one["num_gpus"]
    )
    p.rent(small, disk=8)
    left = {one["id"] for one in p.offers(rentable={"eq": True})}
    assert small["id"] in left or large["num_gpus"] < 2 * small["num_gpus"]
    assert large["id"] not in left


@pytest.mark.parametrize("seed", range(8))
def test_every_market_has_what_one_wants_to_practise_with(seed: int) -> None:
    p = Practice(seed=seed)
    sure = {
        "verified": {"eq": True},
        "reliability": {"gte": 0.98},
        "cuda_max_good": {"gte": 12.8},
        "duration": {"gte": 86400},
    }
    for card, vram in (("A100 SXM4", 80000), ("A100 PCIE", 40000), ("RTX 4090", 24000), ("H100 SXM", 80000)):
        for count in (1, 2):
            wanted = {"gpu_name": {"eq": card}, "gpu_ram": {"gte": vram}, "num_gpus": {"eq": count}}
            assert p.offers(**wanted, **sure, vms_enabled={"eq": True}), (seed, card, count)


def test_a_seed_makes_one_market_and_another_seed_another() -> None:
    one, same, other = (Practice(seed=seed).offers() for seed in (5, 5, 6))
    stable = [{key: value for key, value in offer.items() if "date" not in key} for offer in one]
    assert stable == [{key: value for key, value in offer.items() if "date" not in key} for offer in same]
    assert [offer["dph_base"] for offer in one] != [offer["dph_base"] for offer in other]
    assert len({offer["id"] for offer in one}) == len(one) > 300
