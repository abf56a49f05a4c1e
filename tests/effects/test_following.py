"""A long command is followed line by line, and never outlives whoever follows it."""

import os
import sys
import time
from pathlib import Path

import pytest

from fakes.alive import alive
from swarmctl.effects.process import follow
from swarmctl.errors import HostError

ENV = {"PATH": os.environ["PATH"]}


def script(code: str) -> tuple[str, ...]:
    return (sys.executable, "-u", "-c", code)


def test_every_line_is_told_as_it_comes_and_the_end_is_kept(tmp_path: Path) -> None:
    (tmp_path / "in").write_bytes(b"given")
    code = (
        "import sys; print(sys.stdin.read()); print(b'x' * 3, file=sys.stderr)\n"
        "sys.stdout.buffer.write(b'\\xff'); exit(3)"
    )
    said: list[str] = []
    done = follow(script(code), said.append, env=ENV, source=tmp_path / "in", timeout=20)
    assert done.code == 3
    assert sorted(said) == sorted(["given", "b'xxx'", "\ufffd"])
    assert done.stdout.splitlines() == said
    many = follow(script("print('\\n'.join(map(str, range(999))))"), said.append, env=ENV, source=None, timeout=20)
    assert many.stdout.splitlines()[-1] == "998"
    assert len(many.stdout.splitlines()) == 200


def test_what_takes_too_long_is_killed_with_its_children() -> None:
    code = "import subprocess; p = subprocess.Popen(['sleep', '60']); print(p.pid, flush=True); p.wait()"
    said: list[str] = []
    began = time.monotonic()
    done = follow(script(code), said.append, env=ENV, source=None, timeout=0.5)
    assert done.code == -9
    assert time.monotonic() - began < 10
    assert _gone(int(said[0]))


def test_whoever_stops_following_stops_the_command() -> None:
    seen: list[int] = []

    def interrupted(line: str) -> None:
        seen.append(int(line))
        raise KeyboardInterrupt

    code = "import os, time; print(os.getpid()); time.sleep(60)"
    with pytest.raises(KeyboardInterrupt):
        follow(script(code), interrupted, env=ENV, source=None, timeout=60)
    assert _gone(seen[0])


def test_what_cannot_start_is_said() -> None:
    with pytest.raises(HostError, match="cannot be started"):
        follow(("/nowhere/docker",), print, env=ENV, source=None, timeout=1)


def _gone(pid: int) -> bool:
    until = time.monotonic() + 5
    while time.monotonic() < until:
        if not alive([pid]):
            return True
        time.sleep(0.05)
    return False
