"""Programs are kept alive: started, restarted with back-off, counted, stopped with everything they began."""

import os
import signal
from dataclasses import replace
from pathlib import Path

import pytest

from fakes.swarms import CLOCK, DEAF, Swarm, gone, until

pytestmark = pytest.mark.slow

LEAVES_QUICKLY = "import sys; print('boom'); sys.exit(3)"
STUBBORN = f"""
import os, signal, subprocess, sys, time
signal.signal(signal.SIGTERM, signal.SIG_IGN)
child = subprocess.Popen([sys.executable, "-c", {DEAF!r}], stdout=subprocess.PIPE)
child.stdout.readline()
print(child.pid, flush=True)
time.sleep(600)
"""
LEAVES_A_CHILD = """
import subprocess, sys
print(subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"]).pid, flush=True)
sys.exit(1)
"""


def test_up_and_down(swarm: Swarm) -> None:
    swarm.up(swarm.script("one"), swarm.script("two", "import time\nprint('hello', flush=True)\ntime.sleep(600)"))
    pids = {name: p.pid for name, p in swarm.programs().items()}
    assert list(pids) == ["one", "two"]
    assert all(p.state == "running" and p.restarts == 0 for p in swarm.programs().values())
    assert all(os.getsid(pid) == pid for pid in pids.values() if pid)
    until(lambda: swarm.log("two") == "hello\n", "the log")
    supervisor = swarm.supervisor()
    assert swarm.runtime.stop() == []
    assert all(gone(pid) for pid in (supervisor, *pids.values()) if pid)
    assert swarm.runtime.status() is None
    assert "no supervisor listens" in swarm.runtime.reason
    assert not swarm.runtime.socket.exists()
    assert swarm.runtime.stop() == []


@pytest.mark.slow
def test_a_crash_loop_backs_off_and_counts(swarm: Swarm) -> None:
    begun = CLOCK.monotonic()
    swarm.up(swarm.script("bad", LEAVES_QUICKLY), swarm.script("good"))
    good = swarm.pid("good")
    found = until(lambda: (p := swarm.programs()["bad"]).restarts >= 2 and p.state == "backoff" and p, "two restarts")
    assert CLOCK.monotonic() - begun >= 0.5 + 1.0
    assert found.last_exit == "exit 3"
    assert found.pid is None
    now = CLOCK.now().timestamp()
    assert found.next_start is not None
    assert now < found.next_start <= now + 2.1  # the third delay is 2 s
    assert swarm.log("bad") == "boom\n" * 3
    assert swarm.runtime.tail("bad", 2) == "boom\nboom"
    assert swarm.pid("good") == good


@pytest.mark.slow
def test_what_is_killed_comes_back_after_a_pause(swarm: Swarm) -> None:
    swarm.up(swarm.script("one"))
    first = swarm.pid("one")
    os.kill(first, signal.SIGKILL)
    waiting = until(lambda: (p := swarm.programs()["one"]).state == "backoff" and p, "the back-off")
    assert waiting.last_exit == "signal 9"
    assert swarm.pid("one") != first
    assert swarm.programs()["one"].restarts == 1


@pytest.mark.parametrize(
    ("argv", "why"),
    [
        (("/no/such/program",), "No such file"),
        (("/etc/passwd",), "Permission denied"),
        (("a\0b",), "null byte"),
    ],
)
def test_what_cannot_start_says_why(swarm: Swarm, argv: tuple[str, ...], why: str) -> None:
    swarm.up(replace(swarm.script("none"), argv=argv))
    found = swarm.programs()["none"]
    assert (found.state, found.pid) == ("backoff", None)
    assert found.last_exit.startswith("cannot start: ")
    assert why in found.last_exit


