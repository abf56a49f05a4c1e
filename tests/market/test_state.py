"""The state file: everything that was answered outlives a kill, and two runs under one seed are the same."""

import sqlite3
from pathlib import Path
from typing import Any

import pytest

from fakes.practice import KEY, Practice


def _story(p: Practice) -> list[dict[str, Any]]:
    p.ok("POST", "/api/v0/ssh/", {"ssh_key": KEY})
    one, two = p.rent()["new_contract"], p.rent(p.offer(num_gpus={"eq": 2}))["new_contract"]
    p.clock.advance(4000)
    p.call("DELETE", f"/api/v0/instances/{one}/", {})
    p.clock.advance(4000)
    p.call("DELETE", f"/api/v0/instances/{one}/", {})
    p.show(two)
    return p.market.events()


def test_a_restart_forgets_nothing(tmp_path: Path) -> None:
    file = str(tmp_path / "state")
    p = Practice("destroy-lies:once,price-changed:rate=0.5", state=file)
    p.ok("POST", "/api/v0/ssh/", {"ssh_key": KEY})
    key = p.ok("POST", "/api/v0/auth/apikeys/", {"name": "x"})["key"]
    one, two = p.rent()["new_contract"], p.rent(p.offer(num_gpus={"eq": 2}))["new_contract"]
    p.control("POST", "traffic", {"contract": two, "down": 5_000_000_000, "up": 7})
    p.destroy(one)
    p.destroy(one)
    books, faults = p.market.books(), p.control("GET", "faults")
    del p.market  # nothing is closed: as after a kill
    again = Practice("destroy-lies:once,price-changed:rate=0.5", state=file)
    again.clock.advance(p.clock.now() - again.clock.now() - p.apart)
    assert again.market.books() == books
    assert again.control("GET", "faults") == faults
    assert again.call("GET", "/api/v1/instances/", key=key).status == 200
    assert [row["id"] for row in again.listed()["instances"]] == [two]
    assert again.rent()["new_contract"] > two
    assert again.ok("GET", "/api/v0/ssh/")[0]["key"] == KEY


def test_what_a_destroyed_rental_cost_survives_a_restart_right_after(tmp_path: Path) -> None:
    file = str(tmp_path / "state")
    p = Practice(state=file, apart=0, limits=False)
    id_ = p.rent()["new_contract"]
    p.clock.advance(3600)
    p.destroy(id_)
    again = Practice(state=file)
    again.clock.advance(3600)
    assert again.market.books() == p.market.books()
    assert float(again.market.books()["spent"]) > 0.5


def test_one_seed_is_one_story_and_another_seed_another() -> None:
    faults = "plain-429:rate=0.1,slow-loading:rate=0.5,machine-comes-back:rate=0.5,clock-skew:rate=0.5"
    one, same, other = (_story_or_refusals(Practice(faults, seed=seed, apart=30)) for seed in (5, 5, 6))
    assert one == same
    assert len(one) > 10
    assert one != other


def _story_or_refusals(p: Practice) -> list[dict[str, Any]]:
    try:
        return _story(p)
    except AssertionError:
        return p.market.events()


def test_a_state_of_another_seed_or_none_of_ours_is_refused(tmp_path: Path) -> None:
    file = str(tmp_path / "state")
    Practice(state=file, seed=3)
    with pytest.raises(ValueError, match="seed 3"):
        Practice(state=file, seed=4)
    text = tmp_path / "text"
    text.write_text("no database, whatever its name says" * 100)
    with pytest.raises(ValueError, match="cannot be the market's state"):
        Practice(state=str(text))
    newer = sqlite3.connect(tmp_path / "newer")
    newer.execute("PRAGMA user_version=99")
    newer.close()
    with pytest.raises(ValueError, match="another version"):
        Practice(state=str(tmp_path / "newer"))


def test_the_control_surface_moves_time_and_tells_what_happened() -> None:
    p = Practice()
    before = p.control("GET", "now")["now"]
    after = p.control("POST", "advance", {"seconds": 3600})["now"]
    assert after - before == 3600 + p.apart
    id_ = p.rent()["new_contract"]
    told = p.control("POST", "happen", {"contract": id_, "what": "exited"})
    assert told["state"] == "exited" == p.show(id_)["actual_status"]
    whats = [one["what"] for one in p.control("GET", "events")["events"]]
    assert "rent" in whats
    assert "call" in whats
    for method, name, body in [
        ("POST", "advance", {"seconds": -1}),
        ("POST", "advance", {"seconds": "x"}),
        ("POST", "faults", {"spec": "no-such"}),
        ("POST", "happen", {"contract": id_, "what": "x"}),
    ]:
        p.refused(400, method, f"/_market/{name}", body, key=p.market.control_key)
    p.refused(404, "POST", "/_market/traffic", {"contract": 5}, key=p.market.control_key)


def test_what_broke_half_way_was_never_written() -> None:
    p = Practice()

    def breaks() -> None:
        with p.market.world.turn():
            p.market.store.put("half", 1, {})
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        breaks()
    assert dict(p.market.store.all("half")) == {}
    assert p.offers()
