"""`env`: what an OpenAI or Ollama client must be told to talk to the models of a swarm."""

from dataclasses import dataclass

from swarmctl.core.clients import Client, chosen, clients
from swarmctl.effects import files
from swarmctl.effects.world import World
from swarmctl.errors import HostError


@dataclass(frozen=True, slots=True)
class Environment:
    """The roles' models, and the key that their engines demand."""

    swarm: str
    clients: tuple[Client, ...]
    key: str


def env(swarm: str, role: str | None, world: World) -> Environment:
    """Of one role, or of all. Raises SpecError: not up, no such role; HostError: the key is gone."""
    record, place = world.require(swarm), world.places(swarm).engine_key
    found = chosen(clients(record), role)
    if not place.is_file():
        raise HostError(
            f"the key of swarm '{swarm}' is gone", detail=str(place), hint="swarmctl down, then swarmctl up"
        )
    return Environment(swarm, found, files.secret(place))
