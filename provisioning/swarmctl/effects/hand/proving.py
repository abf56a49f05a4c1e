"""Proofs of a swarm of processes on another machine: read back there, and once more from here, through the tunnel."""

from collections.abc import Callable
from dataclasses import replace

from swarmctl.core.proof import Proof, outcome
from swarmctl.core.record import SwarmRecord
from swarmctl.core.verdict import Depth, Verdict
from swarmctl.effects import files
from swarmctl.effects.clock import wait_until
from swarmctl.effects.hand.hand import Hand
from swarmctl.effects.world import World
from swarmctl.errors import HostError

Tell = Callable[[str], None]
_WHOLE = 3600.0
_REACHED = 15.0
"""Seconds for all proofs, and until an agent answers here."""


def proved(record: SwarmRecord, world: World, hand: Hand, *, depth: Depth, tell: Tell) -> Verdict:
    """All proofs. Raises what proving raises there, and HostError where the machine is not reached."""
    _stands(record, hand)
    raw = hand.ask("prove", tell=lambda text: tell(str(text)[:500]), seconds=_WHOLE, swarm=record.swarm, depth=depth)
    verdict = _verdict(raw, hand)
    if verdict is None:
        raise HostError(f"{hand.name} does not say what holds", hint="swarmctl up")
    return _with_ways(verdict, record, world)


def kept(raw: object, swarm: str, world: World, hand: Hand) -> Verdict | None:
    """The verdict that an execution came to, with what is seen from here; written down where `prove` has it."""
    verdict = _verdict(raw, hand)
    if verdict is None:
        return None
    record = world.require(swarm)
    _stands(record, hand)
    verdict = _with_ways(verdict, record, world)
    places = world.places(swarm)
    files.write_json(places.proved, verdict.as_json())
    places.seen.unlink(missing_ok=True)
    return verdict


def _stands(record: SwarmRecord, hand: Hand) -> None:
    hand.over.forward(tuple(record.ports.values()))


def _verdict(raw: object, hand: Hand) -> Verdict | None:
    if raw is None:
        return None
    try:
        return Verdict.from_json(raw)  # type: ignore[arg-type]  # whatever it is, it is looked at
    except (KeyError, TypeError, ValueError, AttributeError):
        raise HostError(f"{hand.name} gave a verdict that is none", hint="swarmctl check") from None


def _with_ways(verdict: Verdict, record: SwarmRecord, world: World) -> Verdict:
    ways = tuple(_way(one.subject, one.name, record, world) for one in record.services if one.kind == "agent")
    return replace(verdict, proofs=(*verdict.proofs, *ways))


def _way(role: str, service: str, record: SwarmRecord, world: World) -> Proof:
    """Its card comes through the tunnel, under the same address as there."""
    agent, wanted = world.agent(record, role), f"{record.swarm}/{role}"

    def name() -> str:
        try:
            return str(agent.card().get("name") or "")
        except HostError:
            return ""

    try:
        seen = wait_until(name, clock=world.clock, deadline=_REACHED, every=0.2, what=f"{service} through the tunnel")
    except HostError as e:
        seen = e.message
    url = record.url(service)
    return Proof("reached from here", service, wanted, seen, url, outcome(seen == wanted), "swarmctl up")
