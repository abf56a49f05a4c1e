"""Deciding: a spec and one look at the world in, a plan out."""

from collections.abc import Iterator, Mapping

from swarmctl.core.composeplan import reconcile_compose
from swarmctl.core.design import design
from swarmctl.core.footprint import footprint, refusals, warnings
from swarmctl.core.loads import files_of, loads
from swarmctl.core.observed import Observed, RunningService
from swarmctl.core.plan import Plan, Step, Verb
from swarmctl.core.ports import assign
from swarmctl.core.settle import Settled, settle
from swarmctl.core.spec import SwarmSpec
from swarmctl.core.stack import Service, Stack, stack_hash


def reconcile(spec: SwarmSpec, observed: Observed) -> Plan:
    """What has to be done so that the swarm runs as its file says; nothing, when it does already."""
    if spec.runtime == "compose":
        return reconcile_compose(spec, observed)
    settled = settle(spec, observed)
    spec = settled.spec
    stack = design(spec, observed, settled.placement)
    memory = footprint(spec, observed, settled.placement)
    refused = refusals(settled, observed, memory)
    ports = assign(
        spec.name + observed.home, (s.name for s in stack.services), given=observed.ports, busy=observed.busy
    )
    return Plan(
        swarm=spec.name,
        stacks=(stack,),
        steps=() if refused else tuple(_steps(spec, settled, stack, observed, ports)),
        memory=memory,
        ram_free=observed.machine.ram_free,
        ports=ports,
        warnings=(*settled.notes, *warnings(spec, observed)),
        refusals=refused,
    )


def release(swarm: str, observed: Observed) -> Plan:
    """What has to be done so that nothing of a swarm is left."""
    found = {service.name: "runs" for service in observed.services}
    found |= {stray.name: "runs without its supervisor" for stray in observed.strays}
    where = {service.name: f"slot-0/{service.gpu}" for service in (*observed.services, *observed.strays)}
    steps = [Step(Verb.RELEASE, where[name], name, cause) for name, cause in sorted(found.items())]
    if observed.supervisor is not None:
        steps.append(Step(Verb.RELEASE, "slot-0", "supervisor", f"pid {observed.supervisor}"))
    if observed.prepared:
        steps.append(Step(Verb.RELEASE, "slot-0", "state", "keys, logs and settings of the swarm"))
    return Plan(swarm, steps=tuple(steps))


def _steps(
    spec: SwarmSpec, settled: Settled, stack: Stack, observed: Observed, ports: Mapping[str, int]
) -> Iterator[Step]:
    changes = []
    if not observed.prepared:
        changes.append(Step(Verb.PREPARE, stack.slot, "local host", "no state of this swarm here"))
    placed, used = settled.placement, {model: "" for model in spec.models if spec.users(model)}
    changes.extend(loads(spec, dict(files_of(spec, placed)) if placed else used, observed, stack.slot))
    changes.extend(_deployments(stack, observed, ports))
    wanted = {service.name for service in stack.services}
    changes.extend(
        Step(Verb.RELEASE, stack.where, service.name, "not in the file")
        for service in (*observed.services, *observed.strays)
        if service.name not in wanted
    )
    yield from changes
    if changes:
        yield Step(Verb.CHECK, stack.where, "all proofs", f"after #{len(changes)}")
    elif observed.proved != stack_hash([stack]):
        yield Step(Verb.CHECK, stack.where, "all proofs", "not proved yet in this form")


def _deployments(stack: Stack, observed: Observed, ports: Mapping[str, int]) -> Iterator[Step]:
    running = {service.name: service for service in observed.services}
    strays = {stray.name: stray for stray in observed.strays}
    moved = {name for name, port in observed.ports.items() if ports.get(name, port) != port}
    for service in stack.services:
        one, stray = running.get(service.name), strays.get(service.name)
        cause = _why(service, one, stray, observed) or _neighbour(service, moved)
        if cause:
            yield Step(Verb.DEPLOY, f"{stack.slot}/{stack.place(service)}", service.name, cause)


def _neighbour(wanted: Service, moved: set[str]) -> str:
    """Why a service must learn a new address; empty when it knows them all."""
    knows = (*wanted.needs, *(f"agent-{peer}" for peer in wanted.settings.get("peers", ())))
    return next((f"{name} moved to another port" for name in knows if name in moved), "")


def _why(wanted: Service, running: RunningService | None, stray: RunningService | None, observed: Observed) -> str:
    """Why a service must be deployed; empty when it runs as wanted."""
    if running is None:
        return "runs without its supervisor" if stray else "does not run"
    port = observed.ports.get(wanted.name)
    reasons = {
        "its keys and settings are gone": not observed.prepared,
        f"was started by swarmctl {observed.stale}": bool(observed.stale),
        "its settings changed": running.hash != wanted.hash,
        f"is in {running.state}" + (f" after {running.last_exit}" if running.last_exit else ""): not running.up,
        f"port {port} belongs to another program": port in observed.busy,
    }
    return next((reason for reason, holds in reasons.items() if holds), "")
