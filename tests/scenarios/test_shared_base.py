"""Seven folders of safetensors become seven agents on one base and one larger model, by one `up`."""

import shutil
import time
from collections.abc import Iterator

import numpy as np
import pytest

from fakes import tinymodels
from fakes.foldedswarm import BEHIND, ROLES, FoldedSwarm, folded_swarm
from fakes.grounded import docker, stands
from fakes.sevenfolders import SPECIALISTS, make_seven
from fakes.specialists import direction, without

pytestmark = [pytest.mark.ground, pytest.mark.scenario(seconds=150)]

PROJECTION = "model.layers.0.self_attn.o_proj.weight"


@pytest.fixture(scope="module")
def swarm(tmp_path_factory: pytest.TempPathFactory) -> Iterator[FoldedSwarm]:
    stands("engine", "bookworm", "forky", "llama.cpp")
    home = tmp_path_factory.mktemp("person")
    folders = make_seven(home / "models")
    with folded_swarm(home, tmp_path_factory.mktemp("store"), folders) as made:
        begun = time.monotonic()
        said = made.up()
        print(f"seven folders to seven proved agents on one base in {time.monotonic() - begun:.0f} s")
        print(said.stderr)
        assert "adds" in said.stderr, "a table of what was folded"
        for name in SPECIALISTS:
            assert f"{name}: shares coder" in said.stderr
        yield made


def test_one_server_holds_the_base_and_a_gateway_gives_each_name_its_adapter(swarm: FoldedSwarm) -> None:
    status = swarm.swarm.reads("status")
    assert status["proved"]["passed"], status
    assert set(swarm.swarm.containers()) == {
        "engine-lead", "engine-coder", "gateway-cpu", "forwarder-cpu", *(f"agent-{role}" for role in ROLES),
    }  # fmt: skip
    argv = docker("inspect", "-f", "{{json .Args}}", swarm.swarm.container("engine-coder"))
    assert argv.count(".gguf:0.0") == len(SPECIALISTS)
    proved = swarm.swarm.reads("check")["proofs"]
    held = {(one["name"], one["subject"]) for one in proved if one["verdict"] == "pass"}
    assert {("is its own model", f"model {name}") for name in BEHIND} <= held
    assert {("buffers as planned", "engine-coder"), ("adapters and slots", "gateway-cpu")} <= held
    # Beside the base no specialist has weights: the store has two models and five small adapters.
    models = {row["key"]: row["bytes"] for row in swarm.swarm.person.reads("models")["models"]}
    assert sum(size < 2 << 20 for size in set(models.values())) >= 1
    print(sorted(set(models.values())))


def test_each_name_answers_as_another_model_and_every_agent_with_it(swarm: FoldedSwarm) -> None:
    said = swarm.answers()
    assert set(said) == set(ROLES.values())
    assert len({said[name] for name in BEHIND}) == len(BEHIND), said
    for role in ROLES:
        assert swarm.swarm.types("chat", role, "Hello").stdout.strip(), role


def test_a_second_up_makes_nothing(swarm: FoldedSwarm) -> None:
    before = swarm.swarm.containers()
    again = swarm.up()
    assert "nothing to do" in again.stdout, again.stderr
    assert "shares" not in again.stderr
    assert swarm.swarm.containers() == before


def test_a_gateway_that_is_gone_comes_back_alone(swarm: FoldedSwarm) -> None:
    before = swarm.swarm.containers()
    docker("rm", "--force", before["gateway-cpu"])
    swarm.swarm.types("status", "--exit-code", expect=8)
    swarm.up()
    after = swarm.swarm.containers()
    assert {name for name in after if after[name] != before[name]} == {"gateway-cpu"}


def test_its_walls_stand(swarm: FoldedSwarm) -> None:
    sealed = swarm.swarm.reads("seal")
    assert [row["name"] for row in sealed["rows"] if row["verdict"] == "fail"] == []
    seen = {one["service"] for row in sealed["rows"] for one in row["findings"]}
    assert "gateway-cpu" in seen


def test_a_specialist_that_needs_weights_of_its_own_is_refused_and_nothing_changes(swarm: FoldedSwarm) -> None:
    other = swarm.folders / "stranger"
    shutil.copytree(swarm.folders / "docs", other)
    noise = np.random.default_rng(5).standard_normal((64, 64), np.float32)
    tinymodels.edit(other, lambda tensors: tensors.update({PROJECTION: tensors[PROJECTION] + noise}))
    before = swarm.swarm.containers()
    refused = swarm.up("--set", f"models.docs.path={other}", expect=3)
    assert "docs differs" in refused.stderr or "specialists differ" in refused.stderr
    assert "leave `base` out of models.docs" in refused.stderr
    assert swarm.swarm.containers() == before


def test_another_edit_is_another_adapter_and_who_shares_nothing_is_untouched(swarm: FoldedSwarm) -> None:
    before, said = swarm.swarm.containers(), swarm.answers()
    folder, gone = swarm.folders / "docs", direction(64, 99)
    tinymodels.edit(folder, lambda tensors: tensors.update(without(tensors, gone)))
    done = swarm.up()
    assert "docs: shares coder" in done.stderr
    assert "testing: shares coder" not in done.stderr
    after, now = swarm.swarm.containers(), swarm.answers()
    changed = {name for name in after if after[name] != before[name]}
    # Compose makes those anew too that stand on what is made anew.
    assert {"engine-coder", "gateway-cpu"} <= changed
    assert not {"engine-lead", "agent-orchestrator", "forwarder-cpu"} & changed
    assert {name for name in now if now[name] != said[name]} == {"docs"}


def test_down_leaves_nothing(swarm: FoldedSwarm) -> None:
    swarm.swarm.down("--purge")
    assert swarm.swarm.left() == []
