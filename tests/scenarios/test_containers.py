"""Seven models and seven agents in containers: up, a task, drift and its healing, and nothing left."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from fakes.contained import Contained, contained
from fakes.grounded import docker, stands
from fakes.person import git

TASK = "Write a Python function greet(name) in greet.py that returns the text 'Hello, NAME!' with the given name."
"""One that a model of 135 million parameters does: how well a team plans is the models' matter, not the containers'."""
pytestmark = [pytest.mark.ground, pytest.mark.scenario(seconds=30, always=True)]
ROLES = ("orchestrator", "frontend", "backend", "testing", "security", "docs", "devops")
MODELS = {"lead", *ROLES[1:]}


@pytest.fixture(scope="module")
def swarm(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Contained]:
    stands("engine", "models", "bookworm", "ollama")
    home = tmp_path_factory.mktemp("person")
    with contained(home, tmp_path_factory.mktemp("store")) as made:
        made.up()
        yield made


def test_it_is_proved_and_a_second_up_changes_nothing(swarm: Contained) -> None:
    status = swarm.reads("status")
    assert status["proved"]["passed"], status
    assert status["faults"] == []
    before = swarm.containers()
    assert set(before) == {"ollama-cpu", "forwarder-cpu", *(f"agent-{role}" for role in ROLES)}
    assert swarm.loaded() == MODELS
    again = swarm.up()
    assert "nothing to do" in again.stdout
    assert swarm.containers() == before
    assert swarm.plan() == []


def test_a_task_goes_through_it(swarm: Contained, repository: Path) -> None:
    done = swarm.reads("run", "--agents", "backend", TASK, cwd=repository, timeout=420)
    assert done["verdict"] == "done"
    assert {taken["step"]["role"] for taken in done["steps"]} == {"backend"}
    assert "greet.py" in git(repository, "diff", "--name-only", f"main..{done['branch']}")


def test_what_drifts_is_healed_and_nothing_else_is_touched(swarm: Contained) -> None:
    before = swarm.containers()
    docker("rm", "--force", before["agent-docs"])
    docker("stop", "--time", "1", before["agent-backend"])
    assert swarm.types("status", "--exit-code", expect=8).stdout.count("fault") >= 2
    assert swarm.plan()[0].startswith("deploy 2 of 9 containers")
    swarm.up()
    after = swarm.containers()
    assert {name for name in after if after[name] != before[name]} == {"agent-docs"}
    assert swarm.reads("status")["faults"] == []


def test_what_a_client_did_to_a_model_is_found_and_undone(swarm: Contained) -> None:
    swarm.ollama("/api/generate", model="lead", prompt="hi", stream=False, keep_alive="2m", options={"num_ctx": 1024})
    assert swarm.plan()[0] == "load model-lead"
    swarm.up()
    (row,) = [one for one in swarm.ollama("/api/ps")["models"] if one["name"].startswith("lead")]
    assert row["context_length"] == 2048
    assert row["expires_at"] > "2300"
    assert swarm.plan() == []


def test_a_changed_role_is_made_anew_and_rollback_brings_the_old_one_back(swarm: Contained) -> None:
    before = swarm.containers()
    swarm.up("--set", "roles.docs.output=256")
    changed = swarm.containers()
    assert {name for name in changed if changed[name] != before[name]} == {"agent-docs"}
    back = swarm.types("rollback")
    assert "proved" in back.stderr
    assert swarm.plan() == []
    assert {name for name, one in swarm.containers().items() if one != changed[name]} == {"agent-docs"}


def test_its_walls_stand(swarm: Contained) -> None:
    sealed = swarm.reads("seal")
    assert [row["name"] for row in sealed["rows"] if row["verdict"] == "fail"] == []
    assert sum(row["verdict"] == "pass" for row in sealed["rows"]) >= 18


def test_an_upgrade_that_fails_goes_back_by_itself(swarm: Contained) -> None:
    before = swarm.containers()
    failed = swarm.up("--set", "limits.floor=100000", "--set", "engine.context=1024", expect=8)
    assert "runs again" in failed.stderr
    assert swarm.plan() == []
    assert swarm.loaded() == MODELS
    assert set(swarm.containers()) == set(before)


def test_down_leaves_nothing_but_the_models(swarm: Contained) -> None:
    swarm.down()
    left = [docker("volume", "inspect", "-f", "{{.Name}}", one).strip() for one in swarm.left()]
    assert left == [f"{swarm.name}-slot-0-models"]
    assert not swarm.state.exists()
    swarm.down("--purge")
    assert swarm.left() == []
