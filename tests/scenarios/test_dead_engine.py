"""Docker's daemon dies in the middle of an `up`, on a machine of its own: said, seen, healed, and nothing left."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
import yaml

from fakes.baddays import soon
from fakes.ejecting import AGENT, build_agent
from fakes.grounded import stands
from fakes.hosts import Host, host
from ground.places import MODELS, OLLAMA, tiny_random

pytestmark = [pytest.mark.ground, pytest.mark.scenario(seconds=120)]
SPEC = {
    "name": "dead",
    "runtime": "compose",
    "engine": {"kind": "ollama", "context": 256},
    "models": {"lead": {"path": str(tiny_random("orchestrator"))}},
    "roles": {"orchestrator": {"model": "lead"}},
    "limits": {"output": 16, "requests": 4, "time": "3m"},
}


@pytest.fixture(scope="module")
def machine() -> Iterator[Host]:
    stands("engine", "bookworm", "tiny", "ollama", "host-user")
    build_agent()
    with host("user", images=[OLLAMA, AGENT], mounts=[f"{MODELS}:{MODELS}:ro"]) as made:
        made.put("/root/swarm.yml", yaml.safe_dump(SPEC))
        yield made


def starting(machine: Host) -> bool:
    """A container has been made."""
    return machine.docker(["ps", "--all", "--quiet"]).strip() != ""


def uploading(machine: Host) -> bool:
    """The engine is given its model."""
    blobs = "/root/.local/share/swarmctl/models/served/dead/ollama/blobs"
    return machine.tries(["sh", "-c", f"ls -A {blobs} | grep -q ."]).returncode == 0


@pytest.mark.parametrize("moment", [starting, uploading])
def test_the_daemon_dies_in_the_middle_of_an_up(machine: Host, moment: Callable[[Host], bool]) -> None:
    with ThreadPoolExecutor(1) as pool:
        going = pool.submit(machine.swarmctl, "up")
        try:
            soon(lambda: going.done() or moment(machine), 60, moment.__name__)
            assert not going.done(), going.result().stderr.decode()
        finally:
            machine.ssh(["systemctl", "kill", "--signal=KILL", "docker.service"])
            machine.ssh(["systemctl", "stop", "docker.service", "docker.socket"])
        done = going.result(timeout=200)
    said = done.stderr.decode()
    assert done.returncode == 6, said
    assert "no Docker Engine answers" in said
    assert "could not be taken away" in said
    assert "swarmctl down --swarm dead" in said
    blind = machine.swarmctl("status", "--swarm", "dead", "--exit-code")
    assert blind.returncode == 8
    assert "what runs in its containers is not known" in blind.stdout.decode()
    assert "never proved" in blind.stdout.decode()
    refused = machine.swarmctl("down", "--swarm", "dead")
    assert refused.returncode == 6, "nobody can say that nothing is left"
    # Its service manager may still be busy with the death of the one before.
    soon(lambda: machine.tries(["systemctl", "start", "docker.service"]).returncode == 0, 60, "a new daemon")
    half = machine.swarmctl("status", "--swarm", "dead", "--exit-code")
    assert half.returncode == 8, half.stdout.decode()
    healed = machine.swarmctl("up")
    assert healed.returncode == 0, healed.stderr.decode()
    assert machine.swarmctl("status", "--swarm", "dead", "--exit-code").returncode == 0
    away = machine.swarmctl("down", "--swarm", "dead", "--purge")
    assert away.returncode == 0, away.stderr.decode()
    assert machine.docker(["ps", "--all", "--quiet"]).strip() == ""
    assert machine.docker(["volume", "ls", "--quiet"]).strip() == ""
