"""The host's wall, with real rules and a real bridge: closed, still closed, opened by the swarm's name alone."""

import os
import shutil
import subprocess
from collections.abc import Iterator

import pytest

from fakes.grounded import docker, stands
from swarmctl.effects import hostwall
from swarmctl.errors import HostError

SWARM = f"walltest{os.getpid()}"


def rules() -> str:
    """Of both tables, as they are."""
    tools = [tool for tool in ("iptables", "ip6tables") if shutil.which(tool)]
    return "".join(subprocess.run([tool, "-S"], capture_output=True, text=True, check=False).stdout for tool in tools)


@pytest.fixture
def bridge() -> Iterator[str]:
    stands("engine")
    if not hostwall.able():
        pytest.skip("only root can set rules, with iptables")
    number = docker("network", "create", "--label", "swarmctl.test=seal", SWARM).strip()
    try:
        yield f"br-{number[:12]}"
    finally:
        hostwall.open_again(SWARM)
        docker("network", "rm", SWARM)


@pytest.mark.ground
def test_a_bridge_is_closed_once_and_opened_by_name(bridge: str) -> None:
    before = rules()
    assert hostwall.closed(SWARM, bridge) is False
    hostwall.close(SWARM, bridge)
    assert hostwall.closed(SWARM, bridge) is True
    after = rules()
    hostwall.close(SWARM, bridge)
    assert rules() == after, "a second time changes nothing"
    assert hostwall.closed(SWARM, "br-ffffffffffff") is False
    hostwall.open_again(f"{SWARM}x")
    assert rules() == after, "only the rules of that name"
    hostwall.open_again(SWARM)
    assert rules() == before
    hostwall.open_again(SWARM)


@pytest.mark.ground
def test_a_rule_that_another_was_put_before_is_put_first_again(bridge: str) -> None:
    hostwall.close(SWARM, bridge)
    accepting = ("INPUT", "-i", bridge, "-p", "tcp", "--dport", "1", "-j", "ACCEPT")
    subprocess.run(["iptables", "-w", "5", "-I", *accepting], check=True)
    try:
        assert hostwall.closed(SWARM, bridge) is False
        hostwall.close(SWARM, bridge)
        assert hostwall.closed(SWARM, bridge) is True
        assert rules().count(f"-A INPUT -i {bridge} -m comment") <= 2, "one in each table"
    finally:
        subprocess.run(["iptables", "-w", "5", "-D", *accepting], check=True)


def test_whoever_is_not_root_is_told_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    assert hostwall.closed("demo", "br-0") is None
    assert hostwall.rules() == ()
    hostwall.open_again("demo")
    with pytest.raises(HostError, match="cannot be closed"):
        hostwall.close("demo", "br-0")
