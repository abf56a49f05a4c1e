"""A tunnel that swarmctl keeps: up, seen, changed, shared by slots, down; and the ways in which it cannot be."""

import fcntl
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import astuple, replace
from pathlib import Path

import psutil
import pytest

from fakes.alive import alive
from fakes.grounded import docker, stands
from fakes.hosts import Host, host
from fakes.playing import address, open_ports
from fakes.reached import Hurried, closed_port, nobody, there
from swarmctl.core.tunnel import Wanted
from swarmctl.effects.clock import SystemClock, wait_until
from swarmctl.effects.hosts.tunnel import Tunnel, tunnels
from swarmctl.errors import HostError, SpecError


def test_before_it_is_up_it_is_down_and_down_again_is_nothing(tmp_path: Path) -> None:
    tunnel = Tunnel("demo", "slot-0", nobody(tmp_path, 1), tmp_path / "demo")
    assert tunnel.state().state == "down"
    tunnel.down()
    assert tunnels(tmp_path / "demo") == []


def test_what_cannot_be_is_refused_before_anything_happens(tmp_path: Path) -> None:
    with pytest.raises(SpecError):
        Tunnel("demo", "../x", nobody(tmp_path, 1), tmp_path / "demo")
    tunnel = Tunnel("demo", "slot-0", nobody(tmp_path, 1), tmp_path / "demo")
    with pytest.raises(SpecError, match="70000 is no port"):
        tunnel.up(Wanted(ports=(70000,)))
    assert not list((tmp_path / "demo").rglob("*.json"))


def test_a_host_that_was_never_reached_must_answer_first(tmp_path: Path) -> None:
    tunnel = Tunnel("demo", "slot-0", nobody(tmp_path, closed_port()), tmp_path / "demo")
    with pytest.raises(HostError, match="refuses the connection"):
        tunnel.up(Wanted())
    assert tunnel.state().state == "down"


def test_tunnels_of_a_swarm_are_told_of_one_at_a_time(tmp_path: Path) -> None:
    tunnel = Tunnel("demo", "slot-0", nobody(tmp_path, 1), tmp_path / "demo", Hurried())
    (tmp_path / "demo" / "tunnels").mkdir(parents=True, exist_ok=True)
    with (tmp_path / "demo" / "tunnels" / "lock").open("w") as other:
        fcntl.flock(other, fcntl.LOCK_EX)
        with pytest.raises(HostError, match=r"waited 30 s for .*lock"):
            tunnel.down()
    tunnel.down()


@pytest.mark.slow
def test_a_host_that_is_away_is_tried_again_and_said(tmp_path: Path) -> None:
    port = closed_port()
    (tmp_path / "keys").write_text(f"[127.0.0.1]:{port} ssh-ed25519 AAAA\n")
    tunnel = Tunnel("demo", "slot-0", nobody(tmp_path, port), tmp_path / "demo")
    try:
        tunnel.up(Wanted())
        with pytest.raises(HostError, match="waited 1 s for the tunnel to slot-0"):
            tunnel.wait(1)
        assert tunnel.state().state == "reconnecting"
        with pytest.raises(HostError, match=f"127.0.0.1:{port} refuses the connection"):
            tunnel.wait(15)
        assert tunnel.state().words == f"127.0.0.1:{port} refuses the connection: no SSH listens there"
        assert tunnels(tmp_path / "demo") == ["slot-0"]
    finally:
        tunnel.down()
    assert not tunnel._runtime.labelled(helpers=True)


@pytest.fixture(scope="module")
def machine() -> Iterator[Host]:
    stands("engine", "host-vm")
    with host("vm") as made:
        yield made


def banner(port: int) -> bytes:
    with socket.create_connection(("127.0.0.1", port), 5) as line:
        line.settimeout(5)
        try:
            return line.recv(7)
        except OSError:
            return b""


def listens(port: int) -> socket.socket | None:
    try:
        return socket.create_server(("127.0.0.1", port))
    except OSError:
        return None


def the_ssh(tunnel: Tunnel) -> list[int]:
    return [one.pid for one in alive(one.pid for one in tunnel._runtime.labelled()) if one.name == "ssh"]


@pytest.mark.ground
@pytest.mark.slow
def test_up_seen_changed_and_down(machine: Host, tmp_path: Path) -> None:
    tunnel = Tunnel("demo", "slot-0", there(machine, tmp_path), tmp_path / "demo")
    try:
        ends = tunnel.up(Wanted(ports=(22,)))
        seen = tunnel.wait(20)
        assert (seen.state, seen.restarts) == ("connected", 0)
        assert seen.since is not None
        assert banner(ends.ports[22]) == b"SSH-2.0"
        assert docker("-H", ends.docker_host, "info", "-f", "{{.Name}}").strip() == machine.name
        assert Path(ends.docker).stat().st_mode & 0o077 == 0

        before = the_ssh(tunnel)
        assert len(before) == 1
        assert tunnel.up(Wanted(ports=(22,))) == ends
        assert Tunnel("demo", "slot-0", there(machine, tmp_path), tmp_path / "demo").state() == tunnel.state()
        assert the_ssh(tunnel) == before

        more = tunnel.up(Wanted(ports=(22, 2375)))
        assert more.ports[22] == ends.ports[22]
        assert tunnel.wait(20).restarts == 0
        assert the_ssh(tunnel) != before
        assert banner(more.ports[22]) == b"SSH-2.0"
        assert banner(more.ports[2375]) == b""
        assert tunnel.state().state == "connected"
    finally:
        tunnel.down()
    assert tunnel.state().state == "down"
    assert not tunnel._runtime.labelled(helpers=True)
    left = [path for path in (tmp_path / "demo").rglob("*") if path.is_socket()]
    assert left == []
    with pytest.raises(ConnectionRefusedError):
        banner(ends.ports[22])


