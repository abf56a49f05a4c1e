"""What is tried where proofs fail: limits are lowered, never raised, and what makes no sense is said at once."""

from pathlib import Path
from typing import Any

import pytest

from swarmctl.core.fallback import changes, fallen, mistakes
from swarmctl.core.spec import SwarmSpec
from swarmctl.effects.specs import open_spec, with_fallbacks
from swarmctl.errors import SpecError


def spec(*fallbacks: dict[str, Any], **engine: Any) -> SwarmSpec:
    return SwarmSpec.model_validate(
        {
            "name": "one",
            "engine": engine,
            "models": {"big": {"hf": "a/b", "quant": "Q8_0"}, "small": {"hf": "a/c", "quant": "Q4_K_M"}},
            "roles": {
                "orchestrator": {"model": "big", "context": 16384},
                "docs": {"model": "small", "context": 2048},
            },
            "fallbacks": list(fallbacks),
        }
    )


def test_limits_are_lowered_and_never_raised() -> None:
    asked = spec({"context": 4096, "parallel": 8, "max_loaded": 3}, context=8192, parallel=2)
    tried = fallen(asked, 1)
    assert (tried.engine.context, tried.engine.parallel, tried.engine.max_loaded) == (4096, 2, 3)
    assert (tried.context_of("orchestrator"), tried.context_of("docs")) == (4096, 2048)
    assert changes(asked, tried) == "context 8192 → 4096, max loaded all → 3, context of orchestrator 16384 → 4096"
    assert fallen(asked, 0) == asked
    assert changes(asked, asked) == ""


def test_quant_is_lowered_where_it_is_larger() -> None:
    asked = spec({"quant": "Q5_K_M"})
    tried = fallen(asked, 1)
    assert {name: model.quant for name, model in tried.models.items()} == {"big": "Q5_K_M", "small": "Q4_K_M"}
    assert changes(asked, tried) == "quant of big Q8_0 → Q5_K_M"


def test_each_stands_on_those_before_it() -> None:
    asked = spec({"context": 2048}, {"kv": "q8_0"}, {"version": "0.24.0"}, context=4096)
    tried = fallen(asked, 3)
    assert (tried.engine.context, tried.engine.kv, tried.engine.version) == (2048, "q8_0", "0.24.0")


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        (spec({"context": 8192}, context=4096, parallel=1).model_copy(), "context"),
        (spec({"kv": "f16"}), "fallbacks[0]: it changes nothing"),
        (spec({"kv": "q8_0"}, {"kv": "q8_0"}), "fallbacks[1]: it changes nothing"),
        (spec({"flash_attention": False}, kv="q8_0"), "fallbacks[0]: Value error, kv: q8_0 needs flash_attention"),
        (spec({"quant": "F16"}), "fallbacks[0]: it changes nothing"),
    ],
)
def test_what_makes_no_sense_is_said(asked: SwarmSpec, said: str) -> None:
    found = list(mistakes(asked))
    if said == "context":
        assert found == [], "it caps the orchestrator's own"
    else:
        assert [said in one for one in found] == [True]


def test_empty_one_is_refused() -> None:
    with pytest.raises(ValueError, match="it changes nothing; name one of context"):
        spec({})


def test_mistakes_are_named_with_the_file(tmp_path: Path) -> None:
    path = tmp_path / "swarm.yml"
    path.write_text(
        "name: one\nmodels: {a: {package: x==1, file: x.gguf}}\nroles: {orchestrator: {model: a}}\n"
        "fallbacks: [{quant: Q4_K_M}]\n"
    )
    with pytest.raises(SpecError) as e:
        open_spec(path)
    assert f"{path}: fallbacks[0]: it changes nothing" in e.value.detail


def test_a_published_file_of_the_other_quant_is_taken(tmp_path: Path) -> None:
    path = tmp_path / "swarm.yml"
    path.write_text(
        "name: one\nmodels: {a: {hf: Qwen/Qwen2.5-Coder-3B-Instruct, quant: Q8_0}}\n"
        "roles: {orchestrator: {model: a}}\nfallbacks: [{quant: Q4_K_M}]\n"
    )
    opened = open_spec(path)
    asked, tried = opened.spec.models["a"], with_fallbacks(opened, 1).spec.models["a"]
    assert asked.file != tried.file
    assert "q4_k_m" in str(tried.file).lower()
