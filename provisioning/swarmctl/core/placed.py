"""On which machine a swarm was put: written when that machine is reached, read by every later command."""

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict

from swarmctl.core.hosts import Host

BASE = "/var/lib/swarmctl"
"""Folder of a host under which all that we bring lies."""
SLOT = "slot-0"


class Placed(BaseModel):
    """One swarm on one host that SSH reaches.

    host: as core.hosts.Host, field by field. lease: number of the machine at its market, "" for one's own. prepared:
    hash of what it was prepared with, "" where it was not yet. held: when it was to end, in epoch seconds, before a
    nearer end was given to it because it is not healthy; 0 where none was. runtime: how services run there. base:
    folder of what we bring there. python: that runs swarmctl there, where its processes do. wishes: of the swarm file,
    as a rented machine was told of them, by core.leasing.wishes.
    """

    model_config = ConfigDict(extra="ignore", frozen=True)

    swarm: str
    slot: str = SLOT
    host: dict[str, Any]
    lease: str = ""
    prepared: str = ""
    held: int = 0
    runtime: Literal["process", "compose"] = "compose"
    base: str = BASE
    python: str = ""
    wishes: dict[str, str] = {}

    @property
    def reached(self) -> Host:
        """How it is reached. Raises TypeError for fields that no host has."""
        return Host(**self.host)


def root_of(swarm: str) -> str:
    """A swarm's folder on a host."""
    return f"{BASE}/swarms/{swarm}"


def models_of(swarm: str) -> str:
    """The folder on a host where a swarm's engines read their models."""
    return f"{BASE}/models/{swarm}"
