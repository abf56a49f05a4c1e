"""The provider over a spoilt market: a failed listing is never empty, a 404 is never gone, a key is never printed."""

from pathlib import Path

import pytest

from fakes.hired import NEED, OWNER, person, raw
from fakes.tinymarket import Hours, TinyMarket, lost, on, says, unsent
from swarmctl.core.leasing.label import Label
from swarmctl.core.leasing.releasing import Result
from swarmctl.effects.providers.here import vast_over
from swarmctl.effects.providers.problems import UnknownError
from swarmctl.effects.providers.secret import Secret
from swarmctl.effects.providers.vast import Vast
from swarmctl.errors import LeakError, ProviderError


@pytest.fixture
def market() -> TinyMarket:
    market = TinyMarket(Hours(), [raw(n) for n in range(4)])
    market.send("PUT", "/api/v0/asks/100/", {}, {"disk": 60, "label": "swarmctl/x", "env": {}})
    market.calls.clear()
    return market


def vast(market: TinyMarket) -> Vast:
    return vast_over(market, None, market.clock)


LIST, ONE, KEY_BAD = "/api/v1/instances/", "/api/v0/instances/", {"success": False, "error": "auth_error", "msg": "bad"}


@pytest.mark.parametrize(
    "spoil",
    [
        says(500, "no"),
        says(404, KEY_BAD),
        says(403, {"success": False}),
        says(200, "<html>"),
        says(200, {"success": True}),
        says(200, {"success": True, "instances": None}),
        says(200, {"success": True, "instances": {}}),
        says(200, {"success": True, "instances": [{"label": "no id"}]}),
        says(200, {"success": True, "instances": ["x"]}),
        says(200, {"success": True, "instances": [], "total_instances": 1}),
        says(200, {"success": True, "instances": [], "next_token": 5}),
        says(200, {"success": True, "instances": [], "next_token": "again"}),
        says(410, {"error": "deprecated_endpoint"}),
        lost,
        unsent,
    ],
)
def test_a_listing_that_is_odd_is_unknown_and_never_empty(market: TinyMarket, spoil) -> None:  # type: ignore[no-untyped-def]
    market.spoil = on("GET", LIST, spoil)
    with pytest.raises(UnknownError):
        vast(market).leases()
    assert vast(market).look("9000001", thorough=True) is Result.THERE
    market.held.clear()
    assert vast(market).look("9000001", thorough=True) is Result.FAILED


def test_a_listing_that_fails_once_is_asked_again(market: TinyMarket) -> None:
    market.spoil = on("GET", LIST, says(500, "no"), times=2)
    assert [lease.id for lease in vast(market).leases()] == ["9000001"]


def test_half_a_list_is_none(market: TinyMarket) -> None:
    for n in range(30):
        market.held[100 + n] = {**market.held[9000001], "id": 100 + n}
    market.spoil = on("GET", LIST, says(500, "no"), skip=1)
    with pytest.raises(UnknownError):
        vast(market).leases()


@pytest.mark.parametrize(
    "spoil",
    [
        says(404, KEY_BAD), says(500, ""), says(200, "x"), says(200, {}), says(200, {"instances": []}), lost,
        says(200, {"instances": {"id": 5}}), says(404, {"success": False, "error": "not_found"}),
    ],
)  # fmt: skip
def test_a_machine_that_cannot_be_seen_is_not_gone(market: TinyMarket, spoil) -> None:  # type: ignore[no-untyped-def]
    market.spoil = on("GET", ONE, spoil)
    with pytest.raises(UnknownError):
        vast(market).lease("9000001")
    assert vast(market).look("9000001", thorough=False) is Result.FAILED


def test_a_bad_key_deletes_nothing_and_says_so(market: TinyMarket) -> None:
    market.spoil = says(404, KEY_BAD)
    with pytest.raises(LeakError, match="9000001 MAY STILL BILL: the key does not allow") as e:
        vast(market).release("9000001")
    assert "swarmctl down --lease 9000001" in e.value.hint
    assert 9000001 in market.held


