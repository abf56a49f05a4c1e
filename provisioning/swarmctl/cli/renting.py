"""Commands about rented machines: what there is, what is held, and the end of what nobody needs."""

from collections.abc import Sequence
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from swarmctl.cli.shared import Card, File, Json, Swarm, Yes, app, console_for, duration, spec_for
from swarmctl.errors import Cancelled, CapacityError, LeakError, SwarmctlError

if TYPE_CHECKING:
    from swarmctl.commands.hiring import Approve
    from swarmctl.commands.offers import Terms
    from swarmctl.console import Console
    from swarmctl.core.leasing.ownership import Found
    from swarmctl.core.leasing.promise import Promise
    from swarmctl.core.leasing.ranking import Choice, Ranked

Any_ = Annotated[
    bool, typer.Option("--any-owner", help="Machines that swarmctl rented from other computers or folders, too.")
]


@app.command()
def offers(
    file: File = None,
    swarm: Swarm = None,
    gpu: Card = None,
    where: Annotated[
        str | None, typer.Option("--where", help="More conditions, in the market's language: 'cpu_ghz>=3'.")
    ] = None,
    max_price: Annotated[str | None, typer.Option("--max-price", help="$/h at most, with its disk.")] = None,
    ttl: Annotated[str, typer.Option("--ttl", help="How long it is planned for: 8h.")] = "8h",
    region: Annotated[list[str] | None, typer.Option("--region", help="Only there: SE, or Sweden.")] = None,
    datacenter_only: Annotated[bool, typer.Option("--datacenter-only", help="No private hosts.")] = False,
    containers: Annotated[bool, typer.Option("--containers", help="Machines that can only run one container.")] = False,
    spot: Annotated[bool, typer.Option("--spot", help="Cheaper, and taken away by a higher bid.")] = False,
    unverified: Annotated[bool, typer.Option("--unverified", help="Hosts that the market has not looked at.")] = False,
    as_json: Json = False,
) -> None:
    """List what could be rented now, the cheapest in all first; with a swarm, where it fits. Rents nothing.

    Example: swarmctl offers --swarm seven --gpu a100
    """
    from swarmctl.commands.offers import Terms
    from swarmctl.commands.offers import offers as look
    from swarmctl.console.offers import show_offers
    from swarmctl.effects.world import World

    console = console_for(as_json)
    named = file is not None or swarm is not None or Path("swarm.yml").exists()
    terms = Terms(
        gpu=gpu,
        max_price=_dollars(max_price),
        ttl=duration(ttl),
        regions=tuple(region or ()),
        datacenter=datacenter_only,
        vm=not containers,
        spot=spot,
        unverified=unverified,
    )
    found = look(spec_for(file, swarm) if named else None, _with(terms, where), World.here())
    show_offers(console, found)
    if not found.ranked.choices:
        raise typer.Exit(CapacityError.exit_code)


def _with(terms: "Terms", where: str | None) -> "Terms":
    if where is None:
        return terms
    from dataclasses import replace

    from swarmctl.effects.providers.where import conditions

    return replace(terms, where=conditions(where))


def _dollars(text: str | None, flag: str = "--max-price") -> Decimal | None:
    """An amount of a flag such as 1.20."""
    from swarmctl.core.price.money import exact

    try:
        amount = None if text is None else exact(text.strip().removeprefix("$"))
    except ValueError as e:
        raise typer.BadParameter(str(e), param_hint=flag) from None
    if amount is not None and not 0 < amount < 100_000:
        raise typer.BadParameter(f"{text!r} is no amount of dollars to spend", param_hint=flag)
    return amount


@app.command()
def hosts(file: File = None, as_json: Json = False) -> None:
    """List your own machines, and the rented ones that swarms here are on, as each is now.

    Your own are those of inventory/hosts.yml, beside the swarm file or here. Example: swarmctl hosts
    """
    from swarmctl.commands.hosts import hosts as look
    from swarmctl.console.hosts import show_hosts
    from swarmctl.effects.world import World

    folders = [*([file.resolve().parent] if file is not None else []), Path.cwd()]
    show_hosts(console_for(as_json), look(World.here(), folders))


@app.command()
def orphans(as_json: Json = False) -> None:
    """List the machines that swarmctl rented, as the market says, and which of them bill for nobody.

    Exit code 10 when any does. Example: swarmctl orphans
    """
    from swarmctl.commands.orphans import orphans as look
    from swarmctl.console.leases import show_orphans
    from swarmctl.effects.world import World

    found = look(World.here())
    show_orphans(console_for(as_json), found)
    if found.loose:
        raise typer.Exit(LeakError.exit_code)


