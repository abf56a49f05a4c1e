"""Seven folders of safetensors become seven agents with a model each, by one `up`: converted, proved and served."""

import time
from collections.abc import Iterator

import pytest

from fakes.foldedswarm import ROLES, FoldedSwarm, folded_swarm
from fakes.grounded import stands
from fakes.sevenfolders import make_seven

pytestmark = [pytest.mark.ground, pytest.mark.scenario(seconds=200)]
MODELS = set(ROLES.values())


@pytest.fixture(scope="module")
def swarm(tmp_path_factory: pytest.TempPathFactory) -> Iterator[FoldedSwarm]:
    stands("engine", "bookworm", "forky", "ollama")
    home = tmp_path_factory.mktemp("person")
    folders = make_seven(home / "models")
    with folded_swarm(home, tmp_path_factory.mktemp("store"), folders) as made:
        made.write(
            engine={"kind": "ollama", "context": 1024},
            models={name: {"path": str(folders / name), "quant": "Q8_0"} for name in sorted(MODELS)},
            placement={"architecture": "separate"},
        )
        planned = made.swarm.person.types("plan", "-f", str(made.swarm.file)).stdout
        for name in MODELS:
            assert f"converted to Q8_0 from {folders / name}" in planned
        begun = time.monotonic()
        said = made.up()
        print(f"seven folders to seven proved agents, each with a model, in {time.monotonic() - begun:.0f} s")
        print(said.stderr)
        table = [line.split() for line in said.stderr.splitlines()]
        rows = {words[0]: words for words in table if len(words) == 8 and words[1] == "Q8_0"}
        assert rows.keys() == MODELS, "the closing table has each model with its size, bits, KL and time"
        assert all(words[5] == "yes" for words in rows.values())
        yield made


def test_it_is_proved_and_each_model_answers_for_itself(swarm: FoldedSwarm) -> None:
    status = swarm.swarm.reads("status")
    assert status["proved"]["passed"], status
    assert set(swarm.swarm.containers()) == {"ollama-cpu", "forwarder-cpu", *(f"agent-{role}" for role in ROLES)}
    held = swarm.swarm.person.reads("models")["models"]
    assert len({row["sha256"] for row in held}) == len(MODELS)
    said = swarm.answers()
    assert said.keys() == MODELS
    assert len(set(said.values())) > 1, said
    for role in ROLES:
        assert swarm.swarm.types("chat", role, "Hello").stdout.strip(), role


def test_every_model_has_its_proof(swarm: FoldedSwarm) -> None:
    shown = swarm.swarm.person.reads("models", "show", *sorted(MODELS))["models"]
    proofs = {one["sha256"]: one["certificate"] for one in shown}
    assert len(proofs) == len(MODELS)
    assert all(one["against"] == "weights" and one["quants"]["Q8_0"]["kl"] < 0.5 for one in proofs.values())


def test_a_second_up_converts_nothing_and_plans_nothing(swarm: FoldedSwarm) -> None:
    file = str(swarm.swarm.file)
    assert swarm.swarm.person.reads("plan", "-f", file)["steps"] == []
    before = swarm.swarm.containers()
    again = swarm.up()
    assert "nothing to do" in again.stdout
    assert "convert to" not in again.stderr
    assert swarm.swarm.containers() == before
