"""What is held, by the market's listing and by the ledger; what was unclear is learnt, and what nobody wants goes."""

from dataclasses import dataclass, field, replace
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from fakes.tinymarket import Hours
from swarmctl.core.leasing.label import Label
from swarmctl.core.leasing.lease import Lease
from swarmctl.core.leasing.renting import Attempt, Stage
from swarmctl.core.leasing.state import LeaseState
from swarmctl.effects.providers.leasebook import LeaseBook
from swarmctl.effects.providers.problems import UnknownError
from swarmctl.effects.providers.settling import Settling
from swarmctl.errors import HostError, LeakError

OWNER = "a" * 16


def label(n: int, swarm: str = "seven", expires: int = 1_900_000_000) -> Label:
    return Label(swarm, OWNER, f"{n:016x}", expires)


def lease(id_: str, mine: Label | None) -> Lease:
    return Lease(id_, mine, str(mine) if mine else "swarmctl/seven/odd", LeaseState.RUNNING)


@dataclass
class Market:
    """The part of a provider that settling uses. hidden: shown by number and not listed. silent: listings that fail."""

    listed: dict[str, Lease] = field(default_factory=dict)
    hidden: dict[str, Lease] = field(default_factory=dict)
    stuck: set[str] = field(default_factory=set)
    silent: int = 0
    asked: list[str] = field(default_factory=list)
    gone: list[str] = field(default_factory=list)

    def leases(self, prefix: str = "") -> tuple[Lease, ...]:
        self.asked.append(prefix)
        if self.silent:
            self.silent -= 1
            raise UnknownError("no answer")
        return tuple(one for one in self.listed.values() if one.called.startswith(prefix))

    def lease(self, id_: str) -> Lease | None:
        self.asked.append(id_)
        return self.hidden.get(id_)

    def release(self, id_: str) -> None:
        if id_ in self.stuck:
            raise LeakError(f"{id_} may still bill")
        self.gone.append(id_)


@dataclass
class Room:
    """One user's market, book and clock."""

    market: Market
    book: LeaseBook
    clock: Hours

    def __post_init__(self) -> None:
        provider: Any = self.market
        self.settling = Settling(provider, self.book, self.clock)

    def wrote(self, n: int, stage: Stage, *contracts: str, swarm: str = "seven") -> Attempt:
        attempt = Attempt(f"{n:016x}", f"offer-{n}", said="odd words")
        self.book.intend(attempt, label(n, swarm), Decimal(1))
        self.book.note(replace(attempt, stage=stage, contracts=contracts))
        return replace(attempt, stage=stage, contracts=contracts)

    def stages(self) -> list[Stage]:
        return [one.attempt.stage for one in self.book.attempts()]


@pytest.fixture
def room(tmp_path: Path) -> Room:
    clock = Hours()
    return Room(Market(), LeaseBook(tmp_path / "ledger.sqlite", clock), clock)


def test_what_is_listed_under_the_swarms_name_and_ours_is_held(room: Room) -> None:
    room.market.listed = {"1": lease("1", label(1)), "2": lease("2", None), "3": lease("3", label(3, "seventh"))}
    assert [one.id for one in room.settling.held("seven")] == ["1"]
    assert room.market.asked == ["swarmctl/seven/"]


def test_what_the_ledger_holds_is_asked_for_by_its_number_unless_it_is_listed(room: Room) -> None:
    room.wrote(1, Stage.HELD, "1", "9")
    room.wrote(2, Stage.HELD, "2")
    room.wrote(3, Stage.REFUSED, "3")
    room.wrote(4, Stage.HELD, "4", swarm="other")
    room.market.listed = {"1": lease("1", label(1))}
    room.market.hidden = {id_: lease(id_, label(int(id_))) for id_ in "3459"} | {"2": lease("2", None)}
    assert [one.id for one in room.settling.held("seven")] == ["1", "9"], "one that somebody took over is not ours"
    assert room.market.asked == ["swarmctl/seven/", "9", "2"]
    assert room.stages() == [Stage.HELD, Stage.HELD, Stage.REFUSED, Stage.HELD]


