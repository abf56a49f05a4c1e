"""What is asked of the market, what is asked again of its answer, and in which order the rest is tried."""

import json
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest

from fakes.hired import CARD, NEED, raw
from swarmctl.core.leasing.label import Label
from swarmctl.core.leasing.order import Order, rent_body
from swarmctl.core.leasing.query import broken
from swarmctl.core.leasing.ranking import Ranked, rank, total
from swarmctl.core.leasing.want import Need, WantedCard, objections, search
from swarmctl.core.listing import read_listing
from swarmctl.core.offer import Offer
from swarmctl.core.price.arrival import Assumptions
from swarmctl.core.price.rate import Rate
from swarmctl.errors import SpecError


def offer(n: int = 0, **changes: Any) -> Offer:
    (found,) = read_listing(json.dumps([raw(n, **changes)]).encode(), "market").offers
    return found


def against(need: Need = NEED, **changes: Any) -> list[str]:
    return list(objections(need, offer(**changes)))


def test_a_good_offer_has_nothing_against_it() -> None:
    assert against() == []


@pytest.mark.parametrize(
    ("terms", "bad", "good", "reason"),
    [
        ({}, {"gpu_ram": int(24564 * 0.929)}, {"gpu_ram": int(24564 * 0.931)}, "card"),
        ({}, {"gpu_ram": int(24564 * 1.071)}, {"gpu_ram": int(24564 * 1.069)}, "card"),
        ({}, {"num_gpus": 2}, {"num_gpus": 1}, "card"),
        ({}, {"gpu_name": "RTX 4090 D"}, {"gpu_name": "NVIDIA RTX_4090"}, "card"),
        ({}, {"disk_space": 59.9}, {"disk_space": 60.0}, "disk"),
        ({"duration": 1000}, {"duration": 999}, {"duration": 1000}, "time until it is taken away"),
        ({"duration": 1000}, {"duration": 999}, {"duration": None}, "time until it is taken away"),
        ({"reliability": 0.97}, {"reliability2": 0.96}, {"reliability2": 0.97}, "reliability"),
        ({}, {"verification": "unverified"}, {"verification": "verified"}, "verified"),
        ({"vm": True}, {"vms_enabled": False}, {"vms_enabled": True}, "virtual machines"),
        ({"vm": True}, {"is_vm_deverified": True}, {"is_vm_deverified": False}, "virtual machines"),
        ({}, {"direct_port_count": 0}, {"direct_port_count": 1}, "direct ports"),
        ({"downlink": 500}, {"inet_down": 499}, {"inet_down": 500}, "speed of its line"),
        ({"cuda": "12.8"}, {"cuda_max_good": 12.4}, {"cuda_max_good": 13.0}, "CUDA"),
        ({"cuda": "12.8"}, {"cuda_max_good": None}, {"cuda_max_good": 12.8}, "CUDA"),
        ({"cuda": "9.2"}, {"cuda_max_good": 9.1}, {"cuda_max_good": 12.1}, "CUDA"),
        ({"datacenter": True}, {"hosting_type": 0}, {"hosting_type": 1}, "data centre"),
        ({"regions": ("SE",)}, {"geolocation": "Texas, US"}, {"geolocation": "Sweden, SE"}, "region"),
        ({"regions": ("sweden", "NO")}, {"geolocation": None}, {"geolocation": "Norway, NO"}, "region"),
        ({"regions": ("US",)}, {"geolocation": "Austria, AT"}, {"geolocation": "Texas, US"}, "region"),
        ({}, {"is_bid": True}, {"is_bid": False}, "can be taken away"),
        ({"max_price": Decimal("0.3125")}, {"dph_base": 0.3001}, {"dph_base": 0.3}, "price"),
    ],
)
def test_every_filter_is_applied_again_here(terms: Any, bad: Any, good: Any, reason: str) -> None:
    need = replace(NEED, **terms)
    assert against(need, **bad) == [reason]
    assert against(need, **good) == []


def test_host_memory_is_part_of_what_a_card_needs() -> None:
    need = replace(NEED, cards=(replace(CARD, ram=64001),))
    assert against(need) in (["memory of the host"], [])
    assert against(replace(NEED, cards=(replace(CARD, ram=10**8),))) == ["memory of the host"]


def test_40_and_80_gb_of_one_name_are_two_cards() -> None:
    small = WantedCard(("A100 SXM4",), 40960, disk=50)
    large = replace(small, memory=81920, disk=90)
    need = replace(NEED, cards=(small, large))
    a100 = {"gpu_name": "A100 SXM4", "compute_cap": 800}
    for vram, disk in ((40960, 50), (81251, 90)):
        card = need.card(offer(**a100, gpu_ram=vram))
        assert card is not None
        assert card.disk == disk
    assert need.card(offer(**a100, gpu_ram=60000)) is None


