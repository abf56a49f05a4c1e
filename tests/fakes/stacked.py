"""Stacks on paper: the cases under golden-compose, placed, and the sites that they are rendered for."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import yaml

from core.test_forecasts import machine
from core.test_golden import spec_of
from swarmctl.core.compose import render
from swarmctl.core.composesite import ComposeSite
from swarmctl.core.dialect import NEWEST, dialect
from swarmctl.core.engines.engine import engine_of
from swarmctl.core.enginestack import Facts
from swarmctl.core.images import images
from swarmctl.core.parts.split import split
from swarmctl.core.placement.demand import demand
from swarmctl.core.placement.place import place
from swarmctl.core.placement.placement import Placement
from swarmctl.core.ports import assign
from swarmctl.core.spec import ORCHESTRATOR, SwarmSpec
from swarmctl.core.stack import ANSWERS, Stack
from swarmctl.core.stacks import stacks
from swarmctl.core.target import LocalTarget, Place, SshTarget, Target
from swarmctl.effects.known import known
from swarmctl.effects.templates import stack_templates

CASES = sorted(p.parent for p in (Path(__file__).parents[1] / "golden-compose").glob("*/box.yml"))
LOCK = {"ollama/ollama:0.32.15": f"sha256:{'5e' * 32}"}


def placed(case: Path) -> tuple[SwarmSpec, Placement, int]:
    """A case's swarm, where it runs, and the cores of the machine."""
    spec = spec_of(case)
    box, _ = machine(case / "box.yml")
    found = place(demand(spec, known(spec)), box)
    assert isinstance(found, Placement), found
    return spec, found, box.cores


def stacked(case: Path, **facts: Any) -> tuple[Stack, ...]:
    """The stacks of a case."""
    spec, found, cores = placed(case)
    prompts = {role: f"You are {role}." for role in spec.roles}
    given = {"images": images(engine_of(spec.engine), "1.2.3", LOCK), "prompts": prompts, "cores": cores, **facts}
    return stacks(spec, found, Facts(**given))


def apart(case: Path, slot: str = "desk", **facts: Any) -> tuple[Stack, ...]:
    """The stacks of one part, where the case's orchestrator is at `desk` and all else on a host of its own."""
    spec, cores = spec_of(case), machine(case / "box.yml")[0].cores
    places = {"desk": Place(local=LocalTarget()), "cards": Place(ssh=SshTarget(hosts=("gpu1",)))}
    roles = {
        name: role.model_copy(update={"slot": "desk" if name == ORCHESTRATOR else "cards"})
        for name, role in spec.roles.items()
    }
    whole = spec.model_copy(update={"target": Target(slots=places), "roles": roles, "runtime": "compose"})
    (part,) = (one for one in split(whole) if one.slot == slot)
    found = place(demand(part, known(part)), machine(case / "box.yml")[0])
    assert isinstance(found, Placement), found
    prompts = {role: f"You are {role}." for role in spec.roles}
    given = {"images": images(engine_of(spec.engine), "1.2.3", LOCK), "prompts": prompts, "cores": cores, **facts}
    return stacks(part, found, Facts(**given))


def site(case: Path, found: tuple[Stack, ...], templates: dict[str, str] | None = None) -> ComposeSite:
    """A host for a case's stacks: all under /srv/swarm, with the Engine that the case names."""
    spec, version = spec_of(case), yaml.safe_load((case / "box.yml").read_text()).get("docker")
    names = [s.name for stack in found for s in stack.services if s.kind in ANSWERS]
    return ComposeSite(
        templates=stack_templates() if templates is None else templates,
        root="/srv/swarm",
        models="/srv/models",
        ports=assign(spec.name, names, given={}, busy=frozenset()),
        files={source.key: f"gguf/{name}.gguf" for name, source in spec.models.items()},
        modelfiles=tuple(s.subject for stack in found for s in stack.services if s.kind == "model"),
        dialect=dialect(version) if version else NEWEST,
    )


def files(case: Path) -> dict[str, str]:
    """The Compose files of a case by stack; the first owns what all share."""
    found = stacked(case)
    host = site(case, found)
    return {stack.gpu: render(stack, replace(host, owns=n == 0)) for n, stack in enumerate(found)}
