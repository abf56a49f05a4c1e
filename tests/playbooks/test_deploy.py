"""`deploy` and `teardown` on a machine with Docker: what was rendered, by its hashes, and then nothing."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from fakes.ejecting import AGENT, build_agent
from fakes.grounded import docker, stands
from fakes.hosts import Host, host
from fakes.playing import needs_ansible, run
from ground.places import OLLAMA, tiny
from swarmctl.core.compose import parsed
from swarmctl.errors import DeployError

pytestmark = [pytest.mark.ground, pytest.mark.scenario(seconds=180)]

SPEC = """
name: afar
engine: {{kind: ollama, context: 512, parallel: 1, kv: q8_0}}
models:
  lead: {{path: {lead}}}
roles:
  orchestrator: {{model: lead, temperature: {warm}}}
limits: {{output: 48, requests: 6, time: 3m}}
"""


@pytest.fixture(autouse=True)
def ground() -> None:
    needs_ansible()
    stands("engine", "models", "bookworm", "host-vm", "ollama")
    build_agent()


def render(folder: Path, engine: str, name: str = "out", warm: float = 0) -> Path:
    """A swarm's folder, as `swarmctl render` writes it for a machine without cards."""
    (folder / "swarm.yml").write_text(SPEC.format(lead=tiny("orchestrator"), warm=warm))
    argv = [sys.executable, "-m", "swarmctl", "render", str(folder / name), "--gpu", "cpu", "--docker", engine]
    place = {"XDG_STATE_HOME": str(folder / "state"), "XDG_DATA_HOME": str(folder / "data")}
    done = subprocess.run(argv, cwd=folder, capture_output=True, text=True, env={**os.environ, **place}, check=False)
    assert done.returncode == 0, done.stderr
    return folder / name


def hashes(folder: Path) -> dict[str, str]:
    services = parsed((folder / "compose.yml").read_text())["services"]
    return {name: one["labels"]["swarmctl.config-hash"] for name, one in services.items() if "profiles" not in one}


def running(machine: Host) -> dict[str, str]:
    form = '{{.Label "swarmctl.service"}} {{.Label "swarmctl.config-hash"}}'
    said = machine.docker(
        ["ps", "--filter", "label=swarmctl.swarm=afar", "--filter", "health=healthy", "--format", form]
    )
    return dict(line.split() for line in said.splitlines())


def labelled(machine: Host) -> list[str]:
    words = [["ps", "-aq"], ["network", "ls", "-q"], ["volume", "ls", "-q"]]
    return [one for what in words for one in machine.docker([*what, "--filter", "label=swarmctl.swarm"]).split()]


def test_what_was_rendered_runs_there_with_the_same_hashes_and_goes_again(tmp_path: Path) -> None:
    archive, state = tmp_path / "agent.tar", tmp_path / "state"
    docker("save", AGENT, "-o", str(archive))
    with host("vm", images=[OLLAMA]) as machine:
        engine = machine.docker(["version", "-f", "{{.Server.Version}}"]).strip()
        folder = render(tmp_path, engine)
        assert hashes(render(tmp_path, engine, "elsewhere")) == hashes(folder)

        given = {"stack_folder": str(folder)}
        with pytest.raises(DeployError, match=f"The host lacks {AGENT}"):
            run(machine, "deploy", state, **given)
        with_image = {**given, "stack_image_archives": {AGENT: str(archive)}}
        assert run(machine, "deploy", state, check=True, **with_image).changed["slot-0"] > 0
        assert (labelled(machine), machine.tries(["test", "-e", str(folder)]).returncode) == ([], 1)

        first = run(machine, "deploy", state, **with_image)
        assert running(machine) == hashes(folder)
        assert first.facts["slot-0"]["stack_hashes"] == sorted(f"{name} {one}" for name, one in hashes(folder).items())
        assert run(machine, "deploy", state, **given).changed == {"slot-0": 0}
        _secrets_are_secret(machine, folder, state)
        _what_drifted_comes_back(machine, folder, state)

        changed = render(tmp_path, engine, "warmer", warm=0.5)
        _moved(changed, folder)
        run(machine, "deploy", state, **given)
        assert running(machine) == hashes(folder)
        _teardown(machine, folder, state)


