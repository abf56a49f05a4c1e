"""A machine without Docker fetches a hub's models by itself, by their hash, and they never come here."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import yaml

from fakes.distant import inventory
from fakes.grounded import docker, stands
from fakes.hosts import Host, host
from fakes.hub import Hub
from fakes.person import Person
from ground.places import tiny

pytestmark = [pytest.mark.ground, pytest.mark.scenario(seconds=90)]
COMMIT = "0123456789abcdef0123456789abcdef01234567"
ROLES = ("orchestrator", "backend")


@pytest.fixture
def machine() -> Iterator[Host]:
    stands("engine", "seven-tiny", "host-container")
    with host("container") as made:
        yield made


@pytest.fixture
def hub() -> Iterator[Hub]:
    """On the network of the machine, as the world is."""
    (address,) = docker("network", "inspect", "bridge", "-f", "{{(index .IPAM.Config 0).Gateway}}").split()
    with Hub(address) as made:
        made.commit = COMMIT
        for role in ROLES:
            made.files[f"/tiny/{role}/resolve/main/{role}.gguf"] = tiny(role).read_bytes()
        yield made


def test_a_machine_without_docker_fetches_a_hub_s_models_by_itself(
    machine: Host, hub: Hub, someone: Callable[[], Person], tmp_path: Path
) -> None:
    person = someone()
    person.env.update(HF_ENDPOINT=hub.url, XDG_DATA_HOME=str(tmp_path / "data"))
    tree = {
        "name": "team",
        "target": {"ssh": {"hosts": ["gpu1"]}},
        "runtime": "process",
        "engine": {"context": 2048},
        "models": {role: {"hf": f"tiny/{role}", "file": f"{role}.gguf"} for role in ROLES},
        "roles": {role: {"model": role, "temperature": 0} for role in ROLES},
        "limits": {"output": 512, "requests": 10, "time": "10m", "floor": 0.01},
    }
    (person.home / "swarm.yml").write_text(yaml.safe_dump(tree))
    inventory(person.home, machine)
    try:
        said = person.types("up", "--yes", timeout=600)
        address = docker("inspect", "-f", "{{.NetworkSettings.IPAddress}}", machine.name).strip()
        fetched = [seen["path"] for seen in hub.seen if seen["from"] == address]
        assert sorted(fetched) == sorted(f"/tiny/{role}/resolve/{COMMIT}/{role}.gguf" for role in ROLES), "each once"
        assert "goes through here" not in said.stderr
        assert [path for path in (tmp_path / "data").rglob("*") if path.stat().st_size > 1_000_000] == []
        assert "nothing to do" in person.types("up", "--yes").stdout
        assert person.reads("status", "--swarm", "team")["faults"] == []
    finally:
        person.types("down", "--swarm", "team", "--purge")
    assert machine.ssh(["sh", "-c", "ps -eo args= | grep '[s]warmctl.embedded' || true"]) == ""
