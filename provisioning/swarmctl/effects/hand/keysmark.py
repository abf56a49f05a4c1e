"""Whether both ends mean the same keys, told without showing them."""

import hashlib

from swarmctl.effects import files
from swarmctl.effects.world import World


def keys_mark(world: World, swarm: str) -> str:
    """A mark of a swarm's keys that says nothing of them."""
    places = world.places(swarm)
    texts = [files.secret(path) for path in (places.engine_key, places.agent_token) if path.exists()]
    return hashlib.sha256("\n".join(texts).encode()).hexdigest()
