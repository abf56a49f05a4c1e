"""Commands about a swarm: made, looked at, proved, taken away."""

import sys
from pathlib import Path
from typing import Annotated

import typer

from swarmctl.cli.shared import (
    File,
    Json,
    Swarm,
    Test,
    Yes,
    app,
    console_for,
    duration,
    name_for,
)
from swarmctl.errors import HealthError


@app.command()
def init(
    name: Annotated[str | None, typer.Option(help="Name of the swarm; this folder's if left out.")] = None,
    model: Annotated[str | None, typer.Option(help="A GGUF file; the demo's tiny model if left out.")] = None,
    roles: Annotated[str | None, typer.Option(help="Specialists, separated by commas.")] = None,
    test: Test = None,
    force: Annotated[bool, typer.Option(help="Replace a swarm.yml that is there.")] = False,
) -> None:
    """Write a first swarm.yml, with the line that lets an editor check it.

    Example: swarmctl init --name mine --model ~/models/coder.gguf --test 'pytest -q'
    """
    from swarmctl.commands.init import ROLES, Answers
    from swarmctl.commands.init import init as write

    console = console_for()
    asks = sys.stdin.isatty() and sys.stderr.isatty()
    given = name or Path.cwd().name.lower().replace("_", "-").replace(" ", "-").strip("-.") or "swarm"
    if asks and name is None:
        given = typer.prompt("name of the swarm", default=given, err=True)
    if asks and model is None:
        model = (
            typer.prompt("a GGUF file (empty: the demo's tiny model)", default="", err=True, show_default=False) or None
        )
    chosen = tuple(part.strip() for part in roles.split(",") if part.strip()) if roles else ROLES
    for path in write(Answers(given, model, chosen, test), Path.cwd(), force=force):
        console.say(f"wrote {path}")
    console.say("next: swarmctl plan")


@app.command()
def down(
    file: File = None,
    swarm: Swarm = None,
    purge: Annotated[
        bool, typer.Option("--purge", help="Remove the models that its containers were given, too; the store stays.")
    ] = False,
    lease: Annotated[
        str | None, typer.Option("--lease", help="Give back this rented machine, whatever is known.")
    ] = None,
    everything: Annotated[bool, typer.Option("--all", help="Give back every machine that your swarms rented.")] = False,
    any_owner: Annotated[
        bool, typer.Option("--any-owner", help="With --all: rented from other computers, too.")
    ] = False,
    yes: Yes = False,
    as_json: Json = False,
) -> None:
    """Stop a swarm and show that nothing of it is left; models, history and transcripts stay.

    Example: swarmctl down --swarm demo
    """
    if lease is not None or everything:
        from swarmctl.cli.renting import give_back

        give_back(lease, any_owner, yes, as_json)
        return
    from swarmctl.commands.down import down as undo
    from swarmctl.effects.world import World

    console, name = console_for(as_json), name_for(file, swarm)
    done = undo(name, World.here(), purge=purge, tell=console.say)
    if as_json:
        console.json({**done.as_json(), "left": []})
        return
    console.data(done.text() if not done.is_empty else f"swarm '{name}' was down already\n")
    console.data("left: no process, no socket, no container, no file but models, ledger and transcripts")


@app.command()
def status(
    file: File = None,
    swarm: Swarm = None,
    exit_code: Annotated[
        bool, typer.Option("--exit-code", help="Exit 8 when something is not as it should be.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Say what runs, proved or not; asks no model anything.

    Example: swarmctl status --json
    """
    from swarmctl.commands.status import status as look
    from swarmctl.console.swarms import show_status
    from swarmctl.effects.world import World

    console = console_for(as_json)
    found = look(name_for(file, swarm), World.here())
    show_status(console, found)
    if exit_code and (found.faults or not found.up):
        raise typer.Exit(HealthError.exit_code)


@app.command()
def agents(file: File = None, swarm: Swarm = None, as_json: Json = False) -> None:
    """List the roles, their models and whether their agents answer.

    Example: swarmctl agents
    """
    from swarmctl.commands.status import agents as look
    from swarmctl.console.swarms import show_agents
    from swarmctl.effects.world import World

    name = name_for(file, swarm)
    show_agents(console_for(as_json), name, look(name, World.here()))


@app.command()
def check(
    file: File = None,
    swarm: Swarm = None,
    look: Annotated[bool, typer.Option("--look", help="Ask no model anything: wakes none, keeps none awake.")] = False,
    whole: Annotated[
        bool, typer.Option("--whole", help="Send every model a prompt as long as its context; takes minutes on a CPU.")
    ] = False,
    every: Annotated[
        str | None, typer.Option(help="Look again and again, e.g. 60s, until Ctrl-C; asks no model anything.")
    ] = None,
    report: Annotated[Path | None, typer.Option("--junit", help="Write the proofs as JUnit XML to this file.")] = None,
    as_json: Json = False,
) -> None:
    """Prove the swarm healthy again: loaded, context, parallelism, memory, answers, nothing open.

    Example: swarmctl check --look
    """
    from swarmctl.commands.check import check as prove
    from swarmctl.commands.check import watch, write_junit
    from swarmctl.console.swarms import show_round, show_verdict
    from swarmctl.effects.world import World

    console, name = console_for(as_json), name_for(file, swarm)
    if every is not None:
        try:
            for one in watch(name, World.here(), duration(every), tell=console.redraw):
                if report is not None and one.verdict is not None:
                    write_junit(report, one.verdict, name)
                show_round(console, one)
        except KeyboardInterrupt:
            console.say("\nno longer looked at; the last verdict is in `swarmctl status`")
        return
    verdict = prove(name, World.here(), tell=console.redraw, depth="look" if look else "whole" if whole else "check")
    console.redraw("")
    if report is not None:
        write_junit(report, verdict, name)
    show_verdict(console, verdict)
    if not verdict.passed:
        raise HealthError(verdict.summary, detail=verdict.failures(), hint=verdict.mend)
