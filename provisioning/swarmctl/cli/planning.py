"""Commands that say before anything is spent: plans, comparisons, and the cards that we know."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from swarmctl.cli.shared import (
    Architecture,
    Card,
    Context,
    Device,
    Engine,
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
    app,
    console_for,
    spec_for,
)
from swarmctl.errors import CapacityError

if TYPE_CHECKING:
    from swarmctl.commands.forecast import Thought
    from swarmctl.console import Console
    from swarmctl.effects.specs import Opened
    from swarmctl.effects.world import World

_ORDERS = ("price", "speed", "token")


@app.command()
def plan(
    file: File = None,
    swarm: Swarm = None,
    gpu: Card = None,
    ram: Annotated[str | None, typer.Option("--ram", help="With --gpu: the machine's free memory, as 64 GiB.")] = None,
    cores: Annotated[int | None, typer.Option("--cores", help="With --gpu: the machine's cores.", min=1)] = None,
    compare: Annotated[bool, typer.Option("--compare", help="All cards that we know beside each other.")] = False,
    offers: Annotated[
        Path | None, typer.Option("--offers", help="Compare a market's offers, saved as JSON, instead of cards.")
    ] = None,
    by: Annotated[str, typer.Option("--by", help="Order of a comparison: price, speed or token.")] = "price",
    plot: Annotated[
        Path | None, typer.Option("--plot", help="Draw a comparison, cost against speed, into FILE.svg or FILE.png.")
    ] = None,
    cloud: Annotated[
        bool, typer.Option("--cloud", help="With --gpu: what models in the cloud charge for the same work, instead.")
    ] = False,
    engine: Engine = None,
    architecture: Architecture = None,
    give: Give = None,
    quants: Quant = None,
    devices: Device = None,
    allow_swapping: Annotated[
        bool, typer.Option("--allow-swapping", help="Let models take turns on the card where they do not fit at once.")
    ] = False,
    context: Context = None,
    parallel: Parallel = None,
    kv: Kv = None,
    threads: Threads = None,
    runtime: Runtime = None,
    sets: Set = None,
    exit_code: Annotated[bool, typer.Option("--exit-code", help="Exit 11 when `up` would change something.")] = False,
    as_json: Json = False,
) -> None:
    """Say what `up` would do, what it needs and what it costs; changes nothing.

    Example: swarmctl plan --swarm seven --gpu 4090
    """
    console = console_for(as_json)
    sizes = {"context": context, "parallel": parallel, "kv": kv, "threads": threads, "runtime": runtime}
    terms = {"engine": engine, "architecture": architecture, "give": give, "quants": quants, "devices": devices}
    opened = spec_for(file, swarm, sets=sets, **sizes, **terms)
    if compare or offers or plot:
        _beside(console, opened, offers, by, plot)
    elif gpu is not None:
        from swarmctl.commands.forecast import Thought

        _thought(console, opened, Thought(gpu, _mebibytes(ram), cores), allow_swapping, cloud)
    else:
        _here(console, opened, exit_code)


def _beside(console: "Console", opened: "Opened", offers: Path | None, by: str, plot: Path | None) -> None:
    from swarmctl.commands.compare import compare
    from swarmctl.commands.forecast import asked
    from swarmctl.console.compare import show_comparison

    order: Any = by
    if by not in _ORDERS:
        raise typer.BadParameter(f"'{by}' is none of {', '.join(_ORDERS)}", param_hint="--by")
    rows, listing = compare(asked(opened), offers, by=order, picture=plot)
    if plot is not None:
        console.say(f"drew {plot}")
    show_comparison(console, rows, listing)
    if not any(row.fits for row in rows):
        raise typer.Exit(CapacityError.exit_code)


def _thought(console: "Console", opened: "Opened", thought: "Thought", allow_swapping: bool, cloud: bool) -> None:
    from swarmctl.commands.cloud import against_cloud
    from swarmctl.commands.forecast import on
    from swarmctl.console.cloud import show_cloud
    from swarmctl.console.forecasts import show_forecast

    found = on(opened, thought, allow_swapping=allow_swapping)
    if cloud and found.placement is not None:
        show_cloud(console, against_cloud(found))
        return
    show_forecast(console, found)
    if found.placement is None:
        raise typer.Exit(CapacityError.exit_code)


def _here(console: "Console", opened: "Opened", exit_code: bool) -> None:
    from swarmctl.commands.plan import plan as decide
    from swarmctl.console.plans import show_plan
    from swarmctl.core.parts.split import slots_of
    from swarmctl.core.privacy import readers
    from swarmctl.effects.world import World

    world = World.here()
    if slots_of(opened.spec):
        from swarmctl.cli.several import plan_slots

        plan_slots(console, opened, world, exit_code)
        return
    if not opened.spec.target.is_here and world.placed(opened.spec.name) is None:
        _elsewhere(console, opened, world, exit_code)
        return
    decided = decide(opened, world)
    show_plan(console, decided, opened.loaded)
    console.say(readers(opened.spec.target))
    console.say("how fast it would be: --gpu here; on another machine, with its price: --gpu 4090, or --compare")
    if decided.refusals:
        raise typer.Exit(CapacityError.exit_code)
    if exit_code and not decided.is_empty:
        raise typer.Exit(11)


def _elsewhere(console: "Console", opened: "Opened", world: "World", exit_code: bool) -> None:
    from swarmctl.commands.beforehand import beforehand
    from swarmctl.console.beforehand import show_beforehand

    found = beforehand(opened, world)
    show_beforehand(console, found)
    if found.forecast.placement is None:
        raise typer.Exit(CapacityError.exit_code)
    if exit_code:
        raise typer.Exit(11)


def _mebibytes(text: str | None) -> int | None:
    from swarmctl.core.units import mebibytes

    try:
        return None if text is None else mebibytes(int(text) if text.isdigit() else text)
    except ValueError as e:
        raise typer.BadParameter(str(e), param_hint="--ram") from None


@app.command()
def profiles(
    file: File = None,
    swarm: Swarm = None,
    as_json: Json = False,
) -> None:
    """List the cards that we know; with a swarm, what of it fits each.

    Example: swarmctl profiles --swarm seven
    """
    from swarmctl.commands.profiles import profiles as look
    from swarmctl.console.profiles import show_profiles

    named = file is not None or swarm is not None or Path("swarm.yml").exists()
    show_profiles(console_for(as_json), look(spec_for(file, swarm) if named else None))
