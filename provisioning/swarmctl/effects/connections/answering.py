"""Whether the Docker of a swarm's machine answers."""

from swarmctl.effects.connections.connection import Connection
from swarmctl.errors import HostError


def docker_answers(over: Connection) -> bool:
    """It does, through the tunnel where there is one."""
    try:
        return over.ask is None or bool(over.ask("/version"))
    except HostError:
        return False
