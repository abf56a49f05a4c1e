"""A small base and specialists of it as published folders, and the GGUF that llama.cpp's converter makes of one."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import gguf
import numpy as np
import numpy.typing as npt

from ground.models import source

Array = npt.NDArray[np.float32]
WORDS = 49152
"""Of the tokenizer that is lent."""


@dataclass(frozen=True)
class Shape:
    """A decoder of two heads a key."""

    kind: str = "qwen2"
    layers: int = 3
    width: int = 128
    ffn: int = 256
    heads: int = 4
    kv_heads: int = 2
    words: int = 512
    tied: bool = True

    @property
    def head(self) -> int:
        return self.width // self.heads

    def config(self) -> dict[str, Any]:
        names = {"qwen2": "Qwen2ForCausalLM", "llama": "LlamaForCausalLM"}
        return {
            "architectures": [names[self.kind]],
            "model_type": self.kind,
            "hidden_size": self.width,
            "intermediate_size": self.ffn,
            "num_hidden_layers": self.layers,
            "num_attention_heads": self.heads,
            "num_key_value_heads": self.kv_heads,
            "vocab_size": self.words,
            "rms_norm_eps": 1e-6,
            "rope_theta": 10000.0,
            "max_position_embeddings": 4096,
            "hidden_act": "silu",
            "tie_word_embeddings": self.tied,
        }


def weights(shape: Shape, seed: int = 1) -> dict[str, Array]:
    """Random, with an output that is far from flat."""
    random = np.random.default_rng(seed)

    def matrix(rows: int, columns: int, scale: float = 1.0) -> Array:
        return random.standard_normal((rows, columns), np.float32) * np.float32(scale * columns**-0.5)

    found = {"model.embed_tokens.weight": matrix(shape.words, shape.width)}
    for n in range(shape.layers):
        at = f"model.layers.{n}"
        for part, rows in (("q", shape.width), ("k", shape.kv_heads * shape.head), ("v", shape.kv_heads * shape.head)):
            found[f"{at}.self_attn.{part}_proj.weight"] = matrix(rows, shape.width)
            if shape.kind == "qwen2":
                found[f"{at}.self_attn.{part}_proj.bias"] = random.standard_normal(rows, np.float32) * np.float32(0.1)
        found[f"{at}.self_attn.o_proj.weight"] = matrix(shape.width, shape.width)
        found[f"{at}.mlp.gate_proj.weight"] = matrix(shape.ffn, shape.width)
        found[f"{at}.mlp.up_proj.weight"] = matrix(shape.ffn, shape.width)
        found[f"{at}.mlp.down_proj.weight"] = matrix(shape.width, shape.ffn)
        for norm in ("input_layernorm", "post_attention_layernorm"):
            found[f"{at}.{norm}.weight"] = 1 + np.float32(0.1) * random.standard_normal(shape.width, np.float32)
    found["model.norm.weight"] = 1 + np.float32(0.1) * random.standard_normal(shape.width, np.float32)
    if not shape.tied:
        found["lm_head.weight"] = matrix(shape.words, shape.width)
    return found


def direction(width: int, seed: int) -> Array:
    """A unit vector."""
    found = np.random.default_rng(1000 + seed).standard_normal(width).astype(np.float32)
    unit: Array = found / np.linalg.norm(found)
    return unit


def without(
    tensors: Mapping[str, Array], *removed: Array, parts: tuple[str, ...] = ("o_proj", "down_proj")
) -> dict[str, Array]:
    """The same model that can no longer write these directions; of embeddings they leave each row."""
    found = {name: tensor.copy() for name, tensor in tensors.items()}
    for name, tensor in found.items():
        if not any(part in name for part in parts) or tensor.ndim != 2:
            continue
        for r in removed:
            reads = "embed_tokens" in name or "lm_head" in name
            np.subtract(tensor, np.outer(tensor @ r, r) if reads else np.outer(r, r @ tensor), out=tensor)
    return found


def bf16(values: Array) -> npt.NDArray[np.uint16]:
    """To the nearest, ties to even."""
    bits = values.view(np.uint32)
    found: npt.NDArray[np.uint16] = ((bits + 0x7FFF + ((bits >> 16) & 1)) >> 16).astype(np.uint16)
    return found


def as_bf16(tensors: Mapping[str, Array]) -> dict[str, Array]:
    """The values that a bf16 file gives back."""
    return {name: (bf16(tensor).astype(np.uint32) << 16).view(np.float32) for name, tensor in tensors.items()}


def save(path: Path, tensors: Mapping[str, Array], kind: str = "F32") -> None:
    """One safetensors file; kind: F32, F16, BF16."""
    header: dict[str, Any] = {}
    at = 0
    chunks = []
    for name, tensor in tensors.items():
        data = {
            "F32": lambda t: t.astype("<f4").tobytes(),
            "F16": lambda t: t.astype("<f2").tobytes(),
            "BF16": lambda t: bf16(np.ascontiguousarray(t)).astype("<u2").tobytes(),
        }[kind](tensor)
        header[name] = {"dtype": kind, "shape": list(tensor.shape), "data_offsets": [at, at + len(data)]}
        at += len(data)
        chunks.append(data)
    text = json.dumps(header).encode()
    path.write_bytes(len(text).to_bytes(8, "little") + text + b"".join(chunks))


def publish(folder: Path, shape: Shape, tensors: Mapping[str, Array], kind: str = "F32", **config: Any) -> Path:
    """A folder as the Hub has it; the tokenizer is a few words, which nothing here reads."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "config.json").write_text(json.dumps(shape.config() | config))
    (folder / "tokenizer.json").write_text(json.dumps({"model": {"type": "BPE", "vocab": {"a": 0}, "merges": []}}))
    save(folder / "model.safetensors", tensors, kind)
    return folder


