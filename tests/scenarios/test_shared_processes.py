"""Seven folders of safetensors become seven agents on one base without containers: here, and on another machine."""

import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from fakes.foldedswarm import BEHIND, ROLES, FoldedSwarm, folded_swarm
from fakes.grounded import stands
from fakes.hosts import host
from fakes.sevenfolders import SPECIALISTS, make_seven
from swarmctl.effects.clock import SystemClock, wait_until

pytestmark = [pytest.mark.ground, pytest.mark.scenario(seconds=120)]


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> Path:
    stands("engine", "bookworm", "forky", "llama.cpp")
    return make_seven(tmp_path_factory.mktemp("models") / "models")


@pytest.fixture
def swarm(tmp_path: Path, store: Path, folders: Path) -> Iterator[FoldedSwarm]:
    with folded_swarm(tmp_path / "person", store, folders) as made:
        made.write(runtime="process")
        yield made


def pids(swarm: FoldedSwarm) -> dict[str, int]:
    return {one["name"]: one["pid"] for one in swarm.swarm.reads("status")["services"]}


def is_proved(swarm: FoldedSwarm) -> None:
    proved = swarm.swarm.reads("check")["proofs"]
    held = {(one["name"], one["subject"]) for one in proved if one["verdict"] == "pass"}
    assert {("is its own model", f"model {name}") for name in BEHIND} <= held
    assert {("buffers as planned", "engine-coder"), ("adapters and slots", "gateway-cpu")} <= held


def test_here_by_the_engine_of_the_wheel(swarm: FoldedSwarm) -> None:
    said = swarm.up()
    for name in SPECIALISTS:
        assert f"{name}: shares coder" in said.stderr
    assert set(pids(swarm)) == {"engine-lead", "engine-coder", "gateway-cpu", *(f"agent-{role}" for role in ROLES)}
    is_proved(swarm)
    assert "nothing to do" in swarm.up().stdout
    answers = swarm.answers()
    assert len({answers[name] for name in BEHIND}) == len(BEHIND), answers
    for role in ROLES:
        assert swarm.swarm.types("chat", role, "Hello").stdout.strip(), role

    before = pids(swarm)
    os.kill(before["gateway-cpu"], signal.SIGKILL)
    wait_until(
        lambda: pids(swarm)["gateway-cpu"] not in {None, before["gateway-cpu"]},
        clock=SystemClock(), deadline=20, every=0.5, what="the gateway to come back",
    )  # fmt: skip
    is_proved(swarm)
    assert {name for name, pid in pids(swarm).items() if pid != before[name]} == {"gateway-cpu"}

    swarm.write(runtime="process", placement={"architecture": "separate"})
    swarm.up()
    assert "gateway-cpu" not in pids(swarm)
    assert {f"engine-{name}" for name in BEHIND} < set(pids(swarm))


def test_on_a_machine_without_docker(swarm: FoldedSwarm, tmp_path: Path) -> None:
    stands("host-container")
    home = swarm.swarm.person.home
    with host("container") as machine:
        said = {
            "ansible_host": "127.0.0.1",
            "ansible_port": machine.port,
            "ansible_user": "root",
            "ansible_ssh_private_key_file": str(machine.key),
        }
        (home / "inventory").mkdir()
        (home / "inventory" / "hosts.yml").write_text(yaml.safe_dump({"swarmctl": {"hosts": {"box": said}}}))
        swarm.write(runtime="process", target={"ssh": {"hosts": ["box"]}})
        swarm.up()
        is_proved(swarm)
        assert "nothing to do" in swarm.up().stdout
        answers = swarm.answers()
        assert len({answers[name] for name in BEHIND}) == len(BEHIND), answers
        shown = machine.ssh(["sh", "-c", "ps -eo args= | grep -c '[s]warmctl.gateway'"]).strip()
        assert shown == "1"
        swarm.swarm.down("--purge")
        assert machine.ssh(["sh", "-c", "ps -eo args= | grep '[s]warmctl' || true"]) == ""
