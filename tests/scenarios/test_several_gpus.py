"""A machine with several cards: one stack a card, each container with its own, roles where the plan put them."""

import json
import re
from collections.abc import Iterator
from typing import Any

import pytest

from fakes.cardhosts import TEAM, cards_host, spec
from fakes.hosts import Host
from ground.places import tiny_random

pytestmark = [pytest.mark.ground, pytest.mark.scenario(seconds=90)]


@pytest.fixture(params=[2])
def machine(request: pytest.FixtureRequest) -> Iterator[Host]:
    with cards_host(request.param) as made:
        yield made


def test_what_is_rendered_for_its_cards_runs_by_compose_alone_each_engine_on_its_own_card(machine: Host) -> None:
    machine.put("/root/swarm.yml", spec(TEAM))
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
    _each_on_its_own(machine, planned)


@pytest.mark.scenario(seconds=240)
@pytest.mark.parametrize("machine", [4], indirect=True)
def test_up_on_four_cards_starts_a_stack_on_each(machine: Host) -> None:
    _up(machine)
    planned = _plan(machine)
    assert set(planned.values()) == {0, 1, 2, 3}
    _each_on_its_own(machine, planned)
    _proved_on_the_gpu(machine)


@pytest.mark.scenario(seconds=480)
def test_a_card_that_goes_is_reported_and_its_roles_go_to_what_is_left_until_it_is_back(machine: Host) -> None:
    _up(machine)
    planned = _plan(machine)
    assert set(planned.values()) == {0, 1}
    _each_on_its_own(machine, planned)
    _proved_on_the_gpu(machine)
    assert "nothing to do" in _types(machine, "up", "--yes")
    _a_card_that_lies_is_seen(machine)

    lost = machine.cards[0]
    machine.lose(0)
    said = _fails(machine, "status", seconds=30)
    assert f"ollama-gpu0 has lost its card, {lost.uuid}: nvidia-smi lists 1 card" in said
    said = _fails(machine, "check", "--look", seconds=30)
    assert re.search(r"card gpu0: card memory as planned: .*nvidia-smi shows no card", said), said

    _up(machine)
    _each_on_its_own(machine, dict.fromkeys(TEAM, 0), left=[machine.cards[1]])
    _proved_on_the_gpu(machine)
    assert _left_of(machine, "gpu1") == []
    assert "has faults" not in _types(machine, "status")
    assert "nothing to do" in _types(machine, "up", "--yes")

    machine.find(0)
    _up(machine)
    assert set(_plan(machine).values()) == {0, 1}
    _each_on_its_own(machine, _plan(machine))
    _proved_on_the_gpu(machine)

    machine.lose(0)
    machine.lose(1)
    before = machine.docker(["ps", "-q", "--no-trunc"])
    done = machine.swarmctl("up", "--yes")
    said = (done.stdout + done.stderr).decode()
    assert done.returncode != 0
    assert "gpu" in said.lower(), said
    assert "Traceback" not in said
    assert machine.docker(["ps", "-q", "--no-trunc"]) == before, "what cannot be placed elsewhere is left as it is"
    machine.find(0)
    machine.find(1)
    machine.lose(1, "lost")
    done = machine.swarmctl("up", "--yes")
    assert b"nvidia-smi does not say which cards are left: Unable to determine the device handle" in done.stderr
    machine.find(1)
    assert "nothing to do" in _types(machine, "up", "--yes")


def _up(machine: Host) -> None:
    done = machine.swarmctl("up", "--yes", "--keep", seconds=480)
    assert done.returncode == 0, (done.stdout + done.stderr).decode()


def _plan(machine: Host) -> dict[str, int]:
    """Role → card, of the cards that nvidia-smi lists there."""
    told = json.loads(_types(machine, "plan", "--gpu", "here", "--json"))
    return {role: process["gpu"] for process in told["processes"] for role in process["roles"]}


def _types(machine: Host, *words: str) -> str:
    done = machine.swarmctl(*words)
    assert done.returncode == 0, (done.stdout + done.stderr).decode()
    return done.stdout.decode()


def _fails(machine: Host, *words: str, seconds: float) -> str:
    """What a command says that finds a fault, in this time."""
    done = machine.swarmctl(*words, seconds=seconds)
    said = (done.stdout + done.stderr).decode()
    assert "Traceback" not in said
    assert done.returncode != 0 or "fault" in said, said
    return said


def _each_on_its_own(machine: Host, planned: dict[str, int], left: list[Any] | None = None) -> None:
    """Each server sees one card, the stack's; its roles are there, on the GPU; and agents see none."""
    for number, card in enumerate(left or machine.cards):
        stack, server = f"gpu{number}", f"ollama-gpu{number}"
        listed = _inside(machine, server, "nvidia-smi -L").splitlines()
        assert [line.rpartition("UUID: ")[2].rstrip(")") for line in listed] == [card.uuid]
        here = {role for role, gpu in planned.items() if gpu == number}
        shown = _inside(machine, server, "ollama ps").splitlines()[1:]
        assert {line.split(":")[0] for line in shown} == here
        assert all("100% GPU" in line for line in shown), shown
        assert _runners(machine)[card.uuid] == len(here), "as seen from outside the engine"
        agents = machine.docker(["ps", "--filter", f"label=swarmctl.gpu={stack}", "--format", "{{.Names}}"])
        assert set(re.findall(r"agent-(\w+)-1", agents)) == here
        script = "! command -v nvidia-smi && ! ls /dev | grep nvidia && ! env | grep -E 'GGML|NVIDIA'"
        assert _inside(machine, f"agent-{min(here)}", script) == "", "an agent has no card"


def _proved_on_the_gpu(machine: Host) -> None:
    """No proof failed; each model is on the GPU; what software cannot show is not known, with the reason."""
    verdict = json.loads(machine.ssh(["cat", "/root/.local/state/swarmctl/swarms/cards/proved.json"]))
    proofs = verdict["proofs"]
    assert verdict["passed"]
    device = [proof for proof in proofs if proof["name"] == "on the declared device"]
    assert len(device) == len(TEAM)
    assert all((proof["verdict"], proof["promised"]) == ("pass", "wholly on the GPU") for proof in device)
    unknown = [proof for proof in proofs if proof["verdict"] == "unknown"]
    assert {proof["name"] for proof in unknown} == {"runner memory as planned", "card memory as planned"}
    assert all("llvmpipe" in proof["evidence"] for proof in unknown), unknown


def _a_card_that_lies_is_seen(machine: Host) -> None:
    """A card that names no process of its own and no memory in use is no card that holds two models."""
    card = machine.cards[0]
    machine.put(card.file, card.text().replace(card.uuid, "GPU-another"))
    said = _fails(machine, "check", "--look", seconds=30)
    assert re.search(r"card gpu0: card memory as planned: .*measured 0 MiB", said), said
    machine.find(0)
    _types(machine, "check", "--look")


def _left_of(machine: Host, gpu: str) -> list[str]:
    """Containers, networks and volumes of a stack."""
    labelled = ["-q", "--filter", f"label=swarmctl.gpu={gpu}"]
    kinds = (["ps", "-a"], ["network", "ls"], ["volume", "ls"])
    return [one for kind in kinds for one in machine.docker([*kind, *labelled]).split()]


def _inside(machine: Host, service: str, script: str) -> str:
    """What a shell prints in a service's container."""
    (found,) = machine.docker(["ps", "-q", "--filter", f"label=swarmctl.service={service}"]).split()
    return machine.docker(["exec", found, "sh", "-c", script])


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
