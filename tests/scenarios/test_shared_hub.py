"""Repositories of a model hub become agents on one base, by one `up`; without the hub they go on."""

import shutil
from collections.abc import Iterator

import numpy as np
import pytest

from fakes import tinymodels
from fakes.foldedswarm import FoldedSwarm, folded_swarm
from fakes.grounded import stands
from fakes.modelhub import ModelHub
from fakes.sevenfolders import ARCH
from fakes.specialists import direction, peft, without

pytest.importorskip("huggingface_hub", reason="needs huggingface_hub: pip install 'swarmctl[convert]'")
pytestmark = [pytest.mark.ground, pytest.mark.scenario(seconds=120)]

WIDTH = 64
ROLES = {"orchestrator": "coder", "docs": "docs", "tuned": "tuned"}


@pytest.fixture(scope="module")
def hub(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ModelHub]:
    """A base, an edit of it as whole weights, and another as PEFT saves it."""
    folder = tmp_path_factory.mktemp("published")
    tinymodels.make(folder / "coder", ARCH, seed=2, hidden=WIDTH)
    shutil.copytree(folder / "coder", folder / "docs")
    parts = ("o_proj", "down_proj", "embed_tokens")
    tinymodels.edit(folder / "docs", lambda t: t.update(without(t, direction(WIDTH, 1), parts=parts)))
    a, b = direction(WIDTH, 3)[None, :], np.float32(4) * direction(WIDTH, 4)[:, None]
    peft(folder / "tuned", {f"model.layers.{n}.self_attn.o_proj": (a, b) for n in (0, 1)})
    with ModelHub() as found:
        for one in folder.iterdir():
            found.repositories[f"me/{one.name}"] = {path.name: path.read_bytes() for path in one.iterdir()}
        yield found


@pytest.fixture(scope="module")
def swarm(hub: ModelHub, tmp_path_factory: pytest.TempPathFactory) -> Iterator[FoldedSwarm]:
    stands("engine", "bookworm", "forky", "llama.cpp")
    home = tmp_path_factory.mktemp("person")
    with folded_swarm(home, tmp_path_factory.mktemp("store"), home) as made:
        made.swarm.person.env.update({"HF_ENDPOINT": hub.url, "HF_HOME": str(home / "hf"), "HF_TOKEN": ""})
        edit = {"quant": "Q8_0", "base": "coder"}
        made.write(
            models={"coder": {"hf": "me/coder", "quant": "Q8_0"}}
            | {name: {"hf": f"me/{name}", **edit} for name in ("docs", "tuned")},
            roles={role: {"model": model, "temperature": 0} for role, model in ROLES.items()},
        )
        planned = made.swarm.person.types("plan", "-f", str(made.swarm.file)).stdout
        assert "fold docs, tuned into coder: reads" in planned
        assert "converted to Q8_0 from hf:me/coder@main" in planned
        assert not any("model.safetensors" in seen for seen in hub.seen if seen.startswith("GET")), "a plan looks"
        said = made.up().stderr
        print(said)
        assert "fetching me/docs" in said
        assert {"docs: shares coder", "tuned: shares coder"} <= set(said.splitlines())
        assert "not in the store" not in said
        yield made


def test_it_is_proved_and_each_name_answers_as_another_model(swarm: FoldedSwarm) -> None:
    status = swarm.swarm.reads("status")
    assert status["proved"]["passed"], status
    proofs = swarm.swarm.reads("check")["proofs"]
    own = {one["subject"] for one in proofs if one["name"] == "is its own model" and one["verdict"] == "pass"}
    assert own == {"model coder", "model docs", "model tuned"}
    said = swarm.answers()
    assert said.keys() == set(ROLES.values())
    assert len(set(said.values())) == len(said), said


def test_no_specialist_has_weights_here(swarm: FoldedSwarm) -> None:
    store = swarm.swarm.person.data / "swarmctl" / "models"
    assert [path.parent.name for path in store.rglob("model.safetensors")] == ["coder"]
    assert len(list((store / "adapters").glob("*.gguf"))) == 2


def test_convert_without_a_source_finds_all_of_it_made(swarm: FoldedSwarm) -> None:
    done = swarm.swarm.person.types("convert", "-f", str(swarm.swarm.file), "--plan").stdout
    assert "there already" in done
    assert "nothing to convert" in done
    assert "first fold" not in done


def test_a_second_up_does_nothing_with_the_hub_and_without(swarm: FoldedSwarm, hub: ModelHub) -> None:
    before = swarm.swarm.containers()
    hub.seen.clear()
    assert "nothing to do" in swarm.up().stdout
    assert not any("safetensors" in seen for seen in hub.seen)
    swarm.swarm.person.env["HF_ENDPOINT"] = "http://127.0.0.1:9"
    again = swarm.up()
    assert "nothing to do" in again.stdout, again.stderr
    assert swarm.swarm.containers() == before
