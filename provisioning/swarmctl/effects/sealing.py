"""The seal: looks at the containers of a swarm from inside and at what is around them, and has it judged."""

import json
import secrets
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Protocol

from swarmctl.core.seal import Seal
from swarmctl.core.sealjudge import judge
from swarmctl.core.sealsight import Around, Seen, Sight, sight
from swarmctl.effects import hostwall, sealprobe
from swarmctl.effects.clock import Clock
from swarmctl.effects.dockerapi import Ask
from swarmctl.effects.sealaround import Reach, look_around
from swarmctl.effects.sealkept import images, leaks, lock_of_packages, words
from swarmctl.effects.seallistener import listening
from swarmctl.errors import HealthError, HostError

Tell = Callable[[str], None]
PACKAGES = "/opt/agent"
"""Where the agent image has its packages."""
SECONDS = 60.0
"""A probe is given; it takes 3 to 6, most of them in silence."""
_AT_ONCE = 4
_MOST_FORKS = 600
"""Threads that are tried at most; a limit above it is read and not tried."""
_HERE = Path(__file__).parent


class Ran(Protocol):
    """A command that ended inside a container."""

    @property
    def text(self) -> str:
        """Both its outputs."""
        ...


class Container(Protocol):
    """What is asked of a container's listing."""

    @property
    def id(self) -> str:
        """Docker's."""
        ...

    @property
    def service(self) -> str:
        """Its name in the stack."""
        ...

    @property
    def state(self) -> str:
        """`running` and so on."""
        ...


class Runtime(Protocol):
    """What is asked of the runtime that the containers are of."""

    @property
    def ask(self) -> Ask:
        """The Engine's API."""
        ...

    def containers(self) -> Sequence[Container]:
        """Every container of the swarm."""
        ...

    def inspect(self, service: str) -> dict[str, Any]:
        """`docker inspect` of a service's container."""
        ...

    def log(self, service: str, tail: int | None = None) -> str:
        """What it wrote."""
        ...

    def inside(self, service: str, argv: Sequence[str], *, user: str = "", seconds: float = 30) -> Ran:
        """Run a command in it."""
        ...


@dataclass(frozen=True, slots=True)
class Sealed:
    """What is sealed. folder: of the swarm, with `secrets/` and all files that were written for it.

    lock: digest by image reference.
    """

    swarm: str
    runtime: Runtime
    folder: Path
    lock: Mapping[str, str] = field(default_factory=dict)
    reach: Reach = field(default_factory=Reach)


def seal(what: Sealed, clock: Clock, *, tell: Tell) -> Seal:
    """Try every wall; takes 10 to 20 s. Raises HealthError when no container of the swarm runs, HostError."""
    begun = clock.monotonic()
    seen = _containers(what)
    if all(one.trouble for one in seen):
        raise HealthError(
            f"no container of swarm '{what.swarm}' runs", hint=f"swarmctl up --swarm {what.swarm} --runtime compose"
        )
    tell(f"looking into {len(seen)} containers")
    with ThreadPoolExecutor(_AT_ONCE + 1) as pool:
        kept = pool.submit(_kept, what, seen)
        with listening() as listener:
            around = look_around(what.swarm, what.runtime.ask, what.reach, seen, listener.port)
            seen = list(pool.map(lambda one: _probed(what, one, around), seen))
            heard = frozenset(listener.heard)
        around = replace(around, listener=replace(around.listener, heard=heard), rules=hostwall.rules())
        tell("reading logs and layers")
        around = replace(around, **kept.result())
    return Seal(what.swarm, clock.now(), clock.monotonic() - begun, judge(seen, around))


