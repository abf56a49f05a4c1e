"""A run of agents that may not run tests: the command line does, where the person is, and comes and goes."""

import json
import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import IO

import pytest

from fakes.agents import until
from fakes.awayteam import NAME, away_team
from fakes.grounded import docker, stands
from fakes.person import Person, git

IMAGE = "debian:bookworm-slim"
GREP = "grep -q 'return a + b' add.py"
TASK = "Write add(a, b) in add.py."


@pytest.fixture
def person(tmp_path: Path) -> Iterator[Person]:
    with away_team(tmp_path) as someone:
        yield someone
        for process in someone.started:
            if process.poll() is None:
                process.kill()
            process.communicate()


def starts(person: Person, repository: Path, *args: str) -> subprocess.Popen[str]:
    return person.start("run", "--swarm", NAME, *args, TASK, cwd=repository)


def hears(stream: IO[str] | None, word: str) -> str:
    """The first line with this word."""
    assert stream is not None
    seen = []
    for line in stream:
        seen.append(line)
        if word in line:
            return line
    raise AssertionError(f"{word!r} was not said: {seen}")


def the_run(person: Person) -> str:
    (started,) = [e for e in person.reads("history")["events"] if e["what"] == "run"]
    run: str = started["detail"]["run"]
    return run


def clones(person: Person) -> list[Path]:
    return list((Path(person.env["XDG_STATE_HOME"]) / "swarmctl/swarms" / NAME / "tests").glob("*"))


def containers() -> set[str]:
    return set(docker("ps", "-aq", "--no-trunc", "--filter", "label=swarmctl.purpose=test").split())


@pytest.mark.scenario(seconds=15)
def test_tests_run_where_the_person_is(person: Person, repository: Path) -> None:
    ran = person.types("run", "--swarm", NAME, "--json", "--test", GREP, TASK, cwd=repository)
    assert "tests of this run are done on this machine, in " in ran.stderr
    assert "while nobody follows the run they wait" in ran.stderr
    result = person.reads("run", "--swarm", NAME, "--attach", the_run(person), cwd=repository)
    (step,) = result["steps"]
    assert (step["merged"], step["test"]["verdict"], step["test"]["image"]) == (True, "passed", "")
    assert step["test"]["sandbox"] in ("bubblewrap", "namespaces")
    assert f"in {step['test']['sandbox']}:" in ran.stderr
    assert git(repository, "show", f"{result['branch']}:add.py").startswith("def add")
    assert clones(person) == []


@pytest.mark.scenario(seconds=40)
def test_a_test_waits_while_nobody_follows_and_is_taken_by_whoever_comes(person: Person, repository: Path) -> None:
    """The first command line is killed in the middle of a test; the second has it after the lease of the first."""
    going = starts(person, repository, "--test", f"sleep 4; {GREP}")
    hears(going.stderr, "testing ")
    going.kill()
    going.wait()
    killed = time.monotonic()
    coming = person.start("run", "--swarm", NAME, "--json", "--attach", the_run(person), cwd=repository)
    hears(coming.stderr, "testing ")
    waited = time.monotonic() - killed
    assert 8 < waited < 25
    out, err = coming.communicate(timeout=60)
    assert coming.returncode == 0, err
    (step,) = json.loads(out)["steps"]
    assert (step["merged"], step["attempts"], step["test"]["verdict"]) == (True, 1, "passed")
    assert clones(person) == []


@pytest.mark.scenario(seconds=30)
def test_two_followers_do_not_do_the_same_test(person: Person, repository: Path) -> None:
    going = starts(person, repository, "--json", "--test", f"sleep 20; {GREP}")
    hears(going.stderr, "testing ")
    beside = person.start("run", "--swarm", NAME, "--json", "--attach", the_run(person), cwd=repository)
    ends = [process.communicate(timeout=90) for process in (going, beside)]
    assert [process.returncode for process in (going, beside)] == [0, 0], ends
    assert [json.loads(out)["steps"][0]["test"]["verdict"] for out, _ in ends] == ["passed"] * 2
    assert "testing " not in ends[1][1]
    assert "tests of this run are done on this machine" in ends[1][1]


@pytest.mark.scenario(seconds=15)
def test_a_run_whose_time_is_up_says_that_nobody_tested(person: Person, repository: Path) -> None:
    going = starts(person, repository, "--timeout", "12s", "--test", f"sleep 60; {GREP}")
    hears(going.stderr, "testing ")
    going.kill()
    going.wait()
    ended = person.types("run", "--swarm", NAME, "--attach", the_run(person), cwd=repository, expect=12)
    assert f"wait while nobody does (swarmctl run --attach {the_run(person)})" in ended.stdout


@pytest.mark.scenario(seconds=10)
def test_an_image_that_cannot_be_used_is_said_before_anything_starts(person: Person, repository: Path) -> None:
    for image, expect, word in (("--privileged", 3, "no name of a container image"), ("no.such/image:1", 6, "no.such")):
        refused = person.types(
            "run", "--swarm", NAME, "--test", "true", f"--image={image}", TASK, cwd=repository, expect=expect
        )
        assert word in refused.stderr
    untested = person.types("run", "--swarm", NAME, "--image", IMAGE, TASK, cwd=repository, expect=3)
    assert "there is no test" in untested.stderr
    assert person.reads("history")["events"] == []


@pytest.mark.ground
@pytest.mark.scenario(seconds=20)
def test_a_named_image_is_what_tests_run_in(person: Person, repository: Path) -> None:
    stands("engine", "bookworm")
    before = containers()
    script = f"{GREP} && test ! -e /work && ! getent hosts example.org && ls /sys/class/net && id -u && touch made"
    ran = person.types("run", "--swarm", NAME, "--test", script, "--image", IMAGE, TASK, cwd=repository)
    assert f"in docker ({IMAGE}): no network" in ran.stderr
    assert f"passed in docker ({IMAGE})" in ran.stdout
    assert containers() <= before


@pytest.mark.ground
@pytest.mark.scenario(seconds=30)
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGKILL, signal.SIGTERM], ids=lambda n: n.name)
def test_the_container_ends_with_the_command_line(person: Person, repository: Path, number: signal.Signals) -> None:
    stands("engine", "bookworm")
    before = containers()
    going = starts(person, repository, "--test", "sleep 100", "--image", IMAGE)
    hears(going.stderr, "testing ")
    until(lambda: bool(containers() - before), 20)
    going.send_signal(number)
    _, err = going.communicate(timeout=40)
    until(lambda: containers() <= before, 10)
    if number == signal.SIGINT:
        assert (going.returncode, person.reads("history")["events"][0]["result"]) == (130, "cancelled"), err
        assert clones(person) == []


@pytest.mark.ground
@pytest.mark.scenario(seconds=30)
def test_a_second_ctrl_c_leaves_the_run_and_no_container(person: Person, repository: Path) -> None:
    stands("engine", "bookworm")
    before = containers()
    going = starts(person, repository, "--test", "sleep 100", "--image", IMAGE)
    hears(going.stderr, "testing ")
    until(lambda: bool(containers() - before), 20)
    going.send_signal(signal.SIGINT)
    hears(going.stderr, "press Ctrl-C again")
    going.send_signal(signal.SIGINT)
    assert going.wait(20) == 130
    until(lambda: containers() <= before, 10)
