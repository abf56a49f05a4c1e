"""What dies in the middle of a run: the run ends with a result all the same, and nothing hangs."""

import os
import signal
import subprocess
from pathlib import Path

import pytest

from fakes.person import SWARM, Person, git

TASK = "Write a Python function greet(name) in greet.py that returns the text 'Hello, NAME!' with the given name."


def started(person: Person, repository: Path, *more: str) -> subprocess.Popen[str]:
    """A run whose first step is under way."""
    going = person.start("run", "--swarm", SWARM, "--agents", "backend", "--json", *more, TASK, cwd=repository)
    assert going.stderr is not None
    for line in going.stderr:
        if line.startswith("step-started"):
            return going
    raise AssertionError(going.communicate())


@pytest.mark.scenario(seconds=20)
@pytest.mark.parametrize("victim", ["engine-tiny", "agent-backend"])
def test_a_run_survives_the_death_of(person: Person, repository: Path, victim: str) -> None:
    """The supervisor brings it back; the step is tried again or is a clear problem, never silence."""
    person.types("up", "--swarm", SWARM)
    going = started(person, repository)
    os.kill(person.pids()[victim], signal.SIGKILL)
    out, err = going.communicate(timeout=240)
    assert going.returncode in {0, 12}, err
    assert '"verdict": "done"' in out or '"problems": [\n' in out
    if going.returncode == 12:
        assert "the run ended" in err
    person.types("up", "--swarm", SWARM)
    person.types("check", "--swarm", SWARM)


@pytest.mark.scenario(seconds=12)
def test_an_orchestrator_that_dies_answers_for_its_task_afterwards(person: Person, repository: Path) -> None:
    person.types("up", "--swarm", SWARM)
    going = started(person, repository)
    os.kill(person.pids()["agent-orchestrator"], signal.SIGKILL)
    _, err = going.communicate(timeout=120)
    assert going.returncode in {6, 12}, err
    assert "error: " in err
    assert git(repository, "branch", "--format=%(refname:short)").split() == ["main"]
    person.types("up", "--swarm", SWARM)
    run = next(e["detail"]["run"] for e in person.reads("history")["events"] if e["what"] == "run")
    late = person.types("run", "--swarm", SWARM, "--attach", run, cwd=repository, expect=12)
    assert "ended without a result" in late.stderr


@pytest.mark.scenario(seconds=8)
def test_a_run_that_takes_too_long_ends_with_what_there_is(person: Person, repository: Path) -> None:
    person.types("up", "--swarm", SWARM)
    done = person.start(
        "run", "--swarm", SWARM, "--timeout", "2s", "--json", "Write a very long story.", cwd=repository
    )
    out, err = done.communicate(timeout=60)
    assert done.returncode == 12, err
    assert '"verdict": "' in out
    assert "2 s" in out or "2s" in out
