"""Renting at its edges: who is asked how often, what is said of what did not work, and which machine is kept."""

from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import pytest

from fakes.hired import OWNER, Person, order, person
from fakes.tinymarket import TinyMarket, answer, on, says
from swarmctl.core.leasing.label import Label
from swarmctl.core.leasing.renting import Attempt, Stage
from swarmctl.effects.providers.transport import Answer
from swarmctl.errors import CapacityError, LockedError, ProviderError

USERS = "/users/"


@pytest.fixture
def me(tmp_path: Path) -> Person:
    return person(folder=tmp_path)


def beside(me: Person, id_: int, owner: str = OWNER, **fields: object) -> None:
    """One more machine of the swarm, as the market lists it and as the ledger knows it."""
    label = Label("seven", owner, f"{id_:016x}", int(me.clock.now().timestamp()) + 9 * 3600)
    me.market.held[id_] = {"id": id_, "label": str(label), "actual_status": "loading", "dph_total": 0.3, **fields}
    if owner == OWNER:
        attempt = Attempt(label.nonce, "1")
        me.book.intend(attempt, label, Decimal("0.3"))
        me.book.note(replace(attempt, stage=Stage.HELD, contracts=(str(id_),)))


def test_who_pays_is_asked_once_for_each_machine_that_is_rented(me: Person) -> None:
    me.hire()
    assert me.market.count("GET", USERS) == 1
    me.market.spoil = on("GET", USERS, says(200, {"id": 77, "credit": 0.2}))
    with pytest.raises(CapacityError, match="first hour"):
        me.hire("other")
    assert me.market.count("GET", USERS) == 2


def test_a_market_that_does_not_say_who_pays_rents(me: Person) -> None:
    me.market.spoil = on("GET", USERS, says(400, {"success": False, "error": "x"}))
    assert me.hire().lease.ours
    assert [one.account for one in me.book.attempts()] == [""]


def test_where_nothing_is_offered_that_is_said(me: Person) -> None:
    with pytest.raises(CapacityError, match="there is no offer to rent") as e:
        me.hiring.hire(me.wish(), (), order)
    assert e.value.detail == ""


def test_why_each_offer_did_not_work_out_is_said(me: Person) -> None:
    busy = on("PUT", "/asks/100/", says(429, "too frequent"))
    dear = on("PUT", "/asks/101/", says(200, {"success": False, "error": "invalid_price", "msg": "x",
                                              "new_contract": 5}))  # fmt: skip
    gone = on("PUT", "/asks/", says(410, {"success": False, "error": "no_such_ask", "msg": "taken"}))

    def spoil(market: TinyMarket, method: str, path: str, body: object) -> Answer | None:
        return next((said for one in (busy, dear, gone) if (said := one(market, method, path, body))), None)

    me.market.spoil = spoil
    with pytest.raises(CapacityError, match="none of 4 offers could be rented") as e:
        me.hire()
    lines = e.value.detail.splitlines()
    assert lines[0] == "100: too many requests: too frequent"
    assert lines[1] == "101: the price is not accepted: invalid_price: x"
    assert lines[2:] == [f"{n}: the offer is gone: no_such_ask: taken" for n in (102, 103)]
    assert me.told == [f"offer {line.replace(':', ' did not work out:', 1)}" for line in lines]
    assert me.market.count("PUT", "/asks/100/") == 3
    assert me.market.count("DELETE", "/5/") == 1, "what was rented in spite of it goes back"


def test_a_colleagues_machine_hides_none_of_ones_own(me: Person) -> None:
    beside(me, 3, "f" * 16)
    with pytest.raises(
        LockedError, match=r"machine 3 already, rented from another computer or folder \(f{16}\); a sec"
    ):
        me.hire()
    beside(me, 4)
    with pytest.raises(LockedError, match="has machine 4 already; a second one is not rented"):
        me.hire(beside=True)


@pytest.mark.parametrize(
    ("own", "theirs", "kept"),
    [
        ({"actual_status": "loading"}, {"actual_status": "running"}, "4"),
        ({"actual_status": "stopped", "intended_status": "stopped"}, {"actual_status": "running"}, "4"),
    ],
)
def test_ones_own_machine_comes_before_a_colleagues(
    me: Person, own: dict[str, str], theirs: dict[str, str], kept: str
) -> None:
    beside(me, 3, "f" * 16, **theirs)
    beside(me, 4, **own)
    found = me.hiring.adopt("seven", OWNER)
    assert found is not None
    assert found.id == kept
    assert set(me.market.held) == {3, 4}


def test_a_machine_that_computes_comes_before_one_that_stands_still_and_the_other_is_forgotten(me: Person) -> None:
    beside(me, 3, actual_status="stopped", intended_status="stopped")
    beside(me, 4, actual_status="loading")
    found = me.hiring.adopt("seven", OWNER)
    assert found is not None
    assert found.id == "4"
    assert set(me.market.held) == {4}
    assert [one.attempt.stage for one in me.book.attempts()] == [Stage.RELEASED, Stage.HELD]


def test_a_machine_without_a_key_of_its_own_is_held(me: Person) -> None:
    me.market.after = on("PUT", "/asks/", lambda *_: answer(200, {"success": True, "new_contract": 9000001}))
    assert me.hire().key is None
    assert me.book.key("9000001") is None


