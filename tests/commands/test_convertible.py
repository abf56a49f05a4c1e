"""What is to be converted, as words of the command line and as a swarm file name it."""

from pathlib import Path
from typing import Any

import pytest

from fakes.specialists import Shape, peft, publish, weights
from swarmctl.commands.convertible import contexts, named, of_swarm, published, to_convert
from swarmctl.core.spec import ModelSource, SwarmSpec
from swarmctl.effects.converting.finishing import held_key
from swarmctl.errors import SpecError

SHAPE = Shape(width=64, ffn=128, words=320)


@pytest.fixture
def folders(tmp_path: Path) -> Path:
    publish(tmp_path / "base", SHAPE, weights(SHAPE))
    peft(tmp_path / "tuned", {})
    (tmp_path / "ready.gguf").write_bytes(b"GGUF")
    return tmp_path


def swarm(folders: Path, **more: Any) -> SwarmSpec:
    return SwarmSpec.model_validate(
        {
            "name": "team",
            "engine": {"context": 2048},
            "models": {
                "coder": {"path": str(folders / "base"), "quant": "Q8_0"},
                "tuned": {"path": str(folders / "tuned"), "base": "coder", "quant": "Q4_K_M"},
                "far": {"hf": "me/coder", "quant": "Q8_0"},
                "file": {"path": str(folders / "ready.gguf")},
            },
            "roles": {
                "orchestrator": {"model": "coder", "context": 8192},
                "backend": {"model": "coder"},
                "testing": {"model": "tuned"},
                "docs": {"model": "file"},
            },
            **more,
        }
    )


def test_an_adapter_of_a_swarm_is_merged_into_the_base_that_the_file_names(folders: Path) -> None:
    spec = swarm(folders)
    wanted = {one.name: (one, quants) for one, quants in of_swarm(spec, ("Q4_K_M",))}
    assert wanted.keys() == {"base", "tuned"}, "neither a file that is ready nor a model that no role uses"
    tuned, quants = wanted["tuned"]
    assert (tuned.kind, tuned.base, quants) == ("adapter", str(folders / "base"), ("Q4_K_M",))
    assert held_key(tuned, "Q4_K_M").endswith(f"#Q4_K_M+{folders / 'base'}")
    distant = {"coder": ModelSource(hf="me/coder", quant="Q8_0"), "tuned": spec.models["tuned"]}
    merged = to_convert(spec.models["tuned"], distant)
    assert merged is not None
    assert merged.base == "hf:me/coder@main"


def test_a_registered_model_holds_what_its_most_demanding_role_asks(folders: Path) -> None:
    spec = swarm(folders)
    found = contexts(spec, ("Q4_K_M",))
    assert found[f"path:{folders / 'base'}#Q8_0"] == 8192
    assert found[f"path:{folders / 'tuned'}#Q4_K_M+{folders / 'base'}"] == 2048
    assert len(found) == 2


def test_base_is_of_adapters_alone(folders: Path) -> None:
    ((one, _),) = named([str(folders / "tuned")], ("Q8_0",), str(folders / "base"))
    assert one.base == str(folders / "base")
    ((far, _),) = named(["me/tuned"], ("Q8_0",), "me/base")
    assert far.base == "me/base"
    with pytest.raises(SpecError, match="is no adapter"):
        named([str(folders / "base")], ("Q8_0",), "me/base")


@pytest.mark.parametrize("word", ["ready.gguf", "nothing-here"])
def test_what_was_never_published_as_weights_cannot_share_a_base(folders: Path, word: str) -> None:
    with pytest.raises(SpecError):
        published(str(folders / word))
    assert published(str(folders / "tuned")).kind == "adapter"