def _containers(what: Sealed) -> list[Seen]:
    """All but the tool that is started by hand, without what the probes say."""
    found = what.runtime.containers()
    ours = {one.id for one in found}
    states = {one.service: one.state for one in found if one.service != "converter"}
    inspected = {service: what.runtime.inspect(service) for service in states}
    known: dict[str, Mapping[str, Any]] = {}
    for raw in inspected.values():
        for end in _ends(raw):
            if end["NetworkID"] not in known:
                known[end["NetworkID"]] = _network(what, end["NetworkID"], ours)
    readers = {
        raw.get("Image"): service for service, raw in reversed(inspected.items()) if service.startswith("agent-")
    }
    return [
        Seen(
            service,
            raw,
            networks=tuple(known[end["NetworkID"]] for end in _ends(raw)),
            packages=readers.get(raw.get("Image")) == service,
            trouble="" if states[service] == "running" else f"it does not run: {states[service]}",
        )
        for service, raw in inspected.items()
    ]


def _ends(raw: Mapping[str, Any]) -> list[dict[str, Any]]:
    """A container's ends of networks, those that have one."""
    networks = (raw.get("NetworkSettings") or {}).get("Networks") or {}
    return [end for end in networks.values() if end.get("NetworkID") and end.get("IPAddress")]


def _network(what: Sealed, number: str, ours: set[str]) -> dict[str, Any]:
    raw: dict[str, Any] = what.runtime.ask(f"/networks/{number}")
    there = raw.get("Containers") or {}
    return {**raw, "Strangers": [str(one.get("Name")) for key, one in there.items() if key not in ours]}


def _probed(what: Sealed, one: Seen, around: Around) -> Seen:
    """A container, with what was tried from inside."""
    if one.trouble:
        return one
    try:
        done = what.runtime.inside(one.service, _argv(what, one, around), seconds=SECONDS)
    except HostError as e:
        return replace(one, trouble=e.message)
    found = sight(done.text)
    return replace(one, sight=found, trouble="" if found.whole else _last(done.text, found))


def _last(text: str, found: Sight) -> str:
    lines = text.strip().splitlines()
    return f"the probe ended after {len(found.lines)} lines: {lines[-1][:160] if lines else 'it wrote nothing'}"


def _argv(what: Sealed, one: Seen, around: Around) -> list[str]:
    """Python where the image is ours, else the shell."""
    targets = [*around.outside, *around.metadata, *around.others, *around.neighbours, *around.listener.targets]
    pairs = [(host.strip("[]"), int(port)) for host, _, port in (target.rpartition(":") for target in targets)]
    if one.kind == "engine":
        text = (_HERE / "sealprobe.sh").read_text(encoding="utf-8")
        return ["bash", "-c", text, "seal", *(f"{host}/{port}" for host, port in pairs)]
    limit = one.host.get("PidsLimit") or 0
    name = f"{secrets.token_hex(6)}.{what.reach.names[0]}"
    asked = {
        "tcp": pairs,
        "udp": [pair for pair, target in zip(pairs, targets, strict=True) if target in around.listener.targets],
        "nonce": "seal",
        "echo": [host for host, _ in what.reach.outside if ":" not in host][:1],
        "resolvers": [host for host, port in what.reach.outside if port == 53],
        "names": [name],
        "urls": [*(f"http://{host}/" for host, _ in what.reach.outside[:1]), f"http://{name}/"],
        "packages": PACKAGES if one.packages else "",
        "forks": limit + 16 if 0 < limit < _MOST_FORKS else _MOST_FORKS if limit <= 0 else 0,
    }
    text = Path(sealprobe.__file__).read_text(encoding="utf-8")
    return ["python3", "-I", "-c", text, json.dumps(asked)]


def _kept(what: Sealed, seen: Sequence[Seen]) -> dict[str, Any]:
    """Where secrets are and are not, and what the images are."""
    values = words(what.folder / "secrets")
    found, searched = leaks(what.folder, seen, what.runtime.log, values)
    locked, hashed = lock_of_packages()
    kept = images(what.runtime.ask, seen, what.lock, values)
    return {"leaks": found, "searched": searched, "images": kept, "locked": locked, "hashed": hashed}
