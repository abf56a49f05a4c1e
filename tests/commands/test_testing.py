"""Tests of a run done here: given up before another may have them, and never open to an agent's word alone."""

import asyncio
import os
import subprocess
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from fakes.agents import until
from swarmctl.agent.sandbox import IMAGE, Sandbox
from swarmctl.commands.testing import Bench, Runner, find_sandbox, words
from swarmctl.core.messages import CheckOrder, RunEvent
from swarmctl.core.messages import TestResult as Outcome
from swarmctl.core.team.sandbox import REFUSED
from swarmctl.effects.clock import SystemClock
from swarmctl.effects.testorders import Orders, RunOver
from swarmctl.errors import HostError, SpecError

LEASE = 1.5


class Scripted(Orders):
    """Gives its orders out once, and answers as it is told; nothing goes over a network."""

    def __init__(self, *orders: CheckOrder) -> None:
        super().__init__("http://127.0.0.1:1", "token", "holder-of-all")
        self.orders = list(orders)
        self.mine = True
        self.away = False
        self.results: list[Outcome] = []
        self.renewed = 0
        self.over = threading.Event()

    def take(self, run: str, wait: float) -> CheckOrder | None:
        if self.orders:
            return self.orders.pop(0)
        if self.over.wait(min(wait, 0.2)):
            raise RunOver
        return None

    def renew(self, order: CheckOrder) -> bool:
        self._there()
        self.renewed += 1
        return self.mine

    def done(self, order: CheckOrder, result: Outcome) -> bool:
        self._there()
        self.results.append(result)
        return self.mine

    def _there(self) -> None:
        if self.away:
            raise HostError("the orchestrator does not answer")


@pytest.fixture
def source(tmp_path: Path) -> Path:
    """A repository with one commit."""
    folder = tmp_path / "source"
    folder.mkdir()
    (folder / "hello.txt").write_text("hello\n")
    who = ("-c", "user.name=a", "-c", "user.email=a@b")
    for args in (["init", "-q"], ["add", "."], [*who, "commit", "-qm", "First"]):
        subprocess.run(["git", "-C", folder, *args], check=True)
    return folder


@pytest.fixture
def order(source: Path) -> Callable[[str], CheckOrder]:
    head = subprocess.run(["git", "-C", source, "rev-parse", "HEAD"], check=True, capture_output=True, text=True).stdout

    def make(command: str) -> CheckOrder:
        return CheckOrder(id="0" * 16, run="r1", commit=head.strip(), command=command, lease=LEASE)

    return make


class Here:
    """A runner whose sandbox is none at all, so that its command leaves marks."""

    def __init__(self, folder: Path, source: Path, *commands: str) -> None:
        git = folder / "git.conf"
        git.touch()
        self.folder, self.said = folder / "tests", list[str]()
        self.bench = Bench(Sandbox("none"), self.folder, git, f"file://{source}", commands)

    def runner(self, orders: Orders) -> Runner:
        def say(event: RunEvent) -> None:
            self.said.append(event.text)

        return Runner(orders, self.bench, "r1", clock=SystemClock(), say=say)

    def clones(self) -> list[Path]:
        return list(self.folder.glob("*")) if self.folder.is_dir() else []


@pytest.fixture
def nap(tmp_path: Path) -> Iterator[str]:
    """A command that says when it began and when it was let through."""
    return iter([f"echo x > {tmp_path}/begun; sleep 5; echo x > {tmp_path}/late"])


def test_a_commit_is_fetched_tested_and_told(tmp_path: Path, source: Path, order: Callable[[str], CheckOrder]) -> None:
    here, orders = Here(tmp_path, source, "cat hello.txt"), Scripted(order("cat hello.txt"))
    with here.runner(orders):
        until(lambda: bool(orders.results), 20)
        orders.over.set()
    assert orders.results == [Outcome(verdict="passed", sandbox="none", tail="hello")]
    assert here.clones() == []


def test_only_what_the_person_named_runs_without_a_sandbox(
    tmp_path: Path, source: Path, order: Callable[[str], CheckOrder]
) -> None:
    here, orders = Here(tmp_path, source, "true"), Scripted(order(f"touch {tmp_path}/owned"))
    with here.runner(orders):
        until(lambda: bool(orders.results), 20)
    assert orders.results[0].verdict == "not run"
    assert "named here" in orders.results[0].tail
    assert not (tmp_path / "owned").exists()


def test_without_any_sandbox_a_test_is_not_run(
    tmp_path: Path, source: Path, order: Callable[[str], CheckOrder]
) -> None:
    here, orders = Here(tmp_path, source), Scripted(order("true"))
    here.bench = Bench(None, here.folder, tmp_path / "git.conf", f"file://{source}")
    with here.runner(orders):
        until(lambda: bool(orders.results), 20)
    assert orders.results == [Outcome(verdict="not run", tail=REFUSED)]


