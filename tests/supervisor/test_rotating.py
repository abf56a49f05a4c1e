"""Logs rotate while programs write, and the programs keep their file."""

from pathlib import Path

import pytest

from fakes.swarms import Swarm, until
from swarmctl.supervisor.rotate import rotate

WRITES = """
import itertools, time
for n in itertools.count():
    print(f"line {n:09d} " + "x" * 80, flush=True)
    if n % 100 == 0:
        time.sleep(0.002)
"""


def test_a_log_is_shifted_and_the_oldest_forgotten(tmp_path: Path) -> None:
    log = tmp_path / "a.log"
    for text in ("first\n", "second\n", "third\n"):
        log.write_text(text * 10)
        assert rotate(log, limit=20, keep=2)
        assert log.read_text() == ""
    assert (tmp_path / "a.log.1").read_text() == "third\n" * 10
    assert (tmp_path / "a.log.2").read_text() == "second\n" * 10
    assert sorted(p.name for p in tmp_path.iterdir()) == ["a.log", "a.log.1", "a.log.2"]


def test_a_small_or_absent_log_is_left_alone(tmp_path: Path) -> None:
    log = tmp_path / "a.log"
    assert not rotate(log, limit=10, keep=2)
    log.write_text("0123456789")
    assert not rotate(log, limit=10, keep=2)
    assert log.read_text() == "0123456789"


def test_of_a_runaway_log_the_end_is_kept_from_a_whole_line_on(tmp_path: Path) -> None:
    log = tmp_path / "a.log"
    log.write_text("".join(f"line {n}\n" for n in range(1000)))
    rotate(log, limit=100, keep=1)
    kept = (tmp_path / "a.log.1").read_text().splitlines()
    assert kept[0].startswith("... older lines")
    assert kept[1:] == [f"line {n}" for n in range(1000 - len(kept) + 1, 1000)]
    assert len(kept) > 5


def test_keeping_none(tmp_path: Path) -> None:
    log = tmp_path / "a.log"
    log.write_text("x" * 100)
    assert rotate(log, limit=10, keep=0)
    assert [p.name for p in tmp_path.iterdir()] == ["a.log"]


@pytest.mark.slow
def test_rotation_while_a_program_writes(swarm: Swarm) -> None:
    swarm.settings = {"log_bytes": 64 * 1024, "log_keep": 2}
    swarm.up(swarm.script("talker", WRITES))
    pid, log = swarm.pid("talker"), swarm.runtime.log_path("talker")
    until(log.with_name("talker.log.2").exists, "two rotations", deadline=15)
    size = log.stat().st_size
    until(lambda: log.stat().st_size not in (0, size), "more lines after the rotation")
    assert swarm.pid("talker") == pid
    assert not log.with_name("talker.log.3").exists()
    older = log.with_name("talker.log.1").read_text()
    assert older.endswith("x\n")
    assert all(line.startswith(("line ", "... older")) for line in older.splitlines())
    assert b"\0" not in log.read_bytes()  # appended to what was truncated: no hole in front
    assert swarm.runtime.tail("talker", 3).count("line ") == 3
