"""Looking at processes on another machine: the hand looks there, and what only this computer knows is added."""

from dataclasses import replace
from typing import Any

from swarmctl.core.handtalk import unpacked
from swarmctl.core.observed import Observed, Source
from swarmctl.core.spec import ModelSource, SwarmSpec
from swarmctl.core.target import Target
from swarmctl.effects import files
from swarmctl.effects.hand.hand import Hand
from swarmctl.effects.hand.keysmark import keys_mark
from swarmctl.effects.observe import busy_ports, source_seen
from swarmctl.effects.specs import Opened
from swarmctl.effects.world import World
from swarmctl.errors import HostError


def look(opened: Opened, world: World, hand: Hand) -> Observed:
    """As `observe` has it, of the other machine; a port counts as busy that somebody has there or here."""
    spec, places = opened.spec, world.places(opened.spec.name)
    asked: dict[str, Any] = {"prompts": opened.prompts, "keys": keys_mark(world, spec.name)}
    found = _observed(hand.ask("observe", spec=as_there(spec, world), **asked), hand)
    given = {**found.ports, **(files.read_json(places.ports) or {})}
    verdict = files.read_json(places.proved) or {}
    return replace(
        found,
        sources={source.key: _source(source, found.sources.get(source.key), world) for source in spec.models.values()},
        ports=given,
        busy=found.busy | (busy_ports(spec, found.home, given) - hand.over.held()),
        proved=verdict.get("stack") if verdict.get("passed") else None,
    )


def left(swarm: str, hand: Hand) -> Observed:
    """What is left of a swarm there."""
    return _observed(hand.ask("remains", swarm=swarm), hand)


def as_there(spec: SwarmSpec, world: World) -> dict[str, Any]:
    """The file as the hand works by it: on its own machine, and no file of that taken for one of this."""
    models = {name: _pinned(source, world) for name, source in spec.models.items()}
    return spec.model_copy(update={"target": Target(), "models": models}).model_dump(mode="json", exclude_unset=False)


def _observed(raw: object, hand: Hand) -> Observed:
    try:
        return unpacked(Observed, raw)
    except ValueError as e:
        raise HostError(f"{hand.name} does not say what is there", detail=str(e), hint="swarmctl up") from None


def _pinned(source: ModelSource, world: World) -> ModelSource:
    if source.path is None:
        return source
    identity = source_seen(source, world).identity
    kind, _, digest = identity.partition(":")
    return source.model_copy(update={"sha256": digest}) if kind == "sha256" else source


def _source(source: ModelSource, seen: Source | None, world: World) -> Source:
    """What both machines know of a source; a file of this one is known here, whether it is there yet or not."""
    here = source_seen(source, world)
    there = seen or Source(source.key)
    if source.path is None:
        return Source(there.identity, there.held, there.facts or here.facts, there.problem)
    if here.problem and there.held:
        return there
    return Source(here.identity, there.held and there.identity == here.identity, here.facts, here.problem)
