"""The folder of a run: for its owner only, gone after it, with nothing of the user's own Ansible in it."""

import os
import stat
import subprocess
import sys
from pathlib import Path

import psutil
import pytest

from swarmctl.effects.clock import SystemClock
from swarmctl.effects.hosts.room import environment, room, sweep


def test_its_files_are_the_owners_and_go_with_it(tmp_path: Path) -> None:
    with room(tmp_path, {"variables.yml": "key: canary\n"}) as folder:
        assert stat.S_IMODE(folder.stat().st_mode) == 0o700
        modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in folder.iterdir()}
        assert {modes[name] for name in ("ansible.cfg", "variables.yml")} == {0o600}
        assert {modes[name] for name in ("c", "home", "tmp")} == {0o700}
        assert f"roles_path = {tmp_path}/roles" in (folder / "ansible.cfg").read_text()
    assert not folder.exists()


def test_the_path_of_a_shared_connection_is_short_enough_for_every_system(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    long = tmp_path / ("x" * 80)
    long.mkdir()
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(long))
    with room(tmp_path, {}) as folder:
        # Ansible appends ten digits, and OpenSSH a dot and sixteen letters while it makes the socket.
        assert len(f"{folder}/c/0123456789.0123456789abcdef") < 104


def test_nothing_of_the_users_own_ansible_gets_in(tmp_path: Path) -> None:
    users = {
        "ANSIBLE_CONFIG": "/home/ada/ansible.cfg", "ANSIBLE_HOST_KEY_CHECKING": "False", "ANSIBLE_FORKS": "1",
        "ANSIBLE_CALLBACK_PLUGINS": "/evil", "PYTHONPATH": "/evil", "VAST_API_KEY": "canary", "HOME": "/home/ada",
        "PATH": "/usr/bin", "SSH_AUTH_SOCK": "/run/agent", "LC_ALL": "tr_TR", "http_proxy": "http://x",
    }  # fmt: skip
    found = environment(tmp_path, users)
    assert found["ANSIBLE_CONFIG"] == f"{tmp_path}/ansible.cfg"
    assert found["ANSIBLE_HOST_KEY_CHECKING"] == "True"
    assert found["PATH"].split(os.pathsep) == [str(Path(sys.executable).parent), "/usr/bin"]
    assert (found["SSH_AUTH_SOCK"], found["HOME"], found["LC_ALL"]) == ("/run/agent", "/home/ada", "C.UTF-8")
    assert set(found) - {"ANSIBLE_CONFIG", "ANSIBLE_HOST_KEY_CHECKING"} == {
        "HOME", "LANG", "LC_ALL", "PATH", "PYTHONUNBUFFERED", "SSH_AUTH_SOCK",
    }  # fmt: skip


@pytest.mark.slow
def test_what_works_for_it_is_ended_even_if_it_will_not_and_nothing_else_is(tmp_path: Path) -> None:
    script = (
        "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('up', flush=True); time.sleep(60)"
    )
    begin = [sys.executable, "-c", script]
    with room(tmp_path, {}) as folder:
        mine = subprocess.Popen([*begin, f"{folder}/hosts.yml"], stdout=subprocess.PIPE, start_new_session=True)
        other = subprocess.Popen([*begin, f"{folder}-other/hosts.yml"], stdout=subprocess.PIPE)
        try:
            for one in (mine, other):
                assert one.stdout is not None
                assert one.stdout.readline() == b"up\n"
            sweep(folder, SystemClock())
            assert psutil.Process(mine.pid).status() == psutil.STATUS_ZOMBIE
            assert other.poll() is None
        finally:
            for one in (mine, other):
                one.kill()
                one.communicate()
