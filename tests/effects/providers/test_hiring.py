"""Renting: whatever the market answers, one machine at most is held, the one agreed to, and it is written down.

Over 300 lines: every answer to one call, told from beginning to end.
"""

from dataclasses import replace
from pathlib import Path

import pytest

from fakes.hired import OWNER, person, raw
from fakes.tinymarket import TinyMarket, answer, lost, on, says, unsent
from swarmctl.core.leasing.renting import Stage
from swarmctl.effects.providers.problems import UnknownError
from swarmctl.effects.providers.transport import Answer
from swarmctl.errors import CapacityError, HostError, LeakError, LockedError, ProviderError


def stages(who) -> list[Stage]:  # type: ignore[no-untyped-def]
    return [one.attempt.stage for one in who.book.attempts()]


def test_the_cheapest_offer_is_rented_under_our_label(tmp_path: Path) -> None:
    me = person(folder=tmp_path)
    hired = me.hire()
    assert hired.choice.offer.id == "100"
    (held,) = me.market.held.values()
    assert held["label"] == str(hired.lease.label)
    assert held["label"].startswith(f"swarmctl/seven/{OWNER}/")
    assert hired.key is not None
    assert hired.key.reveal() == "inst-9000001-key"
    assert stages(me) == [Stage.HELD]
    (written,) = me.book.attempts()
    assert written.hourly == hired.choice.hourly


def test_the_intent_is_on_the_disk_before_the_call(tmp_path: Path) -> None:
    me = person(folder=tmp_path)
    seen = []

    def look(_market: TinyMarket, *_: object) -> Answer | None:
        seen.extend(person(me.market, tmp_path).book.attempts())
        return None

    me.market.spoil = on("PUT", "/asks/", look)
    me.hire()
    (intent,) = seen
    assert intent.attempt.stage is Stage.INTENDED
    assert str(intent.label) == me.market.held[9000001]["label"]


def test_without_a_ledger_nothing_is_rented(tmp_path: Path) -> None:
    me = person(folder=tmp_path)
    choices = me.choices()
    (tmp_path / "ledger.sqlite").write_bytes(b"this is no database, and it is long enough to be read as one" * 20)
    with pytest.raises(HostError):
        me.hiring.hire(me.wish(), choices, lambda _: pytest.fail("must not come so far"))
    assert me.market.count("PUT", "/asks/") == 0


GONE = says(410, {"success": False, "error": "no_such_ask", "msg": "error 410/3907: gone"})
GONE_TOO = says(404, {"success": False, "error": "invalid_args", "msg": "error 404/3603: no_such_ask Instance type"})
BUSY = says(429, "API requests too frequent: endpoint threshold=4.5")


@pytest.mark.parametrize("gone", [GONE, GONE_TOO])
def test_an_offer_that_is_gone_gives_way_to_the_next_and_is_not_tried_again(tmp_path: Path, gone) -> None:  # type: ignore[no-untyped-def]
    me = person(folder=tmp_path)
    me.market.spoil = on("PUT", "/asks/100/", gone)
    assert me.hire().choice.offer.id == "101"
    assert me.market.count("PUT", "/asks/100/") == 1
    assert len(me.market.held) == 1
    assert "the offer is gone" in me.told[0]


def test_an_answer_that_is_lost_after_the_rent_is_found_by_its_label_and_never_asked_for_twice(tmp_path: Path) -> None:
    me = person(folder=tmp_path)
    me.market.after = on("PUT", "/asks/", lost)
    hired = me.hire()
    assert len(me.market.held) == 1
    assert hired.lease.id == "9000001"
    assert me.market.count("PUT", "/asks/") == 1


@pytest.mark.parametrize("status", [500, 502, 503, 504])
def test_a_fault_of_the_market_may_have_rented_too(tmp_path: Path, status: int) -> None:
    me = person(folder=tmp_path)
    me.market.after = on("PUT", "/asks/", says(status, "<html>bad gateway</html>"))
    assert me.hire().lease.id == "9000001"
    assert me.market.count("PUT", "/asks/") == 1


def test_a_call_that_got_lost_before_the_market_is_made_anew_only_when_ninety_seconds_show_no_machine(
    tmp_path: Path,
) -> None:
    me = person(folder=tmp_path)
    me.market.spoil = on("PUT", "/asks/", lost, times=1)
    before = me.clock.seconds
    assert me.hire().lease.id == "9000001"
    assert me.clock.seconds - before >= 90
    assert stages(me) == [Stage.ABSENT, Stage.HELD]
    labels = {str(one.label) for one in me.book.attempts()}
    assert len(labels) == 2, "another attempt has another label"


