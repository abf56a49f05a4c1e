"""Images on a host: sent from this machine's Docker, and built there by who has none."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from fakes.grounded import docker, stands
from fakes.hosts import Host as Machine
from fakes.hosts import host
from swarmctl import __version__
from swarmctl.core.hosts import NO_CONFIG, Host
from swarmctl.core.lock import Lock
from swarmctl.core.placed import BASE as BASE_THERE
from swarmctl.core.placed import Placed
from swarmctl.effects import imaging
from swarmctl.effects.clock import SystemClock
from swarmctl.effects.connections.distant import DistantConnection
from swarmctl.effects.hosts import images
from swarmctl.effects.recipe import Recipe
from swarmctl.errors import DeployError

pytestmark = [pytest.mark.ground, pytest.mark.slow]
BASE = "debian:bookworm-slim"
DOCKERFILE = f"ARG BASE={BASE}\nFROM $BASE\nCOPY provisioning/a.py /opt/a.py\nUSER 10001\n"


@pytest.fixture(scope="module")
def machine() -> Iterator[Machine]:
    stands("engine", "bookworm", "host-vm")
    with host("vm", images=[BASE]) as made:
        yield made


@pytest.fixture
def over(machine: Machine, tmp_path: Path) -> Iterator[DistantConnection]:
    there = Host(
        "gpu1", "127.0.0.1", machine.port, key=str(machine.key), config=NO_CONFIG, known_hosts=str(tmp_path / "k")
    )
    fields = {name: getattr(there, name) for name in there.__slots__}
    made = DistantConnection("team", Placed(swarm="team", host=fields), tmp_path / "state", (), SystemClock())
    yield made
    made.close()


@pytest.fixture
def own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Recipe]:
    """A recipe of ours that builds in a second."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    for path, text in {"compose/agent/Dockerfile": DOCKERFILE, "provisioning/a.py": "a = 1\n"}.items():
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_text(text)
    found = ("compose/agent/Dockerfile", "provisioning/a.py")
    made = Recipe("agent", f"swarmctl-test/sent:{__version__}", tuple((path, tmp_path / path) for path in found))
    for module in (imaging, images):
        monkeypatch.setattr(module, "recipe", lambda reference: made if reference == made.reference else None)
    yield made
    docker("rmi", "-f", made.reference)


def test_what_is_ours_is_built_here_and_sent_and_a_second_time_nothing_is_done(
    own: Recipe, over: DistantConnection
) -> None:
    said: list[str] = []
    images.provide(own.reference, Lock(), said.append, over)
    assert any(line.startswith("sending ") for line in said)
    assert imaging.missing([own.reference], ask=over.ask) == []
    assert imaging.here(over.ask)[own.reference].id == imaging.here()[own.reference].id
    assert over.images().look().parts == {}
    assert over.shell.run(["ls", f"{BASE_THERE}/images/layer"], seconds=20).stdout == "", "it is in its Docker alone"
    said.clear()
    images.provide(own.reference, Lock(), said.append, over)
    assert said == []


def test_who_has_no_docker_builds_it_there(
    own: Recipe, over: DistantConnection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(images, "engine_is_near", lambda: False)
    (dict(own.files)["provisioning/a.py"]).write_text("a = 2\n")
    said: list[str] = []
    images.provide(own.reference, Lock(), said.append, over)
    assert f"no Docker here: building {own.reference} on gpu1" in said
    assert imaging.missing([own.reference], ask=over.ask) == []
    done = over.shell.run(["docker", "run", "--rm", own.reference, "cat", "/opt/a.py"], seconds=60)
    assert done.stdout == "a = 2\n"


def test_what_nobody_has_is_said(over: DistantConnection) -> None:
    with pytest.raises(DeployError, match="cannot be pulled"):
        images.provide("127.0.0.1:9/closed/door:1", Lock(), lambda _: None, over)
