"""A machine that boots: which of its addresses wins, what is said meanwhile, and when waiting ends."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from fakes.grounded import docker, stands
from fakes.hosts import host
from fakes.reached import Hurried, closed_port, listener, nobody, passage, there
from swarmctl.core.leasing.lease import Address
from swarmctl.effects.clock import SystemClock
from swarmctl.effects.hosts.reach import reach
from swarmctl.effects.hosts.sshsaid import ChangedKeyError
from swarmctl.errors import HostError


@pytest.fixture
def ports() -> Iterator[tuple[int, int]]:
    """One where nobody listens, and one that hangs up."""
    with listener(b"") as odd:
        yield closed_port(), odd


def test_each_address_is_tried_and_what_is_wrong_is_said_once(tmp_path: Path, ports: tuple[int, int]) -> None:
    found = [Address("127.0.0.1", ports[0]), Address("127.0.0.1", ports[1], "proxy")]
    said: list[str] = []
    clock = Hurried()
    with pytest.raises(HostError) as caught:
        reach(nobody(tmp_path, 1), lambda: found, tmp_path, said.append, clock=clock, seconds=7)
    assert len(said) == 1
    assert f"slot-0: 127.0.0.1:{ports[0]} refuses the connection: no SSH listens there; " in said[0]
    assert f"; 127.0.0.1:{ports[1]} hangs up before SSH begins" in said[0]
    assert caught.value.message.startswith("slot-0 cannot be reached within 7 s: 127.0.0.1")
    assert "Connection refused" in caught.value.detail
    assert caught.value.hint.startswith("ssh ")
    assert sum(clock.slept) == 7


def test_addresses_may_come_late(tmp_path: Path, ports: tuple[int, int]) -> None:
    found: list[Address] = []
    said: list[str] = []
    clock = Hurried(lambda: found or clock.at < 5 or found.append(Address("127.0.0.1", ports[0])))
    with pytest.raises(HostError, match="refuses"):
        reach(nobody(tmp_path, 1), lambda: found, tmp_path, said.append, clock=clock, seconds=10)
    assert said[0] == "slot-0: no address of it is known yet"
    assert said[1:] == [f"slot-0: 127.0.0.1:{ports[0]} refuses the connection: no SSH listens there"]


def test_where_none_ever_comes_it_says_so(tmp_path: Path) -> None:
    with pytest.raises(HostError, match="within 4 s: no address of it is known yet"):
        reach(nobody(tmp_path, 1), list, tmp_path, str, clock=Hurried(), seconds=4)


def test_a_name_that_nobody_knows_is_not_waited_for(tmp_path: Path) -> None:
    clock, found = Hurried(), [Address("no..host", 22)]
    with pytest.raises(HostError, match="is no name that can be looked up"):
        reach(nobody(tmp_path, 1), lambda: found, tmp_path, str, clock=clock, seconds=600)
    assert clock.slept == []


def test_a_name_that_nobody_knows_does_not_stand_in_the_way_of_another_address(
    tmp_path: Path, ports: tuple[int, int]
) -> None:
    clock, found = Hurried(), [Address("no..host", 22, "proxy"), Address("127.0.0.1", ports[0])]
    with pytest.raises(HostError, match=r"within 6 s: no\.\.host is no name that can be looked up; "):
        reach(nobody(tmp_path, 1), lambda: found, tmp_path, str, clock=clock, seconds=6)
    assert sum(clock.slept) == 6


@pytest.mark.slow
@pytest.mark.ground
def test_a_key_that_is_pinned_under_a_name_is_demanded_at_every_address(tmp_path: Path) -> None:
    stands("engine", "host-container")
    with host("container") as machine, passage(machine.port) as port:
        target = replace(there(machine, tmp_path), alias="vast-7")
        first, other = [Address("127.0.0.1", machine.port)], [Address("127.0.0.1", port)]

        def met(at: list[Address]) -> None:
            with reach(target, lambda: at, tmp_path / "s", str, clock=SystemClock(), seconds=20).line as line:
                assert line.run(["echo", "here"], seconds=5).stdout == "here\n"

        met(first)
        pinned = Path(target.known_hosts).read_text()
        met(other)
        assert Path(target.known_hosts).read_text() == pinned, "no second key is believed"
        docker("exec", machine.name, "sh", "-c", "rm /etc/ssh/ssh_host_*; ssh-keygen -A; kill -HUP 1")
        with pytest.raises(ChangedKeyError, match="another machine answers") as caught:
            met(other)
        assert [line.split(":")[0] for line in caught.value.detail.splitlines()[-2:]] == ["pinned", "met"]
        assert "ssh-keygen -R vast-7 -f " in caught.value.hint


@pytest.mark.slow
@pytest.mark.ground
def test_the_address_that_answers_wins_and_another_machine_never_does(tmp_path: Path) -> None:
    stands("engine", "host-container")
    with host("container") as machine:
        target = there(machine, tmp_path)
        found = [Address("127.0.0.1", closed_port()), Address("127.0.0.1", machine.port, "proxy")]
        docker("stop", "-t", "0", machine.name)
        said: list[str] = []

        class Booting(SystemClock):
            def sleep(self, seconds: float) -> None:
                if len(docker("ps", "-q", "--filter", f"name={machine.name}")) == 0:
                    docker("start", machine.name)
                    at = int(docker("port", machine.name, "22").split()[0].rpartition(":")[2])
                    found[1] = Address("127.0.0.1", at, "proxy")
                super().sleep(min(seconds, 0.2))

        done = reach(target, lambda: found, tmp_path / "s", said.append, clock=Booting(), seconds=60)
        with done.line as line:
            assert (done.address.kind, done.line.host.port) == ("proxy", found[1].port)
            assert line.run(["echo", "here"], seconds=5).stdout == "here\n"
        assert said
        assert 0 < done.seconds < 30

        docker("exec", machine.name, "sh", "-c", "rm /etc/ssh/ssh_host_*; ssh-keygen -A; kill -HUP 1")
        with pytest.raises(HostError, match="another machine answers"):
            reach(target, lambda: found[1:], tmp_path / "s", str, clock=Booting(), seconds=20)
