"""Models of a hub reach a machine that is not this one by themselves, and what must go through here goes once."""

import hashlib
import re
import socket
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import yaml

from fakes.distant import BASE, inventory
from fakes.ejecting import build_agent
from fakes.grounded import docker, stands
from fakes.hosts import Host, host
from fakes.hub import Hub
from fakes.person import Person
from ground.places import OLLAMA, tiny
from swarmctl.effects.clock import SystemClock, wait_until

pytestmark = [pytest.mark.ground, pytest.mark.scenario(seconds=180)]
COMMIT = "0123456789abcdef0123456789abcdef01234567"
ROLES = ("orchestrator", "backend")
MODELS = f"{BASE}/models/team"


@pytest.fixture
def machine() -> Iterator[Host]:
    stands("engine", "bookworm", "seven-tiny", "ollama", "host-vm")
    build_agent()
    with host("vm", images=[OLLAMA]) as made:
        yield made


@pytest.fixture
def hub() -> Iterator[Hub]:
    """On the network of the machine, as the world is."""
    (address,) = docker("network", "inspect", "bridge", "-f", "{{(index .IPAM.Config 0).Gateway}}").split()
    with Hub(address) as made:
        _fill(made)
        yield made


def _fill(hub: Hub) -> None:
    hub.commit = COMMIT
    for role in ROLES:
        hub.files[f"/tiny/{role}/resolve/main/{role}.gguf"] = tiny(role).read_bytes()


def _swarm(folder: Path) -> None:
    tree = {
        "name": "team",
        "target": {"ssh": {"hosts": ["gpu1"]}},
        "engine": {"kind": "ollama", "context": 2048},
        "models": {role: {"hf": f"tiny/{role}", "file": f"{role}.gguf", "device": "cpu"} for role in ROLES},
        "roles": {role: {"model": role, "temperature": 0} for role in ROLES},
        "limits": {"output": 512, "requests": 10, "time": "10m", "floor": 0.01},
    }
    (folder / "swarm.yml").write_text(yaml.safe_dump(tree))


def test_a_machine_fetches_a_hub_s_models_by_itself_and_they_never_come_here(
    machine: Host, hub: Hub, someone: Callable[[], Person], tmp_path: Path
) -> None:
    person = someone()
    person.env.update(HF_ENDPOINT=hub.url, XDG_DATA_HOME=str(tmp_path / "data"))
    _swarm(person.home)
    inventory(person.home, machine)
    said = person.types("up", "--yes", timeout=600)
    address = docker("inspect", "-f", "{{.NetworkSettings.IPAddress}}", machine.name).strip()
    fetched = [seen["path"] for seen in hub.seen if seen["from"] == address]
    assert fetched == [f"/tiny/{role}/resolve/{COMMIT}/{role}.gguf" for role in ROLES], "each once, at its commit"
    assert "critical path" in said.stderr
    assert "goes through here" not in said.stderr
    assert [path for path in (tmp_path / "data").rglob("*") if path.stat().st_size > 1_000_000] == []
    assert "nothing to do" in person.types("up", "--yes").stdout
    shown = {line["key"]: line for line in person.reads("models")["models"]}
    assert [shown[f"hf:tiny/{role}@main#{role}.gguf"]["there"] for role in ROLES] == [["gpu1"], ["gpu1"]]

    digests = {hashlib.sha256(tiny(role).read_bytes()).hexdigest() for role in ROLES}
    left = machine.ssh(["sh", "-c", f"ls {MODELS}/gguf {MODELS}/incoming {MODELS}/ollama/blobs"])
    assert not any(f"sha256-{digest}\n" in left for digest in digests), "what was rewritten lies there once"
    person.types("down", "--purge")
    assert machine.ssh(["ls", f"{BASE}/models"]).split() == []


def test_what_is_sent_and_cut_is_gone_on_with_where_a_machine_does_not_reach_the_hub(
    someone: Callable[[], Person], tmp_path: Path
) -> None:
    stands("engine", "bookworm", "seven-tiny", "ollama", "host-vm")
    build_agent()
    seen, name = tmp_path / "models", socket.gethostname()
    seen.mkdir()
    with host("vm", images=[OLLAMA], mounts=[f"{seen}:{BASE}/models"]) as machine, Hub(_ours(name)) as hub:
        _fill(hub)
        person = someone()
        hub_here = hub.url.replace(_ours(name), name)  # a name that is known here alone
        person.env.update(HF_ENDPOINT=hub_here, XDG_DATA_HOME=str(tmp_path / "data"))
        _swarm(person.home)
        inventory(person.home, machine)
        kept = _cut(person.start("up", "--yes"), seen / "team" / "incoming")
        assert kept, "it was cut while a file was on its way"

        said = person.types("up", "--yes", timeout=600).stderr
        assert "gpu1 does not reach the hub" in said
        sent = dict(re.findall(r"hf:tiny/(\w+)@\S+: ([\d,]+) of [\d,]+ bytes were sent, the others were there", said))
        files = {hashlib.sha256(tiny(role).read_bytes()).hexdigest(): role for role in ROLES}
        for digest, have in kept.items():
            size = tiny(files[digest]).stat().st_size
            assert int(sent[files[digest]].replace(",", "")) == size - have, "what was there was not sent again"
        assert "nothing to do" in person.types("up", "--yes").stdout
        person.types("down", "--purge")


def _ours(name: str) -> str:
    return socket.gethostbyname(name)


def _cut(running: subprocess.Popen[str], incoming: Path) -> dict[str, int]:
    """Kill a command while files are on their way; bytes of each that is not whole then, by its hash."""

    def on_its_way() -> bool:
        return any(path.stat().st_size > 1 << 20 for path in incoming.glob("*")) or running.poll() is not None

    wait_until(on_its_way, clock=SystemClock(), deadline=300, every=0.005, what="a model on its way")
    running.kill()
    running.wait(20)
    SystemClock().sleep(3)
    return {path.name: path.stat().st_size for path in incoming.glob("*") if path.stat().st_size}
