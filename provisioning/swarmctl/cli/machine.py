"""Commands about this machine, and about swarmctl itself."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from swarmctl.cli.shared import (
    Architecture,
    Engine,
    File,
    Json,
    Set,
    Swarm,
    app,
    console_for,
    spec_for,
)
from swarmctl.errors import HostError, SpecError

if TYPE_CHECKING:
    pass


@app.command()
def doctor(as_json: Json = False) -> None:
    """Say what this machine has, what is missing, and the command that mends it.

    Example: swarmctl doctor
    """
    from swarmctl.commands.doctor import doctor as look
    from swarmctl.console.swarms import show_doctor
    from swarmctl.effects.world import World

    found = look(World.here())
    show_doctor(console_for(as_json), found)
    if not found.ready:
        raise typer.Exit(HostError.exit_code)


@app.command()
def render(
    folder: Annotated[Path, typer.Argument(help="A new folder.")],
    file: File = None,
    swarm: Swarm = None,
    gpu: Annotated[
        str | None, typer.Option("--gpu", help="For a card: 4090, a100, 2x4090, cpu; here: this machine's own.")
    ] = None,
    runtime: Annotated[
        str | None, typer.Option("--runtime", help="process, or compose: containers, and what --gpu means.")
    ] = None,
    docker: Annotated[
        str | None, typer.Option("--docker", help="With compose: version of its Docker Engine; the newest if left out.")
    ] = None,
    engine: Engine = None,
    architecture: Architecture = None,
    sets: Set = None,
    as_json: Json = False,
) -> None:
    """Write out what `up` would run, or with --gpu what a machine with that card would.

    Example: swarmctl render build/seven --swarm seven --gpu 4090 --engine ollama
    """
    from swarmctl.commands.eject import eject
    from swarmctl.commands.forecast import HERE, Thought
    from swarmctl.commands.render import render as write
    from swarmctl.core.parts.split import slots_of
    from swarmctl.effects.world import World

    if runtime not in {None, "process", "compose"}:
        raise typer.BadParameter(f"'{runtime}' is neither process nor compose", param_hint="--runtime")
    if runtime == "process" and (gpu or docker):
        raise typer.BadParameter("processes are written for this machine alone", param_hint="--gpu, --docker")
    console = console_for(as_json)
    opened = spec_for(file, swarm, sets=sets, engine=engine, architecture=architecture, runtime=runtime)
    if slots_of(opened.spec) and not gpu:
        said = "a swarm over several hosts is not written out: its hosts meet through the computer that brings it up"
        raise SpecError(said, hint="name one machine for all of it: --gpu CARD")
    if gpu or docker or opened.spec.runtime == "compose":
        written = [str(path) for path in eject(opened, folder, Thought(gpu or HERE), World.here(), docker)]
    else:
        written = [str(path) for path in write(opened, folder, World.here())]
    if as_json:
        console.json({"schema": "swarmctl/render/v1", "files": written})
    else:
        console.data("\n".join(written))


@app.command()
def models(
    action: Annotated[str, typer.Argument(help="show, prune, push, pull, export or import.")] = "show",
    words: Annotated[
        list[str] | None,
        typer.Argument(help="push REGISTRY MODEL…, pull REGISTRY/NAME:TAG, export FILE MODEL…, show MODEL…"),
    ] = None,
    dry: Annotated[bool, typer.Option("--dry-run", help="With prune: only name what would go.")] = False,
    as_json: Json = False,
) -> None:
    """List the models in the store, remove those that no swarm uses, or carry them to other machines.

    Example: swarmctl models prune --dry-run
    """
    from swarmctl.cli.converting import CARRY, carry
    from swarmctl.commands.models import models as held
    from swarmctl.commands.models import prune
    from swarmctl.console.swarms import show_models
    from swarmctl.effects.world import World

    console, world = console_for(as_json), World.here()
    if action in CARRY or (action == "show" and words):
        carry(console, world, action, words or [])
        return
    if action == "show":
        show_models(console, held(world))
        return
    if action != "prune":
        known = ", ".join(("show", "prune", *CARRY))
        raise typer.BadParameter(f"'{action}' is none of {known}", param_hint="ACTION")
    gone = prune(world, dry=dry)
    if as_json:
        console.json({"schema": "swarmctl/prune/v1", "dry": dry, "removed": [m.key for m in gone]})
        return
    freed = sum(m.bytes for m in gone) / 1_000_000
    console.data("\n".join(m.key for m in gone) or "nothing to remove")
    console.say(f"{'would free' if dry else 'freed'} {freed:.0f} MB")


@app.command()
def history(
    swarm: Swarm = None,
    limit: Annotated[int, typer.Option("--limit", "-n", help="How many.")] = 30,
    as_json: Json = False,
) -> None:
    """Say who did what, when, with what result; outlives the swarm.

    Example: swarmctl history -n 5
    """
    from swarmctl.console.swarms import show_history
    from swarmctl.effects.world import World

    show_history(console_for(as_json), World.here().ledger.events(swarm, limit))


@app.command()
def schema() -> None:
    """Print the JSON Schema of a swarm file.

    Example: swarmctl schema
    """
    from swarmctl.commands.init import json_schema

    console_for().json(json_schema())


@app.command()
def version(as_json: Json = False) -> None:
    """Print the version.

    Example: swarmctl version
    """
    from swarmctl import __version__

    console = console_for(as_json)
    if as_json:
        console.json({"schema": "swarmctl/version/v1", "version": __version__})
    else:
        console.data(f"swarmctl {__version__}")


@app.command()
def completion(shell: Annotated[str, typer.Argument(help="bash, zsh or fish.")]) -> None:
    """Print the shell's completion script.

    Example: swarmctl completion bash
    """
    from typer.completion import get_completion_script  # type: ignore[attr-defined]

    if shell not in {"bash", "zsh", "fish"}:
        raise typer.BadParameter(f"'{shell}' is none of bash, zsh, fish", param_hint="SHELL")
    console_for().data(get_completion_script(prog_name="swarmctl", complete_var="_SWARMCTL_COMPLETE", shell=shell))
