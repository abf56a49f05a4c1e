"""What `make test` does with the ground: made in CI, used where it stands, ended where the tests began it."""

import subprocess
from pathlib import Path

import pytest

SCRIPT = Path(__file__).resolve().parents[1] / "all.sh"
GROUND, DOWN = "tests/ground", "tests/ground --down"
REST, ENGINES = "-m pytest -n 2 --dist loadgroup --rotate", "-m pytest -m ground --rotate --budget 245"


class Machine:
    """Stand-ins for python, docker and id, which write down what they are called with."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.fails = ""
        self.root = True
        self.program("python", f'echo "$*" >> {folder}/calls; case "$*" in "$FAILS") exit 3 ;; esac')
        self.program("docker", f"[ -e {folder}/engine ]")
        self.program("id", "echo $USER_ID")

    def has_docker(self) -> None:
        """An engine answers."""
        (self.folder / "engine").touch()

    def has_ground(self) -> None:
        """Somebody has made the ground here."""
        lock = self.folder / "cache/swarmctl/ground/lock"
        lock.parent.mkdir(parents=True)
        lock.touch()

    def tests(self, **env: str) -> tuple[int, list[str], str]:
        """Runs the script: its exit status, the calls of python, and what it says."""
        given = {"PATH": f"{self.folder}:/usr/bin:/bin", "XDG_CACHE_HOME": str(self.folder / "cache"), **env}
        given |= {"FAILS": self.fails, "USER_ID": "0" if self.root else "1000", "HOME": str(self.folder)}
        done = subprocess.run(["sh", SCRIPT, "python"], env=given, capture_output=True, text=True, check=False)
        calls = self.folder / "calls"
        return done.returncode, calls.read_text().splitlines() if calls.exists() else [], done.stderr

    def program(self, name: str, body: str) -> None:
        """A command of that name."""
        path = self.folder / name
        path.write_text(f"#!/bin/sh\n{body}\n")
        path.chmod(0o755)


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    return Machine(tmp_path)


def test_ci_makes_the_ground_runs_all_and_ends_it(machine: Machine) -> None:
    """Here no Docker answers before nor after: what is left out is said."""
    code, calls, said = machine.tests(CI="true")
    assert (code, calls) == (0, [GROUND, REST, DOWN])
    assert "left out" in said


def test_a_ground_that_stood_before_is_used_and_stays(machine: Machine) -> None:
    machine.has_docker()
    machine.has_ground()
    assert machine.tests(CI="true")[:2] == (0, [GROUND, REST, ENGINES])
    (machine.folder / "calls").unlink()
    assert machine.tests()[:2] == (0, [REST, ENGINES])


@pytest.mark.parametrize("fails", [REST, ENGINES])
def test_a_failure_is_the_result_and_what_was_started_is_ended_all_the_same(machine: Machine, fails: str) -> None:
    machine.has_ground()
    machine.program("docker", f"grep -q ground {machine.folder}/calls 2>/dev/null")
    machine.fails = fails
    code, calls, _ = machine.tests(CI="true")
    assert code == 3
    assert calls == [GROUND, REST, *([ENGINES] if fails == ENGINES else []), DOWN]


def test_in_ci_as_root_a_ground_that_fails_is_a_failure(machine: Machine) -> None:
    machine.fails = GROUND
    code, calls, said = machine.tests(CI="true")
    assert (code, calls) == (1, [GROUND, DOWN])
    assert "could not be made" in said


def test_elsewhere_it_is_said_and_the_rest_is_tested(machine: Machine) -> None:
    machine.fails, machine.root = GROUND, False
    code, calls, said = machine.tests(CI="true")
    assert (code, calls) == (0, [GROUND, REST, DOWN])
    assert "tests that need what failed above are left out" in said


def test_without_a_yes_nothing_is_made_and_a_docker_of_someones_own_is_left_alone(machine: Machine) -> None:
    machine.has_docker()
    code, calls, said = machine.tests()
    assert (code, calls) == (0, [REST])
    assert "make ground" in said
