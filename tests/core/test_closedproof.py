"""What can be reached from outside, by value."""

from typing import Any

import pytest

from swarmctl.core.closedproof import listening_proof, loopback, publishing_proof


def inspected(*bound: str, mode: str = "net", made: bool = True) -> dict[str, Any]:
    """`docker inspect` with ports as `address:port` in force, or only as it was made."""
    rows = {
        f"{n}/tcp": [{"HostIp": b.rpartition(":")[0], "HostPort": b.rpartition(":")[2]}] for n, b in enumerate(bound)
    }
    empty: dict[str, Any] = {"80/tcp": None}
    return {
        "NetworkSettings": {"Ports": empty if made else rows},
        "HostConfig": {"NetworkMode": mode, "PortBindings": rows if made else {}},
    }


@pytest.mark.parametrize(
    ("engine", "door", "verdict"),
    [
        (inspected(), inspected("127.0.0.1:22131"), "pass"),
        (inspected(), inspected("127.0.0.1:22131", "::1:22131"), "pass"),
        (inspected(), inspected(), "pass"),
        (inspected(), inspected("0.0.0.0:22131"), "fail"),
        (inspected(), inspected("0.0.0.0:22131", made=False), "fail"),
        (inspected(), inspected(":22131"), "fail"),
        (inspected(), inspected("127.0.0.1:22131", "192.0.2.7:22131"), "fail"),
        (inspected("127.0.0.1:11434"), inspected(), "fail"),
        (inspected(mode="host"), inspected(), "fail"),
        ({}, {}, "pass"),
    ],
)
def test_published(engine: dict[str, Any], door: dict[str, Any], verdict: str) -> None:
    proof = publishing_proof("demo", {"ollama": engine, "forwarder": door}, frozenset(("forwarder",)))
    assert proof.verdict == verdict
    assert publishing_proof("demo", {}, frozenset()).verdict == "unknown"


@pytest.mark.parametrize(
    ("rows", "verdict"),
    [
        ([("127.0.0.1", 1), ("127.0.0.1", 2)], "pass"),
        ([("127.0.0.1", 1), ("::1", 2), ("0.0.0.0", 22)], "pass"),
        ([("127.0.0.1", 1), ("0.0.0.0", 2)], "fail"),
        ([("127.0.0.1", 1), ("127.0.0.1", 2), ("::", 2)], "fail"),
        ([("127.0.0.1", 1)], "fail"),
        (None, "unknown"),
    ],
)
def test_listening(rows: list[tuple[str, int]] | None, verdict: str) -> None:
    assert listening_proof("demo", {"ollama": 1, "agent-docs": 2}, rows).verdict == verdict


def test_addresses() -> None:
    assert [loopback(word) for word in ("127.0.0.5", "::1", "::1%lo", "localhost", "0.0.0.0", "", "name")] == [
        True, True, True, True, False, False, False,
    ]  # fmt: skip
