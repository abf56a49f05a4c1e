"""What a swarm was last brought up as: all that later commands need to know of it."""

from typing import Any

from pydantic import BaseModel, ConfigDict

from swarmctl.core.plan import Plan
from swarmctl.core.spec import SwarmSpec
from swarmctl.core.stack import Service, Stack


class ServiceRecord(BaseModel):
    """One service; `settings` as in the stack."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str
    kind: str
    subject: str
    settings: dict[str, Any]
    needs: tuple[str, ...]
    port: int


class SwarmRecord(BaseModel):
    """Written by `up` before anything starts; gone after `down`."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    swarm: str
    slot: str
    gpu: str
    services: tuple[ServiceRecord, ...]
    floor: float
    test: str | None

    @property
    def stack(self) -> Stack:
        """The stack as a value again."""
        services = tuple(
            Service(s.name, "engine" if s.kind == "engine" else "agent", s.subject, s.settings, s.needs)
            for s in self.services
        )
        return Stack(self.swarm, self.slot, self.gpu, services)

    @property
    def ports(self) -> dict[str, int]:
        """Service → port."""
        return {s.name: s.port for s in self.services}

    @property
    def roles(self) -> tuple[str, ...]:
        """The roles, in the file's order."""
        return tuple(s.subject for s in self.services if s.kind == "agent")

    def url(self, service: str) -> str:
        """Where a service listens."""
        return f"http://127.0.0.1:{self.ports[service]}"


def record(spec: SwarmSpec, plan: Plan) -> SwarmRecord:
    """What is to be remembered of a plan that is about to be carried out."""
    (stack,) = plan.stacks
    return SwarmRecord(
        swarm=spec.name,
        slot=stack.slot,
        gpu=stack.gpu,
        services=tuple(
            ServiceRecord(
                name=s.name,
                kind=s.kind,
                subject=s.subject,
                settings=dict(s.settings),
                needs=s.needs,
                port=plan.ports[s.name],
            )
            for s in stack.services
        ),
        floor=spec.limits.floor,
        test=spec.test,
    )
