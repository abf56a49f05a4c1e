"""Rentals under random faults and crashes in virtual time: nothing of ours bills in the end, no budget is passed."""

import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from fakes.stories import FAULTS, Outcome, Story


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


def stories(room: Path, seeds: range) -> list[Outcome]:
    return [Story(seed, room / str(seed)).run() for seed in seeds]


@pytest.mark.slow
def test_two_hundred_rentals_leave_nothing_behind(room: Path) -> None:
    bad = [one for one in stories(room, range(200)) if not one.good]
    assert not bad, "\n".join(map(letter, bad))


@pytest.mark.slow
@pytest.mark.parametrize("fault", FAULTS)
def test_each_fault_alone_leaves_nothing_behind(room: Path, fault: str) -> None:
    for how in ("", ":once") if ":" not in fault else ("",):
        found = Story(1, room / "one", fault + how, crash=None).run()
        assert found.good, letter(found)


@pytest.mark.slow
@pytest.mark.parametrize("after", [False, True])
def test_a_crash_at_every_effect_leaves_nothing_behind(room: Path, after: bool) -> None:
    """Every effect of a rental is the last one once: as many stories as a whole rental has effects."""
    whole = Story(3, room / "whole", "", crash=10**9)
    fuse = whole.fuse
    fuse.after = after
    assert whole.run().good
    effects = fuse.seen
    assert effects > 15
    for at in range(1, effects + 1):
        story = Story(3, room / str(at), "", crash=at)
        story.fuse.after = after
        found = story.run()
        assert found.good, letter(found)
        assert "crash" in " ".join(found.log), at


def test_a_seed_tells_the_same_story_twice(room: Path) -> None:
    one, two = Story(7, room / "one"), Story(7, room / "two")
    assert one.run() == two.run()
    assert one.sim.market.events() == two.sim.market.events()


@pytest.mark.torture
def test_ten_thousand_rentals(room: Path) -> None:
    count = int(os.environ.get("SWARMCTL_STORIES", "10000"))
    bad = [one for one in stories(room, range(1000, 1000 + count)) if not one.good]
    assert not bad, "\n".join(map(letter, bad[:20]))