def test_a_machine_that_shows_up_only_later_is_no_second_one(tmp_path: Path) -> None:
    """The market hides the first machine for as long as we look, and shows it once the second is ours."""
    me = person(folder=tmp_path)
    hidden: dict[int, dict[str, object]] = {}

    def hide(market: TinyMarket, *_: object) -> Answer | None:
        hidden.update(market.held)
        market.held.clear()
        raise_lost()
        return None

    def raise_lost() -> None:
        lost(me.market, "", "", None)

    def show(market: TinyMarket, *_: object) -> Answer | None:
        market.held.update(hidden)
        return None

    rent, later = on("PUT", "/asks/", hide, times=1), on("PUT", "/asks/", show)
    me.market.after = lambda *a: rent(*a) or later(*a)
    hired = me.hire()
    assert set(hidden) == {9000001}
    assert list(me.market.held) == [int(hired.lease.id)] == [9000002]


def test_when_the_listing_fails_too_it_is_said_that_a_machine_may_be_billing(tmp_path: Path) -> None:
    me = person(folder=tmp_path)
    me.market.after = on("PUT", "/asks/", lost)
    choices = me.choices()
    me.market.spoil = on("GET", "/api/v1/instances/", says(500, "no"), skip=1)
    with pytest.raises(LeakError, match="MAY HAVE BEEN RENTED") as e:
        me.hiring.hire(me.wish(), choices, order_of(me))
    assert "swarmctl orphans" in e.value.hint
    assert len(me.book.unsettled()) == 1
    assert me.market.count("PUT", "/asks/") == 1
    me.market.spoil = None
    assert me.again().hiring.settle() == ("9000001",)
    assert me.market.held == {}
    assert me.book.unsettled() == ()


def order_of(_me):  # type: ignore[no-untyped-def]
    from fakes.hired import order

    return order


def test_where_nobody_says_what_is_held_nothing_is_rented(tmp_path: Path) -> None:
    me = person(folder=tmp_path)
    me.market.spoil = on("GET", "/api/v1/instances/", says(500, "no"))
    with pytest.raises(UnknownError):
        me.hire()
    assert me.market.count("PUT", "/asks/") == 0


def test_a_swarm_that_has_a_machine_gets_no_second_one(tmp_path: Path) -> None:
    me = person(folder=tmp_path)
    first = me.hire()
    with pytest.raises(LockedError, match=first.lease.id) as e:
        me.again().hire()
    assert f"down --lease {first.lease.id}" in e.value.hint
    assert [lease.id for lease in me.hiring.held("seven")] == [first.lease.id]
    me.hire("another")
    assert len(me.market.held) == 2
    me.clock.seconds += 9 * 3600
    me.hire()


def test_a_machine_that_is_not_listed_yet_is_known_from_the_ledger(tmp_path: Path) -> None:
    me = person(folder=tmp_path)
    first = me.hire()
    nothing = {"success": True, "instances": [], "instances_found": 0, "total_instances": 0, "next_token": None}
    me.market.spoil = on("GET", "/api/v1/instances/", says(200, nothing))
    assert [lease.id for lease in me.again().hiring.held("seven")] == [first.lease.id]
    me.market.held.clear()
    me.clock.seconds += 700
    assert me.hiring.held("seven") == ()
    assert stages(me) == [Stage.RELEASED]


def test_a_colleagues_swarm_of_the_same_name_is_not_doubled_unasked(tmp_path: Path) -> None:
    me = person(folder=tmp_path)
    me.hiring.hire(replace(me.wish(), owner="f" * 16), me.choices(), order_of(me))
    with pytest.raises(LockedError, match="another computer"):
        me.hire()
    me.hire(beside=True)
    assert len(me.market.held) == 2


def test_a_machine_that_lost_its_label_is_known_by_its_variable_and_labelled_again(tmp_path: Path) -> None:
    me = person(folder=tmp_path)

    def forget(market: TinyMarket, *_: object) -> Answer | None:
        market.held[9000001]["label"] = None
        return None

    me.market.after = on("PUT", "/asks/", forget)
    hired = me.hire()
    assert me.market.held[9000001]["label"] == str(hired.lease.label)


