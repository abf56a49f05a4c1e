"""Playbooks of this checkout on test hosts: bare ones that can carry Docker, and what of them is reachable."""

import asyncio
import json
import os
import subprocess
import sys
import tempfile
import uuid
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

from fakes import hosts
from fakes.grounded import docker
from swarmctl.core import hosts as core
from swarmctl.effects.hosts.playbooks import Playbook, Played, play

ROOT = Path(__file__).resolve().parents[2]
PLAYBOOKS = ROOT / "playbooks"


def needs_ansible() -> None:
    """Leaves the test out where Ansible is not installed."""
    if find_spec("ansible") is None or find_spec("ansible_runner") is None:
        pytest.skip("no ansible-core and ansible-runner beside this Python: pip install 'swarmctl[hosts]'")


@contextmanager
def bare(suite: str) -> Iterator[hosts.Host]:
    """A Debian with nothing but SSH and Python, in which Docker will run once somebody installs it.

    What stands in /etc/docker is what a container needs for that, as a real machine's own settings would.
    """
    volume = f"swarmctl-playing-{uuid.uuid4().hex[:8]}"
    docker("volume", "create", "--label", "swarmctl.test=playing", volume)
    try:
        with hosts.host("bare", suite=suite, mounts=[f"{volume}:/var/lib/docker"]) as machine:
            container = docker("inspect", "-f", "{{.Id}}", machine.name).strip()
            machine.put("/etc/docker/daemon.json", json.dumps({"cgroup-parent": f"/docker/{container}/containers"}))
            sys_fs = "[Service]\nExecStartPre=mount -o remount,rw /proc/sys\n"
            machine.put("/etc/systemd/system/docker.service.d/sys.conf", sys_fs)
            yield machine
    finally:
        docker("volume", "rm", "-f", volume)


def target(machine: hosts.Host, name: str = "slot-0") -> core.Host:
    """The machine as swarmctl knows it, its key pinned in a file of its own."""
    known = str(machine.folder / "pinned")
    return core.Host(name, "127.0.0.1", machine.port, key=str(machine.key), known_hosts=known, config=core.NO_CONFIG)


def run(
    machine: hosts.Host, book: str, state: Path, *, check: bool = False, said: list[str] | None = None, **values: Any
) -> Played:
    """A playbook on one machine; what went wrong is raised."""
    heard = said if said is not None else []
    found = play(Playbook(book, values, check=check, seconds=540), [target(machine)], state, heard.append)
    return found.proved()


def inventory_words(machine: hosts.Host) -> list[str]:
    """What a person who has no swarmctl would give Ansible for this machine, beside the example's inventory."""
    options = f"-F none -o UserKnownHostsFile={machine.folder / 'known_hosts'} -o IdentitiesOnly=yes"
    given: Mapping[str, Any] = {
        "ansible_host": "127.0.0.1",
        "ansible_port": machine.port,
        "ansible_user": "root",
        "ansible_ssh_private_key_file": str(machine.key),
        "ansible_ssh_common_args": options,
    }
    return ["-e", json.dumps(given)]


def ansible(*words: str, seconds: float = 500) -> subprocess.CompletedProcess[str]:
    """A program of Ansible's, from the root of this checkout, as the README says to use it."""
    argv = [str(Path(sys.executable).parent / words[0]), *words[1:]]
    if not Path(argv[0]).exists():
        argv[0] = words[0]
    with tempfile.TemporaryDirectory(prefix="ansible-", ignore_cleanup_errors=True) as home:
        env = {**os.environ, "ANSIBLE_HOME": home}
        return subprocess.run(argv, cwd=ROOT, env=env, capture_output=True, text=True, timeout=seconds, check=False)


def address(machine: hosts.Host) -> str:
    """Where it is reachable from outside of it."""
    return docker("inspect", "-f", "{{.NetworkSettings.IPAddress}}", machine.name).strip()


def open_ports(place: str, ports: Sequence[int], seconds: float = 1.0) -> list[int]:
    """Of these, the TCP ports that take a connection from this machine."""
    script = f"import sys; sys.path.insert(0, {str(Path(__file__).parent.parent)!r}); from fakes.playing import scan; "
    script += f"scan({place!r}, {list(ports)!r}, {seconds})"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    found: list[int] = json.loads(done.stdout)
    return found


def scan(place: str, ports: Sequence[int], seconds: float) -> None:
    """Prints those that are open; in a process of its own, since tests themselves reach no further than loopback."""

    async def one(port: int, turn: asyncio.Semaphore) -> int:
        async with turn:
            try:
                _, writer = await asyncio.wait_for(asyncio.open_connection(place, port), seconds)
            except (OSError, TimeoutError):
                return 0
            writer.close()
            return port

    async def every() -> list[int]:
        turn = asyncio.Semaphore(500)
        return [port for port in await asyncio.gather(*(one(port, turn) for port in ports)) if port]

    print(json.dumps(asyncio.run(every())))


STATE_OF_FILES = (
    "find /etc /usr /opt /root /var/lib /var/spool -xdev \\( -path /root/.ansible -o -path /var/lib/systemd"
    " -o -path /var/lib/docker -o -name __pycache__ -o -name machine-id \\) -prune -o -type f -printf '%p %s %m %T@\\n'"
    " | LC_ALL=C sort; dpkg-query -W | LC_ALL=C sort; systemctl list-unit-files --no-legend | LC_ALL=C sort"
)


def everything(machine: hosts.Host) -> str:
    """Every file with its size, mode and time, every package, every unit."""
    return machine.ssh(["sh", "-c", STATE_OF_FILES])
