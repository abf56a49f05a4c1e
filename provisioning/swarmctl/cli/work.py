"""Commands about the work of a swarm."""

import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from swarmctl.cli.shared import (
    File,
    Json,
    Swarm,
    Test,
    app,
    console_for,
    name_for,
)
from swarmctl.errors import RunError, SpecError

if TYPE_CHECKING:
    from swarmctl.console import Console


@app.command()
def run(
    task: Annotated[str | None, typer.Argument(help="What the team should do.")] = None,
    file: File = None,
    swarm: Swarm = None,
    workspace: Annotated[Path, typer.Option("--workspace", help="The git repository to work on.")] = Path(),
    flat: Annotated[bool, typer.Option("--flat", help="Each role answers on its own; no plan, no branch.")] = False,
    agents: Annotated[str | None, typer.Option("--agents", help="Only these roles, separated by commas.")] = None,
    only_plan: Annotated[bool, typer.Option("--plan", help="The team's plan only.")] = False,
    test: Test = None,
    unsandboxed: Annotated[
        bool, typer.Option("--unsandboxed", help="Allow the test to run without a sandbox.")
    ] = False,
    image: Annotated[
        str | None, typer.Option("--image", help="Run tests on this machine in a container of this image.")
    ] = None,
    timeout: Annotated[str, typer.Option(help="Wall time of the whole run.")] = "1h",
    output: Annotated[Path | None, typer.Option("--output", "-o", help="Write the result to a file.")] = None,
    show: Annotated[str | None, typer.Option("--show", help="Show an earlier run again, by its id.")] = None,
    attach: Annotated[str | None, typer.Option("--attach", help="Come back to a run that goes on, by its id.")] = None,
    as_json: Json = False,
) -> None:
    """Give the team a task; the result is a branch of your repository, your files are not touched.

    Example: swarmctl run "add a function that clamps a number" --test 'python3 -m unittest -q'
    """
    from swarmctl.commands import run as work
    from swarmctl.console.runs import RunLines, show_outcome, show_transcript
    from swarmctl.core.units import seconds
    from swarmctl.effects.git import Workspace
    from swarmctl.effects.transcripts import read
    from swarmctl.effects.world import World

    world, console = World.here(), console_for(as_json)
    if show is not None:
        transcript = read(show, world)
        _written(console, output, lambda to: show_transcript(to, transcript))
        return
    name, follow = name_for(file, swarm), RunLines(console)
    if attach is not None:
        here = work.Request("", test=test, unsandboxed=unsandboxed, image=image)
        outcome = work.attach(attach, Workspace(workspace), name, world, follow=follow, request=here)
    else:
        if not task:
            raise typer.BadParameter('name one: swarmctl run "..."', param_hint="TASK")
        try:
            limit = seconds(timeout)
        except ValueError as e:
            raise typer.BadParameter(str(e), param_hint="--timeout") from None
        mode: Literal["team", "flat", "plan"] = "plan" if only_plan else "flat" if flat else "team"
        roles = tuple(part.strip() for part in (agents or "").split(",") if part.strip())
        request = work.Request(task, mode, roles, test, unsandboxed, limit, image)
        outcome = work.run(request, Workspace(workspace), name, world, follow=follow)
    _written(console, output, lambda to: show_outcome(to, outcome))
    if outcome.result.verdict != "done":
        raise RunError(
            f"the run ended {outcome.result.verdict}",
            detail="\n".join(outcome.result.problems),
            hint=f"swarmctl run --show {outcome.result.id}",
        )


def _written(console: "Console", output: Path | None, show: "Callable[[Console], None]") -> None:
    from swarmctl.console import Console

    if output is None:
        show(console)
        return
    try:
        with output.open("w", encoding="utf-8") as file:
            show(Console(as_json=console.as_json, out=file))
    except OSError as e:
        raise SpecError(f"{output} cannot be written: {e.strerror}", hint="--output FILE") from None
    console.say(f"wrote {output}")


@app.command()
def chat(
    role: Annotated[str, typer.Argument(help="Whom to talk to.")],
    text: Annotated[str | None, typer.Argument(help="One question; a conversation if left out.")] = None,
    file: File = None,
    swarm: Swarm = None,
    as_json: Json = False,
) -> None:
    """Talk to one agent.

    Example: swarmctl chat backend "what is a mutex?"
    """
    from swarmctl.commands.chat import turn
    from swarmctl.effects.world import World

    world, console, name = World.here(), console_for(as_json), name_for(file, swarm)
    history: tuple[tuple[str, str], ...] = ()
    while True:
        said = text if text is not None else _line(role)
        if said is None:
            return
        done = turn(role, said, history, name, world)
        history = (*history, ("user", said), ("assistant", done.text))
        if as_json:
            console.json({"schema": "swarmctl/chat/v1", "role": role, **done.model_dump()})
        else:
            console.data(done.text)
        for cut in done.cut:
            console.say(f"cut: {cut}")
        if text is not None:
            return


def _line(role: str) -> str | None:
    """One line from the user; None at the end of input."""
    try:
        return input(f"{role}> " if sys.stdin.isatty() else "")
    except EOFError:
        return None


@app.command()
def logs(
    subject: Annotated[str, typer.Argument(metavar="ROLE", help="A role, an engine (engine-MODEL), or `supervisor`.")],
    follow: Annotated[bool, typer.Option("--follow", "-f", help="Go on as lines are written.")] = False,
    lines: Annotated[int, typer.Option("--lines", "-n", help="How many of the last lines.")] = 50,
    file: Annotated[Path | None, typer.Option("--file", help="The swarm file.")] = None,
    swarm: Swarm = None,
) -> None:
    """Show what a service wrote.

    Example: swarmctl logs orchestrator -n 20
    """
    from swarmctl.commands.logs import log_of
    from swarmctl.effects.world import World

    world, console = World.here(), console_for()
    log = log_of(subject, name_for(file, swarm), world)
    for line in log.last(lines):
        console.data(line)
    if follow:
        for line in log.follow():
            console.data(line)


@app.command()
def cost(file: File = None, swarm: Swarm = None, as_json: Json = False) -> None:
    """Say what the swarm used, per role, and what it burned.

    Example: swarmctl cost --swarm demo
    """
    from swarmctl.commands.cost import cost as add_up
    from swarmctl.console.swarms import show_cost
    from swarmctl.effects.world import World

    show_cost(console_for(as_json), add_up(name_for(file, swarm), World.here()))
