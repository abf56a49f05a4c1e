"""What of a swarm has to end before anything starts: stacks of cards that are gone, and services that change cards."""

from collections.abc import Iterator
from dataclasses import replace

from swarmctl.core.composed import Composed, running_services
from swarmctl.core.observed import Observed, RunningService
from swarmctl.core.plan import Step, Verb
from swarmctl.core.stack import Stack


def homes(made: Composed) -> dict[str, str]:
    """Where each container belongs: `gpu0`… or `cpu`, by service."""
    return {s.name: stack.gpu for stack in made.stacks for s in running_services(stack)}


def moves(made: Composed, observed: Observed) -> list[Step]:
    """A step for each container that must end first.

    A forwarder ends too where it holds the port of a service that goes elsewhere: a port is published once.
    """
    return [Step(Verb.RELEASE, f"{made.stacks[0].slot}/{s.gpu}", s.name, why) for s, why in _moves(made, observed)]


def without_moves(made: Composed, observed: Observed) -> Observed:
    """The same look once those have ended."""
    ended = {s for s, _ in _moves(made, observed)}
    return replace(observed, services=tuple(s for s in observed.services if s not in ended))


def other_card(stack: Stack, made: Composed, running: RunningService | None) -> str:
    """Why a server holds another card than its stack's by now: a card went, and numbers changed; empty when not."""
    wanted = made.site.card(stack.gpu)
    if running is None or not running.card or not wanted or running.card == wanted:
        return ""
    return f"was made for {running.card}; {stack.gpu} is {wanted} by now"


def _moves(made: Composed, observed: Observed) -> Iterator[tuple[RunningService, str]]:
    home = homes(made)
    stay = set(home.values())
    left = {s.gpu for s in observed.services if home.get(s.name, s.gpu) != s.gpu}
    for s in observed.services:
        to = home.get(s.name, "")
        if to and to != s.gpu:
            yield s, f"goes to {to}"
        elif s.gpu not in stay:
            yield s, f"nothing is placed on {s.gpu}"
        elif s.gpu in left and s.name.startswith("forwarder-"):
            yield s, "holds the port of what goes elsewhere"