def test_what_is_sent_names_every_filter_but_cuda_and_the_disk_that_is_paid_for() -> None:
    need = replace(NEED, vm=True, datacenter=True, max_price=Decimal("1.2"), cuda="12.8", duration=3600)
    body = search(replace(need, where={"cpu_ghz": {"gte": "3"}}))
    assert body == {
        "rentable": {"eq": True},
        "rented": {"eq": False},
        "external": {"eq": False},
        "gpu_name": {"in": ["RTX 4090"]},
        "num_gpus": {"in": [1]},
        "gpu_ram": {"gte": 22844},
        "reliability": {"gte": 0.95},
        "inet_down": {"gte": 100},
        "direct_port_count": {"gte": 1},
        "duration": {"gte": 3600.0},
        "disk_space": {"gte": 60.0},
        "verified": {"eq": True},
        "vms_enabled": {"eq": True},
        "datacenter": {"eq": True},
        "dph_total": {"lte": 1.2},
        "cpu_ghz": {"gte": "3"},
        "order": [["dph_total", "asc"]],
        "type": "on-demand",
        "limit": 500,
        "allocated_storage": 60.0,
    }
    assert set(search(need, broad=True)) == {
        "rentable", "rented", "external", "gpu_name", "num_gpus", "gpu_ram", "order", "type",
        "limit", "allocated_storage",
    }  # fmt: skip
    assert search(replace(need, spot=True))["type"] == "bid"
    assert "verified" not in search(replace(need, verified=False))
    json.dumps(body)


def test_offers_come_by_their_true_total_and_not_by_their_hourly_price() -> None:
    cheap_but_far = raw(0, id=1, dph_base=0.30, inet_down_cost=0.10, inet_down=100.0)
    dear_but_near = raw(1, id=2, dph_base=0.33, inet_down_cost=0.0, inet_down=5000.0)
    found = rank(NEED, read_listing(json.dumps([cheap_but_far, dear_but_near]).encode(), "m").offers)
    assert [choice.offer.id for choice in found.choices] == ["2", "1"]
    near, far = found.choices
    assert far.total.traffic == Decimal("1.0")
    assert far.hourly < near.hourly
    assert "10.0 GB of models $1.00" in far.reason


def test_the_total_is_the_sum_that_a_bill_would_be() -> None:
    rate = Rate(Decimal("0.72"), Decimal("0.1"), 72, Decimal("0.01"))
    found = total(rate, Decimal(8), Decimal(9), 1000, Assumptions(boot=3, engine=2, share=1, hub=2000))
    assert found.machine == Decimal("5.76")
    assert found.disk == Decimal("0.08")
    assert found.traffic == Decimal("0.09")
    assert found.waiting == pytest.approx(5 + 1.2)
    assert found.start == Decimal("0.73") * Decimal("6.2") / 60
    assert found.dollars == found.machine + found.disk + found.traffic + found.start
    assert total(rate, Decimal(8), Decimal(9), 0, Assumptions()).waiting < float("inf")
    assert total(rate, Decimal(1), Decimal(9), 10**6, Assumptions(hub=2000)).waiting == pytest.approx(5 + 0.6)


def test_equal_prices_go_to_the_more_reliable_and_then_by_number() -> None:
    entries = [raw(0, id=30), raw(0, id=4), raw(0, id=5, reliability2=0.999)]
    found = rank(NEED, read_listing(json.dumps(entries).encode(), "m").offers)
    assert [choice.offer.id for choice in found.choices] == ["5", "4", "30"]


def test_each_loss_is_counted_by_its_reason_and_by_reason_alone() -> None:
    entries = [
        raw(1, inet_down=1.0),
        raw(2, inet_down=1.0, disk_space=5.0),
        raw(3, disk_space=5.0),
        raw(4, machine_id=99),
        raw(5, gpu_name="RTX 3090"),
    ]
    found = rank(NEED, read_listing(json.dumps(entries).encode(), "m").offers, {"99"})
    assert found.choices == ()
    assert found.lost == {"speed of its line": 2, "disk": 2, "failed before": 1, "card": 1}
    assert found.alone == {"speed of its line": 1, "disk": 1, "failed before": 1, "card": 1}
    assert found.why().splitlines()[0] == "disk: 2 of 5 offers, 1 of them by it alone"
    assert Ranked((), 0, {}, {}).why() == ""


