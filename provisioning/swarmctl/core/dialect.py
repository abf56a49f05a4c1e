"""What a Docker Engine understands: how a container gets its GPU, and how far a network can be closed."""

import re
from dataclasses import dataclass
from typing import Literal

from swarmctl.errors import HostError

CDI = (25, 0)
"""The first Engine that takes a CDI device request (`driver: cdi`), with the feature on, and a start interval."""
ISOLATED = (28, 0)
"""The first Engine that can leave the host out of an internal network."""
DNS_SAFE = (26, 0)
"""From here on no internal network passes DNS queries to the host's resolver (CVE-2024-29018)."""


@dataclass(frozen=True, slots=True)
class Dialect:
    """What to write.

    gpu: form of the device request. isolated: the bridge gets no address of the host. quick_start: health may be
    asked more often at the start. notes: for the plan.
    """

    gpu: Literal["cdi", "nvidia"] = "cdi"
    isolated: bool = True
    quick_start: bool = True
    notes: tuple[str, ...] = ()


NEWEST = Dialect()
"""Of an Engine that has everything."""


def dialect(version: str, *, ruled: bool = False) -> Dialect:
    """What to write for an Engine of this version, as `docker version` says it (`28.2.2`, `20.10.24+dfsg1`).

    ruled: firewall rules close the host where the Engine cannot.
    Raises HostError for a version that cannot be read.
    """
    match = re.match(r"(\d{1,4})\.(\d{1,4})", version)
    if match is None:
        raise HostError(f"Docker Engine says its version is {version[:60]!r}", hint="docker version")
    number = (int(match[1]), int(match[2]))
    notes = []
    if number < CDI:
        notes.append(
            f"Docker Engine {version} knows no CDI: GPUs are asked of the driver nvidia, which needs its toolkit"
        )
    if number < ISOLATED:
        notes.append(
            f"Docker Engine {version} cannot close the host to agents: "
            + ("a firewall rule of ours does" if ruled else "what listens on all addresses is reachable")
        )
    if number < DNS_SAFE:
        notes.append("its internal networks may pass DNS on: containers are given a resolver that answers nothing")
    return Dialect("cdi" if number >= CDI else "nvidia", number >= ISOLATED, number >= CDI, tuple(notes))