def _secrets_are_secret(machine: Host, folder: Path, state: Path) -> None:
    token = (folder / "secrets" / "agents.token").read_text()
    owner = (folder / "secrets" / "agents.token").stat().st_uid
    there = ["stat", "-c", "%a %u", f"{folder}/secrets/agents.token", f"{folder}/secrets"]
    assert machine.ssh(there).splitlines() == [f"600 {owner}", f"700 {owner}"]
    kept = [path.read_text(errors="replace") for path in state.rglob("*") if path.is_file()]
    assert len(kept) > 5
    assert not [text for text in kept if token in text]
    assert list(Path("/tmp").glob("swarmctl-stack-*")) == []


def _what_drifted_comes_back(machine: Host, folder: Path, state: Path) -> None:
    machine.ssh(["sh", "-c", f"echo x >> {folder}/services/agent-orchestrator.json"])
    machine.docker(
        ["stop", "-t", "3", machine.docker(["ps", "-q", "--filter", "label=swarmctl.service=ollama-cpu"]).strip()]
    )
    assert run(machine, "deploy", state, stack_folder=str(folder)).changed["slot-0"] >= 2
    assert running(machine) == hashes(folder)
    text = (folder / "services" / "agent-orchestrator.json").read_text()
    assert machine.ssh(["cat", f"{folder}/services/agent-orchestrator.json"]) == text


def _moved(source: Path, place: Path) -> None:
    """What was rendered for another place, for this one; the secrets stay."""
    for name in ("compose.yml", "services/agent-orchestrator.json"):
        (place / name).write_text((source / name).read_text().replace(str(source), str(place)))


def _teardown(machine: Host, folder: Path, state: Path) -> None:
    before = labelled(machine)
    assert before
    assert run(machine, "teardown", state, check=True, removal_swarm="afar").changed["slot-0"] > 0
    assert labelled(machine) == before
    assert run(machine, "teardown", state, removal_swarm="another").changed == {"slot-0": 0}
    assert labelled(machine) == before
    run(machine, "teardown", state, removal_swarm="afar")
    assert labelled(machine) == []
    assert machine.ssh(["ls", str(folder)]).split() == ["data", "models"]
    assert machine.tries(["sh", "-c", "ls /var/lib/swarmctl/stacks/*"]).returncode != 0
    assert run(machine, "teardown", state, removal_swarm="afar").changed == {"slot-0": 0}


def test_a_host_can_be_left_as_it_was_but_for_packages(tmp_path: Path) -> None:
    with host("vm") as machine:
        run(machine, "prepare", tmp_path)
        assert "swarmctl" in machine.ssh(["nft", "list", "tables"])
        assert run(machine, "teardown", tmp_path, check=True, removal_host=True).changed["slot-0"] > 0
        assert "swarmctl" in machine.ssh(["nft", "list", "tables"])
        run(machine, "teardown", tmp_path, removal_host=True)
        assert "inet swarmctl" not in machine.ssh(["nft", "list", "tables"])
        left = "find /etc /usr/local /var/lib -xdev -name '*swarmctl*' -not -path '/var/lib/docker/*'"
        assert machine.ssh(["sh", "-c", left]) == ""
        assert run(machine, "teardown", tmp_path, removal_host=True).changed == {"slot-0": 0}


@pytest.mark.parametrize("folder", ["", "/nowhere", "/etc"])
def test_a_folder_that_was_not_rendered_is_refused(folder: str, tmp_path: Path) -> None:
    with host("vm") as machine, pytest.raises(DeployError, match="stack: The folder is one that swarmctl wrote"):
        run(machine, "deploy", tmp_path, stack_folder=folder)