def test_an_offer_without_a_machine_is_nobody_who_failed_before() -> None:
    assert rank(NEED, [replace(offer(), machine="")], {""}).choices


def test_a_bid_is_more_than_the_least_and_counts_in_the_total() -> None:
    need = replace(NEED, spot=True)
    (choice,) = rank(need, [offer(is_bid=True, min_bid=0.2)]).choices
    assert choice.bid == Decimal("0.23")
    assert choice.hourly == Decimal("0.23") + offer().rate(60).standing
    (other,) = rank(need, [offer(is_bid=True)]).choices
    assert other.bid == Decimal("0.345")
    assert rank(NEED, [offer()]).choices[0].bid is None


@pytest.mark.parametrize(
    ("query", "entry", "why"),
    [
        ({"a": {"gte": "3"}}, {"a": 3}, ""),
        ({"a": {"gte": "3"}}, {"a": 2.9}, "a gte 3"),
        ({"a": {"gt": 3}}, {"a": 3}, "a gt 3"),
        ({"a": {"lte": 3}}, {"a": 3.0000001}, ""),
        ({"a": {"lt": 3}}, {"a": 3}, "a lt 3"),
        ({"a": {"lt": 3}}, {"a": 2}, ""),
        ({"a": {"lte": 3}}, {"a": 4}, "a lte 3"),
        ({"a": {"eq": "true"}}, {"a": True}, ""),
        ({"a": {"eq": True}}, {"a": False}, "a eq True"),
        ({"a": {"neq": "x"}}, {"a": "x"}, "a neq x"),
        ({"a": {"neq": "x"}}, {"a": "y"}, ""),
        ({"a": {"eq": "RTX_4090"}}, {"a": "RTX 4090"}, ""),
        ({"a": {"in": ["SE", "NO"]}}, {"a": "Sweden, SE"}, ""),
        ({"a": {"in": ["SE", "NO"]}}, {"a": "Texas, US"}, "a in ['SE', 'NO']"),
        ({"a": {"notin": ["SE"]}}, {"a": "Sweden, SE"}, "a notin ['SE']"),
        ({"a": {"notin": ["SE"]}}, {"a": "Texas, US"}, ""),
        ({"a": {"in": ["1", 2]}}, {"a": 2}, ""),
        ({"a": {"gte": 3}}, {}, ""),
        ({"a": {"gte": 3}}, {"a": None}, ""),
        ({"a": {"gte": "12.x"}}, {"a": 5}, ""),
        ({"a": {"strange": 3}}, {"a": 5}, ""),
        ({"a": {"gte": 1, "lte": 2}}, {"a": 3}, "a lte 2"),
        ({"a": "nonsense"}, {"a": 3}, ""),
        ({"a": {"eq": 0.3}}, {"a": "0.30000000000000004"}, ""),
    ],
)
def test_conditions_are_applied_again_as_far_as_they_can_be(query: Any, entry: Any, why: str) -> None:
    assert broken(query, entry) == why


LABEL = Label("seven", "0" * 16, "1" * 16, 1_800_000_000)


def test_what_is_sent_to_rent() -> None:
    body = rent_body(Order("docker.io/library/debian:12", 60, env={"A": "b"}), LABEL)
    assert body == {
        "client_id": "me",
        "image": "docker.io/library/debian:12",
        "env": {"A": "b", "SWARMCTL_LABEL": str(LABEL)},
        "disk": 60,
        "label": str(LABEL),
        "runtype": "ssh_direc ssh_proxy",
        "target_state": "running",
        "cancel_unavail": True,
    }, "no price: one would make any rental interruptible"
    machine = rent_body(Order("docker.io/vastai/kvm:x", 5, bid=Decimal("0.25"), vm=True, onstart="#!/bin/sh\n"), LABEL)
    assert (machine["vm"], machine["runtype"], machine["price"], machine["disk"]) == (True, "ssh", 0.25, 8)
    assert machine["onstart"] == "#!/bin/sh\n"


@pytest.mark.parametrize(
    "wrong",
    [
        {"image": ""}, {"image": "-v /:/x"}, {"image": "x" * 1025}, {"bid": Decimal("0.0009")}, {"bid": Decimal(129)},
        {"onstart": "x" * 4097}, {"env": {"A": "x" * 257}}, {"env": {f"A{n}": "x" * 250 for n in range(140)}},
    ],
)  # fmt: skip
def test_an_order_that_the_market_would_refuse_is_refused_here(wrong: dict[str, Any]) -> None:
    with pytest.raises(SpecError):
        Order(**{"image": "debian:12", "disk": 60, **wrong})
