"""Rentals under random faults and crashes in virtual time: nothing of ours bills in the end, no budget is passed."""

import os
import random
import shutil
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from multiprocessing import get_context
from pathlib import Path

import pytest

from fakes import stories as stories_module
from fakes.figures import figure
from fakes.stories import FAULTS, HOW, Outcome, Story
from swarmctl.effects.providers.provider import Provider
from swarmctl.effects.world import World


@pytest.fixture
def room() -> Iterator[Path]:
    """A folder in memory where there is one: what is measured is not the disk."""
    base = Path("/dev/shm") if os.access("/dev/shm", os.W_OK) else None
    folder = Path(tempfile.mkdtemp(dir=base))
    yield folder
    shutil.rmtree(folder, ignore_errors=True)


def letter(bad: Outcome) -> str:
    told = f"leaked {bad.leaked}, doubles {bad.doubles}, over {bad.over}, touched {bad.touched}"
    return f"seed {bad.seed}: {told}; faults {bad.faults!r}; crash {bad.crash}\n  " + "\n  ".join(bad.log)


def stories(room: Path, seeds: range, *, month: bool = False) -> list[Outcome]:
    return [Story(seed, room / str(seed), month=month).run() for seed in seeds]


def many(room: Path, seeds: range, *, month: bool = False) -> list[Outcome]:
    """The same in a process for each core: no story knows of another, and a seed is the same anywhere."""
    chunks = [seeds[n : n + 10] for n in range(0, len(seeds), 10)]
    workers = int(os.environ.get("SWARMCTL_WORKERS", os.cpu_count() or 1))
    with ProcessPoolExecutor(workers, mp_context=get_context("fork")) as pool:
        return [one for found in pool.map(partial(stories, room, month=month), chunks) for one in found]


@pytest.mark.slow
def test_two_hundred_rentals_leave_nothing_behind(room: Path) -> None:
    bad = [one for one in stories(room, range(200)) if not one.good]
    assert not bad, "\n".join(map(letter, bad))


@pytest.mark.slow
def test_thirty_rentals_for_a_month_leave_nothing_behind(room: Path) -> None:
    found = stories(room, range(30), month=True)
    bad = [one for one in found if not one.good]
    assert not bad, "\n".join(map(letter, bad))
    assert max(one.rented for one in found) > 700, "hours: some last as long as they may"


@pytest.mark.slow
@pytest.mark.parametrize("fault", FAULTS)
def test_each_fault_alone_leaves_nothing_behind(room: Path, fault: str) -> None:
    for found in alone(room, fault):
        assert found.good, letter(found)


@pytest.mark.slow
@pytest.mark.parametrize("after", [False, True])
def test_a_crash_at_every_effect_leaves_nothing_behind(room: Path, after: bool) -> None:
    found = crashes(room, after=after)
    assert len(found) > 15
    for at, one in enumerate(found, 1):
        assert one.good, letter(one)
        assert "crash" in " ".join(one.log), at


@pytest.mark.slow
def test_stories_are_the_same_wherever_they_are_told(room: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SWARMCTL_WORKERS", "2")
    assert many(room, range(15)) == stories(room, range(15))


def test_a_seed_tells_the_same_story_twice(room: Path) -> None:
    one, two = Story(7, room / "one"), Story(7, room / "two")
    assert one.run() == two.run()
    assert one.sim.market.events() == two.sim.market.events()


def test_who_touches_somebody_elses_machine_is_seen(room: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def greedy(_world: World, *, provider: Provider, **_: object) -> None:
        for one in provider.leases():
            provider.delete(one.id)

    monkeypatch.setattr(stories_module, "reap", greedy)
    assert Story(7, room / "one").run().touched


def alone(room: Path, fault: str) -> list[Outcome]:
    """One fault, always and once."""
    hows = ("", ":once") if ":" not in fault else ("",)
    return [Story(1, room / "one", fault + how, crash=None).run() for how in hows]


def crashes(room: Path, *, after: bool) -> list[Outcome]:
    """Every effect of a rental is the last one once: as many stories as a whole rental has effects."""
    whole = Story(3, room / "whole", "", crash=10**9)
    fuse = whole.fuse
    fuse.after = after
    assert whole.run().good
    found = []
    for at in range(1, fuse.seen + 1):
        story = Story(3, room / str(at), "", crash=at)
        story.fuse.after = after
        found.append(story.run())
    return found


def pairs(room: Path, count: int) -> list[Outcome]:
    """Two faults at once, drawn by a seed; every second story is killed at some effect, too."""
    dice = random.Random(14)
    found = []
    for n in range(count):
        two = ",".join(one + ("" if ":" in one else dice.choice(HOW)) for one in dice.sample(FAULTS, 2))
        found.append(Story(50_000 + n, room / str(n), two, crash=-1 if n % 2 else None).run())
    return found


def rows(found: list[Outcome], what: str, ids: tuple[str, str, str]) -> None:
    """Machines that bill, double rents and overspent budgets, for `make bench`."""
    runs = len(found)
    figure(ids[0], f"{what}: machines billing after reap", sum(len(one.leaked) for one in found), "pcs", 0, runs)
    figure(ids[1], f"{what}: double rents", sum(max(0, one.doubles) for one in found), "pcs", 0, runs)
    figure(ids[2], f"{what}: the most that a budget was passed by", float(max(one.over for one in found)), "$", 0, runs)


@pytest.mark.slow
def test_thirty_pairs_of_faults_leave_nothing_behind(room: Path) -> None:
    bad = [one for one in pairs(room, 30) if not one.good]
    assert not bad, "\n".join(map(letter, bad))


@pytest.mark.torture
def test_every_kill_every_fault_and_two_hundred_pairs(room: Path) -> None:
    """Rows R1, R2 and R3."""
    found = [*crashes(room, after=False), *crashes(room, after=True), *pairs(room, 200)]
    found += [one for fault in FAULTS for one in alone(room, fault)]
    rows(found, "kill at every effect, every fault, 200 pairs of faults", ("R1", "R2", "R3"))
    bad = [one for one in found if not one.good]
    assert not bad, "\n".join(map(letter, bad[:20]))


@pytest.mark.torture
@pytest.mark.parametrize("month", [False, True], ids=["hours", "months"])
def test_ten_thousand_rentals(room: Path, month: bool) -> None:
    """Row R14: rentals for hours, whose every round is told, and for a month; with the market's hours and ours."""
    count = int(os.environ.get("SWARMCTL_STORIES", "10000"))
    begun = time.perf_counter()
    found = many(room, range(1000, 1000 + count), month=month)
    took = time.perf_counter() - begun
    what, row = ("rentals for a month", "R14l") if month else ("rentals", "R14")
    hours = sum(one.rented for one in found)
    rows(found, f"{what} under one seed each, {hours:.0f} hours of machines", (row, f"{row}b", f"{row}c"))
    figure(f"{row}s", "the same, time taken", took, "s", 7200 if month else 1200, count)
    bad = [one for one in found if not one.good]
    assert not bad, "\n".join(map(letter, bad[:20]))
