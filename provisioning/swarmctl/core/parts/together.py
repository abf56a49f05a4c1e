"""What the parts of a swarm say, put together as if it were one."""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import datetime

from swarmctl.core.parts.partspec import RELAY
from swarmctl.core.record import ServiceRecord, SwarmRecord
from swarmctl.core.spec import ORCHESTRATOR
from swarmctl.core.stack import config_hash
from swarmctl.core.verdict import Depth, Verdict


def record_of(swarm: str, parts: Mapping[str, SwarmRecord]) -> SwarmRecord | None:
    """A swarm's record from those of its parts, by slot; None where there are none.

    Agents keep their names, which are theirs alone; every other service is `SLOT/NAME`.
    """
    if not parts:
        return None
    first = next((one for one in parts.values() if ORCHESTRATOR in one.roles), next(iter(parts.values())))
    services = tuple(_renamed(slot, s, parts) for slot, one in parts.items() for s in one.services)
    return first.model_copy(update={"swarm": swarm, "slot": "", "services": services})


def _renamed(slot: str, service: ServiceRecord, parts: Mapping[str, SwarmRecord]) -> ServiceRecord:
    """An agent whose model is behind the relay needs the server that has it."""
    name = service.name if service.kind == "agent" else f"{slot}/{service.name}"
    needs = tuple(f"{slot}/{other}" for other in service.needs)
    if service.kind == "agent" and service.needs == (RELAY,):
        found = server_of(str(service.settings.get("model")), parts)
        needs = (f"{found[0]}/{found[1]}",) if found else needs
    return service.model_copy(update={"name": name, "needs": needs, "gpu": f"{slot}/{service.gpu}"})


def server_of(model: str, parts: Mapping[str, SwarmRecord]) -> tuple[str, str] | None:
    """Slot and name of the server that has a model; None where none has."""
    for slot, one in parts.items():
        for service in one.services:
            if service.subject == model and service.kind in {"model", "engine"}:
                return slot, service.needs[0] if service.kind == "model" else service.name
    return None


def home_of(role: str, parts: Mapping[str, SwarmRecord]) -> str:
    """The slot on which a role's agent is; "" where none has it."""
    return next((slot for slot, one in parts.items() if role in one.roles), "")


def verdict_of(
    parts: Mapping[str, Verdict], ways: Verdict | None, at: datetime, seconds: float, depth: Depth
) -> Verdict:
    """One verdict from those of the parts, by slot, and of the ways between them."""
    proofs = tuple(replace(p, subject=f"{slot}/{p.subject}") for slot, one in parts.items() for p in one.proofs)
    stack = config_hash({slot: one.stack for slot, one in parts.items()})
    return Verdict(stack, at, seconds, (*proofs, *(ways.proofs if ways else ())), depth)


def routes(parts: Mapping[str, SwarmRecord]) -> Iterator[tuple[str, str, int]]:
    """Slot, role and the relay's port of every way from one host to an agent of another, or to a model."""
    for slot, one in parts.items():
        for service in one.services:
            if service.kind == "relay":
                yield from ((slot, role, port) for role, port in service.settings["ways"].items())
