"""The wall that a swarm's networks lack: the host, and what is beyond it, closed to a bridge by firewall rules."""

import os
import shutil
from functools import cache

from swarmctl.core.hostrules import Rule, chains, ours, same, stands, wanted
from swarmctl.effects.process import Completed, run
from swarmctl.errors import HostError

_TOOLS = ("iptables", "ip6tables")
_PATIENCE = 15.0


def able() -> bool:
    """This user may set rules here, and there is a tool to do it."""
    return os.geteuid() == 0 and bool(_tools())


def close(swarm: str, bridge: str) -> None:
    """Nobody behind this bridge can begin to talk to the host or through it; a second time changes nothing.

    Published ports and health checks go on: the host begins those. Raises HostError where it cannot be done.
    """
    if not able():
        raise HostError(
            f"the host cannot be closed to {bridge}",
            detail="only root can, with iptables" if os.geteuid() else "no iptables answers",
            hint="sudo apt install iptables, or Docker Engine 28 or newer",
        )
    for tool in _tools():
        listing = _listing(tool)
        for rule in wanted(swarm, bridge, chains(listing)):
            if stands(listing, rule):
                continue
            for found in (one for one in ours(listing, swarm) if same(one, rule)):
                _do(tool, "-D", found)  # it is behind one that lets the bridge through
            _do(tool, "-I", rule)


def open_again(swarm: str) -> None:
    """Takes away every rule of a swarm, found by its comment alone; none is no fault. Raises HostError."""
    for tool in _tools() if able() else ():
        for rule in ours(_listing(tool), swarm):
            _do(tool, "-D", rule)


def closed(swarm: str, *bridges: str) -> bool | None:
    """Host and world are closed to these bridges; None where that cannot be told: not root, or no iptables."""
    if not able():
        return None
    return all(
        stands(listing, rule)
        for listing in map(_listing, _tools())
        for bridge in bridges
        for rule in wanted(swarm, bridge, chains(listing))
    )


def rules() -> tuple[str, ...]:
    """Every rule of the host's filter table, of IPv4; empty where it cannot be read."""
    return tuple(_run(_TOOLS[0], "-S").stdout.splitlines()) if able() else ()


@cache
def _tools() -> tuple[str, ...]:
    """Those of the two that are here and work; without IPv4's there is no wall."""
    found = [tool for tool in _TOOLS if shutil.which(tool) and _run(tool, "-S", "INPUT").code == 0]
    return tuple(found) if _TOOLS[0] in found else ()


def _listing(tool: str) -> list[str]:
    done = _run(tool, "-S")
    if done.code:
        raise HostError(f"{tool} does not list its rules", detail=done.stderr.strip()[:300], hint=f"sudo {tool} -S")
    return done.stdout.splitlines()


def _do(tool: str, action: str, rule: Rule) -> None:
    done = _run(tool, action, rule.chain, *rule.words)
    if done.code:
        raise HostError(f"{tool} refuses a rule", detail=f"{' '.join(rule.words)}\n{done.stderr.strip()[:300]}")


def _run(tool: str, *words: str) -> Completed:
    """Waits while somebody else holds the table."""
    return run((tool, "-w", "5", *words), timeout=_PATIENCE, check=False)
