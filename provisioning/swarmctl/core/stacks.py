"""A placement as stacks, one for each card that carries something and one for the CPU."""

import math
from collections.abc import Mapping

from swarmctl.core.design import agent
from swarmctl.core.enginestack import Facts, Home, engines
from swarmctl.core.parts.partspec import RELAY, answered, beyond, serves, team, ways
from swarmctl.core.placement.placement import Placement
from swarmctl.core.spec import ORCHESTRATOR, SwarmSpec
from swarmctl.core.stack import ANSWERS, Service, Stack

SLOT = "slot-0"
AGENT_MEMORY = 512
"""MiB that an agent's container may take: 130 idle, the rest for clones of the repository and what it reads."""
FORWARDER_MEMORY = 64


def stacks(spec: SwarmSpec, placed: Placement, facts: Facts) -> tuple[Stack, ...]:
    """Every service of a swarm, on the stack of its engine; cards in order, the CPU last.

    Settings hold what decides how a service runs and nothing of where: no path, no port. The first stack has the
    converter. Raises SpecError for what can be planned and not be run.
    """
    if serves(spec) == "agents":
        return (_agents_alone(spec, placed, facts),)
    places = sorted({process.gpu for process in placed.processes}, key=lambda gpu: (gpu is None, gpu or 0))
    parts = [(gpu, *engines(spec, placed, gpu, facts)) for gpu in places]
    placed_roles = {role for _, _, homes in parts for role in homes}
    found: list[Stack] = []
    for gpu, serving, homes in parts:
        name = "cpu" if gpu is None else f"gpu{gpu}"
        mine = [role for role in spec.roles if role in homes and serves(spec) == "all"]
        agents = [_agent(spec, placed, facts, role, homes[role]) for role in mine]
        tools = [*_relay(spec, facts), _converter(placed, facts)] if not found else []
        found.append(
            Stack(spec.name, SLOT, name, (*serving, *agents, _forwarder(name, serving, agents, facts), *tools))
        )
    others = beyond(spec)
    known = [role for role in team(spec) if role in placed_roles | others.keys() and role != ORCHESTRATOR]
    return tuple(_with_peers(stack, known) for stack in found)


def _agent(spec: SwarmSpec, placed: Placement, facts: Facts, role: str, home: Home) -> Service:
    """The agent of the process runtime, in an image, with what the placement gave its model."""
    plain = agent(spec, facts.prompts, role)
    settings = {
        **plain.settings,
        "image": facts.images.agent,
        "model": home.model,
        "context": min(spec.context_of(role), home.context),
        "slots": _slots(placed, answered(spec)),
        "memory": AGENT_MEMORY,
        **({"beyond": others} if (others := beyond(spec)) else {}),
    }
    return Service(plain.name, "agent", role, settings, (home.service,))


def _agents_alone(spec: SwarmSpec, placed: Placement, facts: Facts) -> Stack:
    """Agents whose models are all on another host, behind the relay."""
    homes = {name: Home(RELAY, role.model, spec.context_of(name)) for name, role in spec.roles.items()}
    agents = [_agent(spec, placed, facts, role, home) for role, home in homes.items()]
    services = (*_relay(spec, facts), *agents, _forwarder("cpu", [], agents, facts))
    return _with_peers(Stack(spec.name, SLOT, "cpu", services), list(spec.specialists))


def _slots(placed: Placement, elsewhere: int) -> int:
    """Specialists that can be answered at once."""
    theirs = (p for p in placed.processes if set(p.roles) - {ORCHESTRATOR})
    return sum(p.serving.parallel for p in theirs) + elsewhere or 1


def _with_peers(stack: Stack, specialists: list[str]) -> Stack:
    """The orchestrator knows every specialist that has a place, whatever stack it is on."""
    return Stack(stack.swarm, stack.slot, stack.gpu, tuple(_peers(s, specialists) for s in stack.services))


def _peers(service: Service, specialists: list[str]) -> Service:
    if service.kind != "agent" or service.subject != ORCHESTRATOR:
        return service
    settings: Mapping[str, object] = {**service.settings, "peers": specialists}
    return Service(service.name, service.kind, service.subject, settings, service.needs)


def _forwarder(place: str, serving: list[Service], agents: list[Service], facts: Facts) -> Service:
    listed = [s.name for s in (*serving, *agents) if s.kind in ANSWERS]
    settings = {"image": facts.images.agent, "services": listed, "memory": FORWARDER_MEMORY}
    return Service(f"forwarder-{place}", "forwarder", place, settings, tuple(listed))


def _relay(spec: SwarmSpec, facts: Facts) -> list[Service]:
    """The way to agents on other hosts; none where all are here."""
    settings = {"image": facts.images.agent, "ways": ways(spec), "memory": FORWARDER_MEMORY}
    return [Service(RELAY, "relay", RELAY, settings)] if ways(spec) else []


def _converter(placed: Placement, facts: Facts) -> Service:
    """Reads published weights through a map of the file; twice the largest result is more than it ever holds."""
    largest = max(process.weights.total for process in placed.processes) / 2**20
    memory = 64 * math.ceil(max(4096.0, 2 * largest) / 64)
    return Service("converter", "converter", "models", {"image": facts.images.converter, "memory": memory})
