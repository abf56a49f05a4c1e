"""Starting, finding and ending processes."""

import os
import signal
import subprocess
import sys
import time
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from swarmctl.core.labels import VARIABLE
from swarmctl.effects.clock import SystemClock, wait_until
from swarmctl.effects.process import Labelled, alive, end, labelled, run, spawn_daemon
from swarmctl.errors import HostError

CLOCK = SystemClock()
Start = Callable[..., int]


def ready(path: Path) -> None:
    """Wait for a file that a process writes when it is ready."""
    wait_until(path.exists, clock=CLOCK, deadline=10, what=str(path))


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    """Starts Python code in a process that writes `ready` once it has begun; all are killed afterwards."""
    begun: list[subprocess.Popen[bytes]] = []

    def _start(code: str, *argv: str, labels: str = "", session: bool = True) -> int:
        flag = tmp_path / f"ready-{len(begun)}"
        lines = f"{code}\nimport time, pathlib\npathlib.Path({str(flag)!r}).touch()\nwhile True: time.sleep(60)"
        env = {**os.environ, VARIABLE: labels}
        process = subprocess.Popen([sys.executable, "-c", lines, *argv], env=env, start_new_session=session)
        begun.append(process)
        ready(flag)
        return process.pid

    yield _start
    for process in begun:
        process.kill()
        process.wait()


@pytest.fixture
def swarm() -> str:
    """A name that no other test uses."""
    return f"t{uuid.uuid4().hex[:8]}"


def test_run_gives_both_outputs_and_keeps_line_ends() -> None:
    done = run(
        [sys.executable, "-c", "import sys; print(sys.stdin.read(), end='\\r\\n'); sys.stderr.write('e')"],
        input="ä",
    )
    assert (done.stdout, done.stderr, done.code) == ("ä\r\n", "e", 0)


def test_run_replaces_what_is_no_text() -> None:
    assert run([sys.executable, "-c", "import os; os.write(1, b'a\\xff')"]).stdout == "a�"


def test_run_has_no_stdin_to_wait_for() -> None:
    assert run([sys.executable, "-c", "import sys; print(repr(sys.stdin.read()))"], timeout=20).stdout == "''\n"


def test_a_failure_shows_the_command_and_its_last_lines(tmp_path: Path) -> None:
    code = "import sys\nfor n in range(50): print(n, file=sys.stderr)\nsys.exit(4)"
    with pytest.raises(HostError) as caught:
        run(["python3", "-c", code], cwd=tmp_path)
    assert caught.value.message == "python3 ended with exit 4"
    lines = caught.value.detail.splitlines()
    assert lines[0].startswith("$ python3 -c 'import sys")
    assert lines[-12:] == [str(n) for n in range(38, 50)]
    assert run(["python3", "-c", code], check=False).code == 4


@pytest.mark.parametrize(("argv", "why"), [(["no-such-program"], "No such file"), (["/"], "Permission denied")])
def test_what_cannot_be_started(argv: list[str], why: str) -> None:
    with pytest.raises(HostError, match=why):
        run(argv)


@pytest.mark.slow
def test_a_timeout_kills_the_whole_group(tmp_path: Path) -> None:
    note = tmp_path / "pid"
    code = 'echo begun; sleep 600 & echo $! > "$1"; wait'
    with pytest.raises(HostError, match="did not end within 1 s") as caught:
        run(["sh", "-c", code, "sh", str(note)], timeout=1)
    assert caught.value.detail.splitlines()[-1] == "begun"
    with pytest.raises(ProcessLookupError):
        wait_until(lambda: os.kill(int(note.read_text()), 0), clock=CLOCK, deadline=3, what="it to go")


def test_a_daemon_has_a_session_and_a_log_of_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(VARIABLE, "swarmctl.swarm=x swarmctl.service=y")
    log = tmp_path / "d.log"
    log.write_text("before\n")
    code = f"import os,sys; print(os.getsid(0)==os.getpid(), sys.stdin.read()=='', {VARIABLE!r} in os.environ)"
    pid = spawn_daemon([sys.executable, "-c", code], log)
    assert os.waitpid(pid, 0)[1] == 0
    assert log.read_text() == "before\nTrue True False\n"
    with pytest.raises(HostError, match="cannot be started"):
        spawn_daemon(["/no/such"], log)


def test_labelled_finds_titles_command_lines_and_environments(start: Start, swarm: str, tmp_path: Path) -> None:
    tags = f"swarmctl.swarm={swarm} swarmctl.service=agent-a"
    titled = start(f"import setproctitle; setproctitle.setproctitle('agent-a {tags}')", "x" * 200)
    inherited = start("", labels=f"swarmctl.swarm={swarm} swarmctl.service=engine-b swarmctl.config-hash=1")
    found = {item.pid: item for item in labelled(swarm)}
    assert found.keys() == {titled, inherited}
    assert found[titled].labels == {"swarmctl.swarm": swarm, "swarmctl.service": "agent-a"}
    assert found[inherited].labels["swarmctl.config-hash"] == "1"
    assert abs(found[titled].create_time - time.time()) < 60
    assert {titled, inherited} <= {item.pid for item in labelled(None)}


def test_labelled_leaves_out_what_only_mentions_the_words(
    start: Start, swarm: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    tags = [f"swarmctl.swarm={swarm}", "swarmctl.service=agent-a"]
    start("", *tags)  # as an editor or a grep would have them
    start("", " ".join(tags))
    start("", "agent-a", *tags)
    monkeypatch.setenv(VARIABLE, " ".join(tags))  # this very process
    assert labelled(swarm) == []


def test_helpers_are_left_out_unless_asked_for(start: Start, swarm: str) -> None:
    tags = f"swarmctl.swarm={swarm} swarmctl.service=agent-a"
    marked = start("", labels=f"{tags} swarmctl.part=helper")
    heir = start("", labels=tags, session=False)
    assert labelled(swarm) == []
    assert {item.pid for item in labelled(swarm, helpers=True)} == {marked, heir}


def test_end_asks_then_kills_then_looks(start: Start, swarm: str) -> None:
    tags = f"swarmctl.swarm={swarm} swarmctl.service=agent-"
    start("", labels=f"{tags}a")
    start("import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN)", labels=f"{tags}b")
    stopped = start("", labels=f"{tags}c")
    os.kill(stopped, signal.SIGSTOP)
    found = labelled(swarm)
    assert len(found) == 3
    assert all(alive(item) for item in found)
    assert end(found, grace=0.3) == []
    assert not any(alive(item) for item in found)
    assert labelled(swarm) == []


def test_end_never_touches_a_later_process_of_the_same_number(start: Start) -> None:
    pid = start("")
    assert end([Labelled(pid, time.time() - 1000, {}, ())], grace=0.1) == []
    os.kill(pid, 0)


def test_waiting_says_what_for() -> None:
    with pytest.raises(HostError, match=r"waited 0\.02 s for the moon, in vain"):
        wait_until(lambda: False, clock=CLOCK, deadline=0.02, every=0.01, what="the moon")
    assert wait_until(lambda: "yes", clock=CLOCK, deadline=0, what="nothing") == "yes"


def test_clock_is_aware_and_monotonic() -> None:
    assert CLOCK.now().utcoffset() is not None
    before = CLOCK.monotonic()
    CLOCK.sleep(-1)
    CLOCK.sleep(0.01)
    assert CLOCK.monotonic() - before >= 0.01
