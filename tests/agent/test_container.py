"""The throwaway container of a test, for real: what it sees, what it cannot, and that nothing of it is left."""

import asyncio
import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from fakes.agents import soon, until
from fakes.grounded import docker, stands
from swarmctl.agent.sandbox import IMAGE, Sandbox, why_not
from swarmctl.core.messages import TestResult as Outcome

pytestmark = [pytest.mark.ground, pytest.mark.slow]
NAME = "debian:bookworm-slim"


@pytest.fixture(autouse=True)
def _ground(monkeypatch: pytest.MonkeyPatch) -> None:
    stands("engine", "bookworm")
    monkeypatch.delenv(IMAGE, raising=False)


@pytest.fixture
def clone(tmp_path: Path) -> Path:
    folder = tmp_path / "clone"
    folder.mkdir()
    (folder / "hello.txt").write_text("from the clone\n")
    return folder


def inside(clone: Path, command: str, seconds: int = 60) -> Outcome:
    return asyncio.run(Sandbox("docker", (), NAME).test(command, clone, seconds=seconds))


def sleeping(nap: str) -> list[str]:
    """Containers whose command has this word, whatever their state."""
    rows = docker(
        "ps", "-a", "--no-trunc", "--filter", "label=swarmctl.purpose=test", "--format", "{{.ID}} {{.Command}}"
    )
    return [row for row in rows.splitlines() if nap in row]


def test_the_clone_is_there_and_the_exit_code_comes_back(clone: Path) -> None:
    assert inside(clone, "cat hello.txt; touch made") == Outcome(
        verdict="passed", sandbox="docker", image=NAME, tail="from the clone"
    )
    assert (clone / "made").exists()
    failed = inside(clone, "echo no >&2; exit 37 # 37.1")
    assert (failed.verdict, failed.image, failed.tail) == ("failed", NAME, "no\n\nexit 37")
    assert sleeping("37.1") == []


def test_no_way_out_and_nothing_to_gain(clone: Path) -> None:
    told = inside(
        clone,
        "ls /sys/class/net; id -u; echo x > /etc/x; grep -E 'Cap(Eff|Prm|Bnd)|NoNewPrivs' /proc/self/status; "
        "ls /var/run/docker.sock; ls -A /home /root",
    ).tail
    lines = told.splitlines()
    assert lines[0] == "lo"
    assert int(lines[1]) > 0
    assert "/etc/x: Read-only file system" in told
    assert told.count("\t0000000000000000") == 3
    assert "NoNewPrivs:\t1" in told
    assert "docker.sock': No such file" in told
    shell = inside(clone, "bash -c 'exec 3<>/dev/tcp/192.0.2.1/9'; cat /proc/net/route")
    assert "Network is unreachable" in shell.tail
    assert shell.tail.count("\n") <= 3, "the table of routes has a line"


def test_dockers_own_proxies_and_their_passwords_stay_out(
    clone: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / ".docker").mkdir()
    proxies = {"default": {"httpProxy": "http://me:s3cret@proxy", "httpsProxy": "http://me:s3cret@proxy"}}
    (tmp_path / ".docker" / "config.json").write_text(json.dumps({"proxies": proxies}))
    monkeypatch.setenv("HOME", str(tmp_path))
    leaks = docker("run", "--rm", "--network=none", NAME, "env")
    assert "s3cret" in leaks, "this client hands no proxies on, and the test shows nothing"
    assert "s3cret" not in inside(clone, "env; cat /proc/1/environ | tr '\\0' '\\n'; cat /proc/[0-9]*/environ").tail


def test_what_is_slow_is_stopped_and_gone(clone: Path) -> None:
    told = inside(clone, "echo begun; sleep 77.25", seconds=2)
    assert (told.verdict, told.tail) == ("failed", "begun\n\nstopped after 2 s")
    assert sleeping("77.25") == []


def test_cancelling_removes_the_container(clone: Path) -> None:
    async def story() -> None:
        work = asyncio.create_task(Sandbox("docker", (), NAME).test("touch begun; sleep 78.25", clone))
        await soon((clone / "begun").exists, 30)
        assert sleeping("78.25")
        work.cancel()
        with pytest.raises(asyncio.CancelledError):
            await work
        await soon(lambda: sleeping("78.25") == [], 10)

    asyncio.run(story())


PROGRAM = """
import asyncio, sys
from pathlib import Path
from swarmctl.agent.sandbox import Sandbox
asyncio.run(Sandbox("docker", (), sys.argv[1]).test("touch begun; sleep 79.25", Path(sys.argv[2])))
"""


def test_a_killed_caller_leaves_no_container(clone: Path) -> None:
    caller = subprocess.Popen([sys.executable, "-c", PROGRAM, NAME, clone])
    until((clone / "begun").exists, 40)
    assert sleeping("79.25")
    os.kill(caller.pid, signal.SIGKILL)
    caller.wait()
    until(lambda: sleeping("79.25") == [], 15)


def test_an_image_that_is_not_there_is_said_and_never_fetched(clone: Path) -> None:
    assert "No such image" in str(asyncio.run(why_not("docker", (), "swarmctl/none:0")))
    gone = asyncio.run(Sandbox("docker", (), "swarmctl/none:0").test("true", clone))
    assert gone.verdict == "not run"
    assert "No such image" in gone.tail
    assert "the container could not be started" in gone.tail
    code = inside(clone, "exit 125")
    assert (code.verdict, code.tail) == ("failed", "exit 125")
