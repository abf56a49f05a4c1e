"""The wall that a swarm's networks lack: the host, and what is beyond it, closed to a bridge by firewall rules."""

from functools import cache

from swarmctl.core.hostrules import Rule, chains, ours, same, stands, wanted
from swarmctl.effects.process import Completed
from swarmctl.effects.shell import HERE, Shell
from swarmctl.errors import HostError

_TOOLS = ("iptables", "ip6tables")
_PATIENCE = 15.0
_TRY = 'exec "$1" -w 5 -S INPUT'
"""Ends with 127 where there is no such tool."""


def able(shell: Shell = HERE) -> bool:
    """This user may set rules here, and there is a tool to do it."""
    return shell.root and bool(_tools(shell))


def close(swarm: str, bridge: str, shell: Shell = HERE) -> None:
    """Nobody behind this bridge can begin to talk to the host or through it; a second time changes nothing.

    Published ports and health checks go on: the host begins those. Raises HostError where it cannot be done.
    """
    if not able(shell):
        raise HostError(
            f"the host cannot be closed to {bridge}",
            detail="no iptables answers" if shell.root else "only root can, with iptables",
            hint="sudo apt install iptables, or Docker Engine 28 or newer",
        )
    for tool in _tools(shell):
        listing = _listing(tool, shell)
        for rule in wanted(swarm, bridge, chains(listing)):
            if stands(listing, rule):
                continue
            for found in (one for one in ours(listing, swarm) if same(one, rule)):
                _do(shell, tool, "-D", found)  # it is behind one that lets the bridge through
            _do(shell, tool, "-I", rule)


def open_again(swarm: str, shell: Shell = HERE) -> None:
    """Takes away every rule of a swarm, found by its comment alone; none is no fault. Raises HostError."""
    for tool in _tools(shell) if able(shell) else ():
        for rule in ours(_listing(tool, shell), swarm):
            _do(shell, tool, "-D", rule)


def closed(swarm: str, *bridges: str, shell: Shell = HERE) -> bool | None:
    """Host and world are closed to these bridges; None where that cannot be told: not root, or no iptables."""
    if not able(shell):
        return None
    return all(
        stands(listing, rule)
        for listing in (_listing(tool, shell) for tool in _tools(shell))
        for bridge in bridges
        for rule in wanted(swarm, bridge, chains(listing))
    )


def rules() -> tuple[str, ...]:
    """Every rule of the host's filter table, of IPv4; empty where it cannot be read."""
    return tuple(_run(HERE, _TOOLS[0], "-S").stdout.splitlines()) if able() else ()


@cache
def _tools(shell: Shell) -> tuple[str, ...]:
    """Those of the two that are here and work; without IPv4's there is no wall."""
    found = [
        tool for tool in _TOOLS if shell.run(("sh", "-c", _TRY, "sh", tool), seconds=_PATIENCE, check=False).code == 0
    ]
    return tuple(found) if _TOOLS[0] in found else ()


def _listing(tool: str, shell: Shell) -> list[str]:
    done = _run(shell, tool, "-S")
    if done.code:
        raise HostError(f"{tool} does not list its rules", detail=done.stderr.strip()[:300], hint=f"sudo {tool} -S")
    return done.stdout.splitlines()


def _do(shell: Shell, tool: str, action: str, rule: Rule) -> None:
    done = _run(shell, tool, action, rule.chain, *rule.words)
    if done.code:
        raise HostError(f"{tool} refuses a rule", detail=f"{' '.join(rule.words)}\n{done.stderr.strip()[:300]}")


def _run(shell: Shell, tool: str, *words: str) -> Completed:
    """Waits while somebody else holds the table."""
    return shell.run((tool, "-w", "5", *words), seconds=_PATIENCE, check=False)
