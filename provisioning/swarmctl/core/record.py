"""What a swarm was last brought up as: all that later commands need to know of it."""

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict

from swarmctl.core.plan import Plan
from swarmctl.core.spec import SwarmSpec
from swarmctl.core.stack import Kind, Service, Stack

Runtime = Literal["process", "compose"]


class ServiceRecord(BaseModel):
    """One service; `settings` as in the stack. gpu: `cpu`, `gpu0`… port: on loopback, 0 for one that has none."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str
    kind: Kind
    subject: str
    settings: dict[str, Any]
    needs: tuple[str, ...]
    port: int
    gpu: str = "cpu"


class SwarmRecord(BaseModel):
    """Written by `up` before anything starts; gone after `down`."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    swarm: str
    slot: str
    runtime: Runtime = "process"
    services: tuple[ServiceRecord, ...]
    floor: float
    test: str | None
    test_image: str | None = None

    @property
    def stacks(self) -> tuple[Stack, ...]:
        """The stacks as values again."""
        places = dict.fromkeys(service.gpu for service in self.services)
        return tuple(Stack(self.swarm, self.slot, gpu, self._on(gpu)) for gpu in places)

    @property
    def spread(self) -> bool:
        """It is on several hosts, and this is put together from the records of its parts."""
        return not self.slot

    @property
    def ports(self) -> dict[str, int]:
        """Service → port, of those that have one."""
        return {s.name: s.port for s in self.services if s.port}

    @property
    def roles(self) -> tuple[str, ...]:
        """The roles, in the file's order; those of one card together."""
        return tuple(s.subject for s in self.services if s.kind == "agent")

    def url(self, service: str) -> str:
        """Where a service listens."""
        return f"http://127.0.0.1:{self.ports[service]}"

    def service(self, name: str) -> ServiceRecord:
        """The service of this name; KeyError if there is none."""
        return {s.name: s for s in self.services}[name]

    def _on(self, gpu: str) -> tuple[Service, ...]:
        return tuple(Service(s.name, s.kind, s.subject, s.settings, s.needs) for s in self.services if s.gpu == gpu)


def record(spec: SwarmSpec, plan: Plan) -> SwarmRecord:
    """What is to be remembered of a plan that is about to be carried out."""
    return SwarmRecord(
        swarm=spec.name,
        slot=plan.stacks[0].slot,
        runtime=spec.runtime,
        services=tuple(
            ServiceRecord(
                name=s.name,
                kind=s.kind,
                subject=s.subject,
                settings=dict(s.settings),
                needs=s.needs,
                port=plan.ports.get(s.name, 0),
                gpu=stack.gpu,
            )
            for stack in plan.stacks
            for s in stack.services
        ),
        floor=spec.limits.floor,
        test=spec.test,
        test_image=spec.test_image,
    )
