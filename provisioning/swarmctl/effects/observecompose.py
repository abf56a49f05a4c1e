"""Looking at containers: the Engine, what runs on it under a swarm's label, and what its Ollama servers know."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial
from pathlib import Path

from swarmctl import __version__
from swarmctl.core.compose import shared
from swarmctl.core.composehost import OPEN, ComposeHost, ServerSeen
from swarmctl.core.composesite import ComposeSite
from swarmctl.core.containers import Container, bridge, isolated
from swarmctl.core.llamacpp import keys_file
from swarmctl.core.lock import Lock
from swarmctl.core.observed import Observed
from swarmctl.core.places import Places
from swarmctl.core.spec import SwarmSpec
from swarmctl.core.stack import Stack
from swarmctl.core.stacks import SLOT
from swarmctl.effects import files, hardware, hostwall, imaging
from swarmctl.effects.clock import Clock
from swarmctl.effects.connections.connection import Connection
from swarmctl.effects.containerseen import service
from swarmctl.effects.known import known
from swarmctl.effects.lockfile import lock_file, read_lock
from swarmctl.effects.meanwhile import begin
from swarmctl.effects.runtimes.compose import ComposeRuntime
from swarmctl.effects.serverlook import look_at_server
from swarmctl.effects.shell import Shell
from swarmctl.effects.specs import Opened
from swarmctl.effects.templates import modelfile_templates, stack_templates
from swarmctl.effects.world import World
from swarmctl.errors import SwarmctlError


def with_containers(observed: Observed, opened: Opened, world: World, *, locked: bool = True) -> Observed:
    """The same look, with what containers need. Never raises: what cannot be seen is a problem in it.

    locked: the images must be those of swarm.lock.
    """
    spec = opened.spec
    places, over = world.places(spec.name), world.connection(spec.name)
    host = ComposeHost("", hardware.of_machine(observed.machine), site(over), __version__)
    try:
        if over.name:
            observed = _elsewhere(observed, over, spec, world)
            host = replace(host, box=hardware.of_machine(observed.machine))
        runtime = world.compose(spec.name)
        host, found = _engine(host, opened, world, runtime)
        host = host if locked else replace(host, lock=Lock())
    except SwarmctlError as e:
        said = f"{e.message}: {e.detail}" if e.detail else e.message
        blind = replace(host, problem=said, mend=e.hint)
        return replace(observed, compose=blind, services=(), strays=(), supervisor=None)
    root = Stack(spec.name, SLOT, "", ())
    missing = _unprepared(root, runtime, places, over.shell)
    ours = {port for one in found if one.state == "running" for port in one.published}
    processes = over.processes() if found else {}
    return replace(
        observed,
        compose=host,
        prepared=not missing,
        unprepared=missing,
        supervisor=None,
        stale="",
        services=tuple(service(one, processes) for one in found if one.file.startswith(f"{over.root}/")),
        strays=(),
        busy=observed.busy - ours,
    )


def _elsewhere(observed: Observed, over: Connection, spec: SwarmSpec, world: World) -> Observed:
    """The same with the host's own facts: a port must be free there and here. Raises HostError."""
    taken = frozenset(port for _, port in over.listening() or ())
    depot, sources = over.depot(), observed.sources
    if depot is not None:
        from swarmctl.effects.bringing.looking import sources_there  # noqa: PLC0415 - a second `up` here is to be quick

        sources = sources_there(spec, sources, world.store, depot)
    return replace(observed, machine=over.machine(), busy=(observed.busy - over.held()) | taken, sources=sources)


def _unprepared(root: Stack, runtime: ComposeRuntime, places: Places, shell: Shell) -> str:
    """What of all that containers stand on is missing; the first that is."""
    if not (places.agent_token.exists() and places.engine_key.exists()):
        return "no state of this swarm here"
    if not Path(keys_file(str(places.engine_key))).exists():  # a part has its keys before it is prepared
        return "its keys were never given to its containers"
    if shared(root, "models") not in {one["Name"] for one in runtime.volumes()}:
        return "its models' volume is gone"
    networks = runtime.networks()
    if shared(root, "agents") not in {one["Name"] for one in networks}:
        return "its network is gone"
    bare = [bridge(one) for one in networks if not isolated(one)]
    return OPEN if bare and hostwall.closed(root.swarm, *bare, shell=shell) is False else ""


def site(over: Connection) -> ComposeSite:
    """Where a swarm's containers find their files."""
    return ComposeSite(stack_templates(), over.root, over.models, {}, user=over.user)


def _engine(
    host: ComposeHost, opened: Opened, world: World, runtime: ComposeRuntime
) -> tuple[ComposeHost, tuple[Container, ...]]:
    spec, places = opened.spec, world.places(opened.spec.name)
    over = world.connection(spec.name)
    here = not over.name  # elsewhere all would open the way at once
    servers = _servers(files.read_json(places.ports) or {}, world.clock, beside=here)
    version = begin(runtime.version, beside=here)
    ruled = begin(partial(hostwall.able, over.shell), beside=here)
    found, images = runtime.containers(), imaging.here(runtime.ask)
    running = {one.service for one in found if one.state == "running"}
    stale = imaging.stale(images, apart=not here)
    lock = _lock(opened, places)
    return (
        replace(
            host,
            engine=version(),
            images={name: one.id for name, one in images.items() if name not in stale},
            seen={name: one.seen(name) for name, one in images.items()},
            lock=read_lock(lock) if lock else Lock(),
            lock_path=str(lock or ""),
            running={one.service: one.image for one in found},
            made={one.service: one.made for one in found if one.made is not None},
            modelfiles=modelfile_templates(),
            known=known(spec, world.store),
            digests=_digests(spec, world, over),
            written=over.written(),
            servers={name: answer() for name, answer in servers.items() if name in running},
            ruled=ruled(),
            foreign=tuple(one.service for one in found if not one.file.startswith(f"{over.root}/")),
        ),
        found,
    )


def _servers(ports: Mapping[str, int], clock: Clock, *, beside: bool) -> dict[str, Callable[[], ServerSeen]]:
    """A look into each Ollama that may run; which of them do is known later."""
    mine = sorted(name for name in ports if name.startswith("ollama-"))
    return {name: begin(partial(look_at_server, ports[name], clock.now()), beside=beside) for name in mine}


def _digests(spec: SwarmSpec, world: World, over: Connection) -> dict[str, str]:
    """Hashes of the files of models, as far as they are known; elsewhere a file need not be here for that.

    That of a file which is named and not yet in the store, too: a server that has another one must be given it.
    """
    find = world.store.described if over.name else world.store.held
    found = {s.key: seen.sha256 for s in spec.models.values() if (seen := find(s)) is not None}
    named = [s for s in spec.models.values() if s.key not in found and s.path and Path(s.path).is_file()]
    return found | {s.key: world.store.fingerprint(s).removeprefix("sha256:") for s in named}


def _lock(opened: Opened, places: Places) -> Path | None:
    """Where the swarm's lock is; None for a state that was kept, which has no file."""
    source = Path(opened.loaded.source)
    return lock_file(source, places) if source.is_file() else None
