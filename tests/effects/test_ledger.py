"""The ledger remembers what was done, and one at a time works on a swarm."""

import os
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import psutil
import pytest

import swarmctl.effects.ledger as ledger_module
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
    ("raised", "result", "note"),
    [
        (KeyboardInterrupt(), "cancelled", "Ctrl-C"),
        (HostError("no\nmore"), "failed", "no"),
        (RuntimeError(), "failed", "RuntimeError"),
        (SystemExit(3), "failed", "3"),
    ],
)
def test_what_an_act_came_to(ledger: Ledger, raised: BaseException, result: str, note: str) -> None:
    with ledger.recorded("demo", "up"):
        pass
    with pytest.raises(type(raised)), ledger.recorded("demo", "down", {"b": 1, "a": 2}):
        raise raised
    (failed, well) = ledger.events()
    assert (well.what, well.result, well.note) == ("up", "done", "")
    assert (failed.what, failed.result, failed.note, failed.detail) == ("down", result, note, {"b": 1, "a": 2})


def test_parts_on_several_hosts_belong_to_their_swarm(ledger: Ledger) -> None:
    for name in ("team", "team_cards", "team_trial", "teams", "tea_m", "other"):
        ledger.begin(name, "up")
    assert {one.swarm for one in ledger.events("team")} == {"team", "team_cards", "team_trial"}
    assert {one.swarm for one in ledger.events("team_cards")} == {"team_cards"}
    assert {one.swarm for one in ledger.events("%")} == set()


def test_the_newest_of_a_swarm_are_told_and_no_more_than_asked_for(ledger: Ledger, tmp_path: Path) -> None:
    ledger.begin("other", "up")
    with closing(sqlite3.connect(tmp_path / "state" / "ledger.sqlite", isolation_level=None)) as db:
        rows = ((f"{n}", f"step-{n}") for n in range(201))
        db.execute("begin")
        query = "insert into events (id, swarm, what, who, begun) values (?, 'demo', ?, 'me', '2099-01-01T00:00:00')"
        db.executemany(query, rows)
        db.execute("commit")
    assert [one.what for one in ledger.events("demo", limit=2)] == ["step-200", "step-199"]
    assert len(ledger.events("demo")) == len(ledger.events()) == 200
    assert [one.swarm for one in ledger.events(limit=300)].count("other") == 1
    assert {one.swarm for one in ledger.events("other")} == {"other"}


def test_looking_makes_no_ledger(ledger: Ledger, tmp_path: Path) -> None:
    assert ledger.events() == []
    assert ledger.usage("demo") == {}
    assert not (tmp_path / "state").exists()


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
    with pytest.raises(LockedError) as held, mine.lock("demo", "down"):
        pass
    assert held.value.hint == f"wait until it ends, or press Ctrl-C there (kill -INT {holder.pid})"
    with mine.lock("another", "up"):
        pass
    holder.communicate("", timeout=20)
    with mine.lock("demo", "down"):
        assert locks(tmp_path) == [("demo", os.getpid(), "down")]
        with mine.lock("demo", "check"):
            assert locks(tmp_path) == [("demo", os.getpid(), "check")], "one process may take it twice"
    assert locks(tmp_path) == []


@pytest.mark.parametrize(("seconds", "lives"), [(0.0, True), (0.9, True), (-0.9, True), (1.0, False), (-60.0, False)])
def test_a_holder_is_its_number_and_its_birth(
    tmp_path: Path, holder: subprocess.Popen[str], seconds: float, lives: bool
) -> None:
    """A number that another process has by now holds nothing; a tick of the clock's reading makes no other process."""
    mine = Ledger(tmp_path / "ledger.sqlite", SystemClock())
    with closing(sqlite3.connect(tmp_path / "ledger.sqlite", isolation_level=None)) as db:
        (born,) = db.execute("select born from locks").fetchone()
        db.execute("update locks set born = ?", (int(born) + seconds,))

    def take() -> str:
        try:
            with mine.lock("demo", "down"):
                return "taken"
        except LockedError:
            return "held"

    with pytest.MonkeyPatch.context() as patch:
        real = ledger_module._born
        patch.setattr(ledger_module, "_born", lambda pid: float(int(real(pid))))
        assert take() == ("held" if lives else "taken")


def test_a_lock_is_on_the_disk_before_anything_is_done(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    said = []
    real = sqlite3.connect

    def connect(*args: object, **options: object) -> sqlite3.Connection:
        db = real(*args, **options)  # type: ignore[call-overload] # handed on
        db.set_trace_callback(said.append)
        return db  # type: ignore[no-any-return] # as above

    monkeypatch.setattr(sqlite3, "connect", connect)
    with Ledger(tmp_path / "ledger.sqlite", SystemClock()).lock("demo", "up"):
        words = " | ".join(said).lower()
    order = ["journal_mode = wal", "synchronous = full", "begin immediate", "insert or replace into locks", "commit"]
    places = [words.find(one) for one in order]
    assert -1 not in places
    assert places == sorted(places)


def test_where_births_cannot_be_read_psutil_tells_them(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def nothing(*_: object, **__: object) -> str:
        raise OSError

    monkeypatch.setattr(Path, "read_text", nothing)
    assert ledger_module._born(os.getpid()) == psutil.Process().create_time()
    with pytest.raises(psutil.NoSuchProcess):
        ledger_module._born(2**22 + 1)


def locks(folder: Path) -> list[tuple[str, int, str]]:
    with closing(sqlite3.connect(folder / "ledger.sqlite")) as db:
        return list(db.execute("select swarm, pid, what from locks"))


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


def test_a_holder_that_was_killed_and_that_nobody_reaped_holds_nothing(tmp_path: Path) -> None:
    """As where the first process of a container reaps nobody."""
    file = tmp_path / "ledger.sqlite"
    program = (
        "import sys, time; from pathlib import Path; from swarmctl.effects.clock import SystemClock;"
        "from swarmctl.effects.ledger import Ledger\n"
        "with Ledger(Path(sys.argv[1]), SystemClock()).lock('demo', 'up'): print('held', flush=True); time.sleep(60)"
    )
    with subprocess.Popen([sys.executable, "-c", program, file], stdout=subprocess.PIPE, text=True) as holder:
        assert holder.stdout
        assert holder.stdout.readline() == "held\n"
        mine = Ledger(file, SystemClock())
        with pytest.raises(LockedError), mine.lock("demo", "reap"):
            pass
        holder.kill()
        while psutil.Process(holder.pid).status() != psutil.STATUS_ZOMBIE:
            pass
        with mine.lock("demo", "reap"):
            assert psutil.pid_exists(holder.pid), "it is still listed"
