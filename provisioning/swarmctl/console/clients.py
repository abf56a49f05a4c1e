"""Lines that a shell takes, or one JSON object; what is to be known of them goes to stderr."""

from swarmctl.commands.env import Environment
from swarmctl.console import Console
from swarmctl.core.clients import lines


def show_env(console: Console, found: Environment) -> None:
    """The lines, with the engines' key in them."""
    if console.as_json:
        roles = [
            {"role": c.role, "model": c.model, "engine": "ollama" if c.ollama else "llamacpp", "service": c.service,
             "openai_base_url": c.openai_url, "ollama_host": c.url if c.ollama else None}
            for c in found.clients
        ]  # fmt: skip
        console.json({"schema": "swarmctl/env/v1", "swarm": found.swarm, "api_key": found.key, "roles": roles})
    else:
        for line in lines(found.clients, found.key):
            console.data(line)
    console.say("these lines hold the engines' key: on this machine it opens the models to whoever has it")
