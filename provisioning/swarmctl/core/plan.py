"""The plan: one value that is printed, compared and executed."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from swarmctl.core.composesite import ComposeSite
from swarmctl.core.converting.upcoming import Upcoming
from swarmctl.core.stack import Stack


class Verb(StrEnum):
    """What a step does; each verb is one call on the World."""

    PREPARE = "prepare"
    LOAD = "load"
    DEPLOY = "deploy"
    CHECK = "check"
    RELEASE = "release"


@dataclass(frozen=True, slots=True)
class Step:
    """One thing that will be done, where, to what, and why."""

    verb: Verb
    where: str
    subject: str
    cause: str

    def text(self) -> str:
        """One line without its number."""
        return f"{self.verb:<8} {self.where:<13} {self.subject:<24} {self.cause}".rstrip()


@dataclass(frozen=True, slots=True)
class Memory:
    """One row of the memory table, in MiB; `known` is false when the model's facts are not known yet.

    The parts are what admission counts (`reserve`); expected is what the process should really take.
    """

    service: str
    weights: float
    kv: float
    compute: float
    other: float
    known: bool = True
    expected: float = 0.0

    @property
    def total(self) -> float:
        """What the process needs."""
        return self.weights + self.kv + self.compute + self.other


@dataclass(frozen=True, slots=True)
class Plan:
    """What `up` will do, and what the swarm needs.

    refusals: why nothing will be done, each with what would help; a plan with refusals has no steps.
    site: where containers find their files; None for processes. first: what is made of published weights before.
    """

    swarm: str
    stacks: tuple[Stack, ...] = ()
    steps: tuple[Step, ...] = ()
    memory: tuple[Memory, ...] = ()
    ram_free: int = 0
    ports: Mapping[str, int] = field(default_factory=dict)
    warnings: tuple[str, ...] = ()
    refusals: tuple[str, ...] = ()
    site: ComposeSite | None = field(default=None, repr=False)
    first: Upcoming | None = None

    @property
    def is_empty(self) -> bool:
        """There is nothing to do."""
        return not self.steps

    @property
    def needed(self) -> float:
        """MiB of host memory that all services need together."""
        return sum(row.total for row in self.memory)

    def text(self) -> str:
        """The steps as a person reads them and as golden files hold them."""
        return "".join(f"#{n:<3} {step.text()}\n" for n, step in enumerate(self.steps, 1)) or "nothing to do\n"

    def as_json(self) -> dict[str, Any]:
        """The value as JSON objects and lists."""
        return {
            "schema": "swarmctl/plan/v1",
            "swarm": self.swarm,
            "steps": [
                {"n": n, "verb": s.verb.value, "where": s.where, "subject": s.subject, "cause": s.cause}
                for n, s in enumerate(self.steps, 1)
            ],
            "services": [
                {"name": s.name, "kind": s.kind, "where": stack.where, "hash": s.hash, "port": self.ports.get(s.name)}
                for stack in self.stacks
                for s in stack.services
            ],
            "memory_mib": [
                {
                    "service": row.service,
                    "weights": round(row.weights, 1),
                    "kv": round(row.kv, 1),
                    "compute": round(row.compute, 1),
                    "other": round(row.other, 1),
                    "total": round(row.total, 1),
                    "expected": round(row.expected, 1),
                    "known": row.known,
                }
                for row in self.memory
            ],
            "ram_needed_mib": round(self.needed, 1),
            "ram_free_mib": self.ram_free,
            "warnings": list(self.warnings),
            "refusals": list(self.refusals),
            **({"conversions": self.first.as_json()} if self.first is not None else {}),
        }
