"""Turns: nobody calls too early, however many processes there are, and a broken disk stops nobody."""

import subprocess
import sys
from itertools import pairwise
from pathlib import Path

import pytest

from fakes.tinymarket import Hours
from swarmctl.effects.providers.spacing import GAPS, Spacing


def test_calls_of_a_kind_keep_their_distance_and_kinds_do_not_wait_for_each_other(tmp_path: Path) -> None:
    clock = Hours()
    spacing = Spacing(tmp_path / "spacing.sqlite", clock)
    times = []
    for kind in ("rent", "list", "rent", "rent", "list"):
        spacing.wait(kind)
        times.append(round(clock.seconds, 3))
    assert times == [0, 0, 4.725, 9.45, 9.45]


@pytest.mark.parametrize("kind", sorted(GAPS))
def test_every_kind_has_at_least_what_is_documented(tmp_path: Path, kind: str) -> None:
    clock = Hours()
    spacing = Spacing(tmp_path / "s.sqlite", clock)
    spacing.wait(kind)
    spacing.wait(kind)
    assert clock.seconds >= GAPS[kind] >= 1.0


def test_a_call_that_was_too_early_waits_for_threshold_and_penalty(tmp_path: Path) -> None:
    clock = Hours()
    spacing = Spacing(tmp_path / "s.sqlite", clock)
    spacing.wait("rent")
    spacing.late("rent", 4.5)
    spacing.wait("rent")
    assert clock.seconds >= 16.5
    before = clock.seconds
    spacing.late("list", 0.0)
    spacing.wait("list")
    assert clock.seconds - before == pytest.approx(1.05)


def test_two_users_of_one_file_share_their_turns_and_two_keys_do_not(tmp_path: Path) -> None:
    one, two = Hours(), Hours()
    Spacing(tmp_path / "s.sqlite", one, "me").wait("rent")
    Spacing(tmp_path / "s.sqlite", two, "me").wait("rent")
    assert two.seconds == pytest.approx(4.725)
    third = Hours()
    Spacing(tmp_path / "s.sqlite", third, "you").wait("rent")
    assert third.seconds == 0
    assert b"me/" not in (tmp_path / "s.sqlite").read_bytes()


def test_a_clock_that_was_put_back_waits_for_nobody(tmp_path: Path) -> None:
    ahead, back = Hours(), Hours()
    ahead.seconds = 10**6
    Spacing(tmp_path / "s.sqlite", ahead).wait("rent")
    Spacing(tmp_path / "s.sqlite", back).wait("rent")
    assert back.seconds == 0


@pytest.mark.parametrize("how", ["damaged", "folder", "none"])
def test_where_the_file_cannot_be_used_this_process_keeps_its_turns(tmp_path: Path, how: str) -> None:
    file: Path | None = tmp_path / "s.sqlite"
    if how == "damaged":
        (tmp_path / "s.sqlite").write_bytes(b"no database at all, but long enough to look like one" * 50)
    elif how == "folder":
        (tmp_path / "s.sqlite").mkdir()
    else:
        file = None
    clock = Hours()
    spacing = Spacing(file, clock)
    spacing.wait("rent")
    spacing.wait("rent")
    assert clock.seconds == pytest.approx(4.725)


_TAKES = """
import sys
from pathlib import Path
from swarmctl.effects.clock import SystemClock
from swarmctl.effects.providers.spacing import Spacing
clock = SystemClock()
spacing = Spacing(Path(sys.argv[1]), clock, "me")
for _ in range(2):
    spacing.wait("list")
    print(clock.now().timestamp())
"""


@pytest.mark.slow
def test_processes_take_turns(tmp_path: Path) -> None:
    command = [sys.executable, "-c", _TAKES, str(tmp_path / "s.sqlite")]
    running = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for _ in range(3)]
    times = sorted(float(line) for one in running for line in one.communicate(timeout=60)[0].split())
    assert len(times) == 6
    assert min(b - a for a, b in pairwise(times)) >= 1.0
