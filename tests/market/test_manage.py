"""Label, stop, start, reboot, bid and destroy."""

import pytest

from fakes.practice import Practice


def test_a_label_is_text_up_to_a_length_and_may_be_taken_away() -> None:
    p = Practice()
    id_ = p.rent()["new_contract"]
    p.ok("PUT", f"/api/v0/instances/{id_}/", {"label": "x" * 1024})
    assert p.show(id_)["label"] == "x" * 1024
    assert p.refused(400, "PUT", f"/api/v0/instances/{id_}/", {"label": "x" * 1025})["error"] == "label_too_long"
    p.ok("PUT", f"/api/v0/instances/{id_}/", {"label": None})
    assert p.show(id_)["label"] is None


def test_a_stop_takes_a_moment_and_a_start_brings_it_back() -> None:
    p = Practice(apart=0.5, limits=False)
    id_ = p.rent()["new_contract"]
    p.runs(id_)
    p.ok("PUT", f"/api/v0/instances/{id_}/", {"state": "stopped"})
    row = p.show(id_)
    assert (row["actual_status"], row["intended_status"]) == ("running", "stopped")
    p.clock.advance(3)
    row = p.show(id_)
    assert (row["actual_status"], row["cur_state"], row["ports"]) == ("stopped", "stopped", None)
    p.ok("PUT", f"/api/v0/instances/{id_}/", {"state": "running"})
    assert p.runs(id_)["actual_status"] == "running"


def test_a_card_that_another_rental_took_keeps_a_start_waiting() -> None:
    p = Practice()
    offer = p.offer()
    first = p.rent(offer)["new_contract"]
    p.runs(first)
    p.ok("PUT", f"/api/v0/instances/{first}/", {"state": "stopped"})
    second = p.rent(offer)["new_contract"]
    p.ok("PUT", f"/api/v0/instances/{first}/", {"state": "running"})
    row = p.runs(first)
    assert (row["intended_status"], row["actual_status"], row["cur_state"]) == ("running", "stopped", "stopped")
    p.destroy(second)
    p.ok("PUT", f"/api/v0/instances/{first}/", {"state": "running"})
    assert p.runs(first)["actual_status"] == "running"


def test_a_reboot_keeps_everything() -> None:
    p = Practice(apart=1, limits=False)
    id_ = p.rent()["new_contract"]
    assert p.refused(400, "PUT", f"/api/v0/instances/reboot/{id_}/", {})["error"] == "invalid_args"
    before = p.runs(id_)
    p.ok("PUT", f"/api/v0/instances/reboot/{id_}/", {})
    assert p.show(id_)["actual_status"] == "rebooting"
    after = p.runs(id_)
    assert (after["actual_status"], after["ports"]) == ("running", before["ports"])


def test_a_bid_below_what_is_taken_stops_it_and_a_better_one_starts_it() -> None:
    p = Practice()
    offer = p.offer(type="bid")
    id_ = p.rent(offer, price=offer["min_bid"])["new_contract"]
    p.runs(id_)
    p.ok("PUT", f"/api/v0/instances/bid_price/{id_}/", {"client_id": "me", "price": 0.01})
    row = p.show(id_)
    assert (row["cur_state"], row["intended_status"], row["next_state"]) == ("stopped", "stopped", "stopped")
    p.ok("PUT", f"/api/v0/instances/bid_price/{id_}/", {"client_id": "me", "price": offer["min_bid"] * 2})
    assert p.runs(id_)["actual_status"] == "running"
    fixed = p.rent(p.offer(num_gpus={"eq": 2}))["new_contract"]
    p.refused(400, "PUT", f"/api/v0/instances/bid_price/{fixed}/", {"client_id": "me", "price": 0.5})


def test_a_destroy_ends_it_and_a_second_one_finds_nothing() -> None:
    p = Practice()
    id_ = p.rent()["new_contract"]
    assert p.destroy(id_)["success"] is True
    for method, body in (("DELETE", {}), ("PUT", {"label": "x"}), ("PUT", {"state": "stopped"})):
        assert p.refused(404, method, f"/api/v0/instances/{id_}/", body)["error"] == "no_such_instance"


def test_several_are_stopped_and_destroyed_in_one_call() -> None:
    p = Practice()
    one, two = p.rent()["new_contract"], p.rent(p.offer(num_gpus={"eq": 2}))["new_contract"]
    p.clock.advance(400)
    p.ok("PUT", "/api/v0/instances/", {"state": "stopped", "ids": [one, two]})
    p.clock.advance(5)
    assert {row["actual_status"] for row in p.listed()["instances"]} == {"stopped"}
    told = p.ok("DELETE", "/api/v0/instances/", {"instance_ids": [one, 7]})
    assert (told["success"], told["results"][str(one)], told["results"]["7"]["error"]) == (
        False,
        {"success": True},
        "no_such_instance",
    )
    assert [row["id"] for row in p.listed()["instances"]] == [two]


@pytest.mark.parametrize("body", [{}, {"state": "flying"}, {"state": None}, {"state": ["running"]}])
def test_a_change_that_is_none_is_refused(body: dict[str, object]) -> None:
    p = Practice()
    id_ = p.rent()["new_contract"]
    assert p.refused(400, "PUT", f"/api/v0/instances/{id_}/", body)["error"] == "invalid_args"


@pytest.mark.parametrize("ids", [[], "all", [1, "2"], [True], list(range(1001))])
def test_a_list_of_instances_is_a_list_of_numbers(ids: object) -> None:
    Practice().refused(400, "DELETE", "/api/v0/instances/", {"instance_ids": ids})
