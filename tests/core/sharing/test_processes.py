"""A shared base decided for processes: its engine, the gateway before it, what is refused and what drifts."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from fakes import worlds
from fakes.foldedspec import EDITS, folded_spec
from fakes.smollm import smollm
from swarmctl.core.engine import EngineFile
from swarmctl.core.hardware.box import Box, Card
from swarmctl.core.llamacpp import server_argv
from swarmctl.core.machine import Machine
from swarmctl.core.observed import Observed, Source
from swarmctl.core.places import Places
from swarmctl.core.plan import Plan
from swarmctl.core.reconcile import reconcile
from swarmctl.core.render import Site, settings_file, supervisor_config
from swarmctl.core.sharing.gatewayfile import GatewayFile
from swarmctl.core.spec import SwarmSpec
from swarmctl.effects.gguf import read_gguf

FACTS = read_gguf(smollm())
EDIT = replace(FACTS, adapter=True, file_bytes=4096)


def swarm(**changes: Any) -> SwarmSpec:
    return folded_spec("process", **changes)


def world(spec: SwarmSpec, **changes: Any) -> Observed:
    """A machine that holds two models and two adapters."""
    machine = Machine("case", "Linux x86_64", cores=8, ram_total=32000, ram_free=30000, disk_free=99000)
    sources = {
        source.key: Source(f"sha256:{name}", True, EDIT if name in EDITS else FACTS)
        for name, source in spec.models.items()
    }
    prompts = {role: f"You are {role}." for role in spec.roles}
    return replace(Observed(machine=machine, sources=sources, prompts=prompts), **changes)


def planned(spec: SwarmSpec, seen: Observed) -> Plan:
    found = reconcile(spec, seen)
    assert found.refusals == (), found.refusals
    return found


def steps(spec: SwarmSpec, seen: Observed) -> list[str]:
    return [f"{step.verb.value} {step.subject}: {step.cause}" for step in planned(spec, seen).steps]


def up(spec: SwarmSpec, seen: Observed) -> Observed:
    return worlds.carried_out(planned(spec, seen), spec, seen)


def with_source(seen: Observed, spec: SwarmSpec, name: str, source: Source) -> Observed:
    return replace(seen, sources={**seen.sources, spec.models[name].key: source})


def files(spec: SwarmSpec, seen: Observed, server: str = "") -> Iterator[tuple[str, Any, Any]]:
    """Every service's settings file and program, with each model in a file of its name."""
    plan = planned(spec, seen)
    (stack,) = plan.stacks
    blobs = {source.key: f"/blobs/{name}.gguf" for name, source in spec.models.items()}
    site = Site(Places("s", Path("/s")), "/s/sock", plan.ports, blobs, seen.prompts, "python", "", server)
    programs = {one.name: one for one in supervisor_config(stack, list(stack.services), site).programs}
    for service in stack.services:
        yield service.name, settings_file(stack, service, site), programs[service.name]


def test_one_engine_holds_the_base_and_a_gateway_stands_between_it_and_the_agents() -> None:
    spec = swarm()
    plan = planned(spec, world(spec))
    (stack,) = plan.stacks
    assert [service.name for service in stack.services] == [
        "engine-lead", "engine-coder", "gateway-cpu", "agent-orchestrator", "agent-docs", "agent-testing",
    ]  # fmt: skip
    assert plan.ports.keys() == {service.name for service in stack.services}
    base = stack.service("engine-coder").settings
    assert (base["parallel"], base["context"], base["cache_ram"]) == (2, 1024, 0), "a slot each, no lent prompts"
    assert [one["model"] for one in base["adapters"]] == ["docs", "testing"]
    assert stack.service("agent-docs").needs == stack.service("agent-testing").needs == ("gateway-cpu",)
    assert stack.service("agent-orchestrator").needs == ("engine-lead",)
    assert "adapters" not in stack.service("engine-lead").settings
    assert {row.service: row.known for row in plan.memory}.keys() >= {"engine-lead", "engine-coder", "gateway"}
    assert steps(spec, up(spec, world(spec))) == []


def test_what_each_is_told() -> None:
    spec = swarm()
    told = {name: (file, program) for name, file, program in files(spec, world(spec))}
    engine, _ = told["engine-coder"]
    assert isinstance(engine, EngineFile)
    assert (engine.blob, engine.adapters) == ("/blobs/coder.gguf", ("/blobs/docs.gguf", "/blobs/testing.gguf"))
    gateway, program = told["gateway-cpu"]
    assert isinstance(gateway, GatewayFile)
    assert [(one.name, one.adapter, one.slots) for one in gateway.models] == [("docs", 0, (0,)), ("testing", 1, (1,))]
    assert gateway.engines[0].url == f"http://127.0.0.1:{engine.port}"
    assert gateway.engines[0].adapters == ("docs.gguf", "testing.gguf")
    assert program.argv == ("python", "-P", "-m", "swarmctl.gateway", "/s/services/gateway-cpu.json")
    docs, _ = told["agent-docs"]
    assert (docs.engine_url, docs.model) == (f"http://127.0.0.1:{gateway.port}/v1", "docs")


