"""What the host itself shows: its listening sockets, and how containers are bound to them."""

import psutil

from swarmctl.core.closedproof import listening_proof, publishing_proof
from swarmctl.core.proof import Proof
from swarmctl.core.record import SwarmRecord
from swarmctl.effects.proving.runtime import Containers
from swarmctl.errors import HostError


def closed_proofs(record: SwarmRecord, runtime: Containers) -> list[Proof]:
    """Nothing of the swarm can be reached from another machine: by Docker's own bindings, and by the host's sockets."""
    inspected = {}
    for service in record.services:
        if service.kind in {"engine", "agent", "forwarder"}:
            try:
                inspected[service.name] = runtime.inspect(service.name)
            except HostError:
                continue  # that it is not there is another proof's matter
    doors = frozenset(service.name for service in record.services if service.kind == "forwarder")
    return [
        publishing_proof(record.swarm, inspected, doors),
        listening_proof(record.swarm, record.ports, listening()),
    ]


def listening() -> list[tuple[str, int]] | None:
    """Address and port of every listening TCP socket of this host; None where it does not show them."""
    try:
        rows = psutil.net_connections(kind="tcp")
    except (psutil.Error, OSError):
        return None
    return [(row.laddr.ip, row.laddr.port) for row in rows if row.status == psutil.CONN_LISTEN and row.laddr]
