"""What runs on one GPU (or the CPU) of one host: services, each with its own config hash."""

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from swarmctl.core.parts.names import whole

Kind = Literal["engine", "agent", "gateway", "model", "forwarder", "relay", "converter"]
"""A `gateway` stands before engines whose models share a base. A `model` is no process: what an engine that serves
several is told of one of them. A `relay` leads to agents on other hosts of the swarm."""
STAYS = frozenset(("engine", "agent", "gateway", "forwarder", "relay"))
"""Kinds that are containers which stay."""
ANSWERS = frozenset(("engine", "agent", "gateway"))
"""Kinds that are reached through a port of the host."""
LABEL = "swarmctl."


def config_hash(settings: Mapping[str, Any]) -> str:
    """Twelve hexadecimal digits that change whenever the settings do."""
    text = json.dumps(settings, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()[:12]


@dataclass(frozen=True, slots=True)
class Service:
    """One process (or container) of a stack.

    name: `engine-<model>`, `agent-<role>`… subject: the model's, the role's or the card's name.
    settings: everything that decides how it runs, apart from places (paths, ports) on the host.
    needs: services that must be up first.
    """

    name: str
    kind: Kind
    subject: str
    settings: Mapping[str, Any]
    needs: tuple[str, ...] = ()

    @property
    def hash(self) -> str:
        """The config hash: equal settings, equal hash."""
        return config_hash({"kind": self.kind, **self.settings})


@dataclass(frozen=True, slots=True)
class Stack:
    """All services on one GPU of one slot; `gpu` is `cpu` or `gpu0`, `gpu1`…"""

    swarm: str
    slot: str
    gpu: str
    services: tuple[Service, ...]

    @property
    def project(self) -> str:
        """The Compose project that it is: `<swarm>-slot-0-gpu0`."""
        return f"{self.swarm}-{self.slot}-{self.gpu}"

    @property
    def where(self) -> str:
        """The place as a person reads it: `slot-0/cpu`."""
        return f"{self.slot}/{self.gpu}"

    @property
    def marked(self) -> str:
        """The slot as labels say it: of a swarm over several hosts, the name that its file gives this one."""
        found = whole(self.swarm)
        return found[1] if found else self.slot

    def place(self, service: Service) -> str:
        """`cpu`, `gpu0`…: a stack of processes is one for all cards, and its engines are on the card that they say."""
        return f"gpu{card}" if (card := service.settings.get("card")) is not None else self.gpu

    def service(self, name: str) -> Service:
        """The service of this name; KeyError if there is none."""
        return {s.name: s for s in self.services}[name]

    def labels(self, service: Service) -> dict[str, str]:
        """The labels that a process or container of this service carries."""
        return {
            f"{LABEL}swarm": self.swarm,
            f"{LABEL}slot": self.marked,
            f"{LABEL}gpu": self.place(service),
            f"{LABEL}service": service.name,
            **({f"{LABEL}role": service.subject} if service.kind == "agent" else {}),
            f"{LABEL}config-hash": service.hash,
        }


def stack_hash(stacks: Iterable[Stack]) -> str:
    """One word for all stacks of a swarm: what a verdict is about."""
    return config_hash({f"{stack.gpu}/{service.name}": service.hash for stack in stacks for service in stack.services})