@app.command()
def reap(
    expired: Annotated[bool, typer.Option("--expired", help="Only machines whose time is over.")] = False,
    any_owner: Any_ = False,
    yes: Yes = False,
    as_json: Json = False,
) -> None:
    """End machines that bill for nobody: expired ones, and yours that no swarm here has. Needs only the key.

    Example: swarmctl reap --expired --yes
    """
    from swarmctl.commands.reap import reap as end
    from swarmctl.console.leases import show_released, table
    from swarmctl.effects.world import World

    console, world = console_for(as_json), World.here()

    def approve(ending: "Sequence[Found]") -> bool:
        console.say(table(console, ending, world.clock.now().timestamp()))
        return yes or asked(console, f"destroy these {len(ending)}, with what is on them?")

    def sure(doubtful: "Sequence[Found]", why: str) -> bool:
        console.say(table(console, doubtful, world.clock.now().timestamp()))
        console.say(f"{why}; is it right? date -u")
        return asked(console, f"destroy these {len(doubtful)} by this clock?", "swarmctl down --lease ID")

    done = end(world, approve=approve, sure=sure, expired_only=expired, any_owner=any_owner, tell=console.say)
    show_released(console, done)
    if done.left:
        raise typer.Exit(LeakError.exit_code)


@app.command()
def extend(
    swarm: Swarm = None,
    lease: Annotated[str | None, typer.Option("--lease", help="One machine, by its number.")] = None,
    ttl: Annotated[str | None, typer.Option("--ttl", help="From now: 4h. On top of what is promised: +4h.")] = None,
    budget: Annotated[str | None, typer.Option("--budget", help="$ in all, what is spent included.")] = None,
    any_owner: Any_ = False,
    yes: Yes = False,
    as_json: Json = False,
) -> None:
    """Hold a rented machine for longer, or let it cost more; says what that costs, and asks before.

    Example: swarmctl extend --swarm seven --ttl +2h --budget 30
    """
    from swarmctl.commands.extend import extend as hold
    from swarmctl.console.money import show_extended, show_extension
    from swarmctl.core.leasing.extending import Extension, Longer
    from swarmctl.effects.world import World

    console, world = console_for(as_json), World.here()

    def approve(plan: Extension) -> bool:
        show_extension(console, plan, world.clock.now().timestamp())
        return yes or asked(console, "hold it so?")

    seconds = None if ttl is None else duration(ttl.strip().removeprefix("+"))
    wish = Longer(seconds, ttl is not None and ttl.strip().startswith("+"), _dollars(budget, "--budget"))
    done = hold(world, wish, approve=approve, swarm=swarm, lease=lease, any_owner=any_owner)
    if done is None:
        raise typer.Exit(Cancelled.exit_code)
    show_extended(console, done, world.clock.now().timestamp())


def give_back(lease: str | None, any_owner: bool, yes: bool, as_json: bool) -> None:
    """`down --lease ID`, or `down --all` where no machine is named."""
    from swarmctl.commands.release import release_mine, release_one
    from swarmctl.console.leases import show_released
    from swarmctl.effects.world import World

    console, world = console_for(as_json), World.here()
    if lease is not None:
        show_released(console, release_one(lease, world, tell=console.say))
    elif yes or asked(console, "give back every machine that your swarms have, with what is on them?"):
        show_released(console, release_mine(world, any_owner=any_owner, tell=console.say))
    else:
        raise typer.Exit(LeakError.exit_code)


def agreed(console: "Console", yes: bool) -> "Approve":
    """Shows what would be rented and what it may cost, and asks."""
    from swarmctl.console.renting import show_renting

    def approve(choice: "Choice", given: "Promise", ranked: "Ranked") -> bool:
        show_renting(console, choice, given, ranked)
        return yes or asked(console, "rent it?")

    return approve


def still_wanted(console: "Console", machine: str, failure: SwarmctlError) -> bool:
    """Whether a machine on which a proof failed is to be held; it is where nobody is here to say."""
    import sys

    if not (sys.stdin.isatty() and console.lively):
        return True
    console.say(failure.message)
    return bool(typer.confirm(f"hold machine {machine}, to look at it?", default=True, err=True))


def asked(console: "Console", question: str, instead: str = "the same command with --yes") -> bool:
    """A yes from a person; without a terminal there is none. instead: what to type there."""
    import sys

    if not (sys.stdin.isatty() and console.lively):
        console.say(f"nobody is here to say yes; next: {instead}")
        return False
    return bool(typer.confirm(question, err=True))