SCRIPT = """
import os, sys
from pathlib import Path
from swarmctl.core.hosts import Host
from swarmctl.core.tunnel import Wanted
from swarmctl.effects.hosts.tunnel import Tunnel
Tunnel("demo", "slot-0", Host(*eval(sys.argv[1])), Path(sys.argv[2])).up(Wanted(ports=(22,)))
os.kill(os.getpid(), 9)
"""


@pytest.mark.ground
@pytest.mark.slow
def test_it_outlives_the_command_and_opens_nothing_to_others(machine: Host, tmp_path: Path) -> None:
    target = there(machine, tmp_path)
    tunnel = Tunnel("demo", "slot-0", target, tmp_path / "demo")
    machine.ssh(["systemd-run", "-q", "python3", "-m", "http.server", "--bind", "127.0.0.1", "18777"])
    try:
        argv = [sys.executable, "-c", SCRIPT, repr(astuple(target)), str(tmp_path / "demo")]
        assert subprocess.run(argv, check=False).returncode == -9
        assert tunnel.wait(20).state == "connected"
        assert banner(tunnel.ends.ports[22]) == b"SSH-2.0"
        listening = [
            one for one in psutil.Process(the_ssh(tunnel)[0]).net_connections("inet") if one.status == "LISTEN"
        ]
        assert {one.laddr.ip for one in listening} == {"127.0.0.1"}
        assert [one.laddr.port for one in listening] == list(tunnel.ends.ports.values())
        assert open_ports(address(machine), [*range(1, 1025), 2375, 18777]) == [22]
    finally:
        tunnel.down()


@pytest.mark.ground
@pytest.mark.slow
def test_a_port_that_is_taken_here_gets_another_and_one_lost_to_somebody_is_mended_by_up(
    machine: Host, tmp_path: Path
) -> None:
    tunnel = Tunnel("demo", "slot-0", there(machine, tmp_path), tmp_path / "demo")
    with ExitStack() as after:
        after.callback(tunnel.down)
        other = after.enter_context(socket.create_server(("127.0.0.1", 0)))
        taken = other.getsockname()[1]
        first = tunnel.up(Wanted(docker="", ports=(taken,)))
        assert first.ports[taken] != taken
        tunnel.wait(20)

        (keeper,) = {one.pid for one in tunnel._runtime.labelled()} - set(the_ssh(tunnel))
        os.kill(keeper, signal.SIGSTOP)  # it would begin another in half a second
        os.kill(the_ssh(tunnel)[0], signal.SIGKILL)
        with wait_until(
            lambda: listens(first.ports[taken]), clock=SystemClock(), deadline=10, every=0.005, what="the port"
        ):
            os.kill(keeper, signal.SIGCONT)
            with pytest.raises(HostError, match="a forwarded port is taken on this machine"):
                tunnel.wait(20)
            second = tunnel.up(Wanted(docker="", ports=(taken,)))
            assert second.ports[taken] not in {taken, first.ports[taken]}
            assert tunnel.wait(20).state == "connected"


@pytest.mark.ground
@pytest.mark.slow
def test_two_slots_share_a_supervisor_and_none_touches_the_other(machine: Host, tmp_path: Path) -> None:
    state = tmp_path / "demo"
    one = Tunnel("demo", "slot-0", there(machine, tmp_path), state)
    two = Tunnel("demo", "slot-1", there(machine, tmp_path, "slot-1"), state)
    with ExitStack() as after:
        after.callback(two.down)
        after.callback(one.down)
        with ThreadPoolExecutor() as both:
            ends = list(both.map(lambda tunnel: tunnel.up(Wanted(ports=(22, 18777))), (one, two)))
        assert [tunnel.wait(20).state for tunnel in (one, two)] == ["connected", "connected"]
        assert not set(ends[0].ports.values()) & set(ends[1].ports.values())
        assert tunnels(state) == ["slot-0", "slot-1"]
        assert one._runtime.status() == two._runtime.status()
        one.down()
        assert (one.state().state, two.state().state) == ("down", "connected")
        assert two.state().restarts == 0
        assert tunnels(state) == ["slot-1"]
    assert not two._runtime.labelled(helpers=True)


@pytest.mark.ground
@pytest.mark.slow
def test_another_machine_at_its_address_is_refused_and_who_may_not_enter_is_told(machine: Host, tmp_path: Path) -> None:
    target = there(machine, tmp_path)
    make = ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(tmp_path / "other")]
    subprocess.run(make, check=True)
    kind, key, *_ = (tmp_path / "other.pub").read_text().split()
    Path(target.known_hosts).write_text(f"[127.0.0.1]:{machine.port} {kind} {key}\n")
    changed = Tunnel("demo", "slot-0", target, tmp_path / "demo")
    with ExitStack() as after:
        after.callback(changed.down)
        changed.up(Wanted())
        with pytest.raises(HostError, match="another machine answers"):
            changed.wait(20)
        Path(target.known_hosts).unlink()
        changed.up(Wanted())
        assert changed.wait(20).state == "connected"

        stranger = Tunnel("demo", "slot-0", replace(target, key=str(tmp_path / "other")), tmp_path / "demo")
        stranger.up(Wanted())
        with pytest.raises(HostError, match="does not let root in") as caught:
            stranger.wait(20)
        assert caught.value.hint.startswith("ssh-copy-id")
