"""Which ends a tunnel has, and the line of OpenSSH that holds it."""

from collections.abc import Mapping

import pytest
from hypothesis import given
from hypothesis import strategies as st

from swarmctl.core.applying import problems as refusals
from swarmctl.core.hosts import NO_CONFIG, Host
from swarmctl.core.program import SupervisorConfig
from swarmctl.core.tunnel import Ends, Wanted, command, local_ports, problems, program, read_ends, service
from swarmctl.errors import SpecError

HOST = Host("slot-0", "203.0.113.7", 41234, key="/k/id", known_hosts="/k/keys", config=NO_CONFIG)


def anything(_: int) -> bool:
    return True


@pytest.mark.parametrize(
    ("ports", "before", "busy", "expected"),
    [
        ((8080, 9000), {}, (), {8080: 8080, 9000: 9000}),
        ((8080,), {8080: 31000}, (), {8080: 31000}),
        ((8080,), {8080: 31000}, (31000,), {8080: 8080}),
        ((8080, 8081), {8080: 8081}, (), {8080: 8081, 8081: None}),
        ((8080,), {}, (8080,), {8080: None}),
        ((22, 80), {}, (), {22: None, 80: None}),
        ((8080, 8080), {}, (), {8080: 8080}),
        ((), {8080: 8080}, (), {}),
    ],
)
def test_a_port_is_the_one_before_or_the_same_number_or_another(
    ports: tuple[int, ...], before: Mapping[int, int], busy: tuple[int, ...], expected: Mapping[int, int | None]
) -> None:
    found = local_ports("demo/slot-0", ports, before, lambda port: port not in busy)
    assert found.keys() == expected.keys()
    assert all(found[there] == here for there, here in expected.items() if here is not None)
    assert all(21000 <= found[there] < 32000 for there, here in expected.items() if here is None)


Port = st.integers(1, 65535)


@given(st.lists(Port, max_size=30), st.dictionaries(Port, Port, max_size=30), st.sets(Port, max_size=30))
def test_no_two_ports_meet_and_none_is_taken(ports: list[int], before: dict[int, int], busy: set[int]) -> None:
    found = local_ports("demo/slot-0", ports, before, lambda port: port not in busy)
    assert set(found) == set(ports)
    assert len(set(found.values())) == len(found)
    assert not busy & set(found.values())
    assert local_ports("demo/slot-0", ports, found, lambda port: port not in busy) == found


def test_where_no_port_is_left_it_says_so() -> None:
    with pytest.raises(ValueError, match="no free port"):
        local_ports("demo/slot-0", (8080,), {}, lambda _: False)


def test_the_line_forwards_to_loopback_only_and_takes_a_pinned_key_only() -> None:
    words = command(HOST, Wanted(ports=(8080,)), Ends("/s/docker", {8080: 18080}), "/s/ctl")
    assert words[0] == "ssh"
    assert words[-3:] == ("-p", "41234", "root@203.0.113.7")
    ways = [words[at + 1] for at, word in enumerate(words) if word == "-L"]
    assert ways == ["127.0.0.1:18080:127.0.0.1:8080", "/s/docker:/var/run/docker.sock"]
    settings = [words[at + 1] for at, word in enumerate(words) if word == "-o"]
    first = {setting.split("=")[0]: setting for setting in reversed(settings)}  # OpenSSH takes the first of each
    assert first["StrictHostKeyChecking"] == "StrictHostKeyChecking=yes"
    assert first["ExitOnForwardFailure"] == "ExitOnForwardFailure=yes"
    assert first["ServerAliveInterval"] == "ServerAliveInterval=5"
    assert first["ForwardAgent"] == "ForwardAgent=no"
    assert first["ControlPersist"] == "ControlPersist=no"


def test_without_a_docker_there_is_no_socket() -> None:
    assert "-L" not in command(HOST, Wanted(docker=""), Ends(), "/s/ctl")
    assert Ends().docker_host == ""
    assert Ends("/s/docker").docker_host == "unix:///s/docker"


def test_the_users_own_port_and_keys_are_left_to_his_settings() -> None:
    words = command(Host("slot-0", "gpu1"), Wanted(), Ends(), "/s/ctl")
    assert "-p" not in words
    assert not any(word.startswith("StrictHostKeyChecking") for word in words)


def test_a_host_that_cannot_be_used_has_no_line() -> None:
    with pytest.raises(SpecError):
        command(Host("slot-0", "-oProxyCommand=x"), Wanted(), Ends(), "/s/ctl")


def test_a_supervisor_takes_the_program_and_its_surroundings_restart_nothing() -> None:
    one = program("demo", "slot-0", "0a1b2c3d", ("ssh", "x"), {"SSH_AUTH_SOCK": "/run/1"})
    other = program("demo", "slot-0", "0a1b2c3d", ("ssh", "x"), {"SSH_AUTH_SOCK": "/run/2"})
    assert one.hash == other.hash != program("demo", "slot-0", "0a1b2c3d", ("ssh", "y"), {}).hash
    assert refusals(SupervisorConfig("demo", "/s", "/l", (one,))) == []


@pytest.mark.parametrize("slot", ["", "../x", "a b", "a/b", "a\n", "x" * 64])
def test_a_slot_that_is_no_name(slot: str) -> None:
    with pytest.raises(ValueError, match="no name of a slot"):
        service(slot)


@pytest.mark.parametrize(
    "wanted", [Wanted(ports=(0,)), Wanted(ports=(65536,)), Wanted(ports=(-1,)), Wanted(ports=("80",)),
               Wanted(docker="relative"), Wanted(docker="/a:b"), Wanted(docker="/a %h")]  # type: ignore[arg-type]
)  # fmt: skip
def test_what_cannot_be_forwarded_is_said(wanted: Wanted) -> None:
    assert len(problems(wanted)) == 1
    assert problems(Wanted(ports=(1, 65535))) == []


def test_ends_are_read_back_and_nonsense_is_none() -> None:
    ends = Ends("/s/docker", {8080: 18080})
    assert read_ends(ends.as_json()) == ends
    for odd in (None, [], "x", {"ports": [], "docker": 3}, {"ports": {"x": 1, "1": "y"}}):
        assert read_ends(odd) == Ends()
