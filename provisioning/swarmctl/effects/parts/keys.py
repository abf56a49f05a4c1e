"""The keys of a swarm over several hosts: one for its agents and one for its engines, the same on each host."""

from pathlib import Path

from swarmctl.core.parts.names import part_name
from swarmctl.core.places import Places
from swarmctl.effects import files
from swarmctl.effects.git import token_config
from swarmctl.effects.world import World


def share(swarm: str, slots: tuple[str, ...], world: World) -> None:
    """Every part has the swarm's keys before it makes its own: those that there are, else new ones."""
    whole, parts = world.places(swarm), [world.places(part_name(swarm, slot)) for slot in slots]
    for name in ("agent_token", "engine_key"):
        paths = [_path(one, name) for one in (whole, *parts)]
        value = next((files.secret(path) for path in paths if path.exists()), None) or files.secret(paths[0])
        for path in paths:
            if not path.exists():
                files.write(path, value)
    token_config(whole.git_config, files.secret(whole.agent_token))


def _path(places: Places, name: str) -> Path:
    path: Path = getattr(places, name)
    return path
