"""A shared base as it is planned and put into a stack: the right weights, a slot and an adapter each, nothing kept."""

from dataclasses import replace

import pytest

from fakes.seven import RTX4090, SPECIALISTS, box, seven
from swarmctl.core.engines.engine import engine_of
from swarmctl.core.enginestack import Facts, Home, engines
from swarmctl.core.images import images
from swarmctl.core.placement.demand import demand
from swarmctl.core.placement.place import place
from swarmctl.core.placement.placement import Placement
from swarmctl.core.sharing.layout import Site, gateway_file
from swarmctl.core.sharing.rewriting import rewritten
from swarmctl.core.stack import Service
from swarmctl.errors import SpecError


@pytest.fixture(scope="module")
def made() -> tuple[Placement, dict[str, Service], dict[str, Home]]:
    spec, known = seven(engine={"kind": "llamacpp", "cache_ram": 1024})
    found = place(demand(spec, known), box(RTX4090))
    assert isinstance(found, Placement)
    services, homes = engines(spec, found, 0, Facts(images(engine_of(spec.engine), "1.2.3")))
    return found, {service.name: service for service in services}, homes


def test_it_keeps_no_prompts_that_another_adapter_read(
    made: tuple[Placement, dict[str, Service], dict[str, Home]],
) -> None:
    found, services, _ = made
    assert {p.name: p.serving.cache_ram for p in found.processes} == {"engine-lead": 1024, "engine-coder": 0}
    assert services["engine-coder"].settings["cache_ram"] == 0


def test_a_base_that_no_role_uses_is_still_the_model_that_is_loaded(
    made: tuple[Placement, dict[str, Service], dict[str, Home]],
) -> None:
    _, services, homes = made
    told = services["engine-coder"].settings
    assert told["model"] == "coder"
    assert [edit["model"] for edit in told["adapters"]] == list(SPECIALISTS)
    for n, role in enumerate(SPECIALISTS):
        assert (homes[role].model, homes[role].body["id_slot"]) == ("coder", n)
        assert [one["scale"] for one in homes[role].body["lora"]] == [float(m == n) for m in range(6)]


def test_the_gateway_is_told_the_slots_and_adapters_that_the_agents_would_be(
    made: tuple[Placement, dict[str, Service], dict[str, Home]],
) -> None:
    found, services, homes = made
    files = {edit["model"]: f"{edit['model']}.gguf" for edit in services["engine-coder"].settings["adapters"]}
    urls = {process.name: f"http://{process.name}:8080" for process in found.processes}
    site = Site("seven", "0.0.0.0", 8080, "k", "e", urls, files, {"backend": "ab"})
    told = gateway_file(found.processes, site)
    by_name = {model.name: model for model in told.models}
    assert by_name.keys() == {"lead", *SPECIALISTS}
    for role in SPECIALISTS:
        model, engine = by_name[role], told.engines[by_name[role].engine]
        sent = rewritten({}, model, engine, model.slots[0])
        assert sent == homes[role].body | {"cache_prompt": True}
        assert engine.adapters[sent["lora"].index({"id": model.adapter, "scale": 1.0})] == f"{role}.gguf"
    lead = by_name["lead"]
    assert (told.engines[lead.engine].url, lead.adapter, lead.slots) == ("http://engine-lead:8080", None, (0,))
    assert (by_name["backend"].digest, by_name["backend"].parameters, by_name["backend"].quant) == (
        "ab",
        "3.1B",
        "Q4_K_M",
    )
    with pytest.raises(SpecError, match="no adapter's file for security"):
        gateway_file(found.processes, replace(site, adapters={k: v for k, v in files.items() if k != "security"}))
    with pytest.raises(SpecError, match="no address of engine-lead"):
        gateway_file(found.processes, replace(site, urls={}))
