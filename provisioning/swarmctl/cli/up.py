"""`up` and `rollback`: a swarm made as its file says, or as it was."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from swarmctl.cli.shared import (
    Architecture,
    Context,
    File,
    Give,
    Json,
    Kv,
    Parallel,
    Quant,
    Runtime,
    Set,
    Swarm,
    Threads,
    Yes,
    app,
    console_for,
    name_for,
    spec_for,
)
from swarmctl.errors import Cancelled

if TYPE_CHECKING:
    from swarmctl.commands.up import Report
    from swarmctl.console import Console
    from swarmctl.core.plan import Plan
    from swarmctl.effects.specs import Opened
    from swarmctl.effects.timeline import Timeline
    from swarmctl.effects.world import World


@app.command()
def up(
    file: File = None,
    swarm: Swarm = None,
    context: Context = None,
    parallel: Parallel = None,
    kv: Kv = None,
    threads: Threads = None,
    architecture: Architecture = None,
    give: Give = None,
    quants: Quant = None,
    runtime: Runtime = None,
    sets: Set = None,
    gpu: Annotated[
        str | None, typer.Option("--gpu", help="Rent a machine with this card: a100, A100_SXM4:2 (target.vast.gpu).")
    ] = None,
    max_price: Annotated[str | None, typer.Option("--max-price", help="$/h of it at most, with its disk.")] = None,
    budget: Annotated[str | None, typer.Option("--budget", help="$ that it may cost in all.")] = None,
    ttl: Annotated[str | None, typer.Option("--ttl", help="Give it back after this long: 8h.")] = None,
    idle: Annotated[str | None, typer.Option("--idle", help="Give it back after this long without work: 30m.")] = None,
    host: Annotated[
        str | None, typer.Option("--host", help="A machine of your own, as inventory/hosts.yml or ssh knows it.")
    ] = None,
    adopt: Annotated[
        bool, typer.Option("--adopt", help="Go on with this swarm's machine that another computer rented.")
    ] = False,
    yes: Yes = False,
    keep: Annotated[bool, typer.Option("--keep", help="Leave what was started when something fails.")] = False,
    update_lock: Annotated[
        bool, typer.Option("--update-lock", help="Take the images that are here, and have swarm.lock hold those.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Make it so: fetch models, start engines and agents, prove them healthy. A second `up` changes nothing.

    Example: swarmctl up --swarm demo
    """
    from swarmctl.commands.up import Before
    from swarmctl.commands.up import up as make
    from swarmctl.console.plans import show_plan
    from swarmctl.console.progress import StepLines
    from swarmctl.effects.world import World

    console = console_for(as_json)
    sizes = {"context": context, "parallel": parallel, "kv": kv, "threads": threads, "runtime": runtime}
    where = {"rented_gpu": gpu, "max_price": max_price, "budget": budget, "ttl": ttl, "idle": idle, "host": host}
    if swarm is None and file is None and (gpu or host) and not Path("swarm.yml").exists():
        swarm = "seven"
    opened = spec_for(file, swarm, architecture=architecture, give=give, quants=quants, sets=sets, **sizes, **where)
    lines = StepLines(console)

    def convert(opened: "Opened", world: "World") -> "Opened":
        from dataclasses import replace

        from swarmctl.commands.converted import converted
        from swarmctl.console.converting import Steps

        return replace(opened, spec=converted(opened.spec, world, Steps(console), console.say))

    def secure(opened: "Opened", world: "World", line: "Timeline") -> bool:
        from swarmctl.cli.renting import agreed
        from swarmctl.commands.hosting import secured

        return secured(opened, world, approve=agreed(console, yes), say=console.say, line=line, adopt=adopt)

    def approve(decided: "Plan") -> bool:
        lines.follow(decided)
        if not as_json and console.lively and not yes:
            show_plan(console, decided)
        return True  # nothing on one's own machine costs money

    report = make(
        opened,
        World.here(),
        approve=approve,
        tell=lines,
        keep=keep,
        update_lock=update_lock,
        before=Before(secure, convert),
    )
    if report.declined:
        raise typer.Exit(Cancelled.exit_code)
    _tell_report(console, opened.spec.name, report)


def _tell_report(console: "Console", swarm: str, report: "Report") -> None:
    from swarmctl.console.swarms import proved_ago, show_verdict

    if report.done and report.verdict is not None:
        show_verdict(console, report.verdict)
        if report.parts:
            console.say(", ".join(f"{name} {seconds:.0f} s" for name, seconds in report.parts if seconds >= 0.5))
        console.say(f"swarm '{swarm}' is up and proved, in {report.seconds:.1f} s; next: swarmctl run \"...\"")
    elif console.as_json:
        console.json(report.plan.as_json())
    else:
        told = f"; {proved_ago(report.verdict, report.age)}" if report.verdict else ""
        console.data(f"nothing to do: everything runs as the file says{told}")


@app.command()
def rollback(file: File = None, swarm: Swarm = None, as_json: Json = False) -> None:
    """Go back to the state that was proved last, or from that one to the one before it.

    Example: swarmctl rollback --swarm seven-tiny
    """
    from swarmctl.commands.rollback import rollback as back
    from swarmctl.console.progress import StepLines
    from swarmctl.effects.world import World

    console, name = console_for(as_json), name_for(file, swarm)
    lines = StepLines(console)

    def approve(decided: "Plan") -> bool:
        lines.follow(decided)
        return True

    _tell_report(console, name, back(name, World.here(), approve=approve, tell=lines))
