"""One swarm over two hosts: the orchestrator here, a specialist on a machine that SSH reaches."""

import re
import signal
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import psutil
import pytest

from fakes.distant import BASE, inventory, swarm
from fakes.ejecting import build_agent
from fakes.grounded import docker, stands
from fakes.hosts import Host, host
from fakes.person import Person, git
from ground.places import OLLAMA

pytestmark = [pytest.mark.ground, pytest.mark.scenario(seconds=200)]
TASK = "Write greet.py with a function greet(name) that returns 'Hello, ' + name"
ROLES = {
    "orchestrator": {"model": "orchestrator", "temperature": 0, "output": 16},
    "backend": {"model": "backend", "temperature": 0},
}
SLOTS = ("desk", "cards")
LIMITS = {"output": 512, "requests": 10, "time": "10m", "floor": 0}
SEEN = 30.0
"""Seconds."""


@pytest.fixture
def machine() -> Iterator[Host]:
    stands("engine", "bookworm", "seven-tiny", "ollama", "host-vm")
    build_agent()
    with host("vm", images=[OLLAMA]) as made:
        yield made


@pytest.fixture
def person(someone: Callable[[], Person], machine: Host) -> Iterator[Person]:
    made = someone()
    swarm(
        made.home,
        {"slots": {"desk": {"local": {}}, "cards": {"ssh": {"hosts": ["gpu1"]}}}},
        roles={role: {**said, "slot": slot} for (role, said), slot in zip(ROLES.items(), SLOTS, strict=True)},
        limits=LIMITS,
    )
    inventory(made.home, machine)
    yield made
    made.start("down", "--swarm", "team", "--purge").communicate(timeout=120)


def test_a_swarm_over_two_hosts_works_as_one(machine: Host, person: Person, repository: Path) -> None:
    before = person.types("plan").stdout
    assert "desk (this machine): orchestrator" in before
    assert "cards (gpu1): backend" in before
    assert "while it is off, steps for another host wait or fail" in before

    _one_that_is_away_stops_no_other(machine, person)
    made = person.types("up", "--yes", timeout=600)
    assert "reached from another host: 'team_cards/backend'" in made.stdout
    assert "reached from another host: 'team_desk/orchestrator'" in made.stdout
    assert any(line.startswith("cards") and "gpu1" in line for line in made.stderr.splitlines()), "progress of each"
    assert "nothing to do" in person.types("up", "--yes").stdout
    _all_is_as_one(person)

    said = person.types("run", "--agents", "backend", TASK, cwd=repository, timeout=600)
    branch = next(word for word in said.stdout.split() if word.startswith("swarm/"))
    assert "greet.py" in git(repository, "ls-tree", "-r", "--name-only", branch)

    seals = person.reads("seal", timeout=200)["slots"]
    assert {slot: one["passed"] for slot, one in seals.items()} == {"desk": True, "cards": True}
    assert "relay" in {one["service"] for row in seals["cards"]["rows"] for one in row["findings"]}

    _what_is_cut_off_is_seen_and_healed(machine, person)

    person.types("down", "--purge")
    assert machine.docker(["ps", "-aq"]).split() == []
    assert machine.ssh(["sh", "-c", f"ls {BASE}/swarms {BASE}/models"]).split() == [
        f"{BASE}/models:", f"{BASE}/swarms:",
    ]  # fmt: skip
    assert docker("ps", "-aq", "--filter", "label=swarmctl.swarm=team_desk").split() == []
    assert list((Path(person.env["XDG_STATE_HOME"]) / "swarmctl" / "swarms").iterdir()) == []
    assert _at_work(person) == []


def test_ctrl_c_takes_away_what_was_begun_and_leaves_what_was_proved(machine: Host, person: Person) -> None:
    going = person.start("up", "--yes")
    waited = time.monotonic() + 240
    proved = Path(person.env["XDG_STATE_HOME"]) / "swarmctl" / "swarms" / "team_desk" / "kept.json"
    while machine.tries(["test", "-e", f"{BASE}/swarms/team_cards"]).returncode or not proved.exists():
        assert going.poll() is None, going.communicate()
        assert time.monotonic() < waited
        time.sleep(0.5)
    going.send_signal(signal.SIGINT)
    _, said = going.communicate(timeout=120)
    assert going.returncode == 130, said
    assert "desk   was up before that, and stays" in said
    assert machine.docker(["ps", "-aq"]).split() == []
    status = person.reads("status", "--swarm", "team")
    assert {s["name"].partition("/")[0] for s in status["services"]} == {"desk"}
    person.types("down", "--swarm", "team", "--purge")
    assert docker("ps", "-aq", "--filter", "label=swarmctl.swarm=team_desk").split() == []
    assert _at_work(person) == []


