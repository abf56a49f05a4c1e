"""Marks for the guard of a rented machine: work touches them, checks do not, and results are kept until fetched."""

import asyncio
import json
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from fakes.agents import TOKEN, Served, rpc, send, settings, until
from fakes.teams import Office, Scripted, fenced
from swarmctl.agent.fetched import Fetch
from swarmctl.agent.marks import Marks
from swarmctl.core.messages import RunOrder
from swarmctl.core.ownheader import OWN

ONE, TWO = "1" * 40, "2" * 40


def stamp(data: Path) -> int:
    return (data / "activity").stat().st_mtime_ns


def test_work_touches_its_mark_again_and_again_and_nothing_does_after(tmp_path: Path) -> None:
    marks = Marks(tmp_path, every=0.01)

    async def work() -> list[int]:
        seen = []
        async with marks.at_work():
            for _ in range(3):
                await asyncio.sleep(0.05)
                seen.append(stamp(tmp_path))
        seen.append(stamp(tmp_path))
        await asyncio.sleep(0.05)
        return [*seen, stamp(tmp_path)]

    *during, end, after = asyncio.run(work())
    assert len(set(during)) == 3
    assert end == after


def test_work_that_fails_leaves_no_mark_going(tmp_path: Path) -> None:
    async def work() -> int:
        marks = Marks(tmp_path, every=0.01)
        with pytest.raises(ZeroDivisionError):
            async with marks.at_work():
                raise ZeroDivisionError
        await asyncio.sleep(0.05)
        return len(asyncio.all_tasks())

    assert asyncio.run(work()) == 1


def test_results_are_there_until_each_is_fetched_as_it_stands(tmp_path: Path) -> None:
    marks, file = Marks(tmp_path), tmp_path / "results-unfetched"
    marks.fetched({ONE})
    assert not file.exists()
    marks.grew("r1", ONE)
    marks.grew("r2", TWO)
    Marks(tmp_path).fetched({ONE})
    assert marks.unfetched() == {"r2": TWO}
    marks.grew("r2", ONE)
    marks.fetched({TWO})
    assert file.exists(), "it has grown since"
    marks.fetched({ONE})
    assert not file.exists()


@pytest.mark.parametrize("text", ["", "{", "[]", '{"r": 3}', "\x00"])
def test_a_mark_that_somebody_broke_is_written_anew(tmp_path: Path, text: str) -> None:
    (tmp_path / "results-unfetched").write_text(text)
    marks = Marks(tmp_path)
    marks.grew("r1", ONE)
    assert marks.unfetched() == {"r1": ONE}


