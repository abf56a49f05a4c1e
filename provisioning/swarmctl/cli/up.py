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
from swarmctl.errors import Cancelled, HealthError

if TYPE_CHECKING:
    from swarmctl.commands.up import Report
    from swarmctl.console import Console
    from swarmctl.core.plan import Plan
    from swarmctl.effects.specs import Opened
    from swarmctl.effects.timeline import Timeline
    from swarmctl.effects.world import World


@app.command()
def up(
    typed: typer.Context,
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
    anew: Annotated[
        bool, typer.Option("--anew", help="Try what the file asks for again, though it runs with a fallback.")
    ] = False,
    slot: Annotated[
        list[str] | None, typer.Option("--slot", help="Of a swarm over several hosts, this one alone (target.slots).")
    ] = None,
    part: Annotated[str | None, typer.Option("--part", hidden=True)] = None,
    part_price: Annotated[str | None, typer.Option("--part-price", hidden=True)] = None,
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
    swarm = _usual(file, swarm, elsewhere=bool(gpu or host))
    opened = spec_for(file, swarm, architecture=architecture, give=give, quants=quants, sets=sets, **sizes, **where)
    opened = _one_host(typed, console, opened, tuple(slot or ()), (part, part_price))
    lines = StepLines(console)

    def convert(opened: "Opened", world: "World") -> "Opened":
        from dataclasses import replace
        from functools import partial

        from swarmctl.commands.converted import converted
        from swarmctl.console.converting import Steps, closing

        told = partial(closing, console)
        return replace(opened, spec=converted(opened.spec, world, Steps(console), console.say, closing=told))

    def secure(opened: "Opened", world: "World", line: "Timeline") -> bool:
        from swarmctl.cli.renting import agreed
        from swarmctl.commands.hosting import secured

        return secured(opened, world, approve=agreed(console, yes), say=console.say, line=line, adopt=adopt)

    def approve(decided: "Plan") -> bool:
        lines.follow(decided)
        if not as_json and console.lively and not yes:
            show_plan(console, decided)
        return True  # nothing on one's own machine costs money

    world = World.here()
    try:
        report = make(
            opened,
            world,
            approve=approve,
            tell=lines,
            keep=keep,
            update_lock=update_lock,
            before=Before(secure, convert, anew, lines.note),
        )
    except HealthError as e:
        if not (yes or keep):
            _held_or_not(console, opened.spec.name, world, e)
        raise
    if report.declined:
        raise typer.Exit(Cancelled.exit_code)
    _tell_report(console, opened.spec.name, report)


def _usual(file: Path | None, swarm: str | None, *, elsewhere: bool) -> str | None:
    """In a folder without a swarm file, a machine elsewhere gets the swarm of seven."""
    named = swarm is not None or file is not None or Path("swarm.yml").exists()
    return "seven" if elsewhere and not named else swarm


def _one_host(
    typed: typer.Context,
    console: "Console",
    opened: "Opened",
    named: tuple[str, ...],
    part: tuple[str | None, str | None],
) -> "Opened":
    """What this process brings up; a swarm over several hosts is brought up by one for each, and then there is no more
    to do: raises Exit."""
    from swarmctl.core.parts.split import slots_of

    slot, price = part
    if slot is None and not (slots_of(opened.spec) or named):
        return opened
    from swarmctl.cli.several import as_part, up_slots

    if slot is not None:
        return as_part(opened, slot, price)
    up_slots(console, opened, named, typed)
    raise typer.Exit


def _held_or_not(console: "Console", swarm: str, world: "World", failure: HealthError) -> None:
    """A machine that is paid for is held after a failed proof; whoever is here may give it back at once."""
    placed = world.placed(swarm)
    if placed is None or not placed.lease:
        return
    from swarmctl.cli.renting import still_wanted

    if not still_wanted(console, placed.lease, failure):
        from swarmctl.commands.down import down

        down(swarm, world, tell=console.say)
        failure.hint = f"machine {placed.lease} was given back; next: swarmctl up"


def _tell_report(console: "Console", swarm: str, report: "Report") -> None:
    from swarmctl.console.swarms import proved_ago, show_verdict

    if report.fell:
        console.say(f"note: {report.fell}: the proofs of what its file asks for failed; up --anew tries that again")
    if report.done and report.verdict is not None:
        show_verdict(console, report.verdict)
        if report.chain is not None:
            from swarmctl.console.chain import show_chain

            show_chain(console, report.chain)
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
