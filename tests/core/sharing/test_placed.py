"""A shared base as it is planned and put into a stack: the right weights, a slot and an adapter each, nothing kept."""

import pytest

from fakes.seven import RTX4090, SPECIALISTS, box, seven
from swarmctl.core.engines.engine import engine_of
from swarmctl.core.enginestack import Facts, Home, engines
from swarmctl.core.images import images
from swarmctl.core.placement.demand import demand
from swarmctl.core.placement.place import place
from swarmctl.core.placement.placement import Placement
from swarmctl.core.sharing.gatewayfile import GatewayFile
from swarmctl.core.sharing.layout import gateway_file, settings
from swarmctl.core.sharing.rewriting import rewritten
from swarmctl.core.spec import SwarmSpec
from swarmctl.core.stack import Service

Made = tuple[Placement, dict[str, Service], dict[str, Home]]


def apart(spec: SwarmSpec) -> SwarmSpec:
    """Each specialist from a revision of its own."""
    models = {name: one.model_copy(update={"revision": name}) for name, one in spec.models.items()}
    return spec.model_copy(update={"models": models})


SWARM, KNOWN = seven(engine={"kind": "llamacpp", "cache_ram": 1024})
SPEC = apart(SWARM)


@pytest.fixture(scope="module")
def made() -> Made:
    found = place(demand(SPEC, KNOWN), box(RTX4090))
    assert isinstance(found, Placement)
    services, homes = engines(SPEC, found, 0, Facts(images(engine_of(SPEC.engine), "1.2.3"), identities=hashes(SPEC)))
    return found, {service.name: service for service in services}, homes


def hashes(spec: SwarmSpec) -> dict[str, str]:
    return {spec.models["backend"].key: f"sha256:{'ab' * 32}", spec.models["docs"].key: "hf:somewhere"}


def told(service: Service) -> GatewayFile:
    sources = [source for one in service.settings["engines"] for source in one["adapters"]]
    urls = {name: f"http://{name}:8080" for name in service.needs}
    files = {source: f"{n}.gguf" for n, source in enumerate(sources)}
    return gateway_file(service.settings, urls, files, swarm="seven", host="gateway-gpu0", port=8080, key_file="k")


def test_it_keeps_no_prompts_that_another_adapter_read(made: Made) -> None:
    found, services, _ = made
    assert {p.name: p.serving.cache_ram for p in found.processes} == {"engine-lead": 1024, "engine-coder": 0}
    assert services["engine-coder"].settings["cache_ram"] == 0


def test_a_base_that_no_role_uses_is_still_the_model_that_is_loaded(made: Made) -> None:
    _, services, homes = made
    base = services["engine-coder"].settings
    assert base["model"] == "coder"
    assert [edit["model"] for edit in base["adapters"]] == list(SPECIALISTS)
    assert {role: homes[role] for role in SPECIALISTS} == {
        role: Home("gateway-gpu0", role, homes[role].context) for role in SPECIALISTS
    }
    assert homes["orchestrator"].service == "engine-lead", "who shares nothing needs nobody between"


def test_the_gateway_gives_each_name_its_own_slot_and_its_own_adapter_alone(made: Made) -> None:
    _, services, _ = made
    gateway = services["gateway-gpu0"]
    file = told(gateway)
    assert gateway.needs == ("engine-coder",)
    assert [model.name for model in file.models] == list(SPECIALISTS)
    sent = [rewritten({}, model, file.engines[model.engine], model.slots[0]) for model in file.models]
    assert [one["id_slot"] for one in sent] == list(range(6))
    for n, one in enumerate(sent):
        assert [row["scale"] for row in one["lora"]] == [float(m == n) for m in range(6)]
    (engine,) = file.engines
    assert (engine.url, engine.slots, engine.adapters) == (
        "http://engine-coder:8080", 6, tuple(f"{n}.gguf" for n in range(6)),
    )  # fmt: skip
    by_name = {model.name: model for model in file.models}
    assert (by_name["backend"].digest, by_name["docs"].digest) == ("ab" * 32, "")
    assert (by_name["backend"].parameters, by_name["backend"].quant) == ("3.1B", "Q4_K_M")


def test_another_adapter_is_another_engine_and_another_gateway(made: Made) -> None:
    found, services, _ = made
    facts = Facts(images(engine_of(SPEC.engine), "1.2.3"), identities={SPEC.models["backend"].key: "sha256:other"})
    after = {service.name: service.hash for service in engines(SPEC, found, 0, facts)[0]}
    assert {name for name, service in services.items() if service.hash != after[name]} == {
        "engine-coder", "gateway-gpu0",
    }  # fmt: skip


def test_slots_are_shared_out_whole(made: Made) -> None:
    """Two conversations of each model: neighbours, and nobody else's."""
    spec, known = seven(engine={"kind": "llamacpp", "parallel": 2, "kv": "q8_0"})
    found = place(demand(spec, known), box(RTX4090))
    assert isinstance(found, Placement)
    spec = apart(spec)
    shared = [process for process in found.processes if len(process.models) > 1]
    models = settings(shared, {name: source.key for name, source in spec.models.items()}, {})["models"]
    assert [model["slots"] for model in models] == [[2 * n, 2 * n + 1] for n in range(6)]
