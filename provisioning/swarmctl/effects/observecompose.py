"""Looking at containers: the Engine, what runs on it under a swarm's label, and what its Ollama servers know."""

import os
from collections.abc import Callable, Iterable
from dataclasses import replace
from pathlib import Path

from swarmctl import __version__
from swarmctl.core.compose import shared
from swarmctl.core.composehost import OPEN, ComposeHost
from swarmctl.core.composesite import USER, ComposeSite
from swarmctl.core.containers import Container, bridge, isolated
from swarmctl.core.lock import Lock
from swarmctl.core.observed import Observed, RunningService
from swarmctl.core.places import Places
from swarmctl.core.stack import Stack
from swarmctl.core.stacks import SLOT
from swarmctl.effects import files, hardware, hostwall, imaging
from swarmctl.effects.known import known
from swarmctl.effects.lockfile import lock_file, read_lock
from swarmctl.effects.modelfiles import templates as modelfile_templates
from swarmctl.effects.runtimes.compose import ComposeRuntime
from swarmctl.effects.served import served
from swarmctl.effects.serverlook import look_at_server
from swarmctl.effects.specs import Opened
from swarmctl.effects.stacktemplates import stack_templates
from swarmctl.effects.world import World
from swarmctl.errors import SwarmctlError


def with_containers(
    observed: Observed,
    opened: Opened,
    world: World,
    service: Callable[[Container], RunningService],
    *,
    locked: bool = True,
) -> Observed:
    """The same look, with what containers need. Never raises: what cannot be seen is a problem in it.

    locked: the images must be those of swarm.lock.
    """
    spec = opened.spec
    runtime, places = world.compose(spec.name), world.places(spec.name)
    host = ComposeHost("", hardware.of_machine(observed.machine), site(spec.name, world), __version__)
    try:
        host, found = _engine(host, opened, world, runtime)
        host = host if locked else replace(host, lock=Lock())
    except SwarmctlError as e:
        said = f"{e.message}: {e.detail}" if e.detail else e.message
        blind = replace(host, problem=said, mend=e.hint)
        return replace(observed, compose=blind, services=(), strays=(), supervisor=None)
    root = Stack(spec.name, SLOT, "", ())
    missing = _unprepared(root, runtime, places)
    ours = {port for one in found if one.state == "running" for port in one.published}
    return replace(
        observed,
        compose=host,
        prepared=not missing,
        unprepared=missing,
        supervisor=None,
        stale="",
        services=tuple(service(one) for one in found if one.file.startswith(_folder(spec.name, world))),
        strays=(),
        busy=observed.busy - ours,
    )


def _unprepared(root: Stack, runtime: ComposeRuntime, places: Places) -> str:
    """What of all that containers stand on is missing; the first that is."""
    if not (places.agent_token.exists() and places.engine_key.exists()):
        return "no state of this swarm here"
    if shared(root, "models") not in {one["Name"] for one in runtime.volumes()}:
        return "its models' volume is gone"
    networks = runtime.networks()
    if shared(root, "agents") not in {one["Name"] for one in networks}:
        return "its network is gone"
    bare = [bridge(one) for one in networks if not isolated(one)]
    return OPEN if bare and hostwall.closed(root.swarm, *bare) is False else ""


def site(swarm: str, world: World) -> ComposeSite:
    """Where a swarm's containers find their files. Where root writes, all belongs to the user of the agent image."""
    user = USER if os.geteuid() == 0 else f"{os.geteuid()}:{os.getegid()}"
    return ComposeSite(stack_templates(), str(world.places(swarm).root), str(served(swarm, world)), {}, user=user)


def _folder(swarm: str, world: World) -> str:
    return f"{world.places(swarm).root}{os.sep}"


def _engine(
    host: ComposeHost, opened: Opened, world: World, runtime: ComposeRuntime
) -> tuple[ComposeHost, tuple[Container, ...]]:
    spec, places = opened.spec, world.places(opened.spec.name)
    version, found, images = runtime.version(), runtime.containers(), imaging.here(runtime.ask)
    stale = imaging.missing([name for name in images if name.startswith("swarmctl/")], ask=runtime.ask)
    lock = _lock(opened, places)
    ports = files.read_json(places.ports) or {}
    running = {one.service for one in found if one.state == "running"}
    return (
        replace(
            host,
            engine=version,
            images={name: one.id for name, one in images.items() if name not in stale},
            seen={name: one.seen(name) for name, one in images.items()},
            lock=read_lock(lock) if lock else Lock(),
            lock_path=str(lock or ""),
            running={one.service: one.image for one in found},
            made={one.service: one.made for one in found if one.made is not None},
            modelfiles=modelfile_templates(),
            known=known(spec, world.store),
            digests={s.key: held.sha256 for s in spec.models.values() if (held := world.store.held(s)) is not None},
            written=_written(places.root),
            servers={
                name: look_at_server(ports[name], world.clock.now())
                for name in sorted(running & ports.keys())
                if name.startswith("ollama-")
            },
            ruled=hostwall.able(),
            foreign=tuple(one.service for one in found if not one.file.startswith(_folder(spec.name, world))),
        ),
        found,
    )


def _lock(opened: Opened, places: Places) -> Path | None:
    """Where the swarm's lock is; None for a state that was kept, which has no file."""
    source = Path(opened.loaded.source)
    return lock_file(source, places) if source.is_file() else None


def _written(root: Path) -> dict[str, str]:
    paths: Iterable[Path] = (*root.glob("*.yml"), *root.glob("services/*.json"))
    return {str(path.relative_to(root)): path.read_text(encoding="utf-8", errors="replace") for path in paths}
