"""From a placement to stacks: everything once, on the card of its engine, and a hash of what decides how it runs."""

from dataclasses import replace
from pathlib import Path

import pytest

from fakes.stacked import CASES, placed, site, stacked
from swarmctl.core.composeview import agent_settings, gateway_settings
from swarmctl.core.engines.engine import Engine, engine_of
from swarmctl.core.enginestack import Facts, limit
from swarmctl.core.images import images
from swarmctl.core.spec import ORCHESTRATOR
from swarmctl.core.stack import Stack
from swarmctl.core.stacks import stacks
from swarmctl.errors import SpecError

BY_NAME = {case.name: case for case in CASES}


def hashes(found: tuple[Stack, ...]) -> dict[str, str]:
    return {service.name: service.hash for stack in found for service in stack.services}


@pytest.mark.parametrize("case", CASES, ids=lambda p: p.name)
def test_every_role_and_model_has_one_place(case: Path) -> None:
    spec, placement, _ = placed(case)
    found = stacked(case)
    services = [service for stack in found for service in stack.services]
    assert len({s.name for s in services}) == len(services), "one host, one name each"
    assert sorted(s.subject for s in services if s.kind == "agent") == sorted(spec.roles)
    assert [s.kind for s in found[0].services].count("converter") == 1
    assert sum(s.kind == "converter" for s in services) == 1
    for stack in found:
        names = {s.name for s in stack.services}
        assert sum(s.kind == "forwarder" for s in stack.services) == 1
        assert all(set(s.needs) <= names for s in stack.services), "no dependency reaches into another project"
    home = {role: p.gpu for p in placement.processes for role in p.roles}
    for stack in found:
        for service in stack.services:
            if service.kind == "agent":
                gpu = home[service.subject]
                assert stack.gpu == ("cpu" if gpu is None else f"gpu{gpu}")


def test_one_ollama_serves_all_models_of_a_card_with_the_plan_s_settings() -> None:
    gpu0, gpu1 = stacked(BY_NAME["two-gpus"])
    for stack in (gpu0, gpu1):
        (engine,) = [s for s in stack.services if s.kind == "engine"]
        models = [s for s in stack.services if s.kind == "model"]
        assert engine.settings["environment"]["OLLAMA_MAX_LOADED_MODELS"] == str(len(models))
        assert engine.settings["image"].startswith("ollama/ollama:0.32.15@sha256:5e5e")
        assert all(model.settings["context"] == 8192 for model in models)
    ages = {s.subject: s.settings["keep_alive"] for s in gpu0.services if s.kind == "model"}
    assert ages["lead"] == -1
    assert max(age for name, age in ages.items() if name != "lead") > 0, "the orchestrator goes last"


def test_agents_know_their_engine_and_the_orchestrator_its_peers_on_every_card() -> None:
    found = stacked(BY_NAME["four-gpus"])
    leads = [(stack, s) for stack in found for s in stack.services if s.subject == ORCHESTRATOR]
    ((stack, lead),) = leads
    file = agent_settings(stack, lead, "You lead.")
    assert len(file.peers) == 6
    assert {p.url for p in file.peers} >= {"http://agent-docs:8080", "http://agent-backend:8080"}
    assert file.engine_url == f"http://ollama-{stack.gpu}:11434/v1"
    assert (file.host, file.port) == ("agent-orchestrator", 8080)
    assert file.tests == "elsewhere", "in a container there is no room for a sandbox"


def test_in_a_shared_base_each_specialist_asks_the_gateway_for_its_own_name() -> None:
    case = BY_NAME["shared-base"]
    (stack,) = stacked(case)
    host = site(case, (stack,))
    agents = {s.subject: agent_settings(stack, s, "You.") for s in stack.services if s.kind == "agent"}
    assert (agents["orchestrator"].engine_url, agents["orchestrator"].model) == ("http://engine-lead:8080/v1", "lead")
    others = {role: file for role, file in agents.items() if role != ORCHESTRATOR}
    assert {file.engine_url for file in others.values()} == {"http://gateway-gpu0:8080/v1"}
    assert {role: file.model for role, file in others.items()} == {
        role: "coder" if role == "backend" else role for role in others
    }
    told = gateway_settings(stack, stack.service("gateway-gpu0"), host)
    assert {file.model for file in others.values()} == {model.name for model in told.models}
    assert sorted(slot for model in told.models for slot in model.slots) == [0, 1, 2, 3, 4, 5]
    order = [edit["model"] for edit in stack.service("engine-coder").settings["adapters"]]
    assert told.engines[0].adapters == tuple(f"{name}.gguf" for name in order), "ids are places on the command line"
    for model in told.models:
        assert model.adapter == (order.index(model.name) if model.name in order else None)
    assert (told.host, told.port, told.key_file) == ("gateway-gpu0", 8080, "/run/secrets/engine.key")


def test_the_hash_follows_what_runs_and_not_where() -> None:
    case = BY_NAME["two-gpus"]
    spec, placement, cores = placed(case)
    facts = Facts(images(engine_of(spec.engine), "1.2.3"), cores=cores)
    before = hashes(stacks(spec, placement, facts))
    assert hashes(stacks(spec, placement, facts)) == before
    assert site(case, stacked(case)).ports, "ports are of the site; a stack has none"
    newer = replace(facts, images=images(engine_of(spec.engine), "1.2.4"))
    changed = {name for name, one in hashes(stacks(spec, placement, newer)).items() if one != before[name]}
    assert changed == {n for n in before if n.startswith(("agent-", "forwarder-", "converter"))}
    told = replace(facts, prompts={"docs": "You write."})
    assert {n for n, one in hashes(stacks(spec, placement, told)).items() if one != before[n]} == {"agent-docs"}
    again = replace(facts, identities={spec.models["docs"].key: "sha256:other"})
    assert {n for n, one in hashes(stacks(spec, placement, again)).items() if one != before[n]} == {"model-docs"}, (
        "another model is told to the engine; it is no reason to start it anew"
    )


def test_limits_follow_what_the_host_needs() -> None:
    _, placement, _ = placed(BY_NAME["cpu-only"])
    for process in placement.processes:
        assert limit([process]) >= 1.25 * process.need.host.total + 512
        assert limit([process]) % 64 == 0


def test_what_is_only_planned_is_refused() -> None:
    spec, placement, cores = placed(BY_NAME["one-gpu"])
    vllm = spec.model_copy(update={"engine": spec.engine.model_copy(update={"kind": "vllm"})})
    with pytest.raises(SpecError, match="vllm"):
        stacks(vllm, placement, Facts(images(Engine(), "1"), cores=cores))


@pytest.mark.parametrize("bad", ["ollama/ollama:latest", "ollama/ollama", "", "Ollama:1", "x:1@sha256:12"])
def test_an_image_without_a_version_is_refused(bad: str) -> None:
    with pytest.raises(SpecError, match="is not pinned"):
        images(Engine("ollama"), "1.2.3", ollama=bad)


def test_a_digest_that_is_none_is_refused() -> None:
    with pytest.raises(SpecError, match="digest"):
        images(Engine("ollama", (0, 24, 0)), "1.2.3", {"ollama/ollama:0.24.0": "md5:1"})
