"""A tunnel to a host: which ends it has here and there, the program that keeps it, and what may be said of it."""

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Literal

from swarmctl.core.hosts import Host, ssh_options
from swarmctl.core.labels import HASH, HOME, SERVICE, SWARM
from swarmctl.core.ports import FIRST, LAST, first
from swarmctl.core.program import Program
from swarmctl.core.stack import LABEL, config_hash

DOCKER = "/var/run/docker.sock"
SLOT = f"{LABEL}slot"
_SLOT = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,62}")
_PRIVILEGED = 1024
_SETTINGS = (
    "BatchMode=yes", "ConnectTimeout=5", "ConnectionAttempts=10", "ServerAliveInterval=5", "ServerAliveCountMax=3",
    "ExitOnForwardFailure=yes", "StreamLocalBindUnlink=yes", "StreamLocalBindMask=0177", "GatewayPorts=no",
    "ForwardAgent=no", "LogLevel=INFO", "PermitLocalCommand=no", "RemoteCommand=none",
    "ControlMaster=auto", "ControlPersist=no",
)  # fmt: skip
"""A cut cable is noticed after 15 to 20 s; a machine that boots is tried each second."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is to be reached of a host. docker: path of its Docker's socket, "" for none. ports: its loopback ports."""

    docker: str = DOCKER
    ports: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Ends:
    """Where that is here. docker: path of a socket, "" for none; ports: the loopback port here, by the one there."""

    docker: str = ""
    ports: Mapping[int, int] = field(default_factory=dict)

    @property
    def docker_host(self) -> str:
        """The DOCKER_HOST with which a client here talks to the Docker there; empty where it is not reached."""
        return f"unix://{self.docker}" if self.docker else ""

    def as_json(self) -> dict[str, Any]:
        """The value as JSON."""
        return asdict(self) | {"ports": {str(there): here for there, here in self.ports.items()}}


@dataclass(frozen=True, slots=True)
class TunnelState:
    """What is to be said of a tunnel.

    since: epoch seconds since when it is connected, or when it was last known to be; None where that is not known.
    words: what OpenSSH said last, where it is not connected. restarts: how often it was begun again.
    """

    state: Literal["connected", "reconnecting", "down"]
    since: float | None = None
    words: str = ""
    restarts: int = 0


def service(slot: str) -> str:
    """The name of the program that keeps a slot's tunnel. Raises ValueError for a slot that is no name."""
    if not _SLOT.fullmatch(slot):
        raise ValueError(f"{slot[:60]!r} is no name of a slot")
    return f"tunnel-{slot}"


def problems(wanted: Wanted) -> list[str]:
    """What of this cannot be forwarded, as sentences."""
    ports: tuple[object, ...] = wanted.ports
    odd = [port for port in ports if not isinstance(port, int) or isinstance(port, bool) or not 0 < port < 65536]
    found = [f"{str(port)[:20]} is no port" for port in odd]
    if wanted.docker and not re.fullmatch(r"/[A-Za-z0-9/_.-]{1,100}", wanted.docker):
        found.append(f"{wanted.docker[:60]!r} is no path of a socket")
    return found


def local_ports(
    seed: str, ports: Iterable[int], before: Mapping[int, int], is_free: Callable[[int], bool]
) -> dict[int, int]:
    """The port here for each port there: the one it had, the same number, or the next free one from the seed's start.

    before: what they were; a port that is its own now counts as free to `is_free`. Raises ValueError when none is left.
    """
    chosen: dict[int, int] = {}
    todo = sorted(set(ports))

    def take(there: int, here: int) -> bool:
        fits = there not in chosen and here not in chosen.values() and is_free(here)
        if fits:
            chosen[there] = here
        return fits

    liked = [(there, before[there]) for there in todo if there in before]
    liked += [(there, there) for there in todo if there >= _PRIVILEGED]
    for there, here in liked:
        take(there, here)
    start = first(seed)
    others = iter(FIRST + (start + offset) % (LAST - FIRST) for offset in range(LAST - FIRST))
    for there in (port for port in todo if port not in chosen):
        if not any(take(there, here) for here in others):
            raise ValueError(f"no free port between {FIRST} and {LAST}")
    return chosen


def command(host: Host, wanted: Wanted, ends: Ends, control: str) -> tuple[str, ...]:
    """The line of OpenSSH that holds the tunnel. control: path of its control socket.

    Where keys are pinned in a file of ours, only a pinned one is taken. Raises SpecError for a host of no use.
    """
    strict = ("StrictHostKeyChecking=yes",) if host.known_hosts else ()
    settings = (*_SETTINGS, f"ControlPath={control}", *strict)
    ways = [f"127.0.0.1:{here}:127.0.0.1:{there}" for there, here in sorted(ends.ports.items())]
    ways += [f"{ends.docker}:{wanted.docker}"] if ends.docker else []
    return (
        *("ssh", "-N", "-T", "-a", "-x"),
        *(word for setting in settings for word in ("-o", setting)),
        *ssh_options(host),
        *(word for way in ways for word in ("-L", way)),
        *(() if host.port == 22 else ("-p", str(host.port))),
        f"{host.user}@{host.address.strip('[]')}",
    )


def program(swarm: str, slot: str, home: str, argv: tuple[str, ...], environment: Mapping[str, str]) -> Program:
    """What the supervisor keeps alive. environment: on top of its own; not part of the hash."""
    name, made = service(slot), config_hash({"argv": argv})
    labels = {SWARM: swarm, SERVICE: name, HOME: home, SLOT: slot, HASH: made}
    return Program(name, "exec", argv, labels, made, env=dict(environment), stop_grace=3.0)


def read_ends(raw: object) -> Ends:
    """Ends as they were written down; none for anything else."""
    found = raw if isinstance(raw, dict) else {}
    docker, ports = found.get("docker"), found.get("ports")
    kept = ports.items() if isinstance(ports, dict) else ()
    return Ends(
        docker if isinstance(docker, str) else "",
        {int(there): here for there, here in kept if str(there).isdecimal() and isinstance(here, int)},
    )