def test_a_machine_whose_price_nobody_says_is_not_kept(tmp_path: Path) -> None:
    me = person(folder=tmp_path, offers=1)

    def strip(market: TinyMarket, *_: object) -> Answer | None:
        for name in ("dph_base", "dph_total", "storage_total_cost"):
            market.held[9000001].pop(name)
        return None

    me.market.after = on("PUT", "/asks/", strip)
    with pytest.raises(CapacityError, match="none of 1 offers") as e:
        me.hire()
    assert "does not say what it costs" in e.value.detail
    assert me.market.held == {}


def test_an_error_that_comes_with_a_machine_is_given_back(tmp_path: Path) -> None:
    me = person(folder=tmp_path)

    def quirk(market: TinyMarket, *_: object) -> Answer | None:
        (id_,) = market.held
        return answer(400, {"success": False, "error": "invalid_price", "msg": "bid too low", "new_contract": id_})

    me.market.after = on("PUT", "/asks/100/", quirk)
    hired = me.hire()
    assert hired.choice.offer.id == "101"
    assert list(me.market.held) == [int(hired.lease.id)]


def test_success_false_with_a_200_is_no_success(tmp_path: Path) -> None:
    me = person(folder=tmp_path)
    me.market.spoil = on("PUT", "/asks/", says(200, {"success": False, "error": "insufficient_credit", "msg": "no"}))
    with pytest.raises(ProviderError, match="no credit") as e:
        me.hire()
    assert "add credit" in e.value.hint
    assert me.market.count("PUT", "/asks/") == 1


@pytest.mark.parametrize(
    ("status", "error", "words"),
    [
        (404, "auth_error", "the key is not valid"),
        (403, "not_authorized", "does not allow"),
        (400, "no_ssh_key_for_vm", "no SSH key"),
        (400, "invalid_args", "refused"),
    ],
)
def test_what_no_other_offer_would_mend_ends_the_search(tmp_path: Path, status: int, error: str, words: str) -> None:
    me = person(folder=tmp_path)
    me.market.spoil = on("PUT", "/asks/", says(status, {"success": False, "error": error, "msg": "x"}))
    with pytest.raises(ProviderError, match=words):
        me.hire()
    assert me.market.count("PUT", "/asks/") == 1


def test_too_early_waits_for_threshold_and_penalty(tmp_path: Path) -> None:
    me = person(folder=tmp_path)
    me.market.spoil = on("PUT", "/asks/", BUSY, times=1)
    times: list[float] = []
    spoil = me.market.spoil

    def timed(market: TinyMarket, method: str, path: str, body: object) -> Answer | None:
        if "/asks/" in path:
            times.append(me.clock.seconds)
        return spoil(market, method, path, body)

    me.market.spoil = timed
    assert me.hire().choice.offer.id == "100"
    assert times[1] - times[0] >= 16.5


def test_a_market_that_cannot_be_reached_rents_nothing_and_is_not_asked_for_ever(tmp_path: Path) -> None:
    me = person(folder=tmp_path)
    choices = me.choices()
    me.market.spoil = on("PUT", "/asks/", unsent)
    with pytest.raises(CapacityError, match="none of 4 offers"):
        me.hiring.hire(me.wish(), choices, order_of(me))
    assert me.market.held == {}


def test_a_machine_that_costs_more_than_its_offer_goes_back_and_is_not_tried_again(tmp_path: Path) -> None:
    me = person(folder=tmp_path)

    def dearer(market: TinyMarket, *_: object) -> Answer | None:
        next(iter(market.held.values()))["dph_total"] *= 1.3
        return None

    me.market.after = on("PUT", "/asks/100/", dearer)
    hired = me.hire()
    assert hired.choice.offer.id == "101"
    assert list(me.market.held) == [int(hired.lease.id)]
    assert list(me.book.shunned()) == [str(raw(0)["machine_id"]) if raw(0)["machine_id"] else ""] or me.told
    me.clock.seconds += 25 * 3600
    assert me.book.shunned() == {}, "a day later it may have mended"


def test_the_price_limit_holds_for_the_machine_itself(tmp_path: Path) -> None:
    from decimal import Decimal

    me = person(folder=tmp_path, offers=2)

    def a_little(market: TinyMarket, *_: object) -> Answer | None:
        next(iter(market.held.values()))["dph_total"] *= 1.015
        return None

    me.market.after = on("PUT", "/asks/", a_little)
    with pytest.raises(CapacityError):
        me.hire(max_price=Decimal("0.3126"))
    assert me.market.held == {}


def test_ctrl_c_in_the_call_gives_back_what_it_rented(tmp_path: Path) -> None:
    me = person(folder=tmp_path)

    def interrupt(*_: object) -> Answer | None:
        raise KeyboardInterrupt

    me.market.after = on("PUT", "/asks/", interrupt)
    with pytest.raises(KeyboardInterrupt):
        me.hire()
    assert me.market.held == {}


