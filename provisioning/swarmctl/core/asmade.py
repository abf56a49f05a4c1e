"""How a container was really made, beside what its file asks: environment, limits, open ports, hardening."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from swarmctl.core.composesite import ComposeSite
from swarmctl.core.composeview import view
from swarmctl.core.stack import Service, Stack

_MIB = 1024 * 1024
_QUOTE = 40


@dataclass(frozen=True, slots=True)
class AsMade:
    """What somebody else's `docker compose`, an override file or `docker update` may have changed.

    memory: MiB, 0 without a limit. ports: `address:port` of the host, as asked for. weak: what it may do and ours
    may not, in words.
    """

    environment: Mapping[str, str]
    memory: int
    ports: frozenset[str]
    weak: tuple[str, ...] = ()


def as_made(raw: Mapping[str, Any]) -> AsMade:
    """The answer of `docker inspect`."""
    host = raw.get("HostConfig") or {}
    pairs = ((raw.get("Config") or {}).get("Env")) or ()
    bindings = (host.get("PortBindings") or {}).values()
    return AsMade(
        dict(str(pair).partition("=")[::2] for pair in pairs),
        int(host.get("Memory") or 0) // _MIB,
        frozenset(f"{row.get('HostIp') or '0.0.0.0'}:{row.get('HostPort')}" for rows in bindings for row in rows or ()),  # noqa: S104 - what Docker means by no address
        tuple(_weak(host)),
    )


def _weak(host: Mapping[str, Any]) -> Iterator[str]:
    if host.get("Privileged"):
        yield "is privileged"
    if host.get("NetworkMode") == "host":
        yield "is on the host's own network"
    if not host.get("ReadonlyRootfs"):
        yield "may write to its root"
    if host.get("CapAdd") or "ALL" not in (host.get("CapDrop") or ()):
        yield "has capabilities"


def altered(stack: Stack, service: Service, found: AsMade | None, site: ComposeSite) -> str:
    """How a container differs from what our file asks, in a few words; empty when it does not, or nobody looked."""
    if found is None:
        return ""
    wanted = view(stack, service, site)
    for name, value in wanted["environment"].items():
        there = found.environment.get(name)
        if there is None:
            return f"{name} is not set in it, but should be {str(value)[:_QUOTE]!r}"
        if there != value:
            return f"{name} is {there[:_QUOTE]!r} in it, not {str(value)[:_QUOTE]!r}"
    if found.memory != wanted["memory"]:
        return f"its memory limit is {found.memory} MiB, not {wanted['memory']}"
    ports = {f"127.0.0.1:{port}" for port in wanted.get("ports", ())}
    if found.ports != ports:
        return (
            f"it publishes {', '.join(sorted(found.ports)) or 'nothing'}, not {', '.join(sorted(ports)) or 'nothing'}"
        )
    return f"it {found.weak[0]}" if found.weak else ""
