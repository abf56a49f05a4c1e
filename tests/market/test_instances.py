"""Listings: pages by a key, filters that are refused, and what is gone."""

import base64
from typing import Any

import pytest

from fakes.practice import Practice


def _several(p: Practice, count: int) -> list[int]:
    cheap = p.offers(disk_space={"gt": 60}, rentable={"eq": True})
    machines: dict[int, dict[str, Any]] = {one["machine_id"]: one for one in reversed(cheap)}
    return [p.rent(offer, label=f"l{n % 2}")["new_contract"] for n, offer in enumerate(list(machines.values())[:count])]


def test_pages_go_on_after_the_last_row_whatever_came_or_went() -> None:
    p = Practice()
    ids = _several(p, 8)
    first = p.listed(limit="3")
    assert [one["id"] for one in first["instances"]] == ids[:3]
    assert (first["instances_found"], first["total_instances"]) == (3, 8)
    p.destroy(ids[2])
    p.destroy(ids[4])
    second = p.listed(limit="3", after_token=first["next_token"])
    assert [one["id"] for one in second["instances"]] == [ids[3], ids[5], ids[6]]
    last = p.listed(limit="3", after_token=second["next_token"])
    assert ([one["id"] for one in last["instances"]], last["next_token"]) == ([ids[7]], None)


def test_pages_in_another_order_hold_every_instance_once() -> None:
    p = Practice()
    ids = _several(p, 7)
    order = [{"col": "label", "dir": "desc"}, {"col": "machine_id", "dir": "asc"}]
    seen, token = [], ""
    while True:
        page = p.listed(limit="2", order_by=order, after_token=token)
        seen += page["instances"]
        token = page["next_token"]
        if token is None:
            break
    assert sorted(one["id"] for one in seen) == ids
    assert [one["label"] for one in seen] == ["l1"] * 3 + ["l0"] * 4


def test_a_page_has_at_most_25() -> None:
    p = Practice(credit=1e6)
    _several(p, 27)
    assert p.listed(limit="1000")["instances_found"] == 25
    assert p.listed(limit="0")["instances_found"] == 5
    assert p.listed()["label_counts"] == {"l0": 14, "l1": 13}


def test_filters_take_what_is_kept_and_refuse_what_is_computed() -> None:
    p = Practice()
    ids = _several(p, 4)
    assert p.listed(select_filters={"label": {"in": ["l1"]}})["total_instances"] == 2
    assert [one["id"] for one in p.listed(select_filters={"id": {"gt": ids[1]}})["instances"]] == ids[2:]
    p.clock.advance(400)
    assert p.listed(select_filters={"actual_status": {"eq": "running"}})["total_instances"] == 4
    for column in ("dph_total", "num_gpus", "no_such"):
        told = p.refused(400, "GET", "/api/v1/instances/", query={"select_filters": f'{{"{column}":{{"gt":1}}}}'})
        assert told["error"] == "invalid_request"
        assert f"{column} is not a valid search key" in told["msg"]


@pytest.mark.parametrize(
    ("name", "value", "error"),
    [
        ("select_filters", "{", "invalid_request"),
        ("select_filters", "[]", "invalid_request"),
        ("select_filters", '{"id":{"like":1}}', "invalid_request"),
        ("select_filters", '{"id":{"gt":"x"}}', "invalid_request"),
        ("order_by", '[{"col":"dph_total"}]', "invalid_request"),
        ("order_by", "7", "invalid_request"),
        ("select_cols", "7", "invalid_request"),
        ("limit", "many", "invalid_request"),
        ("after_token", "no base64!", "invalid_token"),
        ("after_token", base64.b64encode(b"{}").decode(), "invalid_token"),
        ("after_token", base64.b64encode(b'{"values":{"id":"x"}}').decode(), "invalid_token"),
    ],
)
def test_a_listing_that_makes_no_sense_is_refused(name: str, value: str, error: str) -> None:
    p = Practice()
    p.rent()
    assert p.refused(400, "GET", "/api/v1/instances/", query={name: value})["error"] == error


def test_columns_can_be_chosen() -> None:
    p = Practice()
    p.rent()
    assert set(p.listed(select_cols=["id", "label", "unheard"])["instances"][0]) == {"id", "label", "unheard"}


def test_the_old_listing_is_gone_and_a_gone_instance_is_null() -> None:
    p = Practice()
    assert p.refused(410, "GET", "/api/v0/instances/")["error"] == "deprecated_endpoint"
    id_ = p.rent()["new_contract"]
    p.destroy(id_)
    assert p.show(id_) is None
    assert p.show(12345) is None
    assert p.listed()["instances"] == []


def test_logs_are_asked_for_and_then_fetched() -> None:
    p = Practice(apart=0.2, limits=False)
    id_ = p.rent()["new_contract"]
    url = p.ok("PUT", f"/api/v0/instances/request_logs/{id_}/", {"tail": "2"})["result_url"]
    path = "/" + url.split("/", 3)[3]
    assert p.call("GET", path, key="").status == 403
    p.clock.advance(1)
    assert p.call("GET", path, key="").body.decode().count("\n") == 1
    assert p.refused(404, "PUT", "/api/v0/instances/request_logs/5/", {})["error"] == "invalid_id"
