"""What a distant machine has of a swarm's models, and how it would come by the rest."""

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import replace

from swarmctl.core.observed import Source
from swarmctl.core.spec import ModelSource, SwarmSpec
from swarmctl.effects.bringing.depot import Depot
from swarmctl.effects.bringing.resolving import fetches, resolved
from swarmctl.effects.bringing.wanted import lends_token, wanted
from swarmctl.effects.store import ModelStore
from swarmctl.errors import HostError


def sources_there(spec: SwarmSpec, sources: Mapping[str, Source], store: ModelStore, depot: Depot) -> dict[str, Source]:
    """The sources as they are on the machine: held where its folder has them. Raises HostError when it does not answer.

    A hub's file that nobody has seen is asked about there, once; a hub that does not answer says nothing.
    """
    stock = depot.look()
    return {
        source.key: _there(source, sources[source.key], store, stock.whole, depot.name)
        for source in spec.models.values()
        if source.key in sources
    }


def ways(spec: SwarmSpec) -> str:
    """How models would come to another machine, in words; asks nobody."""
    sources = wanted(spec)
    alone = sum(1 for source in sources if fetches(source))
    words = [f"it fetches {alone} of them from the hub by itself"] if alone else []
    words += [f"{len(sources) - alone} are sent from here"] if len(sources) > alone else []
    lent = "; your hub token is lent to it for what needs one" if alone and lends_token(spec) else ""
    return f"models: {' and '.join(words)}{lent}"


def _there(source: ModelSource, seen: Source, store: ModelStore, whole: frozenset[str], name: str) -> Source:
    if seen.problem:
        return seen
    alone = fetches(source)
    if alone:
        with suppress(HostError):
            resolved(source, store)
    model = store.described(source)
    way = f"it fetches {source.key}" if alone else f"sent from {source.key}"
    held = model is not None and model.sha256 in whole
    return replace(seen, held=held, facts=model.facts if model else seen.facts, cause=f"not on {name}; {way}")