@pytest.mark.slow
def test_a_program_that_ignores_sigterm_is_killed_with_its_children(swarm: Swarm) -> None:
    swarm.up(swarm.script("deaf", STUBBORN, stop_grace=0.3))
    until(lambda: swarm.log("deaf").strip(), "the grandchild")
    deaf, grandchild = swarm.pid("deaf"), int(swarm.log("deaf"))
    assert swarm.runtime.stop() == []
    assert gone(deaf)
    assert gone(grandchild)
    assert "killing" in swarm.log("supervisor")


def test_a_second_sigterm_kills_at_once(swarm: Swarm) -> None:
    swarm.up(swarm.script("deaf", STUBBORN, stop_grace=600))
    until(lambda: swarm.log("deaf").strip(), "the grandchild")
    supervisor = swarm.supervisor()
    os.kill(supervisor, signal.SIGTERM)
    until(lambda: swarm.programs()["deaf"].state == "stopping", "the first SIGTERM's effect")
    os.kill(supervisor, signal.SIGTERM)
    until(lambda: gone(supervisor), "the end", deadline=5)
    assert gone(int(swarm.log("deaf")))


def test_what_a_dead_program_leaves_behind_is_swept(swarm: Swarm) -> None:
    swarm.up(swarm.script("parent", LEAVES_A_CHILD))
    until(lambda: swarm.programs()["parent"].last_exit == "exit 1", "its end")
    until(lambda: gone(int(swarm.log("parent").split()[0])), "its child's end")


def test_a_helper_in_a_session_of_its_own_does_not_outlive_the_swarm(swarm: Swarm, tmp_path: Path) -> None:
    from swarmctl.effects.process import labelled

    code = """
import subprocess
helper = subprocess.Popen(["sleep", "600"], start_new_session=True)
print(helper.pid, flush=True)
helper.wait()
"""
    swarm.up(swarm.script("outer", code))
    until(lambda: swarm.log("outer").strip(), "the helper")
    helper = int(swarm.log("outer"))
    assert helper in {item.pid for item in labelled(swarm.name, helpers=True)}
    os.kill(swarm.supervisor(), signal.SIGTERM)
    until(lambda: gone(helper), "the helper's end")


def test_restart_of_one_program(swarm: Swarm) -> None:
    from swarmctl.errors import DeployError

    swarm.up(swarm.script("one"), swarm.script("two"))
    before = {name: swarm.pid(name) for name in ("one", "two")}
    swarm.runtime.restart("one")
    until(lambda: swarm.programs()["one"].pid not in (None, before["one"]), "another process")
    assert swarm.pid("two") == before["two"]
    assert swarm.programs()["one"].restarts == 1
    with pytest.raises(DeployError, match="no program 'three'"):
        swarm.runtime.restart("three")


def test_the_environment_and_folder_of_a_program(swarm: Swarm, tmp_path: Path) -> None:
    code = """
import os, sys, time
print(os.environ["EXTRA"], os.getcwd(), oct(os.umask(0)), sys.stdin.read() == "", flush=True)
time.sleep(600)
"""
    swarm.up(swarm.script("one", code, env={"EXTRA": "yes"}, cwd=str(tmp_path)))
    until(lambda: swarm.log("one"), "the log")
    assert swarm.log("one") == f"yes {tmp_path} 0o77 True\n"
    assert swarm.runtime.log_path("one").stat().st_mode & 0o777 == 0o600


def test_it_survives_the_terminal(swarm: Swarm) -> None:
    swarm.up(swarm.script("one"))
    supervisor, one = swarm.supervisor(), swarm.pid("one")
    assert os.getsid(supervisor) == supervisor
    os.kill(supervisor, signal.SIGHUP)
    swarm.runtime.restart("one")
    assert until(lambda: swarm.programs()["one"].restarts == 1 and swarm.programs()["one"].pid, "the restart") != one
    assert swarm.supervisor() == supervisor
    # and its programs do not inherit deafness to it
    os.kill(swarm.pid("one"), signal.SIGHUP)
    until(lambda: swarm.programs()["one"].last_exit == "signal 1", "the program's end")
