"""What breaks off an `up`, comes twice, or goes on behind its back: `status` says it, `up` heals it, `down` ends it."""

import os
import shutil
import signal
import time
from pathlib import Path

import pytest
import requests

from fakes.baddays import Small, small, soon, states
from fakes.grounded import docker

pytestmark = [pytest.mark.ground, pytest.mark.scenario(seconds=30)]


def but_models(swarm: Small) -> list[str]:
    """What is left of a swarm by label, without the models' volume."""
    keep = f"{swarm.name}-slot-0-models"
    return [one for one in swarm.left() if docker("inspect", "-f", "{{.Name}}", one).strip() != keep]


def nothing_runs(swarm: Small) -> bool:
    return but_models(swarm) == [] and not swarm.state.exists()


@pytest.mark.parametrize("line", ["#1   prepare ", "#2   deploy:", "#3   load", "#4   check:"])
def test_a_killed_up_is_said_and_continued(swarm: Small, line: str) -> None:
    going = swarm.goes_up()
    swarm.stops_at(going, line)
    going.kill()
    going.communicate()
    status = swarm.reads("status")
    assert status["up"]
    assert any("never proved" in fault for fault in status["faults"]), status
    made = swarm.containers()
    swarm.up()
    assert swarm.faults() == []
    assert {name: one for name, one in swarm.containers().items() if name in made} == made, "what was made is kept"
    assert swarm.plan() == []


def test_down_after_a_killed_up_leaves_nothing(swarm: Small) -> None:
    going = swarm.goes_up()
    swarm.stops_at(going, "#2   deploy:")
    going.kill()
    going.communicate()
    swarm.down("--purge")
    assert swarm.left() == []
    assert not swarm.state.exists()


def test_a_killed_upgrade_is_said_and_taken_away(swarm: Small) -> None:
    """It is tried beside what runs, which goes on; what was tried with is not forgotten."""
    swarm.up()
    before, trial = swarm.containers(), f"label=swarmctl.swarm={swarm.name}_trial"
    going = swarm.goes_up("--set", "engine.context=512")
    soon(lambda: docker("ps", "--quiet", "--filter", trial).strip(), 60, "the trial")
    going.kill()
    going.communicate()
    assert any("was broken off" in fault for fault in swarm.faults())
    assert swarm.loaded() == {"lead"}
    swarm.up()
    assert docker("ps", "--all", "--quiet", "--filter", trial) == ""
    assert docker("network", "ls", "--quiet", "--filter", trial) == ""
    assert docker("volume", "ls", "--quiet", "--filter", trial) == ""
    assert swarm.faults() == []
    assert swarm.containers() == before


@pytest.mark.parametrize("line", ["#1   prepare ", "#2   deploy:", "#4   check:"])
def test_ctrl_c_takes_away_a_first_attempt(swarm: Small, line: str) -> None:
    going = swarm.goes_up()
    swarm.stops_at(going, line)
    going.send_signal(signal.SIGINT)
    _, said = going.communicate(timeout=90)
    assert going.returncode == 130, said
    assert nothing_runs(swarm)
    assert swarm.reads("status")["faults"] == []


def test_a_container_that_keeps_dying_is_named_with_its_last_words(swarm: Small, tmp_path: Path) -> None:
    """An image whose server refuses its settings: it is started again and again, and never answers."""
    image = f"{swarm.name}/ollama:0.32.15"
    words = "Error: invalid value for OLLAMA_KV_CACHE_TYPE"
    (tmp_path / "ollama").write_text(f"#!/bin/sh\necho '{words}' >&2\nexit 3\n")
    (tmp_path / "ollama").chmod(0o755)
    (tmp_path / "Dockerfile").write_text("FROM debian:bookworm-slim\nCOPY ollama /usr/bin/ollama\n")
    docker("build", "--quiet", "--label", f"swarmctl.test={swarm.name}", "--tag", image, str(tmp_path))
    try:
        swarm.write(("orchestrator",), image=image)
        refused = swarm.up(expect=7)
        assert "ollama-cpu keeps ending" in refused.stderr
        assert "exit 3" in refused.stderr
        assert words in refused.stderr
        assert f"swarmctl logs --swarm {swarm.name} ollama-cpu" in refused.stderr
        assert nothing_runs(swarm)
        swarm.up("--keep", expect=7)
        soon(lambda: any("ollama-cpu is restarting (exit 3)" in fault for fault in swarm.faults()), 60, "a restart")
        assert any("never proved" in fault for fault in swarm.faults())
        swarm.down()
        assert nothing_runs(swarm)
    finally:
        docker("rmi", "--force", image)


