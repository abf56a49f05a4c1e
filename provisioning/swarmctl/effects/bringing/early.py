"""What is begun for a machine while it is being prepared: models, images, and our own image built here meanwhile."""

from collections.abc import Callable
from contextlib import suppress
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import Any

from swarmctl import __version__
from swarmctl.core.chain import AGENT_IMAGE, DOCKER, IMAGES, WALLS
from swarmctl.core.hosts import Host
from swarmctl.core.images import images_of
from swarmctl.core.lock import Lock
from swarmctl.core.placed import Placed
from swarmctl.effects import imaging
from swarmctl.effects.bringing.supply import supply
from swarmctl.effects.bringing.wanted import wanted
from swarmctl.effects.connections.distant import DistantConnection
from swarmctl.effects.dockerapi import Ask
from swarmctl.effects.errands import Errand
from swarmctl.effects.hosts.dialled import dialled
from swarmctl.effects.hosts.images import docker_is_here, provide
from swarmctl.effects.hosts.packing import packed
from swarmctl.effects.hosts.playbooks import Beside
from swarmctl.effects.hosts.preparing import prepare
from swarmctl.effects.hosts.remoteshell import RemoteShell
from swarmctl.effects.lockfile import lock_file, read_lock
from swarmctl.effects.paths import private
from swarmctl.effects.specs import Opened
from swarmctl.effects.timeline import Timeline
from swarmctl.effects.world import World
from swarmctl.errors import SwarmctlError

Say = Callable[[str], None]
_BEFORE_DOCKER = frozenset(("preflight", "base", "guard", "saving", "packages", "docker", "nvidia"))
"""Roles of `prepare` before whose end no image can be had."""
_BEFORE_GUARDED = frozenset(("preflight", "base", "packages", "guard"))
"""Roles before whose end a machine that bills would not end itself: nothing large is fetched then."""


class Early:
    """One swarm's machine. line: of the whole story."""

    def __init__(self, opened: Opened, world: World, say: Say, line: Timeline) -> None:
        self._opened, self._world, self._say, self._line = opened, world, say, line
        self._spec, self._errands = opened.spec, world.errands
        self._errands.say = say

    def image_here(self) -> None:
        """Our own image is being built here, where a Docker is, while the machine is not even there."""
        reference = images_of(self._spec.engine, __version__).agent

        def build(errand: Errand) -> None:
            if docker_is_here():
                imaging.provide(reference, lock=self._lock(), tell=errand.watch)
                packed(reference, errand.watch)

        self._errands.begin(_own(self._spec.name), AGENT_IMAGE, build)

    def prepared(self, host: Host, variables: dict[str, Any], *, guarded: bool = False) -> None:
        """The machine is prepared; models go to it from now on, images as soon as it has a Docker.

        guarded: models wait until it can end itself. Raises DeployError, HostError, Cancelled, and SpecError for a
        model that cannot be had anywhere.
        """
        clock, docker = self._world.clock, list[float]()
        self.image_here()
        if not guarded:
            self._models(host)

        def entered(role: str) -> None:
            if role not in _BEFORE_GUARDED:
                self._models(host)
            if role not in _BEFORE_DOCKER and not docker:
                docker.append(clock.monotonic())
                self._images(host)

        begun = clock.monotonic()
        try:
            prepare(host, variables, self._world, self._say, Beside(entered, self._errands.check))
        finally:
            ended = clock.monotonic()
            self._line.span(DOCKER, begun, docker[0] if docker else ended)
            if docker:
                self._line.span(WALLS, docker[0], ended)
        self._models(host)

    def _models(self, host: Host) -> None:
        there = supply(self._spec, host, self._world, self._say)
        there.begin(source for source in wanted(self._spec) if source.file or source.path or source.package)

    def _images(self, host: Host) -> None:
        """Those that every placement of the swarm uses; others are found when it is placed."""
        chosen = images_of(self._spec.engine, __version__)
        engine = self._spec.engine.kind
        for reference in (chosen.agent, chosen.ollama if engine == "ollama" else chosen.llamacpp):
            work = partial(self._image, host, reference)
            self._errands.begin(image_errand(self._spec.name, reference), IMAGES, work)

    def _image(self, host: Host, reference: str, errand: Errand) -> None:
        with suppress(SwarmctlError):  # whoever sends it builds it, and says why that cannot be
            self._errands.wait(_own(self._spec.name), lambda *_: errand.go_on())
        over = _Reached(self._spec.name, host, self._world, errand)
        with over.line:
            provide(reference, self._lock(), errand.watch, over)

    def _lock(self) -> Lock:
        source, places = Path(self._opened.loaded.source), self._world.places(self._spec.name)
        return read_lock(lock_file(source, places)) if source.is_file() else Lock()


class _Reached(DistantConnection):
    """A machine with Docker to which no tunnel stands; what is followed there ends with the errand."""

    def __init__(self, swarm: str, host: Host, world: World, errand: Errand) -> None:
        folder = private(world.places(swarm).root / "tunnels" / "images")
        super().__init__(swarm, Placed(swarm=swarm, host=asdict(host)), folder, (), world.clock)
        self.shell = RemoteShell(self.line, "", errand.go_on)
        self._dialled = dialled(self.line)

    def ask(self, path: str, **query: Any) -> Any:
        """As Connection has it."""
        ask: Ask = self._dialled
        return ask(path, **query)


def image_errand(swarm: str, reference: str) -> str:
    """Its name among errands."""
    return f"{swarm}: {reference}"


def _own(swarm: str) -> str:
    return f"{swarm}: our own image"
