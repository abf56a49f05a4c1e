"""Proves a swarm whose services run as processes of this machine."""

from collections.abc import Callable
from dataclasses import replace

from swarmctl.core.engine import EngineFile
from swarmctl.core.engineproof import LIBRARIES
from swarmctl.core.hints import logs
from swarmctl.core.memory.expected import expected
from swarmctl.core.memory.need import Need
from swarmctl.core.memory.serving import Serving
from swarmctl.core.proof import Proof
from swarmctl.core.record import ServiceRecord, SwarmRecord
from swarmctl.core.verdict import Depth
from swarmctl.effects import files
from swarmctl.effects.clock import wait_until
from swarmctl.effects.engines.llamacpp import EngineUnderTest, look_engine, loopback_proof, prove_engine, ready
from swarmctl.effects.observe import remains
from swarmctl.effects.proving import gateway
from swarmctl.effects.proving.agents import agent_proofs
from swarmctl.effects.world import World
from swarmctl.errors import DeployError, HealthError, HostError

LOAD_SECONDS = 600.0
"""How long a model may take to load before that counts as not loading."""
START_SECONDS = 60.0
"""The same of a gateway, which loads nothing."""

Tell = Callable[[str], None]


def process_proofs(record: SwarmRecord, world: World, depth: Depth, tell: Tell) -> list[Proof]:
    """Once everything answers, unless it is only to be looked at.

    Raises DeployError, with the last lines of its log, for a service that does not come up.
    """
    if depth != "look":
        _await_engines(record, world, tell)
        _await_gateways(record, world, tell)
    found = [proof for service in _engines(record) for proof in _engine_proofs(service, record, world, depth, tell)]
    for service in record.services:
        if service.kind == "gateway":
            found.extend(_gateway_proofs(service, record, world, depth, tell))
    for service in record.services:
        if service.kind == "agent":
            tell(f"asking agent {service.subject} for its card")
            found.extend(agent_proofs(service, record, world))
    return [*found, loopback_proof(record.swarm, _pids(record.swarm, world))]


def _engines(record: SwarmRecord) -> list[ServiceRecord]:
    return [service for service in record.services if service.kind == "engine"]


def _await_engines(record: SwarmRecord, world: World, tell: Tell) -> None:
    """Until every engine has loaded its model; a service that keeps dying ends the wait."""
    for service in _engines(record):
        settings = _settings(service, record, world)
        begun = world.clock.monotonic()

        def loaded(service: ServiceRecord = service, settings: EngineFile = settings, begun: float = begun) -> bool:
            tell(f"{service.subject} is loading, {world.clock.monotonic() - begun:.0f} s")
            _refuse_dying(record, world)
            return ready(settings)

        _await(service, loaded, LOAD_SECONDS, "load", record, world)


def _await_gateways(record: SwarmRecord, world: World, tell: Tell) -> None:
    """Until every gateway listens; what it says of its engines is for its proofs."""
    key = str(world.places(record.swarm).engine_key)
    for service in record.services:
        if service.kind != "gateway":
            continue
        tell(f"{service.name} starts")

        def listens(service: ServiceRecord = service) -> bool:
            _refuse_dying(record, world)
            return gateway.listens(service, record, key)

        _await(service, listens, START_SECONDS, "start", record, world)


def _await(
    service: ServiceRecord, holds: Callable[[], bool], seconds: float, what: str, record: SwarmRecord, world: World
) -> None:
    """Raises HealthError with the last lines of its log where that does not come."""
    try:
        wait_until(holds, clock=world.clock, deadline=seconds, every=0.1, what=f"{service.name} to {what}")
    except HostError as e:
        tail = world.runtime(record.swarm).tail(service.name, 12)
        raise HealthError(e.message, detail=tail, hint=logs(record.swarm, service.name)) from None


def _refuse_dying(record: SwarmRecord, world: World) -> None:
    status = world.runtime(record.swarm).status()
    for program in status.programs if status else ():
        if program.state == "backoff" and program.restarts >= 1:
            raise DeployError(
                f"{program.name} does not start: {program.last_exit}",
                detail=world.runtime(record.swarm).tail(program.name, 12),
                hint=logs(record.swarm, program.name),
            )


def _engine_proofs(service: ServiceRecord, record: SwarmRecord, world: World, depth: Depth, tell: Tell) -> list[Proof]:
    tell(f"proving {service.name}")
    pids = _pids(record.swarm, world)
    settings = _settings(service, record, world)
    engine = EngineUnderTest(
        settings=settings,
        pid=pids.get(service.name),
        expected=_expected(service, settings, world),
        log=world.runtime(record.swarm).log_path(service.name),
        floor=record.floor,
        libraries=LIBRARIES if service.settings["server"] == "binary" else 0.0,
    )
    return look_engine(engine, world.clock) if depth == "look" else prove_engine(engine, world.clock)


def _gateway_proofs(service: ServiceRecord, record: SwarmRecord, world: World, depth: Depth, tell: Tell) -> list[Proof]:
    """What it says, and where models are asked, each of its own."""
    tell(f"looking at {service.name}")
    key = str(world.places(record.swarm).engine_key)
    found = gateway.look(service, record, key)
    if depth == "look":
        return found
    tell(f"asking the models behind {service.name}")
    return found + gateway.ask(service, record, key, {})


def _expected(service: ServiceRecord, settings: EngineFile, world: World) -> Need | None:
    """What its lines should say; None when a file of it is not in the store."""
    held = world.store.held(service.settings["source"])
    edits = [world.store.held(edit["source"]) for edit in service.settings.get("adapters", ())]
    if held is None or None in edits:
        return None
    serving = Serving.of(settings, service.settings["server"])
    size = sum(edit.bytes for edit in edits if edit is not None)
    return expected(held.facts.model, held.facts.weights, replace(serving, adapters=size))


def _settings(service: ServiceRecord, record: SwarmRecord, world: World) -> EngineFile:
    return EngineFile.model_validate(files.read_json(world.places(record.swarm).service(service.name)))


def _pids(swarm: str, world: World) -> dict[str, int]:
    return {s.name: s.pid for s in remains(swarm, world).services if s.pid is not None}