def test_a_folder_that_cannot_be_written_costs_the_mark_alone(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    marks = Marks(tmp_path / "gone")
    marks.touch()
    marks.grew("r1", ONE)
    assert caplog.text.count("cannot be set") == 2


@pytest.mark.parametrize(
    ("asked", "answered", "commits"),
    [
        (f"0032want {ONE}\n0032want {TWO} thin-pack\n00000009done\n", "", {ONE, TWO}),
        (f"0032want {ONE}\n0032have {TWO}\n0000", "0014acknowledgments\n0000", set()),
        (f"0032want {ONE}\n0032have {TWO}\n0000", "0014acknowledgments\n0001000dpackfile\n", {ONE}),
        ("0014command=ls-refs\n0000", "", set()),
        (f"0032want {'g' * 40}\n0009done\n", "", set()),
        (f"0032want {'a' * 64}\n0009done\n", "", {"a" * 64}),
    ],
)
def test_what_was_fetched_is_what_was_wanted_where_a_pack_came(asked: str, answered: str, commits: set[str]) -> None:
    fetch = Fetch()
    for n in range(0, len(asked), 7):
        fetch.asked(asked[n : n + 7].encode())
    fetch.answered(answered.encode())
    assert fetch.commits() == commits


def test_a_request_that_says_it_is_packed_and_is_not_fetches_nothing() -> None:
    fetch = Fetch("gzip")
    fetch.asked(b"0032want")
    fetch.asked(b" and more")
    assert fetch.commits() == frozenset()


class User:
    """A person's git with one commit, pushed as the base of a run whose branch stands there too."""

    def __init__(self, folder: Path, url: str, header: str = "") -> None:
        self.folder, self.url = folder, url
        more = f'\textraHeader = "{header}"\n' if header else ""
        folder.mkdir()
        (folder / "c").write_text(f'[http "{url}"]\n\textraHeader = "Authorization: Bearer {TOKEN}"\n{more}')
        self.git("init", "-q", "-b", "main", "w")

    def git(self, *args: str) -> str:
        env = {"PATH": "/usr/local/bin:/usr/bin:/bin", "HOME": str(self.folder), "GIT_CONFIG_NOSYSTEM": "1"}
        env |= {"GIT_CONFIG_GLOBAL": str(self.folder / "c"), "GIT_TERMINAL_PROMPT": "0"}
        env |= {f"GIT_{who}_{what}": "a@b" for who in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")}
        done = subprocess.run(["git", *args], cwd=self.folder, env=env, capture_output=True, text=True, check=True)
        return done.stdout.strip()

    def commit(self, count: int = 1) -> str:
        for n in range(count):
            self.git("-C", "w", "commit", "-q", "--allow-empty", "-m", f"c{n}")
        return self.git("-C", "w", "rev-parse", "HEAD")


@pytest.fixture
def served(tmp_path: Path) -> Iterator[Served]:
    with Served(settings(tmp_path / "agent", "http://127.0.0.1:1/v1", "orchestrator")) as agent:
        yield agent


@pytest.fixture
def data(tmp_path: Path) -> Path:
    return tmp_path / "agent" / "orchestrator"


@pytest.mark.parametrize("version", ["0", "2"])
@pytest.mark.parametrize("commits", [1, 60])
def test_a_persons_fetch_takes_the_mark_away_and_an_agents_does_not(
    tmp_path: Path, served: Served, data: Path, version: str, commits: int
) -> None:
    url = f"{served.url}/git/work.git"
    owner = User(tmp_path / "owner", url)
    base = owner.commit(commits)
    owner.git("-C", "w", "push", "-q", url, "HEAD:refs/swarm/r1/base")
    head = owner.commit()
    owner.git("-C", "w", "push", "-q", url, "HEAD:refs/heads/swarm/r1")
    marks = Marks(data)
    marks.grew("r1", head)

    agent = User(tmp_path / "agents", url, f"{OWN}: agent")
    agent.git("-C", "w", "fetch", "-q", url, head)
    assert marks.unfetched() == {"r1": head}
    other = User(tmp_path / "other", url)
    other.git("-C", "w", "-c", f"protocol.version={version}", "fetch", "-q", url, base)
    assert marks.unfetched() == {"r1": head}, "that was another commit"
    other.git("-C", "w", "-c", f"protocol.version={version}", "fetch", "-q", url, "refs/heads/swarm/r1")
    until(lambda: not marks.unfetched())
    assert not (data / "results-unfetched").exists()


def test_a_task_marks_its_agent_as_at_work_and_looking_does_not(served: Served, data: Path) -> None:
    rpc(served.url, "ListTasks", {})
    assert not (data / "activity").exists()
    send(served.url, {"data": {"kind": "chat", "text": "hello"}})
    before = stamp(data)
    rpc(served.url, "ListTasks", {})
    assert stamp(data) == before


def test_a_run_leaves_its_branch_as_a_result_that_nobody_has(tmp_path: Path) -> None:
    office = Office(tmp_path)
    step = {"role": "backend", "title": "write a.py", "files": ["a.py"], "depends": [], "accept": ""}
    lead = Scripted(json.dumps({"steps": [step]}), json.dumps({"ok": True, "comment": "fine"}))
    order = RunOrder(id="r1", task="Write a.", base=office.base(), timeout=60)
    result = office.run(order, lead, office.team(backend=Scripted(fenced("a.py", "a = 1\n"))))
    assert result.head is not None
    assert Marks(office.folder / "orchestrator").unfetched() == {"r1": result.head}