@pytest.mark.parametrize(("seconds", "stage"), [(0, Stage.HELD), (600, Stage.HELD), (601, Stage.RELEASED)])
def test_a_machine_that_nobody_shows_is_forgotten_once_it_cannot_be_on_its_way(
    room: Room, seconds: int, stage: Stage
) -> None:
    room.wrote(1, Stage.HELD, "1")
    room.clock.seconds += seconds
    assert room.settling.held("seven") == ()
    assert room.stages() == [stage]


def test_one_that_somebody_took_over_is_not_forgotten_however_old(room: Room) -> None:
    room.wrote(1, Stage.HELD, "1")
    room.market.hidden = {"1": lease("1", None)}
    room.clock.seconds += 10_000
    assert room.settling.held("seven") == ()
    assert room.stages() == [Stage.HELD]


def test_what_a_crash_left_unclear_is_looked_for_by_its_label_and_given_back(room: Room) -> None:
    room.wrote(1, Stage.INTENDED)
    room.wrote(2, Stage.UNCLEAR)
    room.wrote(3, Stage.LEAKED, "7")
    room.wrote(4, Stage.INTENDED, swarm="other")
    room.market.listed = {
        "5": lease("5", label(1)), "6": lease("6", label(1, expires=1_950_000_000)), "8": lease("8", label(2)),
    }  # fmt: skip
    assert room.settling.settle("seven") == ("5", "6", "8", "7")
    assert room.market.gone == ["5", "6", "8", "7"]
    assert room.stages() == [Stage.RELEASED] * 3 + [Stage.INTENDED]
    assert room.market.asked == [f"swarmctl/seven/{OWNER}/{n:016x}/" for n in (1, 2)]
    assert room.settling.settle() == ()
    assert room.stages()[-1] is Stage.ABSENT, "four looks found nothing"
    assert room.clock.seconds == 90


def test_a_listing_that_fails_is_asked_again_and_not_for_ever(room: Room) -> None:
    attempt = room.wrote(1, Stage.UNCLEAR)
    room.market.silent = 2
    found = room.settling.until_known(attempt, label(1), room.clock.monotonic())
    assert found.stage is Stage.ABSENT
    assert [look.at for look in found.looks] == [0, 10, 20, 20, 45, 90]
    assert room.stages() == [Stage.ABSENT]
    room.market.silent = 10**6
    began = room.clock.seconds
    with pytest.raises(LeakError, match="MAY HAVE BEEN RENTED") as leak:
        room.settling.until_known(attempt, label(1), began)
    assert room.clock.seconds - began == 600
    assert leak.value.detail == f"label {label(1)}, offer offer-1: odd words"
    assert "swarmctl orphans" in leak.value.hint


def test_one_that_cannot_be_ended_keeps_no_other(room: Room) -> None:
    attempt = room.wrote(1, Stage.HELD, "1", "2", "3")
    room.market.stuck = {"1", "3"}
    with pytest.raises(LeakError, match="1 may still bill"):
        room.settling.give_back(attempt, attempt.contracts)
    assert room.market.gone == ["2"]
    assert [one.attempt.contracts for one in room.book.attempts()] == [("1", "3")]
    assert room.settling.give_back(replace(attempt, stage=Stage.RELEASED), ("1",)) == []
    room.market.stuck = set()
    assert room.settling.give_back(attempt, ("1", "3")) == ["1", "3"]


def test_a_book_that_cannot_be_written_keeps_nobody_from_giving_back(
    room: Room, monkeypatch: pytest.MonkeyPatch
) -> None:
    attempt = room.wrote(1, Stage.HELD, "1")

    def full(*_: object) -> None:
        raise HostError("no room")

    monkeypatch.setattr(room.book, "released", full)
    monkeypatch.setattr(room.book, "note", full)
    room.settling.note(attempt)
    assert room.settling.give_back(attempt, ("1",)) == ["1"]