def test_agents_and_the_repository_stay_here_while_models_are_elsewhere(
    machine: Host, someone: Callable[[], Person], repository: Path
) -> None:
    person = someone()
    swarm(person.home, {"ssh": {"hosts": ["gpu1"]}}, agents="here", roles=ROLES, limits=LIMITS)
    inventory(person.home, machine)
    try:
        assert "agents and the repository stay here" in person.types("plan").stdout
        made = person.types("up", "--yes", timeout=600).stdout
        assert re.search(r"^ok +agents/model/backend +reached from another host: 'backend'$", made, re.MULTILINE)
        there = machine.docker(["ps", "--format", "{{.Names}}"]).split()
        assert any("ollama-cpu" in name for name in there)
        assert not any("agent-" in name or "relay" in name for name in there)
        said = person.types("run", "--agents", "backend", TASK, cwd=repository, timeout=600)
        branch = next(word for word in said.stdout.split() if word.startswith("swarm/"))
        assert "greet.py" in git(repository, "ls-tree", "-r", "--name-only", branch)
        found = machine.tries(["grep", "-rl", "do not touch", BASE])
        assert found.returncode == 1, "nothing of the repository is there"
    finally:
        person.types("down", "--swarm", "team", "--purge")
    assert machine.docker(["ps", "-aq"]).split() == []
    assert _at_work(person) == []


def _one_that_is_away_stops_no_other(machine: Host, person: Person) -> None:
    """The other host does not let anybody in: what is here is brought up and stays, and the next `up` does the rest."""
    inventory(person.home, replace(machine, port=1))
    said = person.types("up", "--yes", expect=6, timeout=300).stderr
    assert "desk stands" in said
    assert "error: cards: " in said
    status = person.reads("status")
    assert status["slots"]["desk"] or any("agents of other hosts" in fault for fault in status["faults"])
    assert {s["state"] for s in status["services"]} == {"running"}
    inventory(person.home, machine)


def _all_is_as_one(person: Person) -> None:
    """Commands that are given the swarm's name answer for all of it."""
    status = person.reads("status")
    assert status["slots"] == {"desk": True, "cards": True}
    assert status["faults"] == []
    services = {line["name"]: line for line in status["services"]}
    assert services["cards/agent-backend"]["state"] == services["desk/agent-orchestrator"]["state"] == "running"
    assert {a["role"]: a["answers"] for a in person.reads("agents")["agents"]} == {
        "orchestrator": True,
        "backend": True,
    }
    assert "SWARMCTL_BACKEND_URL" in person.types("env").stdout
    assert person.types("logs", "backend").stdout == person.types("logs", "cards/agent-backend").stdout
    proofs = person.reads("check", "--look")["proofs"]
    assert {p["verdict"] for p in proofs if p["name"] == "reached from another host"} == {"pass"}


def _what_is_cut_off_is_seen_and_healed(machine: Host, person: Person) -> None:
    """The cable to the other host is cut: that is said in time, and the rest goes on."""
    docker("pause", machine.name)
    try:
        begun = time.monotonic()
        status = person.reads("status")
        assert time.monotonic() - begun < SEEN
    finally:
        docker("unpause", machine.name)
    assert status["slots"] == {"desk": True, "cards": False} or "desk: agents of other" in " ".join(status["faults"])
    assert any(fault.startswith("cards: ") and "is not known" in fault for fault in status["faults"])
    assert {s["state"] for s in status["services"] if s["name"].startswith("desk/")} == {"running"}
    machine.docker(["kill", "team_cards-slot-0-cpu-agent-backend-1"])
    person.types("up", "--yes", timeout=300)
    assert person.reads("status")["faults"] == []


def _at_work(person: Person) -> list[str]:
    """Processes here that belong to this person's state."""
    mark, found = person.env["XDG_STATE_HOME"], []
    for one in psutil.process_iter():
        try:
            if any(mark in word for word in one.cmdline()) and one.pid not in {p.pid for p in person.started}:
                found.append(" ".join(one.cmdline()))
        except psutil.Error:
            continue
    return found
