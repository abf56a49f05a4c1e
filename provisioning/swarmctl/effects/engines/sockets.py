"""Proves that nothing of a swarm listens where other machines could reach it."""

import ipaddress
from collections.abc import Mapping

import psutil

from swarmctl.core.proof import Proof, outcome


def loopback_proof(swarm: str, pids: Mapping[str, int]) -> Proof:
    """Look at every listening socket of these processes (by service) and their children.

    Where the system does not let us look, the verdict is `unknown` and says at whom.
    """
    name, promised = "nothing listens off loopback", "loopback only"
    open_, closed, seen, hidden = list[str](), 0, 0, list[str]()
    for service, pid in sorted(pids.items()):
        try:
            found = _listening(pid)
            seen += 1
            for address, port in found:
                if ipaddress.ip_address(address).is_loopback:
                    closed += 1
                else:
                    open_.append(f"{service} on {address}:{port}")
        except psutil.NoSuchProcess:
            continue
        except (psutil.AccessDenied, OSError) as e:
            hidden.append(f"{service} (pid {pid}): {type(e).__name__}")
    evidence = f"sockets of {seen} processes and their children"
    if open_:
        mend = f"swarmctl down --swarm {swarm}"
        return Proof(name, swarm, promised, "; ".join(open_), evidence, "fail", mend)
    if hidden or not seen:
        reason = "; ".join(hidden) if hidden else "no process of the swarm runs"
        return Proof(name, swarm, promised, "not seen", reason, "unknown")
    return Proof(name, swarm, promised, f"{closed} sockets, all on loopback", evidence, outcome(True))


def _listening(pid: int) -> list[tuple[str, int]]:
    """Addresses and ports at which a process or a child of it takes what comes: TCP, and unconnected UDP."""
    process = psutil.Process(pid)
    found = []
    for one in (process, *process.children(recursive=True)):
        for socket in one.net_connections(kind="inet"):
            ip = str(getattr(socket.laddr, "ip", ""))  # a socket without an address has an empty tuple here
            waits = socket.status == psutil.CONN_NONE and not socket.raddr
            if ip and (socket.status == psutil.CONN_LISTEN or waits):
                found.append((ip.partition("%")[0], socket.laddr.port))
    return found
