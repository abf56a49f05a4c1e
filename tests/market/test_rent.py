"""Renting: what is refused and how, and how a rental comes to run."""

from typing import Any

import pytest

from fakes.practice import KEY, KVM, Practice, rental


def test_a_rental_goes_through_its_phases_and_has_ports_only_when_it_runs() -> None:
    p = Practice(apart=2)
    p.ok("POST", "/api/v0/ssh/", {"ssh_key": KEY})
    told = p.rent(image=KVM, label="swarm/a", env={"-p 8000:8000": "1", "A": "b"}, runtype="ssh")
    assert set(told) == {"success", "new_contract", "instance_api_key"}
    seen: list[tuple[str | None, bool]] = []
    messages = set()
    for _ in range(300):
        row = p.show(told["new_contract"])
        messages.add(row["status_msg"])
        if not seen or seen[-1][0] != row["actual_status"]:
            seen.append((row["actual_status"], row["ports"] is None))
    assert seen == [(None, True), ("created", True), ("loading", True), ("running", False)]
    assert len(messages) > 5, "loading shows progress"
    row = p.show(told["new_contract"])
    assert (row["label"], row["image_uuid"]) == ("swarm/a", KVM)
    assert (row["intended_status"], row["cur_state"], row["next_state"]) == ("running", "running", "running")
    assert set(row["ports"]) == {"22/tcp", "8000/tcp"}
    assert row["extra_env"] == [["-p 8000:8000", "1"], ["A", "b"]]
    assert row["status_msg"].startswith("success, running docker.io/vastai/kvm")


def test_what_the_sdk_needs_is_always_there() -> None:
    p = Practice()
    row = p.show(p.rent()["new_contract"])
    assert isinstance(row["start_date"], float)
    assert row["extra_env"] == []
    assert row["end_date"] > row["start_date"]


def test_the_instance_costs_what_its_offer_said_for_that_disk() -> None:
    p = Practice()
    offer = p.offer(allocated_storage=123)
    row = p.show(p.rent(offer, disk=123)["new_contract"])
    assert row["dph_total"] == pytest.approx(offer["dph_total"], rel=1e-9)
    assert row["search"]["totalHour"] == pytest.approx(offer["dph_total"], rel=1e-9)


@pytest.mark.parametrize(
    ("body", "error"),
    [
        ({"image": None}, "invalid_args"),
        ({"image": "two words"}, "invalid_args"),
        ({"image": "x" * 1025}, "invalid_args"),
        ({"image": "vastai/kvm:ubuntu"}, "invalid_args"),
        ({"image": "docker.io/vastai/kvm:latest"}, "invalid_args"),
        ({"vm": True}, "invalid_args"),
        ({"image": KVM, "runtype": "ssh"}, "no_ssh_key_for_vm"),
        ({"image": KVM, "runtype": "jupyter"}, "invalid_args"),
        ({"disk": 7.9}, "invalid_args"),
        ({"disk": "much"}, "invalid_args"),
        ({"disk": 1e6}, "invalid_args"),
        ({"price": 0.0001}, "invalid_price"),
        ({"price": 129}, "invalid_price"),
        ({"label": "x" * 257}, "invalid_args"),
        ({"label": 5}, "invalid_args"),
        ({"onstart": "x" * 4097}, "invalid_args"),
        ({"onstart": "x" * 4000, "args": ["y" * 97]}, "invalid_args"),
        ({"args": "text"}, "invalid_args"),
        ({"env": {"A": "x" * 257}}, "invalid_args"),
        ({"env": {str(n): "x" * 250 for n in range(140)}}, "invalid_args"),
        ({"env": {f"-p {n}:{n}": "1" for n in range(1000, 1065)}}, "invalid_args"),
        ({"env": {"-p 127.0.0.1:80:80": "1"}}, "invalid_args"),
        ({"env": "-p 80:80"}, "invalid_args"),
        ({"runtype": "barter"}, "invalid_args"),
    ],
)
def test_a_request_that_breaks_a_rule_is_refused_and_nothing_is_rented(body: dict[str, Any], error: str) -> None:
    p = Practice()
    if error != "no_ssh_key_for_vm":
        p.ok("POST", "/api/v0/ssh/", {"ssh_key": KEY})
    told = p.refused(400, "PUT", f"/api/v0/asks/{p.offer()['id']}/", rental(**body))
    assert (told["success"], told["error"]) == (False, error)
    assert p.listed()["total_instances"] == 0


def test_a_vm_wants_an_offer_that_has_them() -> None:
    p = Practice()
    p.ok("POST", "/api/v0/ssh/", {"ssh_key": KEY})
    offer = p.offers(gpu_name={"eq": "A100 SXM4"}, vms_enabled={"eq": False})[0]
    told = p.refused(400, "PUT", f"/api/v0/asks/{offer['id']}/", rental(image=KVM, disk=8))
    assert "VM" in told["msg"]


def test_an_offer_that_is_not_there_is_404_and_one_that_went_is_410() -> None:
    p = Practice()
    told = p.refused(404, "PUT", "/api/v0/asks/5/", rental())
    assert told["error"] == "invalid_args"
    assert "no_such_ask" in told["msg"]
    offer = p.offer()
    p.rent(offer)
    assert p.refused(410, "PUT", f"/api/v0/asks/{offer['id']}/", rental())["error"] == "no_such_ask"
    waits = p.rent(offer, cancel_unavail=False)["new_contract"]
    row = p.runs(waits)
    assert (row["cur_state"], row["intended_status"], row["ports"]) == ("stopped", "running", None)


def test_a_bid_too_low_is_an_error_with_a_contract_that_bills() -> None:
    p = Practice()
    offer = p.offer()
    told = p.refused(400, "PUT", f"/api/v0/asks/{offer['id']}/", rental(price=0.01))
    row = p.runs(told["new_contract"])
    assert (row["is_bid"], row["cur_state"], row["intended_status"], row["next_state"]) == (True, *["stopped"] * 3)
    assert p.market.books()["billing"] == [told["new_contract"]]


def test_a_bid_is_the_price() -> None:
    p = Practice()
    offer = p.offer(type="bid")
    row = p.runs(p.rent(offer, price=offer["min_bid"] + 0.1)["new_contract"])
    assert row["dph_base"] == pytest.approx(offer["min_bid"] + 0.1)
    assert row["actual_status"] == "running"


def test_many_are_rented_in_one_call_each_by_itself() -> None:
    p = Practice()
    one, two = (offer["id"] for offer in p.offers(gpu_name={"eq": "RTX 4090"}, disk_space={"gt": 60})[:2])
    told = p.ok("POST", "/api/v0/asks/bulk/", rental(ids=[one, 7, two, one]))
    assert [result.get("success") for result in told["results"]] == [True, False, True, False]
    assert p.listed()["total_instances"] == 2


def test_keys_of_the_account_are_in_the_rental() -> None:
    p = Practice()
    p.ok("POST", "/api/v0/ssh/", {"ssh_key": KEY})
    vm, container = (
        p.rent(image=KVM, runtype="ssh")["new_contract"],
        p.rent(p.offer(num_gpus={"eq": 2}))["new_contract"],
    )
    assert p.market.world.contracts[vm].ssh_keys == [KEY] == p.market.world.contracts[container].ssh_keys