@pytest.mark.slow
def test_the_lease_is_renewed_while_the_test_runs(
    tmp_path: Path, source: Path, order: Callable[[str], CheckOrder]
) -> None:
    here, orders = Here(tmp_path, source, "sleep 3"), Scripted(order("sleep 3"))
    with here.runner(orders):
        until(lambda: bool(orders.results), 20)
    assert orders.results[0].verdict == "passed"
    assert orders.renewed >= 5


@pytest.mark.slow
@pytest.mark.parametrize("how", ["taken away", "silent"])
def test_a_test_that_may_be_anothers_is_stopped_within_its_lease(
    tmp_path: Path, source: Path, order: Callable[[str], CheckOrder], nap: Iterator[str], how: str
) -> None:
    command = next(nap)
    here, orders = Here(tmp_path, source, command), Scripted(order(command))
    with here.runner(orders):
        until((tmp_path / "begun").exists, 20)
        orders.mine, orders.away = how != "taken away", how == "silent"
        until(lambda: any("was stopped" in text for text in here.said), LEASE)
        orders.away = False
    assert orders.results == []
    assert not (tmp_path / "late").exists()
    assert here.clones() == []


@pytest.mark.slow
def test_a_result_is_offered_until_the_orchestrator_is_back(
    tmp_path: Path, source: Path, order: Callable[[str], CheckOrder]
) -> None:
    command = f"touch {tmp_path}/begun"
    here, orders = Here(tmp_path, source, command), Scripted(order(command))
    orders.away = True
    with here.runner(orders):
        until((tmp_path / "begun").exists, 20)
        threading.Event().wait(1.5)
        orders.away = False
        until(lambda: bool(orders.results), 10)
    assert orders.results[0].verdict == "passed"


@pytest.mark.slow
def test_leaving_stops_the_test_at_once_even_when_told_twice(
    tmp_path: Path, source: Path, order: Callable[[str], CheckOrder], nap: Iterator[str]
) -> None:
    command = next(nap)
    here, orders = Here(tmp_path, source, command), Scripted(order(command))
    with here.runner(orders) as runner:
        until((tmp_path / "begun").exists, 20)
        runner.stop()
        runner.stop()
    assert orders.results == []
    assert not (tmp_path / "late").exists()
    assert here.clones() == []


def test_a_commit_that_is_not_there_is_not_the_authors_fault(tmp_path: Path, source: Path) -> None:
    here = Here(tmp_path, source, "true")
    orders = Scripted(CheckOrder(id="0" * 16, run="r1", commit="1" * 40, command="true", lease=LEASE))
    with here.runner(orders):
        until(lambda: bool(orders.results), 20)
    assert orders.results[0].verdict == "not run"
    assert "git fetch failed" in orders.results[0].tail


def test_what_a_killed_command_line_left_is_removed_and_a_living_ones_stays(tmp_path: Path, source: Path) -> None:
    ended = subprocess.Popen(["true"])
    ended.wait()
    here, orders = Here(tmp_path, source), Scripted()
    for name in (f"{ended.pid}-aa", f"{os.getpid()}-bb", "nobody-cc", f"{10**18}-dd"):
        (here.folder / name).mkdir(parents=True)
    with here.runner(orders):
        until(lambda: not (here.folder / f"{ended.pid}-aa").exists(), 10)
        orders.over.set()
    assert {path.name.split("-")[1] for path in here.clones()} == {"bb", "cc", "dd"}


@pytest.mark.parametrize("image", ["", "--privileged", "-v/:/x", "a b", "a\n", "x" * 300])
def test_an_image_that_could_be_a_flag_is_refused(image: str, tmp_path: Path) -> None:
    with pytest.raises(SpecError, match="no name of a container image"):
        find_sandbox(image, hidden=tmp_path)


def test_an_image_without_docker_is_refused_and_no_weaker_sandbox_taken(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", "/nonexistent")
    monkeypatch.setattr("swarmctl.agent.sandbox._SYSTEM", "/nonexistent")
    with pytest.raises(HostError, match="tests cannot run in the image mine:1") as refused:
        find_sandbox("mine:1", hidden=tmp_path)
    assert refused.value.hint == "docker pull mine:1"
    assert find_sandbox(None, hidden=tmp_path) is None


def test_the_person_is_told_where_tests_run(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(IMAGE, raising=False)
    assert "in docker (mine:1): no network" in words(Sandbox("docker", (), "mine:1"))
    assert "while nobody follows the run they wait" in words(Sandbox("bubblewrap"))
    assert "without a sandbox: nothing" in words(Sandbox("none"))
    assert "--image" in words(None)


def test_an_event_loop_of_its_own(tmp_path: Path, source: Path) -> None:
    """A follower inside somebody's event loop does not disturb it."""

    async def story() -> None:
        orders = Scripted()
        with Here(tmp_path, source).runner(orders):
            orders.over.set()

    asyncio.run(story())
