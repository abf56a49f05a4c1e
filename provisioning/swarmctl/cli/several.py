"""Swarms over several hosts: what the command line does where a file has slots."""

from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from swarmctl.errors import Cancelled, CapacityError, HealthError, SpecError

if TYPE_CHECKING:
    from swarmctl.console import Console
    from swarmctl.effects.specs import Opened
    from swarmctl.effects.world import World

_OURS = frozenset(("slot", "part", "part_price", "as_json", "yes"))


def as_part(opened: "Opened", slot: str, price: str | None) -> "Opened":
    """The part that this process brings up for another one."""
    from swarmctl.commands.parts.opening import part_of

    return part_of(opened, slot, None if price is None else Decimal(price))


def up_slots(console: "Console", opened: "Opened", named: tuple[str, ...], typed: typer.Context) -> None:
    """`up` of all slots, or of those that were named. typed: the command as it was."""
    from swarmctl.commands.parts.opening import part_of
    from swarmctl.commands.parts.up import failure, up
    from swarmctl.console.swarms import show_verdict
    from swarmctl.core.parts.split import slots_of
    from swarmctl.effects.world import World

    world, slots = World.here(), named or tuple(slots_of(opened.spec))
    for slot in slots:
        part_of(opened, slot)
    prices = _agreed(console, opened, slots, world, typed.params["yes"])
    width = max(len(slot) for slot in slots)
    report = up(
        opened,
        world,
        {slot: _words(typed, slot, prices.get(slot)) for slot in slots},
        tell=lambda slot, line: console.say(f"{slot:<{width}}  {line}"),
    )
    wrong = failure(report)
    if console.as_json:
        console.json(report.as_json())
    elif report.verdict is not None and (report.changed or wrong is not None):
        show_verdict(console, report.verdict)
    if wrong is not None:
        raise wrong
    if not report.changed and not console.as_json:
        console.data("nothing to do: everything runs on every host as the file says")
    elif report.changed:
        where = ", ".join(slots)
        console.say(f"swarm '{report.swarm}' is up and proved on {where}, in {report.seconds:.1f} s")


def _words(typed: typer.Context, slot: str, price: Decimal | None) -> list[str]:
    """The same command for one slot: every option as it was given, and the answer as JSON."""
    words = ["up", "--part", slot, "--yes", "--json"]
    for option in typed.command.params:
        value: Any = typed.params.get(option.name or "")
        if option.name in _OURS or value in (None, False, (), []):
            continue
        for one in value if isinstance(value, list | tuple) else [value]:
            words += [option.opts[0]] if value is True else [option.opts[0], str(one)]
    return words + ([] if price is None else ["--part-price", str(price)])


def _agreed(
    console: "Console", opened: "Opened", slots: tuple[str, ...], world: "World", yes: bool
) -> dict[str, Decimal]:
    """$/h that was said yes to, of each slot for which a machine is still to be rented. Raises Exit without a yes.

    One that was said beforehand is bounded by what the file allows; what it comes to is shown all the same.
    """
    from swarmctl.core.parts.names import part_name
    from swarmctl.core.parts.split import slots_of

    name, machines = opened.spec.name, slots_of(opened.spec)
    to_rent = [s for s in slots if machines[s].vast and world.placed(part_name(name, s)) is None]
    if not to_rent:
        return {}
    from swarmctl.cli.renting import asked
    from swarmctl.commands.parts.planning import plan
    from swarmctl.console.several import show_plans

    plans = plan(opened, world)
    if not console.as_json:  # the answer is the only document
        show_plans(console, plans)
    if yes:
        return {}
    if not asked(console, f"rent {len(to_rent)} of these machines?"):
        raise typer.Exit(Cancelled.exit_code)
    return {slot: plans.slots[slot].hourly for slot in to_rent if plans.slots[slot].hourly}


def plan_slots(console: "Console", opened: "Opened", world: "World", exit_code: bool) -> None:
    """`plan` of every slot."""
    from swarmctl.commands.parts.planning import plan
    from swarmctl.console.several import show_plans

    plans = plan(opened, world)
    show_plans(console, plans)
    if problem := next((one.problem for one in plans.slots.values() if one.problem is not None), None):
        raise typer.Exit(problem.exit_code)
    if not all(one.fits for one in plans.slots.values()):
        raise typer.Exit(CapacityError.exit_code)
    if exit_code and not plans.is_empty:
        raise typer.Exit(11)


def seal_slots(console: "Console", swarm: str, file: Path | None, world: "World") -> None:
    """`seal` of every part, one after the other."""
    from swarmctl.commands.seal import seal
    from swarmctl.console.seal import show_seal
    from swarmctl.core.parts.names import part_name
    from swarmctl.effects.parts.members import records

    parts = records(swarm, world)
    if not parts:
        raise SpecError(f"swarm '{swarm}' is not up on any host", hint="swarmctl up")
    found = {slot: seal(part_name(swarm, slot), world, file=file, tell=console.redraw) for slot in parts}
    console.redraw("")
    if console.as_json:
        slots = {slot: one.as_json() for slot, one in found.items()}
        console.json({"schema": "swarmctl/seal-slots/v1", "swarm": swarm, "slots": slots})
    for slot, one in found.items() if not console.as_json else ():
        console.data(console.style(slot, "bold"))
        show_seal(console, one)
    if holes := {slot: one for slot, one in found.items() if not one.passed}:
        said = "; ".join(f"{slot}: {one.summary}" for slot, one in holes.items())
        raise HealthError(said, detail="\n".join(one.failures() for one in holes.values()), hint="swarmctl up")