def test_a_server_of_the_machine_loads_adapters_and_scales_them_to_nothing() -> None:
    spec = swarm()
    told = {name: program for name, _, program in files(spec, world(spec, engine="binary"), "/usr/bin/llama-server")}
    argv = told["engine-coder"].argv
    assert argv[argv.index("--lora-scaled") + 1] == "/blobs/docs.gguf:0.0,/blobs/testing.gguf:0.0"
    assert "--lora-scaled" not in told["engine-lead"].argv
    assert told["gateway-cpu"].argv[:4] == ("python", "-P", "-m", "swarmctl.gateway")


def test_without_adapters_nothing_is_said_of_them() -> None:
    file = EngineFile.model_validate({
        "swarm": "s", "model": "m", "blob": "b", "port": 1, "key_file": "k", "context": 256, "parallel": 1, "kv": "f16",
        "flash_attention": True, "threads": 1, "cache_ram": 0, "keep_alive": -1, "gpu_layers": 0,
    })  # fmt: skip
    assert not [word for word in server_argv("llama-server", file) if "lora" in word]


def test_a_base_that_no_role_uses_is_brought_too() -> None:
    spec = swarm()
    seen = world(spec)
    lost = replace(seen, sources={key: replace(one, held=False) for key, one in seen.sources.items()})
    assert [line for line in steps(spec, lost) if line.startswith("load")] == [
        "load lead: not in the store; from path:/store/lead",
        "load coder: not in the store; from path:/store/coder",
        "load docs: folded into coder from /store/docs",
        "load testing: folded into coder from /store/testing",
    ]


def test_another_adapter_makes_its_engine_and_the_gateway_anew_and_nobody_else() -> None:
    spec = swarm()
    other = with_source(up(spec, world(spec)), spec, "docs", Source("sha256:other", True, EDIT))
    assert [line for line in steps(spec, other) if line.startswith("deploy")] == [
        "deploy engine-coder: its settings changed",
        "deploy gateway-cpu: its settings changed",
    ]


def test_a_file_that_shares_no_more_gives_each_an_engine_and_tells_the_agents() -> None:
    spec = swarm()
    apart = swarm(placement={"architecture": "separate"})
    whole = with_source(up(spec, world(spec)), spec, "docs", Source("sha256:whole", True, FACTS))
    whole = with_source(whole, spec, "testing", Source("sha256:whole", True, FACTS))
    changes = [line.partition(":")[0] for line in steps(apart, whole)]
    assert changes == [
        "deploy engine-docs", "deploy engine-testing", "deploy agent-docs", "deploy agent-testing",
        "release engine-coder", "release gateway-cpu", "check all proofs",
    ]  # fmt: skip


def test_a_whole_model_is_no_adapter() -> None:
    spec = swarm()
    seen = with_source(world(spec), spec, "docs", Source("sha256:whole", True, FACTS))
    (refused,) = reconcile(spec, seen).refusals
    assert refused.startswith("models.docs: what it changes of coder can only be told from published weights of both")


def test_weights_that_are_still_to_be_folded_are_planned_as_shared() -> None:
    spec = swarm()
    seen = world(spec)
    for name in ("coder", *EDITS):
        seen = with_source(seen, spec, name, Source(f"path:{name}", False, FACTS, cause="converted to Q8_0"))
    assert "gateway-cpu" in {service.name for service in planned(spec, seen).stacks[0].services}


@pytest.mark.parametrize("name", ["lead", "coder", "docs"])
def test_of_what_nothing_is_known_nothing_is_shared(name: str) -> None:
    spec = swarm()
    seen = with_source(world(spec), spec, name, Source(name))
    refused = reconcile(spec, seen)
    assert refused.is_empty
    assert any("shared-base is planned with the facts of all models" in line for line in refused.refusals)


def test_where_it_makes_a_swarm_fit_it_is_offered_with_what_to_type() -> None:
    spec = swarm(placement={"architecture": "separate"})
    seen = world(spec)
    for name in ("coder", *EDITS):
        seen = with_source(seen, spec, name, Source(f"path:{name}", False, FACTS, cause="converted to Q8_0"))
    tight = replace(seen, machine=replace(seen.machine, ram_free=950))
    assert reconcile(swarm(), tight).refusals == ()
    assert "one base with adapters (--architecture shared-base)" in "\n".join(reconcile(spec, tight).refusals)


def test_what_gives_way_is_a_slot_of_each_and_not_one_of_all() -> None:
    spec = swarm(engine={"kind": "llamacpp", "context": 1024, "parallel": 4}, placement={
        "architecture": "shared-base", "give": ["parallel"],
    })  # fmt: skip
    roomy, tight = planned(spec, world(spec)), None
    assert roomy.stacks[0].service("engine-coder").settings["parallel"] == 8
    for free in range(400, 3000, 20):
        tight = reconcile(spec, replace(world(spec), machine=replace(world(spec).machine, ram_free=free)))
        if not tight.refusals:
            break
    assert tight is not None
    parallel = tight.stacks[0].service("engine-coder").settings["parallel"]
    assert parallel in {2, 4, 6}
    assert tight.stacks[0].service("engine-lead").settings["parallel"] == parallel // 2


def test_on_a_card_engine_and_gateway_say_so() -> None:
    spec = swarm()
    card = Card("NVIDIA A100", 81920)
    seen = world(spec, engine="binary", cards=Box("case", (card,), ram=30000, cores=8))
    (stack,) = planned(spec, seen).stacks
    assert stack.service("engine-coder").settings["card"] == 0
    assert stack.place(stack.service("gateway-gpu0")) == "gpu0"
    assert stack.service("agent-docs").needs == ("gateway-gpu0",)
