"""A tunnel through what happens to machines and cables: programs that talk through it go on by themselves."""

import os
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest

from fakes.grounded import docker, stands
from fakes.hosts import Host, host
from fakes.reached import outside
from swarmctl.core.tunnel import Ends, Wanted
from swarmctl.effects.clock import SystemClock, wait_until
from swarmctl.effects.hosts.tunnel import Tunnel

pytestmark = [pytest.mark.ground, pytest.mark.slow]

WEB = """\
[Service]
ExecStart=python3 -m http.server --bind 127.0.0.1 -d /usr/share/doc 18777
[Install]
WantedBy=multi-user.target
"""
CLOCK = SystemClock()
CUT = ("INPUT -p tcp --dport 22 -j DROP", "OUTPUT -p tcp --sport 22 -j DROP")


@pytest.fixture(scope="module")
def machine() -> Iterator[Host]:
    stands("engine", "host-vm")
    with host("vm") as made:
        made.put("/etc/systemd/system/web.service", WEB)
        made.ssh(["systemctl", "enable", "-q", "--now", "web"])
        yield made


@pytest.fixture
def tunnel(machine: Host, tmp_path: Path) -> Iterator[Tunnel]:
    found = Tunnel("demo", "slot-0", outside(machine, tmp_path), tmp_path / "demo")
    try:
        found.up(Wanted(ports=(18777,)))
        found.wait(20)
        assert works(found.ends)
        yield found
    finally:
        found.down()


def works(ends: Ends) -> bool:
    """The same two commands, each time: one through a port, one through the socket of Docker."""
    url = f"http://127.0.0.1:{ends.ports[18777]}/"
    web = subprocess.run(["curl", "-s", "-m", "2", "-o", "/dev/null", url], check=False)
    if web.returncode != 0:
        return False
    argv = ["timeout", "5", "docker", "-H", ends.docker_host, "version", "-f", "{{.Server.Version}}"]
    return subprocess.run(argv, capture_output=True, check=False).returncode == 0


def back(tunnel: Tunnel, what: str, seconds: float = 60) -> float:
    """Seconds until both commands work again."""
    begun = time.monotonic()
    wait_until(lambda: works(tunnel.ends), clock=CLOCK, deadline=seconds, every=0.1, what=what)
    assert tunnel.state().state == "connected"
    print(f"back {time.monotonic() - begun:.1f} s after {what}")
    return time.monotonic() - begun


def processes(tunnel: Tunnel) -> list[psutil.Process]:
    found = [psutil.Process(one.pid) for one in tunnel._runtime.labelled()]
    assert sorted(one.name() for one in found if one.name() == "ssh") == ["ssh"]
    return found


def the_ssh(tunnel: Tunnel) -> psutil.Process:
    return next(one for one in processes(tunnel) if one.name() == "ssh")


def until(tunnel: Tunnel, wanted: Callable[[str], bool], seconds: float) -> float:
    begun = time.monotonic()
    wait_until(lambda: wanted(tunnel.state().state), clock=CLOCK, deadline=seconds, every=0.1, what="its state")
    return time.monotonic() - begun


def test_its_process_is_killed(tunnel: Tunnel) -> None:
    the_ssh(tunnel).kill()
    assert back(tunnel, "kill -9 of ssh") < 5
    assert tunnel.state().restarts == 1


def test_its_supervisor_is_killed_and_up_changes_nothing_else(tunnel: Tunnel) -> None:
    before = the_ssh(tunnel)
    next(one for one in processes(tunnel) if one.name() != "ssh").kill()
    assert works(tunnel.ends)
    assert tunnel.state().state == "down"
    tunnel.up(Wanted(ports=(18777,)))
    assert tunnel.wait(10).restarts == 0
    assert the_ssh(tunnel) == before


def test_up_tries_at_once_what_waits_for_its_next_try(machine: Host, tunnel: Tunnel) -> None:
    inside = ["exec", machine.name, "mv"]
    docker(*inside, "/root/.ssh/authorized_keys", "/root/.ssh/away")
    try:
        the_ssh(tunnel).kill()
        wait_until(lambda: tunnel.state().restarts > 4, clock=CLOCK, deadline=60, every=0.2, what="tries")
        assert "does not let root in" in tunnel.state().words
    finally:
        docker(*inside, "/root/.ssh/away", "/root/.ssh/authorized_keys")
    ends = tunnel.ends
    begun = time.monotonic()
    assert tunnel.up(Wanted(ports=(18777,))) == ends
    assert tunnel.wait(20).state == "connected"
    assert time.monotonic() - begun < 5  # by itself it would be 16 s


def test_the_laptop_sleeps(tunnel: Tunnel) -> None:
    asleep = processes(tunnel)
    for one in asleep:
        os.kill(one.pid, signal.SIGSTOP)
    try:
        CLOCK.sleep(30)
    finally:
        for one in asleep:
            os.kill(one.pid, signal.SIGCONT)
    assert back(tunnel, "30 s of sleep") < 10
    assert tunnel.state().restarts == 0


def test_the_cable_is_cut(machine: Host, tunnel: Tunnel) -> None:
    inside = ["exec", machine.name, "iptables"]
    for rule in CUT:
        docker(*inside, "-I", *rule.split())
    try:
        noticed = until(tunnel, lambda state: state == "reconnecting", 30)
        since = tunnel.state().since
        assert since is not None
        assert not works(tunnel.ends)
        wait_until(lambda: tunnel.state().restarts > 0, clock=CLOCK, deadline=60, every=0.5, what="a new try")
        print(f"cut: noticed after {noticed:.1f} s: {tunnel.state()}")
        assert tunnel.state().since == since
        assert noticed < 10
    finally:
        for rule in CUT:
            docker(*inside, "-D", *rule.split())
    assert back(tunnel, "the cable was mended") < 15


def test_the_host_boots_again(machine: Host, tunnel: Tunnel) -> None:
    place = tunnel.host.address
    machine.reboot()
    assert outside(machine, Path("/")).address == place, "the test needs a machine that keeps its address"
    assert back(tunnel, "the boot was over") < 15
    assert tunnel.state().restarts > 0
