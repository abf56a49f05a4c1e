"""A team whose specialists share a small real base does a task: what they answer, through the gateway, is code."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from fakes import tinymodels
from fakes.baddays import Small, small
from fakes.grounded import stands
from fakes.person import git
from fakes.smolfolder import WIDTH, make_smol
from fakes.smollm import smollm
from fakes.specialists import direction, without

pytestmark = [pytest.mark.ground, pytest.mark.scenario(seconds=150)]
TASK = "Write a Python function greet(name) in greet.py that returns the text 'Hello, NAME!' with the given name."
SPECIALISTS = ("backend", "docs")


@pytest.fixture
def swarm(tmp_path: Path) -> Iterator[Small]:
    stands("engine", "bookworm", "forky", "llama.cpp")
    folders = tmp_path / "models"
    make_smol(folders / "coder")
    for n, name in enumerate(SPECIALISTS):
        gone = direction(WIDTH, n)
        shutil.copytree(folders / "coder", folders / name)
        tinymodels.edit(folders / name, lambda tensors, gone=gone: tensors.update(without(tensors, gone)))  # type: ignore[misc] # a default keeps the turn's own value
    with small(tmp_path / "person", tmp_path / "store") as made:
        value = {
            "name": made.name,
            "runtime": "compose",
            "engine": {"kind": "llamacpp", "context": 2048},
            "models": {"lead": {"path": str(smollm())}, "coder": {"path": str(folders / "coder"), "quant": "Q8_0"}}
            | {name: {"path": str(folders / name), "base": "coder"} for name in SPECIALISTS},
            "roles": {"orchestrator": {"model": "lead"}}
            | {name: {"model": name, "temperature": 0} for name in SPECIALISTS},
            "placement": {"architecture": "shared-base"},
            "limits": {"output": 400, "requests": 6, "time": "4m"},
        }
        made.file.write_text(yaml.safe_dump(value, sort_keys=False))
        yield made


def test_a_task_goes_through_the_gateway_to_a_branch(swarm: Small, repository: Path) -> None:
    said = swarm.person.types("up", "-f", str(swarm.file), timeout=580)
    print(said.stderr)
    done = swarm.reads("run", "--agents", "backend", TASK, cwd=repository, timeout=420)
    assert done["verdict"] == "done", done
    assert {taken["step"]["role"] for taken in done["steps"]} == {"backend"}
    assert "greet.py" in git(repository, "diff", "--name-only", f"main..{done['branch']}")
