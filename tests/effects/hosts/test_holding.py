"""A machine that is not healthy is held for a quarter of an hour by the real guard, and gets its end back."""

from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from fakes.guarding import GUARD, Host, Way
from swarmctl.core import hosts
from swarmctl.core.placed import Placed
from swarmctl.effects.hosts.holding import HELD, go_on, hold
from swarmctl.effects.ledger import Ledger
from swarmctl.effects.store import ModelStore
from swarmctl.effects.world import World

BEGAN, END = 1_000_000, 1_028_800


class Now:
    """A clock that is put where a test wants it."""

    at = BEGAN

    def now(self) -> datetime:
        return datetime.fromtimestamp(self.at + 0.7, UTC)

    def monotonic(self) -> float:
        return float(self.at)

    def sleep(self, seconds: float) -> None:
        raise AssertionError(seconds)


class Held:
    """One rented machine with a guard, and how it is reached."""

    def __init__(self, folder: Path, patch: pytest.MonkeyPatch) -> None:
        self.host, self.clock, self.reached = Host(folder / "there"), Now(), list[tuple[Any, Path]]()
        self.way = Way(self.host)
        held = self

        class Line:
            def __init__(self, host: Any, place: Path) -> None:
                held.reached.append((host, place))

            def __enter__(self) -> Way:
                return held.way

            def __exit__(self, *_: object) -> None:
                held.reached.append((None, Path()))

        patch.setattr("swarmctl.effects.hosts.holding.Line", Line)
        ledger = Ledger(folder / "ledger.sqlite", self.clock)
        self.world = World(self.clock, ledger, ModelStore(folder / "models"), folder)
        self.world.put(Placed(swarm="seven", host=asdict(hosts.Host("slot-0", "192.0.2.1")), lease="7"))

    @property
    def placed(self) -> Placed:
        found = self.world.placed("seven")
        assert found is not None
        return found

    @property
    def deadline(self) -> int:
        return int(GUARD.load(self.host.machine)["terms"].deadline)


@pytest.fixture
def held(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Held:
    return Held(tmp_path, monkeypatch)


def test_it_ends_in_a_quarter_of_an_hour_and_gets_its_end_back(held: Held) -> None:
    assert hold(held.placed, held.world) is True
    assert (held.deadline, held.placed.held) == (BEGAN + 900, END)
    held.clock.at += 60
    assert hold(held.placed, held.world) is True
    assert (held.deadline, held.placed.held) == (BEGAN + 900, END), "holding it again gives no more time"
    go_on(held.placed, held.world)
    assert (held.deadline, held.placed.held) == (END, 0)
    assert HELD == 900


def test_it_is_reached_through_a_private_folder_and_left_again(held: Held, tmp_path: Path) -> None:
    hold(held.placed, held.world)
    (host, folder), left = held.reached
    assert host == held.placed.reached
    assert folder == tmp_path / "swarms" / "seven" / "tunnels"
    assert folder.stat().st_mode & 0o777 == 0o700
    assert left == (None, Path())


def test_an_end_that_is_nearer_stays(held: Held) -> None:
    held.clock.at = END - 100
    assert hold(held.placed, held.world) is True
    assert (held.deadline, held.placed.held) == (END, END)
    assert not [words for words in held.way.asked if "arm" in words], "nothing is armed anew"


def test_where_nothing_was_held_nothing_is_asked(held: Held) -> None:
    go_on(held.placed, held.world)
    assert held.reached == []


def test_a_machine_without_a_guard_is_not_held(held: Held) -> None:
    (held.host.folder / GUARD.CONFIG).unlink()
    assert hold(held.placed, held.world) is False
    assert held.placed.held == 0
