"""What `up` would do on a machine that the swarm does not have yet, as people read it."""

from swarmctl.commands.beforehand import Beforehand
from swarmctl.console import Console
from swarmctl.console.forecasts import show_forecast
from swarmctl.console.renting import show_renting
from swarmctl.core.units import as_size


def show_beforehand(console: Console, found: Beforehand) -> None:
    """The machine, what it would make of the swarm, the steps, and who can read what is on it."""
    if console.as_json:
        console.json(found.as_json())
        return
    if found.offered is not None:
        show_renting(console, *found.offered)
    if found.facts is not None:
        here = found.facts.machine
        cards = ", ".join(f"{gpu.name} {as_size(gpu.memory)}" for gpu in here.gpus) or "no card"
        console.say(
            f"{here.name}: {found.facts.distribution}, {here.cores} cores, {as_size(here.ram_free)} free, {cards}"
        )
    show_forecast(console, found.forecast)
    console.data("\n" + console.style("before all that", "bold"))
    for n, step in enumerate(found.steps, 1):
        console.data(f"#{n:<3} {step}")
    console.data(f"\n{found.readers}")
