"""A shared base decided for containers: what is planned, what is refused, and what drifts."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest

from fakes.composedworlds import after_up, made, nothing
from fakes.foldedspec import folded_spec
from fakes.smollm import smollm
from swarmctl.core.composed import host_of
from swarmctl.core.composeplan import reconcile_compose
from swarmctl.core.observed import Observed, Source
from swarmctl.core.placement.demand import Known
from swarmctl.core.quantisation import weigh
from swarmctl.core.spec import SwarmSpec
from swarmctl.core.stackfiles import of_kind
from swarmctl.effects.gguf import read_gguf

FACTS = read_gguf(smollm())
WHOLE = {FACTS.weights.quant: FACTS.weights}


def swarm(**changes: Any) -> SwarmSpec:
    return folded_spec("compose", **changes)


def world(spec: SwarmSpec, edit: Mapping[str, Any] | None = None, adapter: int = 4096) -> Observed:
    """A machine that holds two models, and of the others what is said."""
    seen = nothing(spec)
    known = {name: Known(FACTS.model, edit if edit and name != "lead" else WHOLE) for name in spec.models}
    known |= {name: replace(known[name], adapter=adapter) for name in ("docs", "testing")}
    return replace(seen, compose=replace(host_of(seen), known=known))


def plan(spec: SwarmSpec, seen: Observed) -> list[str]:
    found = reconcile_compose(spec, seen)
    assert found.refusals == (), found.refusals
    return [f"{step.verb.value} {step.subject}: {step.cause}" for step in found.steps]


def test_the_gateway_is_one_of_the_services_with_a_port_and_a_settings_file() -> None:
    spec = swarm()
    found = made(spec, world(spec))
    (gateway,) = of_kind(found.stacks, "gateway")
    assert gateway.needs == ("engine-coder",)
    assert found.site.ports.keys() == {
        "engine-lead", "engine-coder", gateway.name, "agent-orchestrator", "agent-docs", "agent-testing",
    }  # fmt: skip
    written = host_of(after_up(spec, world(spec))).written
    assert '"name": "docs"' in written["services/gateway-cpu.json"]
    assert plan(spec, after_up(spec, world(spec))) == []


def test_a_base_that_no_role_uses_is_brought_too() -> None:
    spec = swarm()
    seen = world(spec)
    lost = replace(seen, sources={key: replace(one, held=False) for key, one in seen.sources.items()})
    loads = [line for line in plan(spec, lost) if line.startswith("load")]
    assert loads == [
        "load lead: not in the store; from path:/store/lead",
        "load coder: not in the store; from path:/store/coder",
        "load docs: folded into coder from /store/docs",
        "load testing: folded into coder from /store/testing",
    ]


def test_a_settings_file_of_the_gateway_that_somebody_changed_is_written_anew() -> None:
    spec = swarm()
    up = after_up(spec, world(spec))
    host = host_of(up)
    strange = {**host.written, "services/gateway-cpu.json": "{}"}
    (deploy, check) = plan(spec, replace(up, compose=replace(host, written=strange)))
    assert deploy == "deploy gateway-cpu: its settings file is not as it should be"
    assert check.startswith("check")


def test_another_adapter_makes_its_server_and_the_gateway_anew() -> None:
    spec = swarm()
    up = after_up(spec, world(spec))
    key = spec.models["docs"].key
    other = replace(up, sources={**up.sources, key: Source("sha256:other", True, FACTS)})
    (deploy,) = [line for line in plan(spec, other) if line.startswith("deploy")]
    assert "engine-coder, gateway-cpu: its settings changed;" in deploy


def test_a_whole_model_is_no_adapter() -> None:
    spec = swarm()
    refused = reconcile_compose(spec, world(spec, adapter=0)).refusals
    assert len(refused) == 2
    assert "models.docs: what it changes of coder can only be told from published weights of both" in refused[0]
    apart = swarm(placement={"architecture": "auto"})
    names = {service.name for service in of_kind(made(apart, world(apart, adapter=0)).stacks, "engine")}
    assert names == {"engine-lead", "engine-docs", "engine-testing"}, "auto leaves whole models alone"


def test_weights_that_are_still_to_be_folded_are_planned_as_shared() -> None:
    spec = swarm()
    published = {quant: weigh(FACTS.model, quant) for quant in ("Q4_K_M", "Q8_0")}
    found = made(spec, world(spec, edit=published, adapter=0))
    assert len(of_kind(found.stacks, "engine")) == 2
    seen = world(spec, edit=published, adapter=0)
    file = replace(host_of(seen), known={**host_of(seen).known, "coder": Known(FACTS.model, WHOLE)})
    assert len(reconcile_compose(spec, replace(seen, compose=file)).refusals) == 2, "a base as a file says too little"


def test_where_it_makes_a_swarm_fit_it_is_offered_with_what_to_type() -> None:
    spec = swarm(placement={"architecture": "separate"})
    seen = world(spec)
    tight = replace(seen, machine=replace(seen.machine, ram_free=900))
    assert reconcile_compose(swarm(), tight).refusals == ()
    said = "\n".join(reconcile_compose(spec, tight).refusals)
    assert "one base with adapters (--architecture shared-base)" in said


@pytest.mark.parametrize("kind", ["ollama", "vllm"])
def test_only_llama_server_can(kind: str) -> None:
    spec = swarm(engine={"kind": kind, "context": 1024})
    assert "llamacpp" in "\n".join(reconcile_compose(spec, world(spec)).refusals)


def test_a_file_is_called_the_same_before_and_after_it_is_in_the_store() -> None:
    """Or a second `up` would start every server anew."""
    spec = swarm()
    seen = world(spec)
    new = {key: replace(one, identity=f"sha256:{'ab' * 32}", held=False) for key, one in seen.sources.items()}
    before = made(spec, replace(seen, sources=new, compose=replace(host_of(seen), digests={})))
    after = made(spec, replace(seen, compose=replace(host_of(seen), digests=dict.fromkeys(new, "ab" * 32))))
    assert before.site.files == after.site.files
