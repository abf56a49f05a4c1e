"""What the host itself shows: its listening sockets, and how containers are bound to them."""

from swarmctl.core.closedproof import listening_proof, publishing_proof
from swarmctl.core.proof import Proof
from swarmctl.core.record import SwarmRecord
from swarmctl.core.stack import STAYS
from swarmctl.effects.connections.connection import Connection
from swarmctl.effects.proving.runtime import Containers
from swarmctl.errors import HostError


def closed_proofs(record: SwarmRecord, runtime: Containers, over: Connection) -> list[Proof]:
    """Nothing of the swarm can be reached from another machine: by Docker's own bindings, and by the host's sockets."""
    inspected = {}
    for service in record.services:
        if service.kind in STAYS:
            try:
                inspected[service.name] = runtime.inspect(service.name)
            except HostError:
                continue  # that it is not there is another proof's matter
    doors = frozenset(service.name for service in record.services if service.kind == "forwarder")
    return [
        publishing_proof(record.swarm, inspected, doors),
        listening_proof(record.swarm, record.ports, over.listening()),
    ]
