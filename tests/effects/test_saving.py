"""Results are fetched from a real agent into a repository that outlives the swarm."""

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from fakes.agents import TOKEN, Served, settings, until
from swarmctl.agent.marks import Marks
from swarmctl.core.record import ServiceRecord, SwarmRecord
from swarmctl.effects import files
from swarmctl.effects.clock import SystemClock
from swarmctl.effects.git import token_config
from swarmctl.effects.ledger import Ledger
from swarmctl.effects.saving import repository, save
from swarmctl.effects.store import ModelStore
from swarmctl.effects.world import World
from swarmctl.errors import HostError


@pytest.fixture
def served(tmp_path: Path) -> Iterator[Served]:
    with Served(settings(tmp_path / "agent", "http://127.0.0.1:1/v1", "orchestrator")) as agent:
        yield agent


@pytest.fixture
def world(tmp_path: Path) -> World:
    clock = SystemClock()
    state = tmp_path / "state"
    return World(clock, Ledger(state / "ledger.sqlite", clock), ModelStore(tmp_path / "models"), state)


def written(world: World, port: int) -> None:
    places = world.places("seven")
    service = ServiceRecord(
        name="agent-orchestrator", kind="agent", subject="orchestrator", settings={}, needs=(), port=port
    )
    record = SwarmRecord(swarm="seven", slot="slot-0", runtime="compose", services=(service,), floor=0.5, test=None)
    files.write_json(places.record, record.model_dump(mode="json"))
    token_config(places.git_config, TOKEN)


def git(folder: Path, *words: str) -> str:
    env = {"PATH": os.environ["PATH"], "HOME": str(folder), "GIT_CONFIG_NOSYSTEM": "1"}
    env |= {f"GIT_{who}_{what}": "a@b" for who in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")}
    done = subprocess.run(["git", *words], cwd=folder, env=env, capture_output=True, text=True, check=True)
    return done.stdout.strip()


def test_every_runs_branch_is_safe_here_and_the_machine_is_told(tmp_path: Path, served: Served, world: World) -> None:
    written(world, int(served.url.rsplit(":", 1)[1]))
    assert save("seven", world) == 0
    bare = tmp_path / "agent" / "orchestrator" / "git" / "work.git"
    marks = Marks(bare.parents[1])
    heads = {}
    for run in ("r1", "r2"):
        tree = git(bare, "hash-object", "-t", "tree", "-w", "/dev/null")
        heads[run] = git(bare, "commit-tree", tree, "-m", run)
        git(bare, "update-ref", f"refs/heads/swarm/{run}", heads[run])
        marks.grew(run, heads[run])
    git(bare, "update-ref", "refs/heads/other", heads["r1"])
    assert save("seven", world) == 2
    folder = repository(world, "seven")
    found = git(folder, "for-each-ref", "--format=%(refname:short) %(objectname)").splitlines()
    assert found == [f"swarm/{run} {head}" for run, head in heads.items()]
    until(lambda: not marks.unfetched())
    assert folder.stat().st_mode & 0o077 == 0
    assert not folder.is_relative_to(world.places("seven").root)
    assert save("seven", world) == 2


def test_an_agent_that_is_away_is_said_and_the_token_is_not(world: World) -> None:
    written(world, 1)
    with pytest.raises(HostError, match="cannot be fetched") as caught:
        save("seven", world)
    assert TOKEN not in f"{caught.value.message}{caught.value.detail}"


def test_a_swarm_without_an_agent_has_nothing_to_save(world: World) -> None:
    assert save("nobody", world) == 0
    assert not repository(world, "nobody").exists()
