"""A machine with several cards: one stack a card, each container with its own, roles where the plan put them."""

import json
from collections.abc import Iterator

import pytest
import yaml

from fakes.ejecting import AGENT, build_agent
from fakes.grounded import stands
from fakes.hosts import Host, host
from ground.places import MODELS, OLLAMA, OLLAMA_VULKAN, ROLES, tiny_random

pytestmark = [pytest.mark.ground, pytest.mark.scenario(seconds=90)]

CARD = "rtx-4060"
"""Small enough that the planner spreads even these models: it weighs cards in steps of 5 per cent."""
TEAM = ROLES[:4]


def spec(roles: tuple[str, ...]) -> str:
    """A model of its own for each role, so that there is something to spread."""
    return yaml.safe_dump(
        {
            "name": "cards",
            "engine": {"kind": "ollama", "context": 1024},
            "models": {role: {"path": str(tiny_random(role))} for role in roles},
            "roles": {role: {"model": role, "temperature": 0} for role in roles},
            "limits": {"output": 16, "requests": 6, "time": "3m"},
        }
    )


@pytest.fixture(params=[2, 4])
def machine(request: pytest.FixtureRequest) -> Iterator[Host]:
    """A host with so many cards on which swarmctl is, with the images and models that it will need."""
    stands("engine", "bookworm", "tiny", "ollama-vulkan", "host-user")
    build_agent()
    images = {OLLAMA_VULKAN: OLLAMA, AGENT: AGENT}
    with host("user", gpus=request.param, card=CARD, images=images, mounts=[f"{MODELS}:{MODELS}:ro"]) as made:
        made.put("/root/swarm.yml", spec(TEAM))
        yield made


def test_what_is_rendered_for_its_cards_runs_by_compose_alone_each_engine_on_its_own_card(machine: Host) -> None:
    planned = _plan(machine)
    assert set(planned.values()) == set(range(len(machine.cards))), "a role on each card"
    engine = machine.docker(["version", "-f", "{{.Server.Version}}"]).strip()
    _types(machine, "render", "out", "--gpu", "here", "--runtime", "compose", "--docker", engine)
    for role in TEAM:
        machine.ssh(["cp", str(tiny_random(role)), f"out/models/gguf/{role}.gguf"])
    machine.ssh(["chown", "-R", "10001:10001", "out/models"])
    for card in machine.cards:
        _compose(machine, card.number, "up", "-d", "--wait")
    for role, gpu in planned.items():
        create = ["ollama", "create", role, "-f", f"/etc/swarmctl/modelfiles/{role}"]
        _compose(machine, gpu, "exec", "-T", f"ollama-gpu{gpu}", *create)
        assert _compose(machine, gpu, "exec", "-T", f"ollama-gpu{gpu}", "ollama", "run", role, "Hello").strip()
    for card in machine.cards:
        inside = ("exec", "-T", f"ollama-gpu{card.number}")
        listed = _compose(machine, card.number, *inside, "nvidia-smi", "-L").splitlines()
        assert [line.rpartition("UUID: ")[2].rstrip(")") for line in listed] == [card.uuid]
        here = [role for role, gpu in planned.items() if gpu == card.number]
        shown = _compose(machine, card.number, *inside, "ollama", "ps").splitlines()[1:]
        assert sorted(line.split(":")[0] for line in shown) == sorted(here)
        assert all("100% GPU" in line for line in shown), shown
        assert _runners(machine)[card.uuid] == len(here), "as seen from outside the engine"
        agents = _compose(machine, card.number, "ps", "--services").split()
        assert {f"agent-{role}" for role in here} == {name for name in agents if name.startswith("agent-")}
        assert _without_card(machine, f"agent-{here[0]}", card.number), "an agent has no card"


def _plan(machine: Host) -> dict[str, int]:
    """Role → card, of the cards that nvidia-smi lists there."""
    told = json.loads(_types(machine, "plan", "--gpu", "here", "--json"))
    return {role: process["gpu"] for process in told["processes"] for role in process["roles"]}


def _types(machine: Host, *words: str) -> str:
    done = machine.swarmctl(*words)
    assert done.returncode == 0, (done.stdout + done.stderr).decode()
    return done.stdout.decode()


def _compose(machine: Host, gpu: int, *words: str) -> str:
    return machine.docker(["compose", "-f", f"/root/out/gpu{gpu}.yml", *words])


def _runners(machine: Host) -> dict[str, int]:
    """Processes on each card by its UUID."""
    asked = ["nvidia-smi", "--query-compute-apps=gpu_uuid,process_name,used_memory", "--format=csv,noheader,nounits"]
    rows = [line.split(", ") for line in machine.ssh(asked).splitlines()]
    assert all(int(size) > 0 for _, _, size in rows)
    return {
        card.uuid: sum("llama-server" in name for uuid, name, _ in rows if uuid == card.uuid) for card in machine.cards
    }


def _without_card(machine: Host, agent: str, gpu: int) -> bool:
    script = "! command -v nvidia-smi && ! ls /dev | grep nvidia && ! env | grep -E 'GGML|NVIDIA'"
    return _compose(machine, gpu, "exec", "-T", agent, "sh", "-c", script) == ""
