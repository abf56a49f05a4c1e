"""Listening off loopback is found, in a process and in its children."""

import os
import socket
import subprocess
import sys

import psutil
import pytest

from swarmctl.effects.engines.sockets import loopback_proof

LISTEN = "import socket,sys; s=socket.create_server((sys.argv[1],0)); print('up',flush=True); sys.stdin.read()"


@pytest.mark.parametrize(("address", "verdict"), [("127.0.0.1", "pass"), ("0.0.0.0", "fail")])
def test_a_child_is_looked_at_too(address: str, verdict: str) -> None:
    child = subprocess.Popen(
        [sys.executable, "-c", LISTEN, address], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    try:
        assert child.stdout is not None
        assert child.stdout.readline() == "up\n"
        proof = loopback_proof("demo", {"supervisor": os.getpid()})
        assert proof.verdict == verdict
        assert verdict == "pass" or "supervisor on 0.0.0.0:" in proof.measured
    finally:
        child.communicate("")


def test_an_open_udp_socket_counts_and_a_connected_one_does_not() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as udp:
        udp.bind(("0.0.0.0", 0))
        assert loopback_proof("demo", {"x": os.getpid()}).verdict == "fail"
        udp.connect(("127.0.0.1", 9))
        assert loopback_proof("demo", {"x": os.getpid()}).verdict == "pass"


def test_what_may_not_be_looked_at_is_unknown(monkeypatch: pytest.MonkeyPatch) -> None:
    def denied(self: psutil.Process, kind: str = "inet") -> list[object]:
        raise psutil.AccessDenied(self.pid)

    monkeypatch.setattr(psutil.Process, "net_connections", denied)
    proof = loopback_proof("demo", {"engine-x": os.getpid()})
    assert (proof.verdict, proof.evidence) == ("unknown", f"engine-x (pid {os.getpid()}): AccessDenied")


def test_no_process_is_unknown() -> None:
    assert loopback_proof("demo", {}).verdict == "unknown"
    assert loopback_proof("demo", {"gone": max(psutil.pids()) + 100_000}).verdict == "unknown"
