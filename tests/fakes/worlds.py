"""A machine on paper: snapshots from a case's file, and what a plan would make of them."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import yaml

from swarmctl.core.design import design
from swarmctl.core.machine import Gpu, Machine
from swarmctl.core.observed import Observed, RunningService, Source
from swarmctl.core.plan import Plan, Verb
from swarmctl.core.settle import settle
from swarmctl.core.spec import SwarmSpec
from swarmctl.core.stack import stack_hash
from swarmctl.effects import catalogue, hardware


def snapshot(file: Path, spec: SwarmSpec) -> Observed:
    """The snapshot that a case's observed.yml describes.

    `machine` has cores, ram_total, ram_free (MiB) and gpus, which an engine of its own uses where `used` is true;
    `held` names models in the store; `running` is `all` or maps services to states, where `hash: current` (the
    default) means as the spec wants it.
    """
    raw: dict[str, Any] = yaml.safe_load(file.read_text()) or {}
    machine = raw.pop("machine", {})
    gpus = tuple(Gpu(**gpu) for gpu in machine.pop("gpus", []))
    held = raw.pop("held", [])
    running, proved, strays = raw.pop("running", {}), raw.pop("proved", False), raw.pop("strays", {})
    sources = {}
    for name, source in spec.models.items():
        problem = raw.get("problems", {}).get(name, "")
        sources[source.key] = Source(source.key, name in held, None if problem else catalogue.facts(source), problem)
    raw.pop("problems", None)
    raw["busy"] = frozenset(raw.get("busy", ()))
    here = Machine(
        "case",
        "Linux x86_64",
        **{"cores": 8, "ram_total": 32000, "ram_free": 30000, "disk_free": 99000, **machine},
        gpus=gpus,
    )
    prompts = {role: f"You are {role}." for role in spec.roles}
    if raw.pop("used", False):
        raw["cards"] = hardware.of_machine(here)
    observed = Observed(machine=here, sources=sources, prompts=prompts, **raw)
    stack = design(spec, observed, settle(spec, observed).placement)
    if running == "all":
        running = {service.name: {} for service in stack.services}
    if strays == "all":
        strays = {service.name: {} for service in stack.services}
    wanted = {service.name: service.hash for service in stack.services}
    return replace(
        observed,
        services=tuple(_service(name, facts, wanted, "running") for name, facts in running.items()),
        strays=tuple(_service(name, facts, wanted, "stray") for name, facts in strays.items()),
        proved=stack_hash([stack]) if proved else None,
    )


def _service(name: str, facts: dict[str, Any], wanted: dict[str, str], state: str) -> RunningService:
    given = {"hash": wanted.get(name, "0" * 12), "state": state, "pid": 1, **(facts or {})}
    return RunningService(name, **given)


def carried_out(plan: Plan, spec: SwarmSpec, observed: Observed) -> Observed:  # noqa: C901 - one case a verb
    """The snapshot that is found once every step of a plan has been done."""
    services = {s.name: s for s in observed.services}
    for step in plan.steps:
        match step.verb:
            case Verb.PREPARE:
                observed = replace(observed, prepared=True)
            case Verb.LOAD:
                key = spec.models[step.subject].key
                facts = observed.sources[key].facts
                observed = replace(observed, sources={**observed.sources, key: Source(key, True, facts)})
            case Verb.DEPLOY:
                wanted = plan.stacks[0].service(step.subject)
                services[step.subject] = RunningService(step.subject, wanted.hash, "running", 2)
                observed = replace(observed, supervisor=1, stale="", strays=())
            case Verb.RELEASE:
                services.pop(step.subject, None)
                if step.subject == "supervisor":
                    observed = replace(observed, supervisor=None)
                if step.subject == "state":
                    observed = replace(observed, prepared=False)
                observed = replace(observed, strays=tuple(s for s in observed.strays if s.name != step.subject))
            case Verb.CHECK:
                observed = replace(observed, proved=stack_hash(plan.stacks))
    return replace(observed, services=tuple(services.values()), ports=dict(plan.ports) or observed.ports)
