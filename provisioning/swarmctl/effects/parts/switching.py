"""Keeps the switchboard of a swarm over several hosts: the program here through which its hosts talk to each other."""

import os
import sys
from collections.abc import Mapping
from typing import Any

from swarmctl import __version__
from swarmctl.core.labels import HASH, HOME, SERVICE, SWARM
from swarmctl.core.parts.names import part_name
from swarmctl.core.parts.partspec import MODEL, RELAY
from swarmctl.core.parts.together import routes, server_of
from swarmctl.core.program import Program
from swarmctl.core.record import SwarmRecord
from swarmctl.core.stack import config_hash
from swarmctl.effects import files
from swarmctl.effects.hosts.keeper import Keeper
from swarmctl.effects.world import World
from swarmctl.errors import LeakError

NAME = "switchboard"
_FILE = "switchboard.json"
_HOLD = ("python3", "-P", "-m", "swarmctl.agent.relay", "--line")
_KEPT = ("PATH", "HOME", "DOCKER_HOST", "DOCKER_CONTEXT", "DOCKER_CONFIG", "DOCKER_CERT_PATH", "DOCKER_TLS_VERIFY")


def switch(swarm: str, parts: Mapping[str, SwarmRecord], world: World) -> None:
    """Have it kept from now on, as the parts are now; the same again changes nothing. parts: by slot.

    Raises DeployError where no supervisor comes up, HostError.
    """
    root = world.places(swarm).root
    lines = {slot: line for slot, one in parts.items() if (line := _line(swarm, slot, one, world))}
    config = {"ports": _ports(parts), "lines": lines}
    files.write_json(root / _FILE, config)
    kept = Keeper(swarm, root, world.clock)
    argv = (sys.executable, "-P", "-m", "swarmctl.agent.switchboard", str(root / _FILE))
    made = config_hash({"argv": argv, "config": config, "version": __version__})
    labels = {SWARM: swarm, SERVICE: NAME, HOME: kept.runtime.home, HASH: made}
    with kept.alone():
        kept.keep(Program(NAME, "exec", argv, labels, made, stop_grace=3.0))


def unswitch(swarm: str, world: World) -> None:
    """It is kept no more. Raises LeakError where the program cannot be ended."""
    kept = Keeper(swarm, world.places(swarm).root, world.clock)
    if not any(one.name == NAME for one in kept.programs()):
        return
    with kept.alone():
        if left := kept.leave(NAME, "the switchboard to end"):
            pids = ", ".join(str(one.pid) for one in left)
            raise LeakError(f"the switchboard of '{swarm}' still runs (pid {pids})", hint=f"kill -9 {pids}")


def trouble(swarm: str, world: World) -> dict[str, str]:
    """What is to be said of each slot's line, in a sentence; none of those that stand."""
    kept = Keeper(swarm, world.places(swarm).root, world.clock)
    one = kept.status(NAME)
    wanted = (files.read_json(world.places(swarm).root / _FILE) or {}).get("lines", {})
    if one is None or one.pid is None:
        why = "its switchboard does not run" + (f" ({one.last_exit})" if one and one.last_exit else "")
        return dict.fromkeys(wanted, f"agents of other hosts are not reached: {why}")
    told = files.read_json(world.places(swarm).root / f"{_FILE}.state") or {}
    return {
        slot: f"agents of other hosts are not reached: {said}"
        for slot in wanted
        if (said := str(told.get(slot, "not connected yet")))
    }


def _ports(parts: Mapping[str, SwarmRecord]) -> dict[str, int]:
    """Where each agent, and each model that some part has a way to, is reached here."""
    models = {name for _, name, _ in routes(parts) if name.startswith(MODEL)}
    servers = {name: found for name in models if (found := server_of(name.removeprefix(MODEL), parts))}
    ports = {name: parts[slot].ports[server] for name, (slot, server) in servers.items()}
    return ports | {
        service.subject: one.ports[service.name]
        for one in parts.values()
        for service in one.services
        if service.kind == "agent" and service.name in one.ports
    }


def _line(swarm: str, slot: str, record: SwarmRecord, world: World) -> dict[str, Any] | None:
    """What holds the line of one part; None for one that talks to nobody."""
    stack = next((stack for stack in record.stacks if any(s.kind == RELAY for s in stack.services)), None)
    if stack is None:
        return None
    env = {name: os.environ[name] for name in _KEPT if name in os.environ}
    if engine := world.connection(part_name(swarm, slot)).shell.docker:
        env = {name: value for name, value in env.items() if not name.startswith("DOCKER_")} | {"DOCKER_HOST": engine}
    return {"argv": ["docker", "exec", "-i", f"{stack.project}-{RELAY}-1", *_HOLD], "env": env}