def test_a_destroy_that_lies_is_found_out(market: TinyMarket) -> None:
    market.spoil = on("DELETE", "9000001", says(200, {"success": True}), times=3)
    vast(market).release("9000001")
    assert market.held == {}
    assert market.count("DELETE", "9000001") == 4


def test_a_destroy_that_always_lies_is_told(market: TinyMarket) -> None:
    market.spoil = on("DELETE", "9000001", says(200, {"success": True}))
    with pytest.raises(LeakError, match="could not be shown to be gone"):
        vast(market).release("9000001")


def test_a_machine_that_is_null_and_yet_listed_is_deleted_again(market: TinyMarket) -> None:
    market.after = on("GET", ONE, says(200, {"instances": None}))
    market.spoil = on("DELETE", "9000001", says(200, {"success": True}), times=1)
    vast(market).release("9000001")
    assert market.held == {}


def test_ctrl_c_while_giving_back_says_what_may_bill(market: TinyMarket) -> None:
    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    market.spoil = on("DELETE", "9000001", interrupt)
    with pytest.raises(LeakError, match="Ctrl-C"):
        vast(market).release("9000001")


def test_a_key_that_answers_echo_is_not_printed() -> None:
    market = TinyMarket(Hours())
    market.key = Secret("s3cr3t-k3y")
    market.spoil = says(400, {"success": False, "error": "x", "msg": "key s3cr3t-k3y is odd"})
    for call in (lambda v: v.account(), lambda v: v.leases(), lambda v: v.offers(NEED), lambda v: v.keys()):
        with pytest.raises(ProviderError) as e:
            call(vast(market))
        assert "s3cr3t" not in f"{e.value} {e.value.detail} {e.value.hint}"
        assert "<key>" in e.value.detail


def test_a_quota_is_not_tried_again() -> None:
    market = TinyMarket(Hours())
    market.spoil = says(429, {"error": "search_quota_exceeded", "msg": "x"})
    with pytest.raises(ProviderError, match="used up") as e:
        vast(market).offers(NEED)
    assert "midnight" in e.value.hint
    assert len(market.calls) == 1


def test_a_label_that_may_have_been_changed_is_an_error(market: TinyMarket) -> None:
    market.after = on("PUT", "/instances/", lost)
    with pytest.raises(ProviderError):
        vast(market).relabel("9000001", Label("seven", OWNER, "0" * 8, 5))


def test_conditions_of_where_are_applied_again(market: TinyMarket) -> None:
    from dataclasses import replace

    market.offers[0]["cpu_ghz"] = 2.0
    market.offers[1]["cpu_ghz"] = 3.5
    found = vast(market).offers(replace(NEED, where={"cpu_ghz": {"gte": "3"}}))
    assert [bad.why for bad in found.refused] == ["--where cpu_ghz gte 3"]
    assert "102" in {offer.id for offer in found.offers}


def test_the_book_survives_and_forgets_nothing(tmp_path: Path) -> None:
    me = person(folder=tmp_path)
    hired = me.hire()
    (written,) = me.again().book.attempts("seven")
    assert written.attempt.contracts == (hired.lease.id,)
    assert me.book.attempts("other") == ()
    later = written.label.until(written.label.expires + 60)
    me.book.relabelled(later)
    assert me.book.attempts()[0].label == later
    me.book.released(hired.lease.id)
    assert me.book.attempts()[0].attempt.stage.value == "released"
    assert (tmp_path / "ledger.sqlite").stat().st_mode & 0o777 == 0o600


def test_the_book_and_the_ledger_live_in_one_file(tmp_path: Path) -> None:
    from swarmctl.effects.ledger import Ledger

    me = person(folder=tmp_path)
    ledger = Ledger(tmp_path / "ledger.sqlite", me.clock)
    with ledger.lock("seven", "up"):
        me.hire()
    assert len(me.book.attempts()) == 1
    assert ledger.events() == []
