"""Each published tensor has its place in the GGUF file, or a known reason to have none."""

from typing import Any

import pytest

from swarmctl.converter.memory import layers
from swarmctl.converter.placing import place
from swarmctl.converter.tensors import Refused, Tensor

QUERY, EMBEDDING = "model.layers.0.self_attn.q_proj.weight", "model.embed_tokens.weight"
STORED = {"token_embd.weight", "blk.0.attn_q.weight"}
CONFIG = {"num_hidden_layers": 1, "tie_word_embeddings": True}


def test_names_find_their_place() -> None:
    found = place([EMBEDDING, QUERY], STORED, "llama", 1, CONFIG)
    assert found.groups == {("token_embd.weight",): [EMBEDDING], ("blk.0.attn_q.weight",): [QUERY]}
    assert (found.dropped, found.unplaced, found.missing) == ({}, [], [])


def test_experts_are_stacked_and_latent_attention_is_parted() -> None:
    at = "model.layers.0."
    experts = [f"{at}mlp.experts.{n}.up_proj.weight" for n in range(3)]
    stored = {"blk.0.ffn_up_exps.weight", "blk.0.attn_k_b.weight", "blk.0.attn_v_b.weight"}
    found = place([*experts, f"{at}self_attn.kv_b_proj.weight"], stored, "deepseek2", 1, CONFIG)
    assert found.groups[("blk.0.ffn_up_exps.weight",)] == experts
    assert found.groups[("blk.0.attn_k_b.weight", "blk.0.attn_v_b.weight")] == [f"{at}self_attn.kv_b_proj.weight"]
    assert found.missing == []


@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("lm_head.weight", "the same as the embedding"),
        ("model.layers.1.eh_proj.weight", "predicts further tokens"),
        ("vision_tower.encoder.layer.0.weight", "not the language model"),
        ("model.layers.0.self_attn.rotary_emb.inv_freq", "made anew from config.json"),
    ],
)
def test_what_may_be_left_out_says_why(name: str, why: str) -> None:
    assert place([name], {}, "llama", 1, CONFIG).dropped == {name: why}


def test_a_head_of_its_own_may_not_be_left_out() -> None:
    assert place(["lm_head.weight"], {}, "llama", 1, {"num_hidden_layers": 1}).unplaced == ["lm_head.weight"]


def test_a_layer_that_the_file_lacks_has_no_place() -> None:
    found = place(["model.layers.1.self_attn.q_proj.weight"], STORED, "llama", 1, {"num_hidden_layers": 2})
    assert found.unplaced == ["model.layers.1.self_attn.q_proj.weight"]
    assert found.missing == sorted(STORED)


def test_an_unknown_architecture_places_nothing() -> None:
    assert place([QUERY], STORED, "unheard", 1, CONFIG).unplaced == [QUERY]


def _weights(*sizes: int) -> dict[str, Tensor]:
    made: dict[str, Any] = {"model.embed_tokens.weight": 100}
    made |= {f"model.layers.{n}.mlp.up_proj.weight": size for n, size in enumerate(sizes)}
    return {name: Tensor(name, None, "F16", (1, size), 0) for name, size in made.items()}  # type: ignore[arg-type]


@pytest.mark.parametrize(("room", "held"), [(10**6, 3), (4 * 320 / 0.6, 2), (4 * 299 / 0.6, 1)])
def test_as_many_layers_as_fit(room: float, held: int) -> None:
    assert layers(_weights(100, 100, 100), {"num_hidden_layers": 3}, int(room) + 1) == held


def test_not_even_one_is_said() -> None:
    with pytest.raises(Refused, match="one layer and the embedding"):
        layers(_weights(100), {"num_hidden_layers": 1}, 100)
