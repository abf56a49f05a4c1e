"""Engines as processes of a machine with cards: which card each is told to see, and how much of its model is there."""

from dataclasses import replace
from pathlib import Path

import pytest

from fakes import worlds
from swarmctl.core.observed import Observed
from swarmctl.core.places import Places
from swarmctl.core.reconcile import reconcile
from swarmctl.core.render import Site, engine_file, supervisor_config
from swarmctl.core.spec import SwarmSpec
from swarmctl.core.specfile import Override, load
from swarmctl.core.stack import Stack

SEVEN = (Path(__file__).resolve().parents[2] / "inventory" / "swarms" / "seven.yml").read_bytes()
CARD = "{name: NVIDIA GeForce RTX 4090, memory: 24564, uuid: GPU-%d}"


def world(tmp_path: Path, cards: int, *flags: Override, used: str = "true") -> tuple[SwarmSpec, Observed]:
    spec = load(SEVEN, source="seven.yml", overrides=flags).spec
    gpus = ", ".join(CARD % n for n in range(cards))
    machine = f"machine: {{cores: 16, ram_total: 64000, ram_free: 60000, gpus: [{gpus}]}}"
    (tmp_path / "observed.yml").write_text(f"{machine}\nengine: binary\nused: {used}\n")
    return spec, worlds.snapshot(tmp_path / "observed.yml", spec)


def site(stack: Stack, spec: SwarmSpec, uuids: tuple[str, ...]) -> Site:
    ports = {service.name: 40000 + n for n, service in enumerate(stack.services)}
    blobs = {source.key: "/models/one" for source in spec.models.values()}
    prompts = dict.fromkeys(spec.roles, "You are one.")
    return Site(Places("seven", Path("/s")), "/s/sock", ports, blobs, prompts, "python", "", "/app/llama-server", uuids)


def told(spec: SwarmSpec, observed: Observed, uuids: tuple[str, ...]) -> dict[str, tuple[dict[str, str], str]]:
    """By engine: which card it sees, and how many layers it is told to have there."""
    (stack,) = reconcile(spec, observed).stacks
    here = site(stack, spec, uuids)
    programs = supervisor_config(stack, [s for s in stack.services if s.kind == "engine"], here).programs
    seen = {}
    for program in programs:
        argv = program.argv
        assert argv[0] == "/app/llama-server"
        seen[program.name] = (program.env, argv[argv.index("--gpu-layers") + 1])
        assert program.labels["swarmctl.gpu"] == ("cpu" if seen[program.name][1] == "0" else "gpu0")
    return {
        name: ({k: v for k, v in env.items() if k.startswith("CUDA")}, layers) for name, (env, layers) in seen.items()
    }


def sees(word: str) -> dict[str, str]:
    return {"CUDA_DEVICE_ORDER": "PCI_BUS_ID", "CUDA_VISIBLE_DEVICES": word}


def test_an_engine_sees_its_own_card_by_its_uuid(tmp_path: Path) -> None:
    spec, observed = world(tmp_path, 1)
    assert told(spec, observed, ("GPU-0",)) == {
        "engine-lead": (sees("GPU-0"), "999"),
        "engine-coder": (sees("GPU-0"), "999"),
    }


def test_by_its_number_where_the_driver_gives_no_uuid(tmp_path: Path) -> None:
    spec, observed = world(tmp_path, 1)
    assert told(spec, observed, ("",))["engine-lead"] == (sees("0"), "999")


def test_one_that_is_kept_to_the_processors_sees_none(tmp_path: Path) -> None:
    spec, observed = world(tmp_path, 1, Override(("models", "coder", "device"), "cpu", "--set"))
    found = told(spec, observed, ("GPU-0",))
    assert found["engine-lead"] == (sees("GPU-0"), "999")
    assert found["engine-coder"] == ({"CUDA_VISIBLE_DEVICES": ""}, "0")


def test_a_machine_without_cards_is_told_nothing_of_them(tmp_path: Path) -> None:
    spec, observed = world(tmp_path, 0, used="false")
    assert told(spec, observed, ()) == {"engine-lead": ({}, "0"), "engine-coder": ({}, "0")}


def test_batches_are_those_that_memory_was_planned_for(tmp_path: Path) -> None:
    spec, observed = world(tmp_path, 1)
    (stack,) = reconcile(spec, observed).stacks
    lead = stack.service("engine-lead")
    file = engine_file(stack, lead, site(stack, spec, ()))
    assert (file.batch, file.ubatch, file.threads) == (lead.settings["batch"], lead.settings["ubatch"], 4)


@pytest.mark.parametrize(("cards", "wanted"), [(1, (0, 0)), (2, (0, 1))])
def test_while_a_model_is_not_known_they_are_dealt_out(tmp_path: Path, cards: int, wanted: tuple[int, int]) -> None:
    spec, observed = world(tmp_path, cards)
    key = spec.models["lead"].key
    unknown = replace(observed, sources={**observed.sources, key: replace(observed.sources[key], facts=None)})
    (stack,) = reconcile(spec, unknown).stacks
    assert tuple(stack.service(f"engine-{name}").settings["card"] for name in ("lead", "coder")) == wanted
