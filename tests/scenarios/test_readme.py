"""The README's commands, typed one after another by a new user."""

import re
import shlex
import subprocess
from pathlib import Path

import pytest

from fakes.examples import FETCHING, RENTING, examples
from fakes.grounded import docker, stands
from fakes.person import Person
from fakes.seventiny import adopt

ROOT = Path(__file__).resolve().parents[2]


def commands(mark: str = "run") -> list[str]:
    """What stands under `<!-- run -->` (or another mark), a line a command."""
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    (block,) = re.findall(rf"<!-- {mark} -->\n```\n(.*?)```", text, re.DOTALL)
    return block.splitlines()


@pytest.mark.scenario(seconds=70)
def test_every_command_of_the_readme_works(person: Person, repository: Path) -> None:
    typed = commands()
    assert len(typed) >= 12
    try:
        for line in typed:
            program, *args = shlex.split(line)
            assert program == "swarmctl"
            person.types(*args, cwd=repository)
    finally:
        person.types("down", "--swarm", "mine")
    assert person.ours() == []


@pytest.mark.ground
@pytest.mark.scenario(seconds=150)
def test_every_command_about_containers_works(person: Person, repository: Path) -> None:
    stands("engine", "models", "bookworm", "ollama")
    adopt(person.data / "swarmctl" / "models")
    typed = commands("run: containers")
    assert typed[-1].startswith("swarmctl down")
    try:
        for line in typed:
            person.types(*shlex.split(line)[1:], cwd=repository, timeout=400)
    finally:
        person.types("down", "--swarm", "seven-tiny", "--purge")
    assert docker("ps", "--all", "--quiet", "--filter", "label=swarmctl.swarm=seven-tiny") == ""


@pytest.mark.slow
def test_make_help_lists_every_target() -> None:
    text = (ROOT / "Makefile").read_text(encoding="utf-8")
    listed = subprocess.run(["make", "-C", ROOT, "-s", "help"], capture_output=True, text=True, check=True).stdout
    for target in ("demo", "test", "check", "scenarios", "torture", "bench", "golden"):
        assert re.search(rf"^{target}\s", listed, re.MULTILINE), target
        assert f"{target}:" in text


@pytest.mark.scenario(seconds=40)
def test_every_example_of_the_help_works(person: Person, repository: Path) -> None:
    known = examples()
    order = [
        "init",
        "version",
        "schema",
        "completion",
        "doctor",
        "plan",
        "profiles",
        "up",
        "status",
        "agents",
        "check",
        "run",
        "chat",
    ]
    order += ["env", "logs", "cost", "hosts", "render", "models", "history", "down"]
    elsewhere = {"seal", "rollback", *RENTING, *FETCHING}
    assert {*order, *elsewhere} == set(known), "test_containers, test_renting and test_converting type the others"
    for name in order:
        folder = person.home if name == "init" else repository
        unsettled = name == "run"  # what a tiny model writes need not pass the example's test
        process = person.start(*known[name], cwd=folder)
        out, err = process.communicate(timeout=300)
        assert process.returncode in ({0, 12} if unsettled else {0}), f"{known[name]}\n{out}\n{err}"
