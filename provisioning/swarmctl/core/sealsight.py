"""What the seal looks at, as values: a probe's lines, one container from inside and outside, and what is around it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

Kind = Literal["agent", "gateway", "forwarder", "relay", "engine"]


@dataclass(frozen=True, slots=True)
class Sight:
    """Lines of a probe: what, target, result. whole: it came to its end."""

    lines: tuple[tuple[str, str, str], ...] = ()
    whole: bool = False

    def of(self, what: str) -> dict[str, str]:
        """Target → result of all lines of one sort; of two alike the last."""
        return {target: result for kind, target, result in self.lines if kind == what}

    def all(self, what: str) -> list[tuple[str, str]]:
        """Target and result of all lines of one sort."""
        return [(target, result) for kind, target, result in self.lines if kind == what]


def sight(text: str) -> Sight:
    """A probe's output; lines of any other shape are left out."""
    lines, whole = [], False
    for line in text.splitlines():
        words = line.split("\t")
        if len(words) == 3:
            whole = words[0] == "end"
            lines.append((words[0], words[1], words[2].strip()))
    return Sight(tuple(lines), whole)


@dataclass(frozen=True, slots=True)
class Seen:
    """One container. inspect: `docker inspect`. networks: those that it stands on, as Docker describes them.

    trouble: why there is nothing from inside. packages: what its image installed is looked at here, once an image.
    """

    service: str
    inspect: Mapping[str, Any]
    sight: Sight = field(default_factory=Sight)
    networks: tuple[Mapping[str, Any], ...] = ()
    trouble: str = ""
    packages: bool = False

    @property
    def kind(self) -> Kind:
        """By its name."""
        head = self.service.partition("-")[0]
        return head if head in {"agent", "gateway", "forwarder", "relay"} else "engine"  # type: ignore[return-value] # narrowed by the set

    @property
    def host(self) -> Mapping[str, Any]:
        """`HostConfig` of the container."""
        found = self.inspect.get("HostConfig")
        return found if isinstance(found, Mapping) else {}

    @property
    def id(self) -> str:
        """Of the container."""
        return str(self.inspect.get("Id") or "")

    @property
    def addresses(self) -> frozenset[str]:
        """Its own addresses."""
        ends = (self.inspect.get("NetworkSettings") or {}).get("Networks") or {}
        return frozenset(end["IPAddress"] for end in ends.values() if end.get("IPAddress"))


@dataclass(frozen=True, slots=True)
class Listener:
    """What was opened on the host for the moment. targets: `address:port` of all its addresses.

    heard: addresses that reached it, by TCP or by a datagram. trouble: why it proves nothing.
    """

    targets: tuple[str, ...] = ()
    heard: frozenset[str] = frozenset()
    trouble: str = ""


@dataclass(frozen=True, slots=True)
class ImageSeen:
    """An image that a container runs. digests: its ID, and those of registries if it was pulled. locked: by the lock.

    leaks: where in its history, configuration or layers a secret is. read: bytes of its layers; trouble: why not all.
    """

    reference: str
    digests: frozenset[str]
    locked: str = ""
    leaks: tuple[str, ...] = ()
    read: int = 0
    trouble: str = ""


@dataclass(frozen=True, slots=True)
class Around:
    """What is around the containers.

    outside, metadata, others: `address:port` that must not be reached; others are containers of other networks.
    reached: those of the first and the last that this host itself reaches. neighbours: `address:port` of which one must
    be reached. rules: of the host's firewall, empty where it cannot be read. leaks: where outside of the containers a
    secret is, as (service, place, secret). searched: how many bytes of which place were read. images by container ID.
    locked: packages and versions of the lock, None without a lock; hashed: each line of it has a hash.
    """

    outside: tuple[str, ...] = ()
    metadata: tuple[str, ...] = ()
    others: tuple[str, ...] = ()
    reached: frozenset[str] = frozenset()
    neighbours: tuple[str, ...] = ()
    listener: Listener = field(default_factory=Listener)
    rules: tuple[str, ...] = ()
    leaks: tuple[tuple[str, str, str], ...] = ()
    searched: Mapping[str, int] = field(default_factory=dict)
    images: Mapping[str, ImageSeen] = field(default_factory=dict)
    locked: Mapping[str, str] | None = None
    hashed: bool = False
