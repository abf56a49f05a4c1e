"""A swarm over several hosts as people read it: a heading for each, then what lies between them."""

from typing import TYPE_CHECKING

from swarmctl.console import Console
from swarmctl.core.price.money import dollars
from swarmctl.core.privacy import readers

if TYPE_CHECKING:
    from swarmctl.commands.parts.planning import Planned, Plans


def show_plans(console: Console, plans: "Plans") -> None:
    """A plan for each slot, and the price of all."""
    if console.as_json:
        console.json(plans.as_json())
        return
    for slot, one in plans.slots.items():
        spec = one.opened.spec
        place = "this machine" if spec.target.is_here else spec.target.ssh.hosts[0] if spec.target.ssh else "rented"
        console.data(console.style(f"{slot} ({place}): {', '.join(spec.roles)}", "bold"))
        _one(console, one)
        console.data("")
    for note in plans.notes:
        console.data(f"{console.style('note', 'yellow')}: {note}")
    if plans.hourly:
        console.data(f"rented in all: {dollars(plans.hourly)}/h")


def _one(console: Console, one: "Planned") -> None:
    if one.problem is not None:
        console.data(f"{console.style('unknown', 'red')}: {one.problem.message}")
        if one.problem.hint:
            console.data(f"next:  {one.problem.hint}")
    elif one.before is not None:
        from swarmctl.console.beforehand import show_beforehand  # noqa: PLC0415 - only for a machine that is not there

        show_beforehand(console, one.before)
    elif one.decided is not None:
        from swarmctl.console.plans import show_plan  # noqa: PLC0415 - as above

        show_plan(console, one.decided)
        console.data(readers(one.opened.spec.target))
