"""The small real model as a folder of safetensors, as it was published: the way back from its GGUF file."""

import json
from pathlib import Path
from typing import Any

import gguf
import numpy as np

from fakes import safetensorsfile
from fakes.safetensorsfile import Array
from fakes.smollm import smollm
from fakes.specialists import WORDS

WIDTH = 576
_HEADS, _KV_HEADS, _LAYERS = 9, 3, 30
_NAMES = {
    "token_embd": "model.embed_tokens", "output_norm": "model.norm", "attn_q": "self_attn.q_proj",
    "attn_k": "self_attn.k_proj", "attn_v": "self_attn.v_proj", "attn_output": "self_attn.o_proj",
    "ffn_gate": "mlp.gate_proj", "ffn_up": "mlp.up_proj", "ffn_down": "mlp.down_proj",
    "attn_norm": "input_layernorm", "ffn_norm": "post_attention_layernorm",
}  # fmt: skip
_CONFIG = {
    "architectures": ["LlamaForCausalLM"], "model_type": "llama", "hidden_size": WIDTH, "intermediate_size": 1536,
    "num_hidden_layers": _LAYERS, "num_attention_heads": _HEADS, "num_key_value_heads": _KV_HEADS,
    "vocab_size": WORDS, "rms_norm_eps": 1e-5, "rope_theta": 100000.0, "max_position_embeddings": 8192,
    "hidden_act": "silu", "tie_word_embeddings": True, "torch_dtype": "bfloat16", "bos_token_id": 1, "eos_token_id": 2,
}  # fmt: skip


def make_smol(folder: Path) -> Path:
    """A new folder, 270 MB in bf16. Skips the test where the model is not installed."""
    reader = gguf.GGUFReader(smollm())
    folder.mkdir(parents=True)
    safetensorsfile.write(folder, {_name(one.name): _values(one) for one in reader.tensors}, "bf16")
    _json(folder / "config.json", _CONFIG)
    _json(folder / "generation_config.json", {"bos_token_id": 1, "eos_token_id": 2})
    _tokenizer(folder, {name: field.contents() for name, field in reader.fields.items() if "tokenizer." in name})
    return folder


def _values(tensor: Any) -> Array:
    found = np.asarray(gguf.quants.dequantize(tensor.data, tensor.tensor_type), np.float32)
    heads = {"attn_q": _HEADS, "attn_k": _KV_HEADS}.get(tensor.name.split(".")[-2], 0)
    if not heads:
        return found
    # llama.cpp rotates neighbours where the published code rotates halves.
    pairs = found.reshape(heads, found.shape[0] // heads // 2, 2, *found.shape[1:])
    return np.ascontiguousarray(pairs.swapaxes(1, 2).reshape(found.shape))


def _name(stored: str) -> str:
    *layer, part, ending = stored.split(".")
    at = f"model.layers.{layer[1]}." if layer else ""
    return f"{at}{_NAMES[part]}.{ending}"


def _tokenizer(folder: Path, said: dict[str, Any]) -> None:
    """Bytes as letters, digits apart, and the merges of the file: what `tokenizer.ggml.pre: smollm` stands for."""
    words: list[str] = said["tokenizer.ggml.tokens"]
    special = [n for n, kind in enumerate(said["tokenizer.ggml.token_type"]) if kind == 3]
    flags = {"single_word": False, "lstrip": False, "rstrip": False, "normalized": False, "special": True}
    letters = {"type": "ByteLevel", "add_prefix_space": False, "trim_offsets": True, "use_regex": True}
    digits = {"type": "Digits", "individual_digits": True}
    model = {
        "type": "BPE", "dropout": None, "unk_token": None, "continuing_subword_prefix": None,
        "end_of_word_suffix": None, "fuse_unk": False, "byte_fallback": False,
        "vocab": {word: n for n, word in enumerate(words)},
        "merges": said["tokenizer.ggml.merges"],
    }  # fmt: skip
    whole = {
        "version": "1.0", "truncation": None, "padding": None, "normalizer": None, "post_processor": None,
        "added_tokens": [{"id": n, "content": words[n], **flags} for n in special],
        "pre_tokenizer": {"type": "Sequence", "pretokenizers": [digits, letters]},
        "decoder": letters, "model": model,
    }  # fmt: skip
    _json(folder / "tokenizer.json", whole)
    told = {
        "tokenizer_class": "PreTrainedTokenizerFast", "add_prefix_space": False, "clean_up_tokenization_spaces": False,
        "model_max_length": 8192, "bos_token": words[1], "eos_token": words[2], "unk_token": words[0],
        "pad_token": words[2], "chat_template": said["tokenizer.chat_template"],
    }  # fmt: skip
    _json(folder / "tokenizer_config.json", told)


def _json(path: Path, value: dict[str, Any]) -> None:
    path.write_text(json.dumps(value, ensure_ascii=False))