def test_an_agent_that_keeps_dying_is_named_with_its_last_words(swarm: Small) -> None:
    """Its settings were spoiled behind its back; `up` writes them anew."""
    swarm.up()
    settings = swarm.state / "services" / "agent-orchestrator.json"
    settings.write_text('{"no": 1}')
    docker("restart", "--time", "1", swarm.container("agent-orchestrator"))
    soon(lambda: swarm.reads("status")["services"][1]["restarts"] >= 2, 60, "two deaths")
    for _ in range(5):
        assert any("agent-orchestrator is restarting" in fault for fault in swarm.faults()), "between two deaths too"
    told = swarm.types("check", "--look", expect=8).stderr
    assert "agent-orchestrator: container up" in told
    assert "Extra inputs are not permitted" in told, "its own words"
    swarm.up()
    assert swarm.faults() == []


def test_two_ups_at_once(swarm: Small) -> None:
    both = [swarm.goes_up() for _ in range(2)]
    done = [(p.communicate(timeout=240)[1], p.returncode) for p in both]
    assert sorted(code for _, code in done) == [0, 9], done
    (refused,) = [err for err, code in done if code == 9]
    assert "is held by" in refused
    assert "swarmctl up" in refused
    assert swarm.faults() == []


def test_two_swarms_on_one_machine(tmp_path: Path, store: Path) -> None:
    """Both are proved at once; the end of one leaves the other as it was."""
    with small(tmp_path / "one", store) as one, small(tmp_path / "other", store) as other:
        both = [one.goes_up(), other.goes_up()]
        done = [(p.communicate(timeout=240)[1], p.returncode) for p in both]
        assert [code for _, code in done] == [0, 0], done
        ports = {one.port("agent-orchestrator"), one.port("ollama-cpu")}
        assert not ports & {other.port("agent-orchestrator"), other.port("ollama-cpu")}
        kept = other.containers()
        assert one.faults() == other.faults() == []
        one.down("--purge")
        assert one.left() == []
        assert other.containers() == kept
        assert set(states(other).values()) == {"running"}
        assert other.faults() == []
        assert other.plan() == []
        assert other.loaded() == {"lead"}


def test_a_lost_state_folder_is_said_and_healed_or_ended(swarm: Small) -> None:
    swarm.up()
    shutil.rmtree(swarm.person.home / "state")
    assert any("state folder is lost" in fault for fault in swarm.faults())
    swarm.up()
    assert swarm.faults() == []
    shutil.rmtree(swarm.person.home / "state")
    swarm.down()
    assert nothing_runs(swarm)


def test_down_waits_for_a_network_that_will_not_go_and_names_who_holds_it(swarm: Small) -> None:
    """Docker removes no network that something stands on: here a container of somebody else."""
    going = swarm.goes_up()
    swarm.stops_at(going, "#3   load")
    going.kill()
    going.communicate()
    network = f"{swarm.name}-slot-0-agents"
    words = ("--label", f"swarmctl.test={swarm.name}", "--network", network, "--entrypoint", "sleep")
    other = docker("run", "--detach", "--rm", *words, "debian:bookworm-slim", "600").strip()
    try:
        stuck = swarm.types("down", "--purge", expect=10)
        assert f"network {network}" in stuck.stderr
        assert "active endpoints" in stuck.stderr
        assert "trying again" in stuck.stderr
        assert docker("inspect", "-f", "{{.Name}}", other).strip()[1:] in stuck.stderr
        assert states(swarm) == {}
        again = swarm.person.start("down", "--swarm", swarm.name, "--purge")
        assert again.stderr is not None
        assert "trying again" in again.stderr.readline()
    finally:
        docker("rm", "--force", other)
    _, said = again.communicate(timeout=60)
    assert again.returncode == 0, said
    assert swarm.left() == []


def card_answers(port: int) -> bool:
    """An agent's card comes back, through the forwarder."""
    try:
        return requests.get(f"http://127.0.0.1:{port}/.well-known/agent-card.json", timeout=5).status_code == 200
    except requests.RequestException:
        return False


def test_seven_agents_restarted_at_once(tmp_path: Path, store: Path) -> None:
    roles = ("orchestrator", "frontend", "backend", "testing", "security", "docs", "devops")
    with small(tmp_path / "seven", store, roles) as swarm:
        swarm.up()
        agents = {name: one for name, one in swarm.containers().items() if name.startswith("agent-")}
        assert len(agents) == 7
        ports = [swarm.port(name) for name in agents]
        busy = os.getloadavg()[0]
        docker("kill", *agents.values())
        begun = time.monotonic()
        docker("start", *agents.values())
        soon(lambda: all(map(card_answers, ports)), 60, "seven cards")
        took = time.monotonic() - begun
        print(f"seven agents answer {took:.1f} s after their start began, at a load of {busy:.1f}")
        assert took < (8 if busy < 1.5 else 60)
        soon(lambda: swarm.faults() == [], 30, "no fault")
        assert swarm.plan() == []
