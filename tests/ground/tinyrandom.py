"""tiny-random: models of random numbers with a real tokenizer, small enough for a GPU that is software."""

import hashlib
import inspect
import json
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import gguf
import numpy as np

from ground.models import source
from ground.places import MODELS, ROLES, tiny_random

_NOTE = MODELS / "tiny-random.json"
_Q8 = gguf.GGMLQuantizationType.Q8_0
_HEAD = 64
"""The smallest head for which the Vulkan backend has flash attention."""


@dataclass(frozen=True, slots=True)
class Shape:
    """A decoder of one head; its input and output embeddings differ, or it would only repeat what it was asked."""

    arch: str
    layers: int
    ffn: int


SHAPES = {role: Shape(("llama", "qwen2")[n % 2], 2 + n, 128 + 64 * n) for n, role in enumerate(ROLES)}
"""No two alike: each has a size, a digest and an answer of its own."""


def ready() -> str | None:
    """What is there; None unless all are, whole and from this recipe."""
    try:
        note = json.loads(_NOTE.read_text())
        whole = note["key"] == _key() and all(tiny_random(r).stat().st_size == note["sizes"][r] for r in ROLES)
    except (OSError, ValueError, KeyError):
        return None
    return f"tiny-random, {sum(note['sizes'].values()) / 1e6:.0f} MB in {MODELS}" if whole else None


def make() -> None:
    """Writes the files, and last a note that says so.

    Raises: GroundError where the model that lends the tokenizer is not installed.
    """
    tokenizer = gguf.GGUFReader(source())
    MODELS.mkdir(parents=True, exist_ok=True)
    _NOTE.unlink(missing_ok=True)
    for seed, (role, shape) in enumerate(SHAPES.items()):
        part = tiny_random(role).with_suffix(".part")
        write(part, role, shape, tokenizer, seed)
        part.rename(tiny_random(role))
    sizes = {role: tiny_random(role).stat().st_size for role in ROLES}
    _NOTE.write_text(json.dumps({"key": _key(), "sizes": sizes}))


def write(path: Path, role: str, shape: Shape, tokenizer: gguf.GGUFReader, seed: int) -> None:
    """One model; the same seed gives the same bytes."""
    writer = gguf.GGUFWriter(path, shape.arch)
    writer.add_name(f"Tiny random {role}")
    writer.add_block_count(shape.layers)
    writer.add_context_length(4096)
    writer.add_embedding_length(_HEAD)
    writer.add_feed_forward_length(shape.ffn)
    writer.add_head_count(1)
    writer.add_head_count_kv(1)
    writer.add_layer_norm_rms_eps(1e-5)
    writer.add_rope_dimension_count(_HEAD)
    writer.add_file_type(gguf.LlamaFileType.MOSTLY_Q8_0)
    words = 0
    for name, field in tokenizer.fields.items():
        if name.startswith("tokenizer."):
            value, kind = field.contents(), field.types[0]
            words = len(value) if name.endswith(".tokens") else words
            writer.add_key_value(name, value, kind, sub_type=field.types[-1] if len(field.types) > 1 else None)
    random = np.random.default_rng(seed)
    for name, size in _tensors(shape, words):
        if len(size) == 1:
            values = np.zeros(size, np.float32) if name.endswith(".bias") else np.ones(size, np.float32)
            writer.add_tensor(name, values)
        else:
            scale = 1.0 if "embd" in name else size[1] ** -0.5
            values = random.standard_normal(size, np.float32) * np.float32(scale)
            writer.add_tensor(name, gguf.quants.quantize(values, _Q8), raw_dtype=_Q8)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


def _tensors(shape: Shape, words: int) -> Iterator[tuple[str, tuple[int, ...]]]:
    """Name and shape of each tensor, rows first."""
    yield "token_embd.weight", (words, _HEAD)
    yield "output.weight", (words, _HEAD)
    yield "output_norm.weight", (_HEAD,)
    for n in range(shape.layers):
        for part in ("q", "k", "v"):
            yield f"blk.{n}.attn_{part}.weight", (_HEAD, _HEAD)
            if shape.arch == "qwen2":
                yield f"blk.{n}.attn_{part}.bias", (_HEAD,)
        yield f"blk.{n}.attn_output.weight", (_HEAD, _HEAD)
        yield f"blk.{n}.ffn_gate.weight", (shape.ffn, _HEAD)
        yield f"blk.{n}.ffn_up.weight", (shape.ffn, _HEAD)
        yield f"blk.{n}.ffn_down.weight", (_HEAD, shape.ffn)
        yield f"blk.{n}.attn_norm.weight", (_HEAD,)
        yield f"blk.{n}.ffn_norm.weight", (_HEAD,)


def _key() -> str:
    return hashlib.sha256(inspect.getsource(sys.modules[__name__]).encode()).hexdigest()[:16]
