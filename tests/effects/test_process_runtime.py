"""The client side of a supervisor: where its socket is, and what it says when nobody is there."""

import contextlib
import os
import socket
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from swarmctl.core.program import SupervisorConfig
from swarmctl.effects.clock import SystemClock
from swarmctl.effects.runtimes import process
from swarmctl.effects.runtimes.process import SOCKET_BYTES, ProcessRuntime, socket_path
from swarmctl.errors import DeployError, HostError


def runtime(tmp_path: Path) -> ProcessRuntime:
    return ProcessRuntime("nobody", tmp_path / "swarm", tmp_path / "s.sock", SystemClock())


def test_a_socket_is_in_the_state_folder_where_its_path_is_short(tmp_path: Path) -> None:
    assert socket_path(Path("/state"), "demo") == Path("/state/demo.sock")


def test_a_long_path_falls_back_to_a_short_private_folder() -> None:
    deep = Path("/state") / ("d" * 120)
    path = socket_path(deep, "demo")
    assert path == socket_path(deep, "demo")
    assert path != socket_path(deep, "other")
    assert len(os.fsencode(path)) <= SOCKET_BYTES
    assert path.parent.stat().st_mode & 0o777 == 0o700
    with socket.socket(socket.AF_UNIX) as line:
        line.bind(str(path))
    path.unlink()
    with contextlib.suppress(OSError):  # swarms of this user may have theirs there, too
        path.parent.rmdir()


@pytest.mark.parametrize("kind", ["open", "link"])
def test_a_short_folder_that_is_not_private_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    folder = tmp_path / "short"
    monkeypatch.setattr(process, "_short_folder", lambda: folder)
    if kind == "open":
        folder.mkdir()
        folder.chmod(0o755)
    else:
        (tmp_path / "elsewhere").mkdir(mode=0o700)
        folder.symlink_to(tmp_path / "elsewhere")
    with pytest.raises(HostError, match="not a private folder"):
        socket_path(Path("/state") / ("d" * 120), "demo")


def test_nobody_there(tmp_path: Path) -> None:
    nobody = runtime(tmp_path)
    assert nobody.status() is None
    assert nobody.reason == f"no supervisor listens on {tmp_path / 's.sock'}"
    assert nobody.strays(nobody.status()) == []
    assert nobody.tail("anything") == ""
    assert nobody.stop() == []
    with pytest.raises(DeployError, match="does not answer"):
        nobody.restart("one")


@pytest.mark.parametrize(
    "answer",
    [
        b"",
        b"nonsense\n",
        b"{}\n",
        b'{"ok": true}\n',
        b'{"ok": true, "pid": 1, "version": "", "programs": [{}]}\n',
    ],
)
def test_a_stranger_on_the_socket_is_no_supervisor(tmp_path: Path, answer: bytes) -> None:
    with socket.socket(socket.AF_UNIX) as stranger:
        stranger.bind(str(tmp_path / "s.sock"))
        stranger.listen()

        def reply() -> None:
            client, _ = stranger.accept()
            with client:
                client.recv(1000)
                client.sendall(answer)

        thread = threading.Thread(target=reply)
        thread.start()
        found = runtime(tmp_path)
        assert found.status() is None
        assert "gave no sense" in found.reason
        thread.join()


def test_a_supervisor_that_does_not_come_up_shows_its_log(tmp_path: Path) -> None:
    nobody = runtime(tmp_path)
    (tmp_path / "s.sock").write_text("in the way")
    config = SupervisorConfig("nobody", str(nobody.socket), str(nobody.logs))
    with pytest.raises(DeployError) as caught:
        nobody.apply(config)
    assert caught.value.message == "nobody: the supervisor ended at once"
    assert "is in the way: it is no socket" in caught.value.detail
    (tmp_path / "s.sock").unlink()


def test_the_tail_reaches_into_the_log_before(tmp_path: Path) -> None:
    found = runtime(tmp_path)
    found.logs.mkdir(parents=True)
    found.log_path("one").write_text("3\n4\n")
    found.log_path("one").with_name("one.log.1").write_text("1\n2\n")
    assert found.tail("one", 3) == "2\n3\n4"
    assert found.tail("one", 1) == "4"
    assert found.tail("one", 10) == "1\n2\n3\n4"


def test_status_imports_nothing_heavy() -> None:
    heavy = {"psutil", "setproctitle", "pydantic", "swarmctl.supervisor", "asyncio"}
    code = f"import sys, swarmctl.effects.runtimes.process; print([m for m in {heavy} if m in sys.modules])"
    assert subprocess.check_output([sys.executable, "-c", code], text=True) == "[]\n"
