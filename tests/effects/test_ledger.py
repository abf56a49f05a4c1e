"""The ledger remembers what was done, and one at a time works on a swarm."""

import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from swarmctl.core.messages import Usage
from swarmctl.effects.clock import SystemClock
from swarmctl.effects.ledger import Ledger
from swarmctl.errors import HostError, LockedError


@pytest.fixture
def ledger(tmp_path: Path) -> Ledger:
    return Ledger(tmp_path / "state" / "ledger.sqlite", SystemClock())


def test_an_intent_is_there_before_its_end(ledger: Ledger) -> None:
    event = ledger.begin("demo", "up", {"steps": 3})
    (found,) = ledger.events()
    assert (found.what, found.result, found.detail) == ("up", None, {"steps": 3})
    ledger.end(event, "done")
    ledger.end(event, "failed", "an end is written once")
    (found,) = ledger.events("demo")
    assert (found.result, found.note) == ("done", "")
    assert found.ended is not None
    assert found.ended >= found.begun


@pytest.mark.parametrize(
    ("raised", "result"), [(None, "done"), (KeyboardInterrupt, "cancelled"), (HostError("no\nmore"), "failed")]
)
def test_what_an_act_came_to(ledger: Ledger, raised: type[BaseException] | BaseException | None, result: str) -> None:
    try:
        with ledger.recorded("demo", "up"):
            if raised is not None:
                raise raised
    except (KeyboardInterrupt, HostError):
        pass
    (found,) = ledger.events()
    assert found.result == result
    assert "\n" not in found.note


def test_usage_adds_up_and_is_written_once(ledger: Ledger) -> None:
    one = {"backend": Usage(requests=1, tokens_in=10, tokens_out=5, seconds=1.5)}
    ledger.used("r1", "demo", one)
    ledger.used("r1", "demo", one)
    ledger.used("r2", "demo", one)
    ledger.used("r3", "other", one)
    assert ledger.usage("demo") == {"backend": (2, Usage(requests=2, tokens_in=20, tokens_out=10, seconds=3.0))}


def test_the_files_are_private(ledger: Ledger, tmp_path: Path) -> None:
    ledger.begin("demo", "up")
    assert (tmp_path / "state").stat().st_mode & 0o777 == 0o700
    assert (tmp_path / "state" / "ledger.sqlite").stat().st_mode & 0o777 == 0o600
    assert sqlite3.connect(tmp_path / "state" / "ledger.sqlite").execute("pragma journal_mode").fetchone() == ("wal",)


HOLDER = """
import sys
from pathlib import Path
from swarmctl.effects.clock import SystemClock
from swarmctl.effects.ledger import Ledger
with Ledger(Path(sys.argv[1]), SystemClock()).lock("demo", "up"):
    print("held", flush=True)
    sys.stdin.read()
"""


@pytest.fixture
def holder(tmp_path: Path) -> Iterator[subprocess.Popen[str]]:
    """Another process that holds the swarm `demo` until its input ends."""
    argv = [sys.executable, "-c", HOLDER, str(tmp_path / "ledger.sqlite")]
    with subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "held\n"
        yield process
        process.kill()


def test_a_swarm_has_one_holder(tmp_path: Path, holder: subprocess.Popen[str]) -> None:
    mine = Ledger(tmp_path / "ledger.sqlite", SystemClock())
    with pytest.raises(LockedError, match=f"`swarmctl up`, process {holder.pid}"), mine.lock("demo", "down"):
        pass
    with mine.lock("another", "up"):
        pass
    holder.communicate("", timeout=20)
    with mine.lock("demo", "down"):
        pass


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_a_holder_keeps_it_when_the_clock_is_set(
    tmp_path: Path, holder: subprocess.Popen[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """psutil counts a process's start from the boot, as the clock has it now: that moves by as much as the clock."""
    before = psutil.Process(holder.pid).create_time()
    boot = psutil.boot_time()
    monkeypatch.setattr("psutil._pslinux.boot_time", lambda: boot + 3600)
    assert psutil.Process(holder.pid).create_time() > before + 3500
    with (
        pytest.raises(LockedError, match=f"process {holder.pid}"),
        Ledger(tmp_path / "ledger.sqlite", SystemClock()).lock("demo", "down"),
    ):
        pass


def test_a_dead_holder_holds_nothing(tmp_path: Path, holder: subprocess.Popen[str]) -> None:
    holder.kill()
    holder.wait()
    with Ledger(tmp_path / "ledger.sqlite", SystemClock()).lock("demo", "down"):
        pass
