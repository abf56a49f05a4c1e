"""Judges what other machines could reach: published ports of containers, and sockets of the host."""

import ipaddress
from collections.abc import Mapping, Sequence
from typing import Any

from swarmctl.core.proof import Proof, outcome

_LOOPBACK_NAMES = frozenset(("localhost",))


def published(raw: Mapping[str, Any]) -> list[tuple[str, str]]:
    """`docker inspect` of a container: address and port of the host for every port that it publishes.

    What is in force, and what it was made with, which is in force again after a restart.
    """
    settings = (raw.get("NetworkSettings") or {}).get("Ports") or {}
    bindings = (raw.get("HostConfig") or {}).get("PortBindings") or {}
    rows = [row for ports in (settings, bindings) for rows in ports.values() for row in rows or ()]
    found = {(str(row.get("HostIp") or "0.0.0.0"), str(row.get("HostPort") or "")) for row in rows}  # noqa: S104
    return sorted(found)


def publishing_proof(swarm: str, inspected: Mapping[str, Mapping[str, Any]], doors: frozenset[str]) -> Proof:
    """Only the forwarders publish, and only on loopback; nobody is on the host's own network.

    inspected: `docker inspect` by service. doors: services that may publish.
    """
    name, promised = "API closed from outside", "only forwarders publish, only on loopback"
    wrong, count = list[str](), 0
    for service, raw in sorted(inspected.items()):
        mode = str((raw.get("HostConfig") or {}).get("NetworkMode") or "")
        if mode == "host":
            wrong.append(f"{service} is on the host's own network")
        for address, port in published(raw):
            count += 1
            if service not in doors or not loopback(address):
                wrong.append(f"{service} publishes {address}:{port}")
    if not inspected:
        return Proof(name, swarm, promised, "not seen", "no container of the swarm is there", "unknown")
    measured = "; ".join(wrong) if wrong else f"{count} ports published, all on loopback by {len(doors)} forwarders"
    evidence = f"HostIp in docker inspect of {len(inspected)} containers"
    return Proof(name, swarm, promised, measured, evidence, outcome(not wrong), f"swarmctl up --swarm {swarm}")


def listening_proof(swarm: str, ports: Mapping[str, int], listening: Sequence[tuple[str, int]] | None) -> Proof:
    """The host listens for each service, and on loopback alone. ports: by service. listening: address and port."""
    name, promised = "sockets closed from outside", f"{len(ports)} ports, on loopback alone"
    if listening is None:
        return Proof(name, swarm, promised, "not seen", "the host's sockets cannot be looked at", "unknown")
    mine = {port: service for service, port in ports.items()}
    wide = [
        f"{mine[port]} on {address}:{port}" for address, port in listening if port in mine and not loopback(address)
    ]
    silent = sorted(service for service, port in ports.items() if all(port != other for _, other in listening))
    words = [*wide, *([f"nobody listens for {', '.join(silent)}"] if silent else [])]
    measured = "; ".join(words) if words else promised
    evidence = "listening sockets of the host"
    return Proof(name, swarm, promised, measured, evidence, outcome(not words), f"swarmctl up --swarm {swarm}")


def loopback(address: str) -> bool:
    """Only this machine reaches it."""
    try:
        return ipaddress.ip_address(address.partition("%")[0]).is_loopback
    except ValueError:
        return address in _LOOPBACK_NAMES
