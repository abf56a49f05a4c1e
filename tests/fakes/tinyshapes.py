"""What config.json says of small models in the shape of well-known ones, and with which tokenizer they come."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

CONTEXT = 4096


@dataclass(frozen=True)
class Shape:
    """What makes one architecture: tokenizer, rows of the embedding, `model_type`, ids, config.json, parts of a layer.

    stop: the ids at which generation ends, as generation_config.json says them. tied: how small ones are published.
    layers: the fewest that show all of its kinds of layer. shifted: norms are stored as what is beyond 1.
    """

    tokenizer: str
    words: int
    kind: str
    stop: tuple[int, ...]
    bos: int
    config: Callable[[int], dict[str, Any]]
    tied: bool
    layers: int = 2
    post_norms: bool = False
    qk_norms: bool = False
    biases: bool = False
    shifted: bool = False
    template: str = ""


def _plain(hidden: int) -> dict[str, Any]:
    return {
        "hidden_size": hidden, "intermediate_size": 2 * hidden, "num_attention_heads": 4, "num_key_value_heads": 2,
        "max_position_embeddings": CONTEXT, "rms_norm_eps": 1e-6, "hidden_act": "silu", "rope_theta": 10000.0,
        "attention_dropout": 0.0, "initializer_range": 0.02, "use_cache": True,
    }  # fmt: skip


def _qwen3(hidden: int) -> dict[str, Any]:
    # A head that is not hidden / heads, as in the published ones.
    return _plain(hidden) | {"head_dim": hidden // 2, "attention_bias": False, "rope_theta": 1000000.0}


def _llama(hidden: int) -> dict[str, Any]:
    scaling = {
        "factor": 32.0, "low_freq_factor": 1.0, "high_freq_factor": 4.0, "original_max_position_embeddings": 512,
        "rope_type": "llama3",
    }  # fmt: skip
    return _plain(hidden) | {
        "rope_theta": 500000.0,
        "rope_scaling": scaling,
        "rms_norm_eps": 1e-5,
        "head_dim": hidden // 4,
    }


def _gemma(hidden: int) -> dict[str, Any]:
    act = {"hidden_activation": "gelu_pytorch_tanh", "hidden_act": "gelu_pytorch_tanh"}
    return _plain(hidden) | act | {"head_dim": hidden // 2, "query_pre_attn_scalar": hidden // 2, "sliding_window": 16}


def _gemma2(hidden: int) -> dict[str, Any]:
    return _gemma(hidden) | {"attn_logit_softcapping": 50.0, "final_logit_softcapping": 30.0}


def _gemma3(hidden: int) -> dict[str, Any]:
    local = {"sliding_window_pattern": 6, "rope_local_base_freq": 10000.0, "rope_theta": 1000000.0}
    return _gemma(hidden) | local | {"attn_logit_softcapping": None, "final_logit_softcapping": None}


def _deepseek(hidden: int) -> dict[str, Any]:
    return _plain(hidden) | {
        "num_key_value_heads": 4, "kv_lora_rank": 32, "q_lora_rank": 32, "qk_nope_head_dim": 32,
        "qk_rope_head_dim": 16, "v_head_dim": 32, "n_routed_experts": 8, "n_shared_experts": 1,
        "num_experts_per_tok": 2, "moe_intermediate_size": hidden, "first_k_dense_replace": 1, "moe_layer_freq": 1,
        "norm_topk_prob": False, "routed_scaling_factor": 1.0, "scoring_func": "softmax", "topk_method": "greedy",
        "n_group": 1, "topk_group": 1, "attention_bias": False,
    }  # fmt: skip


def _deepseek3(hidden: int) -> dict[str, Any]:
    return _deepseek(hidden) | {
        "q_lora_rank": 32, "norm_topk_prob": True, "routed_scaling_factor": 2.5, "scoring_func": "sigmoid",
        "topk_method": "noaux_tc", "n_group": 2, "topk_group": 1,
    }  # fmt: skip


_GEMMA2 = (
    "{{ bos_token }}{% if messages[0]['role'] == 'system' %}{{ raise_exception('System role not supported') }}"
    "{% endif %}{% for message in messages %}{% if (message['role'] == 'user') != (loop.index0 % 2 == 0) %}"
    "{{ raise_exception('Conversation roles must alternate user/assistant/user/assistant/...') }}{% endif %}"
    "{% if (message['role'] == 'assistant') %}{% set role = 'model' %}{% else %}{% set role = message['role'] %}"
    "{% endif %}{{ '<start_of_turn>' + role + '\n' + message['content'] | trim + '<end_of_turn>\n' }}{% endfor %}"
    "{% if add_generation_prompt %}{{'<start_of_turn>model\n'}}{% endif %}"
)
"""The package of Gemma 2's tokenizer has none; this is the published one."""

_QWEN = (151645, 151643)
SHAPES = {
    "Qwen2ForCausalLM": Shape("qwen2_5", 151936, "qwen2", _QWEN, 151643, _plain, tied=True, biases=True),
    "Qwen3ForCausalLM": Shape("qwen3", 151936, "qwen3", _QWEN, 151643, _qwen3, tied=True, qk_norms=True),
    "LlamaForCausalLM": Shape("llama3_2", 128256, "llama", (128001, 128008, 128009), 128000, _llama, tied=True),
    "Gemma2ForCausalLM": Shape(
        "gemma2", 256000, "gemma2", (1, 107), 2, _gemma2, tied=True, post_norms=True, shifted=True, template=_GEMMA2
    ),
    "Gemma3ForCausalLM": Shape(
        "gemma3", 262144, "gemma3_text", (1, 106), 2, _gemma3, tied=True, layers=6, post_norms=True, qk_norms=True,
        shifted=True,
    ),
    "DeepseekV2ForCausalLM": Shape("deepseek_v3", 129280, "deepseek_v2", (1,), 0, _deepseek, tied=False),
    "DeepseekV3ForCausalLM": Shape("deepseek_v3", 129280, "deepseek_v3", (1,), 0, _deepseek3, tied=False),
}  # fmt: skip
