"""Looking: one snapshot of what a swarm needs and what of it exists."""

import importlib.util
from pathlib import Path
from typing import Protocol

import psutil

from swarmctl import __version__
from swarmctl.core import ports
from swarmctl.core.engines.environment import PORT
from swarmctl.core.gguf import GgufFacts
from swarmctl.core.labels import HASH, SERVICE, SUPERVISOR
from swarmctl.core.observed import Observed, RunningService, Source
from swarmctl.core.spec import ModelSource, SwarmSpec
from swarmctl.effects import files, machine, ownserver
from swarmctl.effects.containerseen import service
from swarmctl.effects.dockerapi import engine_is_near
from swarmctl.effects.gguf import read_gguf
from swarmctl.effects.loopback import free
from swarmctl.effects.meanwhile import begin
from swarmctl.effects.process import Labelled
from swarmctl.effects.runtimes.process import SupervisorStatus
from swarmctl.effects.specs import Opened
from swarmctl.effects.unconverted import is_published, is_weights, of_bases, unconverted
from swarmctl.effects.world import World
from swarmctl.errors import SwarmctlError

_MIB = 1024 * 1024


class Finish(Protocol):
    """A look at containers on top of what else was seen."""

    def __call__(self, observed: Observed, opened: Opened, world: World, *, locked: bool) -> Observed:
        """As observecompose.with_containers."""
        ...


def observe(opened: Opened, world: World, *, update_lock: bool = False) -> Observed:
    """Look at everything once: machine, models, services, ports. update_lock: no image is demanded."""
    spec = opened.spec
    if spec.runtime == "process" and (hand := world.hand(spec.name)) is not None:
        from swarmctl.effects.hand.looking import look  # noqa: PLC0415 - only where processes are elsewhere

        return look(opened, world, hand)
    this = begin(lambda: machine.look(world.state))
    finish = _containers() if spec.runtime == "compose" else None  # imported while others look
    places = world.places(spec.name)
    runtime = world.runtime(spec.name)
    status, home = runtime.status(), runtime.home
    services = running(status)
    given = files.read_json(places.ports) or {}
    strays = () if spec.runtime == "compose" else _strays(runtime.strays(status))
    ours = {given[s.name] for s in (*services, *strays) if s.pid is not None and s.name in given}
    verdict = files.read_json(places.proved) or {}
    sources = of_bases(spec, {source.key: source_seen(source, world) for source in spec.models.values()})
    here = this()
    server = ownserver.look(here) if spec.runtime == "process" else ownserver.OwnServer(ownserver.kind())
    found = Observed(
        machine=here,
        home=home,
        sources=sources,
        engine=server.kind,
        cards=server.cards,
        idle=server.idle,
        agents=agents_installed(),
        prepared=places.agent_token.exists() and places.engine_key.exists(),
        supervisor=status.pid if status else None,
        stale=status.version if status and status.version != __version__ else "",
        services=services,
        strays=strays,
        ports=given,
        busy=busy_ports(spec, home, given) - ours,
        prompts=opened.prompts,
        proved=verdict.get("stack") if verdict.get("passed") else None,
    )
    return finish(found, opened, world, locked=not update_lock) if finish else found


def _containers() -> Finish:
    from swarmctl.effects.observecompose import with_containers  # noqa: PLC0415 - only where containers are meant

    return with_containers


def remains(swarm: str, world: World) -> Observed:
    """Look at what is left of a swarm, by label and by folder; needs no swarm file.

    Raises HostError when it may have containers and no Docker Engine answers: then nobody knows.
    """
    if (hand := world.hand(swarm)) is not None:
        from swarmctl.effects.hand.looking import left  # noqa: PLC0415 - only where processes are elsewhere

        return left(swarm, hand)
    status = world.runtime(swarm).status()
    containers = world.compose(swarm).containers() if has_containers(swarm, world) else ()
    over = world.connection(swarm)
    processes = over.processes() if containers else {}
    return Observed(
        machine=over.machine() if over.name else machine.look(world.state),
        prepared=world.places(swarm).root.exists(),
        supervisor=status.pid if status else None,
        services=(*running(status), *(service(one, processes) for one in containers)),
        strays=_strays(world.runtime(swarm).strays(status)),
    )


def has_containers(swarm: str, world: World) -> bool:
    """It may: it was brought up so, or nothing is remembered of it and an Engine is here."""
    record = world.record(swarm)
    if record is None:
        placed = world.placed(swarm)
        return engine_is_near() if placed is None else placed.runtime == "compose"
    return record.runtime == "compose"


def agents_installed() -> bool:
    """The packages of the extra `agent` are here."""
    return all(importlib.util.find_spec(name) for name in ("pydantic_ai", "a2a", "uvicorn", "setproctitle"))


def running(status: SupervisorStatus | None) -> tuple[RunningService, ...]:
    """The services that a supervisor owns."""
    if status is None:
        return ()
    return tuple(
        RunningService(p.name, p.hash, p.state, p.pid, p.restarts, p.last_exit, _resident(p.pid))
        for p in status.programs
    )


def _strays(found: list[Labelled]) -> tuple[RunningService, ...]:
    """The services among processes that no supervisor owns."""
    return tuple(
        RunningService(item.labels[SERVICE], item.labels.get(HASH, ""), "stray", item.pid, resident=_resident(item.pid))
        for item in found
        if item.labels[SERVICE] != SUPERVISOR
    )


def _resident(pid: int | None) -> float:
    try:
        return float(psutil.Process(pid).memory_info().rss / _MIB) if pid else 0.0
    except psutil.Error:
        return 0.0


def source_seen(source: ModelSource, world: World) -> Source:
    """What is known of a source, without fetching it."""
    facts: GgufFacts | None = None
    try:
        if is_published(source):
            return unconverted(source)
        identity = world.store.fingerprint(source)
        held = world.store.held(source)
        if held is not None:
            facts = held.facts
        elif is_weights(source):
            return unconverted(source)
        elif source.path is not None:
            facts = read_gguf(Path(source.path))
        else:
            from swarmctl.effects import catalogue  # noqa: PLC0415 - a second `up` knows every model

            facts = catalogue.facts(source)
    except SwarmctlError as e:
        return Source(source.key, problem=e.message)
    return Source(identity, held is not None, facts)


def busy_ports(spec: SwarmSpec, home: str, given: dict[str, int]) -> frozenset[int]:
    """Ports among those that this swarm has or would take on which somebody listens."""
    start = ports.first(spec.name + home)
    near = {
        ports.FIRST + (start + n) % (ports.LAST - ports.FIRST) for n in range(3 * (len(spec.roles) + len(spec.models)))
    }
    usual = {PORT + n for n in range(len(spec.models))} if spec.runtime == "compose" else set()
    return frozenset(port for port in near | usual | set(given.values()) if not free(port))
