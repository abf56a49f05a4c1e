"""What a swarm takes of this machine's memory, and what speaks against it or should be said before a yes."""

from swarmctl.core.memory.expected import expected
from swarmctl.core.memory.reserve import reserve
from swarmctl.core.memory.serving import Serving
from swarmctl.core.observed import Observed
from swarmctl.core.placement.build import AGENT, GATEWAY, SUPERVISOR
from swarmctl.core.placement.placement import Placement, Process
from swarmctl.core.plan import Memory
from swarmctl.core.settle import Settled, box, too_large
from swarmctl.core.sharing.processes import shared
from swarmctl.core.spec import SwarmSpec


def footprint(spec: SwarmSpec, observed: Observed, placed: Placement | None = None) -> tuple[Memory, ...]:
    """What each process reserves of the machine's own memory, in MiB; placed: where some are on its cards, or share.

    A model of which nothing is known yet counts as zero, and says so.
    """
    sharing = shared(placed)
    bases = {process.name: process for process in sharing.values()}
    on_cards = {one.models[0]: one for one in placed.processes if one.gpu is not None} if placed else {}
    engines = tuple(
        _placed(on_cards[model]) if model in on_cards else _engine(spec, observed, model)
        for model in spec.models
        if spec.users(model) and model not in sharing
    )
    agents, gateways = AGENT * len(spec.roles), GATEWAY * len({process.gpu for process in bases.values()})
    return (
        *engines,
        *map(_placed, bases.values()),
        *([Memory("gateway", 0.0, 0.0, 0.0, gateways, expected=gateways)] if bases else []),
        Memory(f"{len(spec.roles)} agents", 0.0, 0.0, 0.0, agents, expected=agents),
        Memory("supervisor", 0.0, 0.0, 0.0, SUPERVISOR, expected=SUPERVISOR),
    )


def _placed(process: Process) -> Memory:
    need = process.need.host
    parts = (need.weights, need.kv, need.compute + need.output, need.other)
    return Memory(process.name, *parts, expected=process.expected.host.total)


def _engine(spec: SwarmSpec, observed: Observed, model: str) -> Memory:
    known = observed.sources.get(spec.models[model].key)
    if known is None or known.facts is None:
        return Memory(f"engine-{model}", 0.0, 0.0, 0.0, 0.0, known=False)
    engine = spec.engine
    serving = Serving(
        spec.context_of_model(model),
        engine.parallel,
        engine.kv,
        engine.flash_attention,
        cache_ram=engine.cache_ram,
        server="binary" if observed.engine == "binary" else "wheel",
        device="cpu",
    )
    facts = known.facts
    need = reserve(facts.model, facts.weights, serving).host
    really = expected(facts.model, facts.weights, serving).host.total
    return Memory(f"engine-{model}", need.weights, need.kv, need.compute + need.output, need.other, expected=really)


def refusals(settled: Settled, observed: Observed, memory: tuple[Memory, ...]) -> tuple[str, ...]:
    """Why this swarm cannot run here, and what would help; empty when it can."""
    found = [
        f"models.{name}: {s.problem}"
        for name, m in settled.spec.models.items()
        if (s := observed.sources.get(m.key)) and s.problem
    ]
    if observed.engine is None:
        found.append("no llama.cpp server is here: pip install 'swarmctl[embedded]', or put llama-server on the path")
    if not observed.agents:
        found.append("what runs inside agents is not installed: pip install 'swarmctl[agent]'")
    found.extend(settled.refusals)
    if settled.placement is None and not settled.refusals:
        found.extend(too_large(sum(row.total for row in memory), box(observed).ram))
    return tuple(found)


def warnings(spec: SwarmSpec, observed: Observed) -> tuple[str, ...]:
    """What a person should know before saying yes."""
    found = []
    for name, source in spec.models.items():
        known = observed.sources.get(source.key)
        if known and known.facts is None and not known.problem:
            found.append(
                f"models.{name}: nothing is known of this model until it is fetched; its memory is not counted"
            )
        if known and known.facts and not known.facts.model.exact:
            kind = known.facts.model.architecture
            found.append(f"models.{name}: {kind} is an architecture whose memory is only bounded from above")
    if observed.machine.gpus and observed.cards is None:
        found.append(f"models run on the processors, and {observed.machine.gpus[0].name} stays idle: {observed.idle}")
    found.append("isolation: agents run as processes of yours, without containers; tests of runs get a sandbox")
    return tuple(found)
