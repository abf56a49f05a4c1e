"""What the stories start from."""

import os
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest

from fakes.baddays import Small, small
from fakes.grounded import stands
from fakes.person import SWARM, Person


@pytest.fixture(scope="session")
def model_store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One model store for all stories, so that the model is fetched once."""
    return tmp_path_factory.mktemp("data")


@pytest.fixture
def someone(tmp_path: Path, model_store: Path) -> Iterator[Callable[[], Person]]:
    """Makes a person; what they leave running is taken away afterwards."""
    people: list[Person] = []

    def make() -> Person:
        home = tmp_path / f"person-{len(people)}"
        home.mkdir()
        env = {**os.environ, "XDG_STATE_HOME": str(home / "state"), "XDG_DATA_HOME": str(model_store), "NO_COLOR": "1"}
        people.append(Person(home, env, model_store))
        return people[-1]

    yield make
    for person in people:
        for process in person.started:
            if process.poll() is None:
                process.kill()
            process.communicate()
        person.types("down", "--swarm", SWARM)
        _ended(person.home)


def _ended(home: Path) -> None:
    """A story that broke off may have left what keeps its tunnels, with its machine gone."""
    for process in psutil.process_iter(["cmdline"]):
        words = process.info["cmdline"] or []
        if "swarmctl.supervisor" in words and any(word.startswith(f"{home}/") for word in words):
            process.terminate()


@pytest.fixture
def person(someone: Callable[[], Person]) -> Person:
    """One person."""
    return someone()


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """A git repository with a test that nothing passes yet."""
    folder = tmp_path / "project"
    folder.mkdir()
    (folder / "clamp.py").write_text("def clamp(x, low, high):\n    raise NotImplementedError\n")
    (folder / "notes.txt").write_text("do not touch\n")
    for args in (
        ["init", "-q", "-b", "main"],
        ["add", "."],
        ["-c", "user.name=you", "-c", "user.email=you@localhost", "commit", "-qm", "Ask for clamp"],
    ):
        subprocess.run(["git", "-C", folder, *args], check=True)
    return folder


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model store for the small swarms of a module."""
    stands("engine", "tiny", "bookworm", "ollama")
    return tmp_path_factory.mktemp("store")


@pytest.fixture
def swarm(tmp_path: Path, store: Path) -> Iterator[Small]:
    """A small swarm in containers that is not up yet; nothing of it is left after."""
    with small(tmp_path / "person", store) as made:
        yield made
