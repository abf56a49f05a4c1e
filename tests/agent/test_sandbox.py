"""The walls around the test command, tried from inside on every rung that this machine has."""

import asyncio
import os
import shutil
import subprocess
import sys
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest

from swarmctl.agent import jail
from swarmctl.agent.sandbox import IMAGE, RUNGS, Rung, Sandbox, strongest, why_not
from swarmctl.core.messages import TestResult as Outcome
from swarmctl.core.team.sandbox import Walls, bubblewrap, namespaces, tail, verdict

pytestmark = pytest.mark.slow
REASONS: dict[str, str | None] = {}


def why(name: Rung) -> str | None:
    if name not in REASONS:
        REASONS[name] = asyncio.run(why_not(name))
    return REASONS[name]


@pytest.fixture(params=RUNGS)
def rung(request: pytest.FixtureRequest) -> Rung:
    """Every rung that works here; the others say why they are left out."""
    name: Rung = request.param
    if told := why(name):
        pytest.skip(told)
    return name


@pytest.mark.skipif(bool(os.environ.get(IMAGE)), reason="the docker rung is among the others")
def test_the_docker_rung_says_what_it_lacks() -> None:
    assert why("docker") == f"docker: no image named by {IMAGE}"


def inside(rung: Rung, folder: Path, command: str, seconds: int = 30, secret: tuple[str, ...] = ()) -> Outcome:
    clone = folder / "clone"
    clone.mkdir(exist_ok=True)
    return asyncio.run(Sandbox(rung, secret).test(command, clone, seconds=seconds))


def of_image(image: str) -> set[str]:
    """Names of the variables that an image sets."""
    argv = ["docker", "image", "inspect", "-f", "{{range .Config.Env}}{{println .}}{{end}}", image]
    out = subprocess.run(argv, capture_output=True, text=True, check=True).stdout
    return {line.partition("=")[0] for line in out.split()}


def processes() -> str:
    return subprocess.run(["ps", "-ww", "axo", "args"], capture_output=True, text=True, check=True).stdout


def test_it_passes_fails_and_tells_the_tail(rung: Rung, tmp_path: Path) -> None:
    image = os.environ[IMAGE] if rung == "docker" else ""
    assert inside(rung, tmp_path, "echo fine") == Outcome(verdict="passed", sandbox=rung, image=image, tail="fine")
    failed = inside(rung, tmp_path, "echo bad >&2; exit 3")
    assert (failed.verdict, failed.tail) == ("failed", "bad\n\nexit 3")


def test_the_clone_can_be_written_and_python_runs(rung: Rung, tmp_path: Path) -> None:
    program = "import json, sys; open('out', 'w').write('x'); print(sys.version_info[:2])"
    result = inside(rung, tmp_path, f'python -c "{program}"' if rung != "docker" else "echo x > out")
    assert result.verdict == "passed", result.tail
    assert (tmp_path / "clone" / "out").exists()


