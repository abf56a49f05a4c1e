"""A run that cannot begin, does not end, or goes wrong in Ansible itself."""

import sys
import time
from pathlib import Path

import psutil
import pytest

from fakes.playing import needs_ansible
from swarmctl.core.hosts import Host
from swarmctl.effects.hosts import playbooks
from swarmctl.effects.hosts.playbooks import Beside, Playbook, play
from swarmctl.errors import DeployError, HostError, SpecError

NOBODY = Host("slot-0", "127.0.0.1", 1)


@pytest.fixture
def books(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "assets" / "playbooks"
    folder.mkdir(parents=True)
    monkeypatch.setenv("SWARMCTL_ASSETS", str(folder.parent))
    return folder


def local(*tasks: str) -> str:
    """A play on this machine, with this Python: which others are on the path is not its matter."""
    head = "- name: Here\n  hosts: all\n  connection: local\n  gather_facts: false\n"
    head += f"  vars:\n    ansible_python_interpreter: {sys.executable}\n  tasks:\n"
    return head + "".join(f"    - {task}\n" for task in tasks)


def test_without_ansible_it_says_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "ansible_runner", None)
    with pytest.raises(HostError, match="Ansible is not installed") as caught:
        play(Playbook("prepare"), [NOBODY], tmp_path, str)
    assert caught.value.hint == "pip install 'swarmctl[hosts]'"


def test_a_host_that_cannot_be_used_begins_nothing(tmp_path: Path) -> None:
    with pytest.raises(SpecError):
        play(Playbook("prepare"), [Host("slot-0", "{{ x }}")], tmp_path, str)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.slow
def test_what_takes_too_long_is_ended(books: Path, tmp_path: Path) -> None:
    needs_ansible()
    (books / "long.yml").write_text(local("ansible.builtin.command: sleep 60"))
    said: list[str] = []
    with pytest.raises(DeployError, match="long did not end within 4 s"):
        play(Playbook("long", seconds=4), [NOBODY], tmp_path, said.append)
    assert said == ["ansible.builtin.command"]


@pytest.mark.slow
def test_what_fails_beside_it_ends_it(books: Path, tmp_path: Path) -> None:
    needs_ansible()
    (books / "long.yml").write_text(local("ansible.builtin.command: sleep 60"))
    said: list[str] = []

    def pulse() -> None:
        if said:
            raise HostError("a disk is full")

    begun = time.monotonic()
    with pytest.raises(HostError, match="a disk is full"):
        play(Playbook("long", seconds=50), [NOBODY], tmp_path, said.append, beside=Beside(pulse=pulse))
    assert time.monotonic() - begun < 40
    left = [one for one in psutil.process_iter() if str(tmp_path) in " ".join(_words(one))]
    assert left == []


def _words(one: psutil.Process) -> list[str]:
    try:
        return one.cmdline()
    except psutil.Error:
        return []


@pytest.mark.slow
def test_a_playbook_that_ansible_cannot_read_is_told_with_what_it_said(books: Path, tmp_path: Path) -> None:
    needs_ansible()
    (books / "broken.yml").write_text("- hosts: [\n")
    with pytest.raises(DeployError, match="Ansible cannot run broken") as caught:
        play(Playbook("broken"), [NOBODY], tmp_path, str)
    assert "broken.yml" in caught.value.detail


@pytest.mark.slow
def test_variables_arrive_as_they_are_and_the_last_runs_are_kept(
    books: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    needs_ansible()
    monkeypatch.setattr(playbooks, "_KEPT_RUNS", 2)
    (books / "echo.yml").write_text(
        local("ansible.builtin.set_fact: {swarmctl_got: '{{ given }}', swarmctl_own: '{{ mine }}'}")
    )
    value = {"a": "{{ lookup('pipe', 'id') }}", "b": [1, None, True, "x: y\n#"], "c": "ü"}
    for _ in range(4):
        book = Playbook("echo", {"given": value}, {"slot-0": {"mine": "{% if %}"}})
        found = play(book, [NOBODY], tmp_path, str).proved()
    assert found.facts["slot-0"] == {"swarmctl_got": value, "swarmctl_own": "{% if %}"}
    assert found.log.is_file()
    assert len(list((tmp_path / "ansible").iterdir())) <= 3


@pytest.mark.slow
def test_two_hosts_fail_apart(books: Path, tmp_path: Path) -> None:
    needs_ansible()
    (books / "half.yml").write_text(
        local(
            "ansible.builtin.assert: {that: inventory_hostname == 'slot-0', fail_msg: only the first}",
            "ansible.builtin.set_fact: {swarmctl_done: true}",
        )
    )
    played = play(Playbook("half"), [NOBODY, Host("slot-1", "127.0.0.1", 1)], tmp_path, str)
    assert [failure.host for failure in played.failures] == ["slot-1"]
    assert played.facts == {"slot-0": {"swarmctl_done": True}}
    with pytest.raises(DeployError, match=r"half failed at slot-1: .*: only the first"):
        played.proved()
