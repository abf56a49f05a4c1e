"""The seal on real stacks: whole where all walls stand, and red at every wall that was taken down."""

import json
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from fakes.ejecting import build_agent
from fakes.grounded import docker, stands
from fakes.sealing import WORLD, allowed, failing, running, sealed, stranger, team, wall, weakened, world
from swarmctl.core.dialect import dialect
from swarmctl.effects.a2a import AgentClient

pytestmark = [pytest.mark.ground, pytest.mark.slow, pytest.mark.scenario(seconds=60)]

BENEATH, HOST = "no socket to the machine beneath", "the host's services are closed"
WAYS = ("no way out by DNS", "no way out by HTTP", "no way out by TCP, UDP, ICMP", "no metadata address")


@pytest.fixture(scope="module", autouse=True)
def outside() -> Iterator[str]:
    """The network of another swarm, and a world beyond the host."""
    stands("engine", "models", "bookworm", "ollama")
    if not allowed():
        pytest.skip("only root can make an outside world and the host's wall, with ip and iptables")
    build_agent()
    with world(), stranger() as name:
        yield name


def test_a_whole_stack_is_sealed_and_only_the_hosts_own_wall_can_be_missing(tmp_path: Path) -> None:
    with running(tmp_path, team("sealwhole", "backend")) as swarm:
        swarm.healthy()
        with wall("sealwhole"):
            found = sealed("sealwhole", swarm.folder)
            assert failing(found) == {}, found.failures()
            rows = {row.name: row for row in found.rows}
            unknown = {name for name, row in rows.items() if row.verdict == "unknown"}
            assert unknown <= {BENEATH}, {name: rows[name].evidence for name in unknown}
            assert sum(row.verdict == "pass" for row in found.rows) >= 21
            assert [row.number for row in found.rows if row.verdict == "not yet"] == [1, 2, 3, 11, 12, 14, 15, 16]
            assert f"this host reaches {WORLD}:80" in rows["no way out by TCP, UDP, ICMP"].evidence
            assert "answer this host" in rows["other swarms are closed"].evidence
            assert "with 256 in the container" in rows["limits are in force"].evidence
            swarm.healthy()  # behind the wall health checks go on, and so do published ports
            agent = AgentClient("backend", swarm.url("agent-backend"), swarm.secret("agents.token"))
            assert agent.card()["name"] == "sealwhole/backend"
        found = sealed("sealwhole", swarm.folder)
        holes, beyond = failing(found), {"forwarder-cpu"}
        # This world sends answers to addresses that nobody masqueraded, as few do: without the host's wall they arrive.
        assert {holes.pop(name, None) == beyond for name in WAYS} == {True}, found.failures()
        if not dialect(docker("version", "-f", "{{.Server.Version}}").strip()).isolated:
            assert holes.pop(HOST) == {"agent-backend", "agent-orchestrator", "ollama-cpu"}
        assert holes == {}


def test_every_wall_is_seen_missing(tmp_path: Path, outside: str) -> None:
    # A name of its own: Engine 20.10 may not let go of a network whose containers were restarting.
    name = f"sealweak{os.getpid()}"
    with weakened(tmp_path, name, network=outside) as swarm:
        image = swarm_image(swarm.folder)
        found = sealed(name, swarm.folder, **{image: f"sha256:{'0' * 64}"})
        holes = failing(found)
        said = {row.name: {one.service: one.evidence for one in row.findings} for row in found.rows}
    assert holes["root is read-only"] == {"agent-orchestrator"}
    assert "/var/tmp can be written" in said["root is read-only"]["agent-orchestrator"]
    assert holes["limits are in force"] == {"agent-orchestrator"}
    limits = said["limits are in force"]["agent-orchestrator"]
    assert "no limit of pids" in limits
    assert "no limit of memory" in limits
    assert "never refused" in limits
    assert "no bound" in limits
    assert holes["no capabilities"] == {"agent-frontend"}
    assert "CapEff" in said["no capabilities"]["agent-frontend"]
    assert "chown" in said["no capabilities"]["agent-frontend"]
    assert holes["no raw sockets"] == {"agent-frontend"}
    assert holes["nobody is root"] == {"agent-frontend"}
    assert holes["no privilege can be gained"] == {"agent-backend"}
    assert "/usr/bin/su runs as 10001 0 0 0" in said["no privilege can be gained"]["agent-backend"]
    assert holes["nothing of the host is mounted"] == {"agent-testing"}
    assert "/mnt is" in said["nothing of the host is mounted"]["agent-testing"]
    assert holes["no Docker socket"] == {"agent-testing"}
    assert "docker.sock is here (EACCES)" in said["no Docker socket"]["agent-testing"]
    for row in ("no secret in docker inspect", "no secret in /proc", "no secret in logs"):
        assert holes[row] == {"agent-security"}, said[row]
    assert "variable MY_TOKEN" in said["no secret in /proc"]["agent-security"]
    assert "engine.key is 0644" in said["secrets are files"]["agent-backend"]
    assert holes["wheels by hash"] == {"agent-docs"}
    assert "more.pth is of no wheel" in said["wheels by hash"]["agent-docs"]
    assert "h11/_state.py is not as its wheel has it" in said["wheels by hash"]["agent-docs"]
    assert holes["images by digest"] == {"agent-docs"}
    assert holes["no secret in image layers"] == {"agent-docs"}
    assert "agents.token in layer" in said["no secret in image layers"]["agent-docs"]
    assert f"at {WORLD}: NXDOMAIN" in said["no way out by DNS"]["agent-backend"]
    assert "at 127.0.0.11: NXDOMAIN" in said["no way out by DNS"]["agent-devops"]
    assert f"http://{WORLD}/ reached" in said["no way out by HTTP"]["agent-backend"]
    assert f"{WORLD}:80 reached" in said["no way out by TCP, UDP, ICMP"]["agent-backend"]
    assert f"{WORLD} reached" in said["no way out by TCP, UDP, ICMP"]["agent-backend"], "an echo request"
    assert "203.0.113.10:80 reached" in said["no metadata address"]["ollama-cpu"]
    assert holes["other swarms are closed"] == {"agent-devops"}
    assert ":8080 reached" in said["other swarms are closed"]["agent-devops"]
    assert "a network of another" in said["other swarms are closed"]["agent-devops"]
    assert "reached" in said[HOST]["agent-backend"]
    judged = {row.name for row in found.rows if row.verdict != "not yet"} - {BENEATH}
    assert set(holes) == judged, judged - set(holes)
    assert not any(
        secret in str(found.as_json()) for secret in (swarm.secret("agents.token"), swarm.secret("engine.key"))
    )


def swarm_image(folder: Path) -> str:
    """The spoiled image's reference."""
    name: str = json.loads((folder / "compose.yml").read_text())["services"]["agent-docs"]["image"]
    return name