def test_no_network_inside_but_a_loopback_of_its_own(rung: Rung, tmp_path: Path) -> None:
    server = HTTPServer(("127.0.0.1", 0), BaseHTTPRequestHandler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        port = server.server_address[1]
        reach = f"import socket; socket.create_connection(('127.0.0.1', {port}), 3)"
        subprocess.run([sys.executable, "-c", reach], check=True)
        result = inside(rung, tmp_path, f'python3 -c "{reach}"')
        assert "refused" in result.tail
        away = inside(rung, tmp_path, "python3 -c \"import socket; socket.create_connection(('192.0.2.1', 9), 3)\"")
        assert "unreachable" in away.tail
        own = "import socket; s = socket.create_server(('127.0.0.1', 0)); socket.create_connection(s.getsockname())"
        assert inside(rung, tmp_path, f'python3 -c "{own}"').verdict == "passed"
    finally:
        server.shutdown()
        server.server_close()


def test_secrets_and_home_folders_cannot_be_read(rung: Rung, tmp_path: Path) -> None:
    state = Path("/var/lib") / f"swarmctl-test-{os.getpid()}"
    home = Path.home() / f".swarmctl-test-{os.getpid()}"
    if not os.access("/var/lib", os.W_OK):
        state = tmp_path / "state"
    try:
        for folder in (state, home):
            folder.mkdir()
            (folder / "token").write_text("s3cret")
            (folder / "token").chmod(0o644)
        read = inside(rung, tmp_path, f"cat {state}/token {home}/token; ls -A /home {state}", secret=(str(state),))
        assert "s3cret" not in read.tail
        assert read.tail.count("No such file") >= 2
    finally:
        shutil.rmtree(state, ignore_errors=True)
        shutil.rmtree(home, ignore_errors=True)


def test_nothing_outside_of_the_clone_can_be_written(rung: Rung, tmp_path: Path) -> None:
    beside = tmp_path / "beside"
    beside.mkdir(mode=0o777)
    places = ["/etc", "/usr", "/usr/local/bin", "/var/lib", str(Path(jail.__file__).parent)]
    name = f"swarmctl-test-{os.getpid()}"
    script = "; ".join(f"echo x > {place}/{name} && echo WROTE {place}" for place in places)
    result = inside(rung, tmp_path, f"{script}; echo x > {beside}/x; echo x > /tmp/{name}; true")
    assert "WROTE" not in result.tail
    assert list(beside.iterdir()) == []
    assert not any(Path(place, name).exists() for place in (*places, "/tmp"))


def test_the_environment_is_clean(rung: Rung, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SWARMCTL_SECRET_VALUE", "s3cret")
    found = inside(rung, tmp_path, "env; cat /proc/1/environ /proc/$PPID/environ 2>/dev/null | tr '\\0' '\\n'; true")
    assert "s3cret" not in found.tail
    names = {line.partition("=")[0] for line in inside(rung, tmp_path, "env").tail.splitlines()}
    if rung == "docker":
        names = {name for name in names if not name.lower().endswith("_proxy")} - of_image(os.environ[IMAGE])
    assert names <= {
        "PATH",
        "HOME",
        "TMPDIR",
        "LANG",
        "PYTHONDONTWRITEBYTECODE",
        "PWD",
        "OLDPWD",
        "SHLVL",
        "_",
        "HOSTNAME",
    }


def test_no_privileges_and_no_way_back(rung: Rung, tmp_path: Path) -> None:
    result = inside(
        rung, tmp_path, "grep -E 'Cap(Eff|Prm|Bnd)|NoNewPrivs' /proc/self/status; umount /root; umount /tmp; true"
    )
    assert result.tail.count("\t0000000000000000") == 3
    assert "NoNewPrivs:\t1" in result.tail
    nested = "unshare --user --map-root-user --mount sh -c 'umount /home || mount -o remount,rw / && echo OPEN'"
    assert "OPEN" not in inside(rung, tmp_path, f"{nested}; true").tail


def test_other_processes_cannot_be_seen(rung: Rung, tmp_path: Path) -> None:
    other = subprocess.Popen(["sleep", "300.125"])
    try:
        seen = inside(rung, tmp_path, "cat /proc/[0-9]*/cmdline | tr '\\0' ' '").tail
        assert "cat" in seen
        assert "300.125" not in seen
    finally:
        other.kill()
        other.wait()


def test_an_endless_loop_is_stopped(rung: Rung, tmp_path: Path) -> None:
    result = inside(rung, tmp_path, "echo begun; while :; do :; done", seconds=2)
    assert result.verdict == "failed"
    assert result.tail.endswith("stopped after 2 s")
    assert "begun" in result.tail


def test_a_fork_bomb_ends_and_leaves_nothing(rung: Rung, tmp_path: Path) -> None:
    bomb = "import os, time\nfor n in range(1000):\n    print(n, flush=True)\n    os.fork() or time.sleep(99)\n"
    (tmp_path / "clone").mkdir()
    own = f"bomb-{rung}.py"  # another worker may have the bomb of another rung under way
    (tmp_path / "clone" / own).write_text(bomb)
    result = inside(rung, tmp_path, f"python3 {own}", seconds=20)
    assert result.verdict == "failed"
    assert "BlockingIOError" in result.tail
    assert all(int(line) < 256 for line in result.tail.splitlines() if line.isdigit())
    assert own not in processes()


def test_memory_is_limited(rung: Rung, tmp_path: Path) -> None:
    result = inside(rung, tmp_path, 'python3 -c "x = bytearray(3 * 1024**3)"')
    assert result.verdict == "failed"
    assert "MemoryError" in result.tail or rung == "docker"


def test_cancelling_ends_the_command(rung: Rung, tmp_path: Path) -> None:
    (tmp_path / "clone").mkdir()
    nap = f"300.{sum(map(ord, rung))}"

    async def story() -> None:
        task = asyncio.create_task(Sandbox(rung).test(f"touch begun; sleep {nap}", tmp_path / "clone"))
        async with asyncio.timeout(20):
            while not (tmp_path / "clone" / "begun").exists():
                await asyncio.sleep(0.05)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        async with asyncio.timeout(10):
            while nap in processes():
                await asyncio.sleep(0.05)

    asyncio.run(story())


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can try what a plain user gets")
@pytest.mark.parametrize("name", ["bubblewrap", "namespaces"])
def test_the_same_walls_for_a_plain_user(name: Rung, tmp_path_factory: pytest.TempPathFactory) -> None:
    """As uid 65534 and with the system's Python, since this one may lie in a home folder."""
    if told := why(name):
        pytest.skip(told)
    python = shutil.which("python3", path="/usr/bin")
    if python is None:
        pytest.skip("no /usr/bin/python3")
    clone = Path("/tmp") / f"swarmctl-plain-{os.getpid()}"
    clone.mkdir()
    script = shutil.copy(jail.__file__, clone / "jail.py")
    for path in (clone, script):
        shutil.chown(path, 65534, 65534)
    command = "touch mine; echo x > /etc/x; ls -A /home /root; grep CapEff /proc/self/status"
    walls = Walls(str(clone), command, "/usr/bin:/bin", hidden=("/home", "/root", "/run"))
    argv = (
        bubblewrap(walls, seconds=9)
        if name == "bubblewrap"
        else namespaces(walls, python=python, jail=str(script), seconds=9)
    )
    try:
        become = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"]
        done = subprocess.run([*become, *argv], cwd="/", capture_output=True, text=True, check=False)
        if "Operation not permitted" in done.stderr:
            pytest.skip(f"this kernel gives plain users no namespaces: {done.stderr.strip()}")
        assert (clone / "mine").exists(), done.stderr
        assert "cannot create /etc/x: Read-only file system" in done.stdout
        assert done.stdout.count("\t0000000000000000") == 1
    finally:
        shutil.rmtree(clone)


def test_without_any_rung_there_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nonexistent")
    monkeypatch.setattr("swarmctl.agent.sandbox._SYSTEM", "/nonexistent")
    assert asyncio.run(strongest()) is None


def test_unsandboxed_runs_with_a_clean_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SWARMCTL_SECRET_VALUE", "s3cret")
    result = inside("none", tmp_path, "env; pwd")
    assert result.sandbox == "none"
    assert "s3cret" not in result.tail
    assert f"{tmp_path}/clone" in result.tail


def test_exit_codes_are_told_in_words() -> None:
    assert verdict("pytest -q", 5, seconds=1) == ("not run", "pytest found no tests")
    assert verdict("make", 5, seconds=1) == ("failed", "exit 5")
    assert verdict("make", 124, seconds=120) == ("failed", "stopped after 120 s")
    assert verdict("make", 124, seconds=3) == ("failed", "exit 124")
    assert verdict("make", 127, seconds=3)[1].startswith("the test command was not found")


def test_the_tail_keeps_the_end() -> None:
    assert tail(b"a\n") == "a\n"
    long = tail(b"line\n" * 5000)
    assert long.startswith("…line\n")
    assert len(long.encode()) <= 4099
