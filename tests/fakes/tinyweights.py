"""Random weights that make telling outputs: what passes keeps its size, no two tensors may be taken for each other."""

from collections.abc import Iterator
from typing import Any

import numpy as np

from fakes.safetensorsfile import Array
from fakes.tinyshapes import Shape

Tensors = Iterator[tuple[str, Array]]
_SPREAD = 3.0
"""Of the logits: some tokens stand out, none alone."""


class Weights:
    """Draws the tensors of one model; the same seed gives the same ones.

    Layers weigh more than the embedding, or a tied model would only repeat its input.
    """

    def __init__(self, shape: Shape, config: dict[str, Any], seed: int) -> None:
        self.shape, self.config = shape, config
        self.random = np.random.default_rng(seed)
        self.hidden: int = config["hidden_size"]

    def all(self) -> Tensors:
        """Every tensor under the name that the family publishes."""
        yield "model.embed_tokens.weight", self._matrix(self.shape.words, self.hidden, _SPREAD)
        for n in range(self.config["num_hidden_layers"]):
            for name, tensor in self._layer(n):
                yield f"model.layers.{n}.{name}", tensor
        yield "model.norm.weight", self._norm(self.hidden)
        if not self.config["tie_word_embeddings"]:
            yield "lm_head.weight", self._matrix(self.shape.words, self.hidden, _SPREAD)

    def _layer(self, n: int) -> Tensors:
        post = 4.0 if self.shape.post_norms else 1.0
        yield "input_layernorm.weight", self._norm(self.hidden)
        yield "post_attention_layernorm.weight", self._norm(self.hidden, post)
        if self.shape.post_norms:
            yield "pre_feedforward_layernorm.weight", self._norm(self.hidden)
            yield "post_feedforward_layernorm.weight", self._norm(self.hidden, post)
        yield from self._latent() if "kv_lora_rank" in self.config else self._attention()
        if n >= self.config.get("first_k_dense_replace", n + 1):
            yield from self._experts()
        else:
            yield from self._mlp("mlp", self.config["intermediate_size"])

    def _attention(self) -> Tensors:
        heads, pairs = self.config["num_attention_heads"], self.config["num_key_value_heads"]
        size = self.config.get("head_dim", self.hidden // heads)
        for name, rows in (("q", heads * size), ("k", pairs * size), ("v", pairs * size)):
            yield f"self_attn.{name}_proj.weight", self._matrix(rows, self.hidden, 1.5)
            if self.shape.biases:
                yield f"self_attn.{name}_proj.bias", self._matrix(1, rows, 0.5 * rows**0.5)[0]
        yield "self_attn.o_proj.weight", self._matrix(self.hidden, heads * size, 2.0)
        if self.shape.qk_norms:
            yield "self_attn.q_norm.weight", self._norm(size)
            yield "self_attn.k_norm.weight", self._norm(size)

    def _latent(self) -> Tensors:
        c, heads = self.config, self.config["num_attention_heads"]
        nope, rope, value = c["qk_nope_head_dim"], c["qk_rope_head_dim"], c["v_head_dim"]
        if low := c["q_lora_rank"]:
            yield "self_attn.q_a_proj.weight", self._matrix(low, self.hidden)
            yield "self_attn.q_a_layernorm.weight", self._norm(low)
            yield "self_attn.q_b_proj.weight", self._matrix(heads * (nope + rope), low, 1.5)
        else:
            yield "self_attn.q_proj.weight", self._matrix(heads * (nope + rope), self.hidden, 1.5)
        yield "self_attn.kv_a_proj_with_mqa.weight", self._matrix(c["kv_lora_rank"] + rope, self.hidden, 1.5)
        yield "self_attn.kv_a_layernorm.weight", self._norm(c["kv_lora_rank"])
        yield "self_attn.kv_b_proj.weight", self._matrix(heads * (nope + value), c["kv_lora_rank"], 1.5)
        yield "self_attn.o_proj.weight", self._matrix(self.hidden, heads * value, 2.0)

    def _experts(self) -> Tensors:
        count, inner = self.config["n_routed_experts"], self.config["moe_intermediate_size"]
        # A router that decides clearly: rounding must not send a token elsewhere.
        yield "mlp.gate.weight", self._matrix(count, self.hidden, 3.0)
        if self.config["topk_method"] == "noaux_tc":
            yield "mlp.gate.e_score_correction_bias", self.random.uniform(0, 0.1, count).astype(np.float32)
        for n in range(count):
            yield from self._mlp(f"mlp.experts.{n}", inner)
        yield from self._mlp("mlp.shared_experts", inner * self.config["n_shared_experts"])

    def _mlp(self, at: str, inner: int) -> Tensors:
        yield f"{at}.gate_proj.weight", self._matrix(inner, self.hidden, 1.5)
        yield f"{at}.up_proj.weight", self._matrix(inner, self.hidden)
        yield f"{at}.down_proj.weight", self._matrix(self.hidden, inner, 3.0)

    def _matrix(self, rows: int, columns: int, gain: float = 1.0) -> Array:
        """What comes out is `gain` times as large as what goes in."""
        drawn = self.random.standard_normal((rows, columns), np.float32)
        return drawn * np.float32(gain * columns**-0.5)

    def _norm(self, size: int, about: float = 1.0) -> Array:
        drawn = self.random.uniform(0.6 * about, 1.4 * about, size).astype(np.float32)
        return drawn - np.float32(1.0) if self.shape.shifted else drawn
