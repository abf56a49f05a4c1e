"""Days on which this machine lacks what containers need: each ends in a clear error, and nothing is left half made."""

from pathlib import Path

import pytest

from fakes.baddays import Small, as_nobody, behind, disk, listening, small, without_compose
from fakes.grounded import docker, stands
from fakes.refusing import refusing_registry
from ground.places import ADDRESS

pytestmark = [pytest.mark.ground, pytest.mark.scenario(seconds=15)]
NO_ENGINE = ["no Docker Engine answers", "swarmctl doctor"]


def nothing_is_made(swarm: Small) -> None:
    """No container, network or folder of the swarm; a volume for its models at most, which `down` leaves too."""
    left = [docker("volume", "inspect", "-f", "{{.Name}}", one).strip() for one in swarm.left()]
    assert set(left) <= {f"{swarm.name}-slot-0-models"}
    assert not swarm.state.exists()


@pytest.mark.parametrize("host", ["unix:///nowhere/docker.sock", "tcp://127.0.0.1:9"])
def test_no_engine(swarm: Small, host: str) -> None:
    swarm.person.env["DOCKER_HOST"] = host
    for words in (("up", "-f", str(swarm.file)), ("down", "--swarm", swarm.name)):
        refused = swarm.person.types(*words, expect=6)
        assert [said for said in NO_ENGINE if said not in refused.stderr] == []
    assert "nowhere" in refused.stderr or "refused" in refused.stderr, "the evidence"
    (blind,) = swarm.faults()
    assert "what runs in its containers is not known" in blind
    assert blind in swarm.types("status").stdout
    found = {one["name"]: one for one in swarm.person.reads("doctor")["findings"]}
    assert found["docker"]["level"] != "ok"
    assert "no engine answers" in found["docker"]["found"]
    assert found["docker"]["mend"]
    nothing_is_made(swarm)


def test_no_docker_command(swarm: Small, tmp_path: Path) -> None:
    swarm.person.env["PATH"] = str(tmp_path)
    refused = swarm.up(expect=6)
    assert "the docker command is not here" in refused.stderr
    assert "swarmctl doctor" in refused.stderr
    assert "--keep" not in refused.stderr, "nothing was started"
    found = {one["name"]: one for one in swarm.person.reads("doctor", expect=6)["findings"]}
    assert found["docker"]["level"] == "optional"
    assert "the docker command is not found" in found["docker"]["found"]
    assert "docker.io" in found["docker"]["mend"]
    nothing_is_made(swarm)


def test_docker_without_compose(swarm: Small) -> None:
    refused = behind(swarm, without_compose(), "up", "-f", str(swarm.file))
    assert refused.returncode == 6, refused.stderr
    assert "docker is here, and its Compose is not" in refused.stderr
    assert "$ docker compose version" in refused.stderr
    told = behind(swarm, without_compose(), "doctor")
    assert "compose" in told.stdout
    assert "docker-compose" in told.stdout, "what to install"
    nothing_is_made(swarm)


def test_a_user_who_may_not_talk_to_docker(swarm: Small, tmp_path: Path) -> None:
    home = tmp_path / "nobody"
    home.mkdir()
    home.chmod(0o777)
    for folder in home.parents[:3]:
        folder.chmod(folder.stat().st_mode | 0o055)
    swarm.person.env.update(HOME=str(home), XDG_STATE_HOME=str(home / "state"), XDG_DATA_HOME=str(home / "data"))
    refused = behind(swarm, as_nobody(), "up", "-f", str(swarm.file))
    assert refused.returncode == 6, refused.stderr
    assert "docker.sock: PermissionError" in refused.stderr
    assert "usermod -aG docker" in refused.stderr
    assert "usermod -aG docker" in behind(swarm, as_nobody(), "doctor").stdout
    assert swarm.left() == []


@pytest.mark.parametrize(
    ("status", "reason"),
    [(0, "no such image"), (401, "refuses"), (403, "refuses"), (500, "out of order")],
    ids=["unknown", "401", "403", "500"],
)
def test_an_image_that_cannot_be_had(swarm: Small, status: int, reason: str) -> None:
    stands("registry")
    with refusing_registry(status) as refusing:
        image = f"{refusing if status else ADDRESS}/nobody/ollama:0.32.15"
        swarm.write(("orchestrator",), image=image)
        refused = swarm.up(expect=7)
    assert f"{image} cannot be pulled" in refused.stderr
    assert reason in refused.stderr
    assert f"docker pull {image}" in refused.stderr, "what to try"
    nothing_is_made(swarm)


def test_a_disk_that_is_full_where_the_engine_keeps_its_models(tmp_path: Path, store: Path) -> None:
    with disk(store / "swarmctl" / "models" / "served", 6), small(tmp_path, store) as swarm:
        refused = swarm.up(expect=7)
        assert "no space left on device" in refused.stderr
        assert "df -h" in refused.stderr
        nothing_is_made(swarm)


def test_a_disk_that_is_full_where_the_store_is(tmp_path: Path) -> None:
    store = tmp_path / "data"
    with disk(store, 6), small(tmp_path / "person", store) as swarm:
        refused = swarm.up(expect=6)
        assert "disk" in refused.stderr
        assert "swarmctl models prune" in refused.stderr
        nothing_is_made(swarm)


def test_ports_that_others_have(swarm: Small) -> None:
    """Before `up` another is taken; after it the forwarder moves, and nothing else is touched."""
    with listening(11434):
        swarm.up()
        assert swarm.port("ollama-cpu") != 11434
    before, old = swarm.containers(), swarm.port("agent-orchestrator")
    docker("stop", "--time", "1", before["forwarder-cpu"])
    with listening(old):
        assert any("forwarder-cpu is exited" in fault for fault in swarm.faults())
        healed = swarm.up()
        assert "is up and proved" in healed.stderr
        assert swarm.port("agent-orchestrator") != old
        assert swarm.faults() == []
        assert swarm.containers()["ollama-cpu"] == before["ollama-cpu"], "no model was loaded anew"
