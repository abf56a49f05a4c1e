"""A swarm's two keys, for its engines and its agents, and the files that programs read them from."""

from pathlib import Path

from swarmctl.core.llamacpp import keys_file
from swarmctl.core.places import Places
from swarmctl.effects import files
from swarmctl.effects.git import token_config


def make(places: Places) -> None:
    """Keys that there are stay."""
    key = files.secret(places.engine_key)
    files.write(Path(keys_file(str(places.engine_key))), f"{key}\n{key}\n")
    token_config(places.git_config, files.secret(places.agent_token))