def test_after_a_crash_in_the_call_the_next_run_settles_it_first(tmp_path: Path) -> None:
    me = person(folder=tmp_path)

    class CrashError(BaseException):
        pass

    def crash(*_: object) -> Answer | None:
        raise CrashError

    me.market.after = on("PUT", "/asks/", crash, times=1)
    with pytest.raises(CrashError):
        me.hire()
    assert list(me.market.held) == [9000001]
    hired = me.again().hire()
    assert list(me.market.held) == [int(hired.lease.id)] == [9000002]


def test_the_machines_own_key_is_kept_for_a_guard_that_is_armed_after_a_crash_and_goes_with_it(tmp_path: Path) -> None:
    me = person(folder=tmp_path)
    id_ = me.hire().lease.id
    kept = me.again().book.key(id_)
    assert kept is not None
    assert kept.reveal() == f"inst-{id_}-key"
    (file,) = (tmp_path / "leasekeys").iterdir()
    assert file.stat().st_mode & 0o777 == 0o600
    assert kept.reveal().encode() not in (tmp_path / "ledger.sqlite").read_bytes()
    me.book.released(id_)
    assert me.book.key(id_) is None


def test_ctrl_c_once_the_machine_is_known_gives_it_back_without_asking_who_it_is(tmp_path: Path) -> None:
    me = person(folder=tmp_path)
    note, me.book.note = me.book.note, None  # type: ignore[method-assign, assignment]

    def interrupt(_attempt: object) -> None:
        me.book.note = note  # type: ignore[method-assign]
        raise KeyboardInterrupt

    me.book.note = interrupt  # type: ignore[method-assign, assignment]
    before = me.clock.seconds
    with pytest.raises(KeyboardInterrupt):
        me.hire()
    assert me.market.held == {}
    assert me.clock.seconds - before < 30


def test_one_machine_is_adopted_and_ones_own_beside_it_go_back(tmp_path: Path) -> None:
    me = person(folder=tmp_path)
    assert me.hiring.adopt("seven", OWNER) is None
    first = me.hire().lease
    assert me.hiring.adopt("seven", OWNER) is not None
    theirs = me.hiring.hire(replace(me.wish(), owner="f" * 16, beside=True), me.choices(), order_of(me)).lease
    double = dict(me.market.held[int(first.id)], id=5, actual_status="running")
    me.market.held[5] = double
    kept = me.hiring.adopt("seven", OWNER)
    assert kept is not None
    assert kept.id == "5", "the one that runs"
    assert set(me.market.held) == {5, int(theirs.id)}


def test_a_machine_is_shunned_for_a_day(tmp_path: Path) -> None:
    me = person(folder=tmp_path)
    assert me.book.shunned() == {}
    me.book.shun("4711", "x" * 400)
    me.book.shun("", "nobody")
    assert dict(me.book.shunned()) == {"4711": "x" * 300}
    me.clock.seconds += 24 * 3600 - 1
    assert list(me.again().book.shunned()) == ["4711"]
    me.clock.seconds += 1
    assert me.book.shunned() == {}
    me.book.shun("4711", "again", 5)
    me.clock.seconds += 5
    assert me.book.shunned() == {}


def test_the_book_is_read_back_as_after_a_crash_and_made_to_last(tmp_path: Path) -> None:
    import sqlite3

    me = person(folder=tmp_path)
    me.hire()
    (written,) = me.book.attempts()
    assert not written.attempt.here
    with sqlite3.connect(tmp_path / "ledger.sqlite") as db:
        assert db.execute("pragma journal_mode").fetchone() == ("wal",)
    db.close()
    assert tmp_path.stat().st_mode & 0o077 == 0


def test_an_account_that_cannot_pay_an_hour_rents_nothing(tmp_path: Path) -> None:
    me = person(folder=tmp_path)
    me.market.spoil = on("GET", "/users/", says(200, {"id": 77, "credit": 0.2}))
    with pytest.raises(CapacityError, match=r"has \$0.20, and the first hour costs"):
        me.hire()
    assert me.market.count("PUT", "/asks/") == 0
    assert me.book.attempts() == ()


def test_an_account_that_does_not_say_what_it_has_rents(tmp_path: Path) -> None:
    me = person(folder=tmp_path)
    me.market.spoil = on("GET", "/users/", says(200, {"id": 77}))
    assert me.hire().lease.id in {str(id_) for id_ in me.market.held}
