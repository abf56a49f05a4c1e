"""`plan --gpu`: what a swarm would take of a machine that is only thought of."""

from dataclasses import dataclass, replace

from swarmctl.core.forecast import Forecast, cheapest, forecast
from swarmctl.core.hardware.box import Box
from swarmctl.core.hardware.match import box, wanted
from swarmctl.core.placement.demand import Demand, demand
from swarmctl.core.sharing.foldable import foldable
from swarmctl.effects import hardware, machine, paths
from swarmctl.effects.known import known
from swarmctl.effects.specs import Opened
from swarmctl.effects.store import ModelStore

HERE = "here"
"""What `--gpu` says for this machine with the cards that its driver names."""


@dataclass(frozen=True, slots=True)
class Thought:
    """A machine that is only thought of. gpu: as `--gpu` says it. ram: MiB; None: as such machines usually have."""

    gpu: str
    ram: int | None = None
    cores: int | None = None


def asked(opened: Opened) -> Demand:
    """What the swarm asks of a machine. Raises SpecError for a model of which nothing is known."""
    facts = known(opened.spec, ModelStore(paths.models()))
    return demand(foldable(opened.spec, facts), facts)


def on(opened: Opened, thought: Thought, *, allow_swapping: bool = False) -> Forecast:
    """What the swarm would take of a machine; of several that its name may mean, the cheapest that carries it.

    Raises SpecError for a card that nobody has heard of.
    """
    need, others = asked(opened), cheapest(hardware.profiles())
    if thought.gpu == HERE:
        here = hardware.of_machine(machine.look(paths.models()))
        return forecast(need, _resized(here, thought), allow_swapping=allow_swapping, others=others)
    choice = wanted(hardware.profiles(), thought.gpu)
    found = []
    for profile in choice.profiles:
        here = box(profile, max(1, choice.count), thought.ram, thought.cores)
        found.append(forecast(need, here, profile, allow_swapping=allow_swapping, others=others))
    best = min(found, key=_dear)
    if len(found) == 1:
        return best
    rest = ", ".join(f"{one.box.name} ({_short(one)})" for one in found if one is not best)
    return replace(best, notes=(f"--gpu {thought.gpu} may also be {rest}", *best.notes))


def _resized(here: Box, thought: Thought) -> Box:
    return replace(here, ram=here.ram if thought.ram is None else thought.ram, cores=thought.cores or here.cores)


def _dear(found: Forecast) -> tuple[bool, bool, float, int]:
    """Those that fit first, then the cheapest; of those that do not, the largest."""
    memory = sum(card.memory for card in found.box.cards)
    price = float(found.bill.hourly) if found.bill else 0.0
    fits = found.placement is not None
    return (not fits, fits and found.bill is None, price if fits else 0.0, memory if fits else -memory)


def _short(found: Forecast) -> str:
    if found.placement is None:
        return "too small"
    return f"${found.bill.hourly:.2f}/h" if found.bill else "no rent known"