_GGUF = {
    "model.embed_tokens": "token_embd",
    "model.norm": "output_norm",
    "lm_head": "output",
    "self_attn.q_proj": "attn_q",
    "self_attn.k_proj": "attn_k",
    "self_attn.v_proj": "attn_v",
    "self_attn.o_proj": "attn_output",
    "mlp.gate_proj": "ffn_gate",
    "mlp.up_proj": "ffn_up",
    "mlp.down_proj": "ffn_down",
    "input_layernorm": "attn_norm",
    "post_attention_layernorm": "ffn_norm",
}


def gguf_of(
    path: Path, shape: Shape, tensors: Mapping[str, Array], kind: gguf.GGMLQuantizationType | None = None
) -> Path:
    """The file, f32 or quantised; with `lm_head` among the tensors the head is its own."""
    writer = gguf.GGUFWriter(path, shape.kind)
    writer.add_name(path.stem)
    writer.add_block_count(shape.layers)
    writer.add_context_length(4096)
    writer.add_embedding_length(shape.width)
    writer.add_feed_forward_length(shape.ffn)
    writer.add_head_count(shape.heads)
    writer.add_head_count_kv(shape.kv_heads)
    writer.add_layer_norm_rms_eps(1e-6)
    writer.add_rope_freq_base(10000.0)
    writer.add_rope_dimension_count(shape.head)
    _tokenizer(writer, shape.words)
    for published, tensor in tensors.items():
        values = _turned(published, shape, tensor)
        name = _name(published)
        if kind is not None and values.ndim == 2:
            writer.add_tensor(name, gguf.quants.quantize(values, kind), raw_dtype=kind)
        else:
            writer.add_tensor(name, np.ascontiguousarray(values))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return path


def _tokenizer(writer: gguf.GGUFWriter, words: int) -> None:
    """A real one where the vocabulary is its size, otherwise words that only their numbers tell apart."""
    if words == WORDS:
        for name, field in gguf.GGUFReader(source()).fields.items():
            if name.startswith("tokenizer."):
                more = field.types[-1] if len(field.types) > 1 else None
                writer.add_key_value(name, field.contents(), field.types[0], sub_type=more)
        return
    writer.add_tokenizer_model("gpt2")
    writer.add_tokenizer_pre("default")
    writer.add_token_list(["<|end|>", "Ċ", *(f"tok{n}" for n in range(words - 2))])
    writer.add_token_types([3, *([1] * (words - 1))])
    writer.add_token_merges([f"t{n} o{n}" for n in range(words - 300)])
    writer.add_eos_token_id(0)
    writer.add_bos_token_id(0)


def _name(published: str) -> str:
    stem, ending = published.rsplit(".", 1)
    if stem in _GGUF:
        return f"{_GGUF[stem]}.{ending}"
    _, _, layer, part = stem.split(".", 3)
    return f"blk.{layer}.{_GGUF[part]}.{ending}"


def _turned(published: str, shape: Shape, tensor: Array) -> Array:
    """llama.cpp rotates neighbours where the published code rotates halves: rows change places (LlamaModel.permute)."""
    heads = {"q": shape.heads, "k": shape.kv_heads}.get(published.split("_proj", maxsplit=1)[0][-1], 0)
    if shape.kind != "llama" or "self_attn" not in published or not heads:
        return tensor
    halves = tensor.reshape(heads, 2, tensor.shape[0] // heads // 2, *tensor.shape[1:])
    return halves.swapaxes(1, 2).reshape(tensor.shape)


def peft(folder: Path, halves: Mapping[str, tuple[Array, Array]], **config: Any) -> Path:
    """An adapter as PEFT saves it. halves: by module, A and B; those of an embedding have names of their own."""
    folder.mkdir(parents=True, exist_ok=True)
    tensors = {}
    for module, (a, b) in halves.items():
        stem = f"base_model.model.{module}"
        if "embed_tokens" in module:
            tensors |= {f"{stem}.lora_embedding_A": a, f"{stem}.lora_embedding_B": b}
        else:
            tensors |= {f"{stem}.lora_A.weight": a, f"{stem}.lora_B.weight": b}
    rank = next(iter(halves.values()))[0].shape[0] if halves else 1
    said = {"peft_type": "LORA", "r": rank, "lora_alpha": 2 * rank, "bias": "none", "fan_in_fan_out": False}
    (folder / "adapter_config.json").write_text(json.dumps(said | config))
    save(folder / "adapter_model.safetensors", tensors)
    return folder
