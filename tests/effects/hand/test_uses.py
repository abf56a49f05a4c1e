"""Use of an engine is marked for the guard; what we ask ourselves is not, nor is what was before."""

import os
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from swarmctl.effects.hand.uses import Uses, own

BEGINS = "1 I slot launch_slot_: id  0 | task {n} | processing task, is_child = 0\n"
ENDS = "2 I slot      release: id  0 | task {n} | stop processing: n_tokens = 61, truncated = 0\n"


class Hours:
    """A clock that a test sets; its wall clock stands beside that of the files."""

    def __init__(self) -> None:
        self.begun, self.gone = datetime.now(UTC), 0.0

    def now(self) -> datetime:
        return self.begun + timedelta(seconds=self.gone)

    def monotonic(self) -> float:
        return self.gone

    def sleep(self, seconds: float) -> None:
        self.gone += seconds


@pytest.fixture
def swarm(tmp_path: Path) -> Path:
    root = tmp_path / "swarms" / "mine"
    (root / "logs").mkdir(parents=True)
    (root / "logs" / "engine-m.log").write_text(BEGINS.format(n=1) + ENDS.format(n=1))
    (root / "logs" / "agent-backend.log").write_text("INFO\n")
    return root


def _writes(swarm: Path, text: str) -> None:
    with (swarm / "logs" / "engine-m.log").open("a") as log:
        log.write(text)


def test_a_task_marks_its_engine_until_it_ends(swarm: Path) -> None:
    clock = Hours()
    uses = Uses(swarm.parent, clock)
    mark = swarm / "data" / "engine-m" / "activity"
    assert uses.look() == [], "what was written before is no use"
    assert not mark.exists()
    _writes(swarm, BEGINS.format(n=2))
    clock.sleep(5)
    assert uses.look() == ["engine-m"]
    os.utime(mark, (0, 0))
    clock.sleep(5)
    assert uses.look() == ["engine-m"], "it goes on"
    assert mark.stat().st_mtime > 0
    _writes(swarm, ENDS.format(n=2))
    clock.sleep(5)
    assert uses.look() == ["engine-m"]
    clock.sleep(5)
    assert uses.look() == []


def test_proofs_are_no_use_while_they_go_on_and_when_they_ended_since(swarm: Path) -> None:
    clock = Hours()
    uses = Uses(swarm.parent, clock)
    with own(swarm):
        _writes(swarm, BEGINS.format(n=2))
        clock.sleep(5)
        assert uses.look() == []
        _writes(swarm, ENDS.format(n=2) + BEGINS.format(n=3) + ENDS.format(n=3))
        at = clock.now().timestamp() + 1
    os.utime(swarm / "proving", (at, at))
    clock.sleep(5)
    assert uses.look() == []
    _writes(swarm, BEGINS.format(n=4) + ENDS.format(n=4))
    clock.sleep(5)
    assert uses.look() == ["engine-m"], "and what comes after them is"


def test_a_rotated_log_is_read_from_its_start(swarm: Path) -> None:
    clock = Hours()
    uses = Uses(swarm.parent, clock)
    _writes(swarm, BEGINS.format(n=2) + "x" * 5000)
    uses.look()
    (swarm / "logs" / "engine-m.log").write_text(BEGINS.format(n=9))
    clock.sleep(5)
    assert uses.look() == ["engine-m"]


def test_a_swarm_that_comes_later_and_one_that_goes_are_seen(swarm: Path) -> None:
    clock = Hours()
    uses = Uses(swarm.parent, clock)
    other = swarm.parent / "other" / "logs"
    other.mkdir(parents=True)
    (other / "engine-x.log").write_text(BEGINS.format(n=1))
    clock.sleep(5)
    assert uses.look() == ["engine-x"]
    (other / "engine-x.log").unlink()
    clock.sleep(5)
    assert uses.look() == []
