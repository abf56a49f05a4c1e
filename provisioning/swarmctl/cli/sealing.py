"""The command that tries every wall of a swarm."""

from pathlib import Path

from swarmctl.cli.shared import File, Json, Swarm, app, console_for, name_for
from swarmctl.errors import HealthError


@app.command()
def seal(file: File = None, swarm: Swarm = None, as_json: Json = False) -> None:
    """Try every wall from inside the containers: no way out, no rights, no secrets where none may be.

    Example: swarmctl seal --swarm seven-tiny
    """
    from swarmctl.commands.seal import seal as look
    from swarmctl.console.seal import show_seal
    from swarmctl.effects.parts.members import slots
    from swarmctl.effects.world import World

    console = console_for(as_json)
    name = name_for(file, swarm)
    here = Path("swarm.yml")
    own = file or (here if swarm is None and here.exists() else None)
    world = World.here()
    if slots(name, world):
        from swarmctl.cli.several import seal_slots

        seal_slots(console, name, own, world)
        return
    found = look(name, world, file=own, tell=console.redraw)
    console.redraw("")
    show_seal(console, found)
    if not found.passed:
        raise HealthError(found.summary, detail=found.failures(), hint=f"swarmctl up --swarm {name} --runtime compose")
