"""Where a swarm's engines in containers read their models: a folder of the host that stays when the swarm is down."""

from pathlib import Path

from swarmctl.effects.world import World


def served(swarm: str, world: World) -> Path:
    """`gguf/` by content, for servers that read files; `ollama/`, which Ollama keeps by content itself."""
    return world.store.root / "served" / swarm
