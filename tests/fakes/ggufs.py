"""Writes GGUF files of any shape whose tensor data is a hole: real to an engine's loader, cheap on disk."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import gguf
import numpy as np


@dataclass(frozen=True)
class Shape:
    """A dense decoder: counts and widths; `kind` is the type of its matrices, `embd` of its embedding."""

    arch: str = "llama"
    layers: int = 2
    width: int = 256
    ffn: int = 512
    heads: int = 4
    kv_heads: int = 2
    head_dim: int | None = None
    vocab: int = 512
    context: int = 4096
    tied: bool = True
    kind: gguf.GGMLQuantizationType = gguf.GGMLQuantizationType.Q8_0
    embd: gguf.GGMLQuantizationType = gguf.GGMLQuantizationType.Q8_0

    @property
    def dim(self) -> int:
        return self.head_dim or self.width // self.heads


F32 = gguf.GGMLQuantizationType.F32


def tensors(s: Shape) -> Iterator[tuple[str, tuple[int, ...], gguf.GGMLQuantizationType]]:
    """Name, shape in numpy's order (rows first) and type of each tensor."""
    yield "token_embd.weight", (s.vocab, s.width), s.embd
    yield "output_norm.weight", (s.width,), F32
    if not s.tied:
        yield "output.weight", (s.vocab, s.width), s.embd
    q, kv = s.heads * s.dim, s.kv_heads * s.dim
    for n in range(s.layers):
        for name, shape in (
            ("attn_q", (q, s.width)),
            ("attn_k", (kv, s.width)),
            ("attn_v", (kv, s.width)),
            ("attn_output", (s.width, q)),
            ("ffn_gate", (s.ffn, s.width)),
            ("ffn_up", (s.ffn, s.width)),
            ("ffn_down", (s.width, s.ffn)),
        ):
            yield f"blk.{n}.{name}.weight", shape, s.kind
        yield f"blk.{n}.attn_norm.weight", (s.width,), F32
        yield f"blk.{n}.ffn_norm.weight", (s.width,), F32
        if s.arch == "qwen2":
            for name, rows in (("attn_q", q), ("attn_k", kv), ("attn_v", kv)):
                yield f"blk.{n}.{name}.bias", (rows,), F32
        if s.arch == "qwen3":
            for name in ("attn_q_norm", "attn_k_norm"):
                yield f"blk.{n}.{name}.weight", (s.dim,), F32


def keys(w: gguf.GGUFWriter, s: Shape) -> None:
    """What llama.cpp needs to know of a dense decoder with a byte-pair tokenizer."""
    w.add_name(f"{s.arch} of holes")
    w.add_block_count(s.layers)
    w.add_context_length(s.context)
    w.add_embedding_length(s.width)
    w.add_feed_forward_length(s.ffn)
    w.add_head_count(s.heads)
    w.add_head_count_kv(s.kv_heads)
    if s.head_dim:
        w.add_key_length(s.head_dim)
        w.add_value_length(s.head_dim)
    w.add_layer_norm_rms_eps(1e-5)
    w.add_rope_dimension_count(s.dim)
    w.add_file_type(gguf.LlamaFileType.MOSTLY_Q8_0)
    w.add_tokenizer_model("gpt2")
    w.add_tokenizer_pre("default")
    w.add_token_list(["<|end|>", "Ċ", *(f"tok{i}" for i in range(s.vocab - 2))])
    w.add_token_types([3, *([1] * (s.vocab - 1))])
    w.add_token_merges([f"t{i} o{i}" for i in range(s.vocab - 300)])
    w.add_eos_token_id(0)
    w.add_bos_token_id(0)


def write_model(path: Path, s: Shape) -> Path:
    """Write the model; its tensor data reads as zeros and takes no disk."""
    w = gguf.GGUFWriter(path, s.arch)
    keys(w, s)
    total = 0
    for name, shape, kind in tensors(s):
        size = int(np.prod(gguf.quant_shape_to_byte_shape(shape, kind)))
        w.add_tensor_info(name, gguf.quant_shape_to_byte_shape(shape, kind), np.dtype(np.uint8), size, kind)
        total += -(-size // 32) * 32
    w.write_header_to_file()
    w.write_kv_data_to_file()
    w.write_ti_data_to_file()
    w.close()
    head = path.stat().st_size
    with path.open("r+b") as file:
        file.truncate(-(-head // 32) * 32 + total)
    return path