def test_ctrl_c_once_it_is_known_what_was_rented_ends_it_by_the_next_call(me: Person) -> None:
    real = me.book.note

    def interrupt(_attempt: object) -> None:
        me.book.note = real  # type: ignore[method-assign]
        raise KeyboardInterrupt

    me.book.note = interrupt  # type: ignore[method-assign, assignment]
    with pytest.raises(KeyboardInterrupt):
        me.hire()
    calls = [(method, path) for method, path, _ in me.market.calls]
    assert calls[calls.index(("PUT", "/api/v0/asks/100/")) + 1] == ("PUT", "/api/v0/instances/9000001/")
    assert me.market.held == {}


ONE = "/api/v0/instances/"


def priced(me: Person, *found: object) -> None:
    """What the market says of its first machine's price, look by look; None for no machine at all."""
    rest = list(found)

    def look(market: TinyMarket, _method: str, path: str, _body: object) -> Answer | None:
        price = rest.pop(0) if rest else "real"
        if price is None:
            return answer(200, {"instances": None})
        held = dict(market.held.get(int(path.strip("/").rpartition("/")[2]), {}))
        if not held:
            return None
        if price == "none":
            held |= {"dph_base": None, "dph_total": None}
        return answer(200, {"instances": held})

    me.market.after = on("GET", ONE, look)


@pytest.mark.parametrize(
    ("looks", "seconds"), [((), 0), ((None,), 3), (("none",), 3), ((None, "none"), 10), (("none", None), 10)]
)
def test_a_machine_is_looked_at_until_its_price_is_said(me: Person, looks: tuple[object, ...], seconds: float) -> None:
    priced(me, *looks)
    before = me.clock.seconds
    hired = me.hire()
    assert hired.lease.hourly.known is not None
    assert me.clock.seconds - before == seconds
    (seen,) = me.book.meter.sightings(hired.lease.id)
    assert seen.hourly == hired.lease.hourly


def test_a_machine_that_vanishes_is_given_back_and_not_held_against_its_host(me: Person) -> None:
    looks = on("GET", ONE, says(200, {"instances": None}), times=3)
    me.market.after = looks
    hired = me.hire()
    assert hired.choice.offer.id == "101"
    assert me.told == ["offer 100 did not work out: the machine vanished right after it was rented"]
    assert list(me.market.held) == [int(hired.lease.id)]
    assert me.book.shunned() == {}


def test_one_whose_price_nobody_says_is_given_back_and_left_alone_for_a_day(me: Person) -> None:
    me.market.offers.pop(0)  # of machine 0, which is no number
    priced(me, "none", "none", "none")
    hired = me.hire()
    assert hired.choice.offer.id == "102"
    assert list(me.market.held) == [int(hired.lease.id)]
    assert dict(me.book.shunned()) == {"1": "the market does not say what it costs"}


def test_a_market_that_does_not_say_whether_it_is_there_ends_what_was_rented(me: Person) -> None:
    me.market.spoil = on("GET", ONE, says(500, "no"), times=20)
    with pytest.raises(ProviderError):
        me.hire()
    assert me.market.held == {}


@pytest.mark.parametrize(("more", "works"), [(Decimal(0), True), (Decimal("-0.0001"), False)])
def test_the_dearest_that_was_wished_for_is_just_taken(me: Person, more: Decimal, works: bool) -> None:
    price = me.choices()[0].hourly
    real = Decimal(str(round(0.30 + 0.15 * 60 / 720, 6)))
    assert abs(price - real) < Decimal("0.001")
    if works:
        assert me.hire(max_price=real + more).lease.hourly.known == real
    else:
        with pytest.raises(CapacityError, match="could be rented"):
            me.hire(max_price=real + more)


def test_a_label_that_is_there_is_not_written_again(me: Person) -> None:
    me.hire()
    assert [body for method, path, body in me.market.calls if method == "PUT" and path.startswith(ONE)] == []


def absent(me: Person, nonce: int) -> Label:
    """An attempt of which every look found nothing."""
    label = Label("seven", OWNER, f"{nonce:016x}", int(me.clock.now().timestamp()) + 9 * 3600)
    attempt = Attempt(label.nonce, "1")
    me.book.intend(attempt, label, Decimal("0.3"))
    me.book.note(replace(attempt, stage=Stage.ABSENT))
    return label


def late(me: Person, *labels: Label) -> None:
    """The market shows machines once another one is rented."""

    def show(market: TinyMarket, *_: object) -> Answer | None:
        for id_, label in enumerate(labels, 21):
            market.held[id_] = {"id": id_, "label": str(label), "actual_status": "running", "dph_total": 0.3}
        return None

    me.market.after = on("PUT", "/asks/", show)


def test_a_machine_that_shows_up_too_late_goes_and_no_other(me: Person) -> None:
    mine = absent(me, 1)
    absent(me, 2)
    late(me, mine, replace(mine, nonce="9" * 16), replace(mine, owner="f" * 16))
    hired = me.hire()
    assert set(me.market.held) == {22, 23, int(hired.lease.id)}, "a colleague's, and one of which nobody knows"
    assert me.told == []


def test_where_nobody_knows_of_a_second_machine_that_is_told(me: Person) -> None:
    mine = absent(me, 1)
    late(me, mine)
    listings = on("GET", "/api/v1/instances/", says(500, "no"), skip=1)
    me.market.spoil = listings
    hired = me.hire()
    assert set(me.market.held) == {21, int(hired.lease.id)}
    (line,) = me.told
    assert line.startswith("whether an earlier call rented a second machine is not known: ")
    assert line.endswith("; see: swarmctl orphans")


def test_who_never_lost_an_answer_lists_nothing_more(me: Person) -> None:
    me.hire()
    assert me.market.count("GET", "/api/v1/instances/") == 1
