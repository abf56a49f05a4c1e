"""The runtime `compose`: services run as containers; Docker's API is looked at, `docker compose` acts."""

import importlib.util
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from swarmctl.core.containers import Container, container
from swarmctl.core.imagetext import GONE, TAKEN, why
from swarmctl.core.stack import LABEL
from swarmctl.effects.clock import Clock, SystemClock
from swarmctl.effects.dockerapi import Ask, asking
from swarmctl.effects.shell import HERE, Shell
from swarmctl.errors import DeployError, HostError, PortTakenError, SwarmctlError

_UP, _DOWN, _SHORT = 600.0, 120.0, 60.0
"""Seconds for Compose to start a stack, to end one, and for everything small."""
_STUBBORN, _AGAIN = 10.0, 0.5
"""Seconds for which what will not go is tried again, and between two tries."""
COMPOSE = (2, 20)
"""The first Compose that knows all that our files and commands say."""


@dataclass(frozen=True, slots=True)
class Ran:
    """A command that ended inside a container; text: both its outputs."""

    code: int
    text: str


class ComposeRuntime:
    """The containers of one swarm on one Docker Engine. shell: on the machine of that Engine."""

    def __init__(self, swarm: str, ask: Ask | None = None, clock: Clock | None = None, shell: Shell = HERE) -> None:
        self.swarm, self._shell = swarm, shell
        self.ask, self.clock = ask or asking(shell.docker or None), clock or SystemClock()

    def able(self) -> str:
        """Version of Compose. Raises HostError where the docker command, its Compose or our own extra is not here."""
        if importlib.util.find_spec("docker") is None:
            hint = "pip install 'swarmctl[compose]'"
            raise HostError("swarms in containers need the package docker, which is not installed", hint=hint)
        return compose_version(self._shell)

    def version(self) -> str:
        """Of the Engine, e.g. `28.2.2`. Raises HostError when none answers."""
        return str(self.ask("/version").get("Version", ""))

    def containers(self) -> tuple[Container, ...]:
        """Every container with this swarm's label, by service. Raises HostError."""
        rows = self.ask("/containers/json", all=1, filters={"label": [f"{LABEL}swarm={self.swarm}"]})
        found = []
        for row in rows:
            with suppress(HostError):  # it went between the two looks
                found.append(container(self.ask(f"/containers/{row['Id']}/json")))
        return tuple(sorted(found, key=lambda one: (one.gpu, one.service)))

    def networks(self) -> tuple[dict[str, Any], ...]:
        """Networks with this swarm's label, as the Engine lists them."""
        return tuple(self.ask("/networks", filters={"label": [f"{LABEL}swarm={self.swarm}"]}))

    def volumes(self) -> tuple[dict[str, Any], ...]:
        """Volumes with this swarm's label, as the Engine lists them."""
        return tuple(self.ask("/volumes", filters={"label": [f"{LABEL}swarm={self.swarm}"]}).get("Volumes") or ())

    def inspect(self, service: str) -> dict[str, Any]:
        """All that the Engine says of a service's container. Raises HostError when there is none."""
        found: dict[str, Any] = self.ask(f"/containers/{self._id(service)}/json")
        return found

    def log(self, service: str, tail: int | None = None) -> str:
        """What a service wrote, both streams as they came. Raises HostError when it has no container."""
        with _docker(self._id(service), self._shell.docker) as of:
            text: bytes = of.logs(tail=tail or "all")
        return text.decode("utf-8", "replace")

    def tail(self, service: str, lines: int = 20) -> str:
        """The last lines of a service's log; empty when it has none."""
        try:
            return self.log(service, lines)
        except HostError:
            return ""

    def follow(self, service: str) -> Iterator[str]:
        """Lines as they are written, until the container ends."""
        with _docker(self._id(service), self._shell.docker) as of:
            for chunk in of.logs(stream=True, follow=True, tail=0):
                yield from chunk.decode("utf-8", "replace").splitlines()

    def inside(self, service: str, argv: Sequence[str], *, user: str = "", seconds: float = 30) -> Ran:
        """Run a command in a service's container. Raises HostError when there is none, or the time is up."""
        name = self._id(service)
        words = ["docker", "exec", *(["--user", user] if user else []), name, *argv]
        done = self._shell.run(words, seconds=seconds, check=False)
        return Ran(done.code, done.stdout + done.stderr)

    def up(self, file: Path) -> None:
        """Make a stack run as its file says; Compose leaves alone what does. Raises DeployError."""
        argv = ["up", "--detach", "--no-build", "--pull", "never", "--remove-orphans", "--quiet-pull"]
        self._compose(file, argv, _UP, "start")

    def restart(self, file: Path, services: Sequence[str]) -> None:
        """Make containers of services anew, whatever they are. Raises DeployError."""
        self._compose(
            file, ["up", "--detach", "--no-build", "--no-deps", "--force-recreate", *services], _UP, "restart"
        )

    def make_network(self, name: str, labels: Mapping[str, str], options: Sequence[str]) -> None:
        """A network; nothing when there is one of this name. Raises DeployError."""
        if not any(one["Name"] == name for one in self.networks()):
            self._docker(["network", "create", *_labelled(labels), *options, name])

    def make_volume(self, name: str, labels: Mapping[str, str], device: str) -> None:
        """A volume that is a folder of the host; nothing when there is one of this name. Raises DeployError."""
        if not any(one["Name"] == name for one in self.volumes()):
            options = ["--opt", "type=none", "--opt", "o=bind", "--opt", f"device={device}"]
            self._docker(["volume", "create", "--driver", "local", *options, *_labelled(labels), name])

    def remove(self, services: Sequence[Container]) -> None:
        """End and remove containers. Raises DeployError."""
        if services:
            grace = max(10, *(one.grace for one in services))
            self._docker(["stop", "--time", str(grace), *(one.id for one in services)], _DOWN + grace, missing=True)
            self._docker(["rm", "--force", "--volumes", *(one.id for one in services)], _DOWN, missing=True)

    def tidy(self, gpus: set[str]) -> None:
        """Remove networks and volumes of stacks that are no more. gpus: of those that are."""
        kept = gpus | {"all"} | {one.gpu for one in self.containers()}
        for network in self.networks():
            if (network.get("Labels") or {}).get(f"{LABEL}gpu") not in kept:
                self._docker(["network", "rm", network["Id"]], missing=True)
        for volume in self.volumes():
            if (volume.get("Labels") or {}).get(f"{LABEL}gpu") not in kept:
                self._docker(["volume", "rm", volume["Name"]], missing=True)

    def stop(self, *, purge: bool = False, keep: str = "", tell: Callable[[str], None] = lambda _: None) -> list[str]:
        """Take everything of the swarm away by label; gives what is left, with the reason where Docker gives one.

        purge: the volume `keep` goes too. tell: gets a line when something would not go at once and is tried again.
        Raises HostError when no Engine answers (any more).
        """
        end = self.clock.monotonic() + _STUBBORN
        while True:
            reasons = self._sweep(purge, keep)
            left = self.left(purge=purge, keep=keep)
            if not left:
                return []
            if self.clock.monotonic() >= end:
                return [f"{one}: {reasons[one]}" if one in reasons else one for one in left]
            tell(f"{', '.join(left)}: {'; '.join(reasons.values()) or 'came meanwhile'}; trying again")
            self.clock.sleep(_AGAIN)

    def _sweep(self, purge: bool, keep: str) -> dict[str, str]:
        """One round of `stop`: what would not go, and why."""
        reasons: dict[str, str] = {}

        def gone(name: str, words: list[str], holders: Sequence[str] = ()) -> None:
            try:
                self._docker(words, missing=True)
            except DeployError as e:
                said = _daemon_says(e.detail) or e.message
                reasons[name] = f"{said} (on it: {', '.join(holders)})" if holders else said

        with suppress(DeployError):  # one that will not end is among what is left
            self.remove(self.containers())
        for network in self.networks():
            gone(f"network {network['Name']}", ["network", "rm", network["Id"]], self._free(network["Id"]))
        for volume in self.volumes():
            if purge or volume["Name"] != keep:
                gone(f"volume {volume['Name']}", ["volume", "rm", volume["Name"]])
        return reasons

    def _free(self, network: str) -> list[str]:
        """Names of the containers on a network. Ends that Engine 20.10 keeps of one that is gone are taken off it."""
        try:
            ends = (self.ask(f"/networks/{network}").get("Containers") or {}).items()
            here = {str(row["Id"]) for row in self.ask("/containers/json", all=1)}
        except HostError:
            return []  # it went between the two looks; whether the Engine answers is asked next
        for key, end in ends:
            if key not in here:
                with suppress(DeployError):
                    self._docker(["network", "disconnect", "--force", network, str(end.get("Name"))], missing=True)
        return [str(end.get("Name")) for key, end in ends if key in here]

    def left(self, *, purge: bool = False, keep: str = "") -> list[str]:
        """Names of what still carries this swarm's label."""
        found = [f"{one.service} (container {one.id[:12]})" for one in self.containers()]
        found += [f"network {one['Name']}" for one in self.networks()]
        return found + [f"volume {one['Name']}" for one in self.volumes() if purge or one["Name"] != keep]

    def _id(self, service: str) -> str:
        rows = self.ask(
            "/containers/json",
            all=1,
            filters={"label": [f"{LABEL}swarm={self.swarm}", f"{LABEL}service={service}"]},
        )
        if not rows:
            raise HostError(f"{service} has no container", hint=f"swarmctl up --swarm {self.swarm}")
        return str(rows[0]["Id"])

    def _compose(self, file: Path, words: Sequence[str], seconds: float, what: str) -> None:
        argv = ["docker", "compose", "--file", str(file), "--progress", "quiet", *words]
        try:
            self._shell.run(argv, seconds=seconds)
        except HostError as e:
            raise _failed(f"docker compose cannot {what} {file.stem}", e) from None

    def _docker(self, words: Sequence[str], seconds: float = _SHORT, *, missing: bool = False) -> None:
        try:
            self._shell.run(["docker", *words], seconds=seconds)
        except HostError as e:
            if missing and ("No such" in e.detail or "not found" in e.detail):
                return
            raise _failed(f"docker {words[0]} {words[1]}: {e.message}", e) from None


