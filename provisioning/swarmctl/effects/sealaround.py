"""What is around a swarm's containers: addresses that must be away, other swarms, and this host's own listener."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from swarmctl.core.composesite import AGENT_PORT
from swarmctl.core.labels import SWARM
from swarmctl.core.sealsight import Around, Listener, Seen
from swarmctl.effects import sealprobe
from swarmctl.effects.dockerapi import Ask
from swarmctl.effects.seallistener import addresses
from swarmctl.errors import HostError

_MOST_OTHERS = 12


@dataclass(frozen=True, slots=True)
class Reach:
    """Addresses that nobody in a container may reach: of the world, and those at which clouds hand out credentials."""

    outside: tuple[tuple[str, int], ...] = (("1.1.1.1", 443), ("8.8.8.8", 53), ("2606:4700:4700::1111", 443))
    metadata: tuple[tuple[str, int], ...] = (
        ("169.254.169.254", 80), ("169.254.170.2", 80), ("100.100.100.200", 80), ("fd00:ec2::254", 80),
    )  # fmt: skip
    names: tuple[str, ...] = ("example.com",)
    control: bool = False
    """This host itself knocks at the world, too: only where that is a stand-in, nobody else is to hear of a seal."""


def look_around(swarm: str, ask: Ask, reach: Reach, seen: Sequence[Seen], port: int) -> Around:
    """What is tried, and what of that this host itself reaches. port: of the listener here. Raises HostError."""
    others = _others(swarm, ask, seen)
    neighbours = [(one, AGENT_PORT) for s in seen if s.kind == "agent" for one in sorted(s.addresses)][:2]
    mine = [(one, port) for one in addresses()]
    tried = [*(reach.outside if reach.control else ()), *others, *mine]
    lines = sealprobe.connections({"tcp": tried, "udp": []})
    reached = frozenset(target for _, target, result in lines if result == "reached")
    return Around(
        outside=_shown(reach.outside),
        metadata=_shown(reach.metadata),
        others=_shown(others),
        neighbours=_shown(neighbours),
        reached=reached,
        listener=Listener(_shown(mine), trouble=_deaf(seen, _shown(mine), reached)),
    )


def _shown(targets: Sequence[tuple[str, int]]) -> tuple[str, ...]:
    return tuple(sealprobe.shown(host, port) for host, port in targets)


def _deaf(seen: Sequence[Seen], mine: Sequence[str], reached: frozenset[str]) -> str:
    """Why a listener of this machine proves nothing for these containers."""
    if not set(mine) & reached:
        return "this host does not reach its own listener"
    gates = {str(config.get("Gateway")) for s in seen for n in s.networks for config in _configs(n)} - {"None", ""}
    here = {target.rpartition(":")[0].strip("[]") for target in mine}
    return "the containers are on another machine" if gates and not gates & here else ""


def _configs(network: Mapping[str, Any]) -> list[dict[str, Any]]:
    return list((network.get("IPAM") or {}).get("Config") or ())


def _others(swarm: str, ask: Ask, seen: Sequence[Seen]) -> list[tuple[str, int]]:
    """A port of some containers that stand on networks of this Engine that are not ours; other swarms' first."""
    ours = {one.id for one in seen}
    rows = [row for row in ask("/networks") if row.get("Driver") == "bridge"]
    labels = {str(row["Id"]): (row.get("Labels") or {}).get(SWARM, "") for row in rows}
    found: list[tuple[str, int]] = []
    for number in sorted(labels, key=lambda number: not labels[number]):
        if labels[number] == swarm:
            continue
        try:
            there = ask(f"/networks/{number}").get("Containers") or {}
            found += [
                (address, _port(ask, key)) for key, end in there.items() if key not in ours and (address := _v4(end))
            ]
        except HostError:
            continue  # it went while we looked
    return found[:_MOST_OTHERS]


def _v4(end: Mapping[str, Any]) -> str:
    return str(end.get("IPv4Address") or "").partition("/")[0]


def _port(ask: Ask, container: str) -> int:
    raw = ask(f"/containers/{container}/json")
    exposed = [key.partition("/")[0] for key in (raw.get("Config") or {}).get("ExposedPorts") or () if "/tcp" in key]
    return int(exposed[0]) if exposed and exposed[0].isdigit() else AGENT_PORT
