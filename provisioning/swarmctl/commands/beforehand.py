"""`plan` for a machine that the swarm does not have yet: which one it would be, and what it would make of it."""

from dataclasses import dataclass, replace
from typing import Any

from swarmctl.commands.considering import considered
from swarmctl.commands.forecast import Thought, asked, on
from swarmctl.commands.hosting import meant
from swarmctl.core.forecast import Forecast, as_json, cheapest, forecast
from swarmctl.core.hostfacts import HostFacts
from swarmctl.core.leasing.promise import Promise
from swarmctl.core.leasing.ranking import Choice, Ranked
from swarmctl.core.privacy import readers
from swarmctl.core.processform import on_processors
from swarmctl.effects import hardware
from swarmctl.effects.bringing.looking import ways
from swarmctl.effects.hosts.facts import look
from swarmctl.effects.hosts.ssh import Line
from swarmctl.effects.paths import private
from swarmctl.effects.specs import Opened
from swarmctl.effects.world import World


@dataclass(frozen=True, slots=True)
class Beforehand:
    """What would be had. offered: of a rented machine, with what a yes would promise. facts: of one's own.

    steps: what happens before anything is deployed, a line each. readers: who can read what is on it.
    """

    forecast: Forecast
    steps: tuple[str, ...]
    readers: str
    offered: tuple[Choice, Promise, Ranked] | None = None
    facts: HostFacts | None = None

    def as_json(self) -> dict[str, Any]:
        """The value as JSON."""
        offer = {}
        if self.offered is not None:
            choice, given, _ = self.offered
            offer = {"offer": choice.as_json(), "promise": given.as_json()}
        return {
            "schema": "swarmctl/plan-elsewhere/v1",
            "steps": list(self.steps),
            "readers": self.readers,
            **offer,
            "forecast": as_json(self.forecast),
        }


def beforehand(opened: Opened, world: World) -> Beforehand:
    """Look at the market, or at the machine over SSH; changes and rents nothing.

    Raises CapacityError where no offer will do, SpecError for a host that nobody knows, HostError, ProviderError.
    """
    said = readers(opened.spec.target)
    if opened.spec.target.vast is not None:
        thought = considered(opened, world)
        choice, given, ranked, opened = thought.choice, thought.agreed, thought.ranked, thought.opened
        found = on(opened, Thought(f"{choice.card.count}x{choice.card.profile}"))
        steps: tuple[str, ...] = (
            f"rent offer {choice.offer.id}",
            "prepare it, its guard before all that is large",
            ways(opened.spec),
            "deploy, load and prove",
        )
        return Beforehand(found, steps, said, offered=(choice, given, ranked))
    host = meant(opened, world)
    with Line(host, private(world.state / "lines")) as line:
        facts = look(line)
    there = forecast(
        asked(_served(opened, facts)), hardware.of_machine(facts.machine), others=cheapest(hardware.profiles())
    )
    docker = f"Docker {facts.docker} is there" if facts.docker else "Docker comes with it"
    if opened.spec.runtime == "process":
        docker = "swarmctl itself, without Docker"
    steps = (f"prepare {host.name} ({docker})", ways(opened.spec), "deploy, load and prove")
    return Beforehand(there, steps, said, facts=facts)


def _served(opened: Opened, facts: HostFacts) -> Opened:
    """As it would be served there: by processes on its processors alone, where no server there uses its cards."""
    if opened.spec.runtime != "process" or facts.serves_cards:
        return opened
    return replace(opened, spec=on_processors(opened.spec))
