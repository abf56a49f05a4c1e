"""Commands for other programs that talk to a swarm's models."""

from typing import Annotated

import typer

from swarmctl.cli.shared import File, Json, Swarm, app, console_for, name_for


@app.command()
def env(
    role: Annotated[str | None, typer.Argument(help="One role; all of them if left out.")] = None,
    file: File = None,
    swarm: Swarm = None,
    as_json: Json = False,
) -> None:
    """Print the lines with which OpenAI and Ollama clients talk to the models of a swarm that is up.

    In a shell, before the client starts: eval "$(swarmctl env backend)"

    Example: swarmctl env backend
    """
    from swarmctl.commands.env import env as look
    from swarmctl.console.clients import show_env
    from swarmctl.effects.world import World

    show_env(console_for(as_json), look(name_for(file, swarm), role, World.here()))