@contextmanager
def _docker(name: str, engine: str) -> Iterator[Any]:
    """A container as the SDK has it; what it raises is one of our errors."""
    from docker.errors import DockerException  # noqa: PLC0415 - the SDK takes 0.2 s to import

    from swarmctl.effects.dockersdk import client  # noqa: PLC0415 - as above

    try:
        yield client(engine).containers.get(name)
    except (DockerException, OSError) as e:
        raise HostError(f"{name[:40]}: {e}"[:300]) from None


def compose_version(shell: Shell = HERE) -> str:
    """Of Docker's Compose. Raises HostError where the docker command or its Compose is not here, or too old."""
    try:
        done = shell.run(["docker", "compose", "version", "--short"], seconds=_SHORT, check=False)
    except HostError as e:
        raise HostError("the docker command is not here", detail=e.message, hint="swarmctl doctor") from None
    version = done.stdout.strip().removeprefix("v")
    numbers = re.match(r"(\d+)\.(\d+)", version)
    if done.code or not numbers:
        said = (done.stderr.strip() or version or f"exit {done.code}").splitlines()[0]
        detail = f"$ docker compose version\n{said[:300]}"
        raise HostError("docker is here, and its Compose is not", detail=detail, hint="swarmctl doctor")
    if (int(numbers[1]), int(numbers[2])) < COMPOSE:
        least = ".".join(map(str, COMPOSE))
        raise HostError(f"Compose {version} is older than {least}", hint="swarmctl doctor")
    return version


def _failed(message: str, error: HostError) -> SwarmctlError:
    """What a docker command ended with: HostError where no Engine answers, DeployError with the reason otherwise."""
    reason, hint = why(error.detail.splitlines()[1:])
    kind = {GONE: HostError, TAKEN: PortTakenError}.get(reason, DeployError)
    return kind(f"{message}: {reason}" if reason else message, detail=error.detail, hint=hint or error.hint)


def _daemon_says(text: str) -> str:
    """The daemon's own sentence in what a docker command ended with; empty when there is none."""
    said = next((line for line in text.splitlines() if "daemon:" in line), "")
    return said.partition("daemon:")[2].strip()[:300]


def _labelled(labels: Mapping[str, str]) -> list[str]:
    return [word for key, value in labels.items() for word in ("--label", f"{key}={value}")]
