"""Small random models as Hugging Face publishes models, with the real tokenizers of their families."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from fakes import safetensorsfile, sentencepieces
from fakes.realtokenizers import FILES, tokenizer
from fakes.safetensorsfile import Array
from fakes.tinyshapes import SHAPES
from fakes.tinyweights import Weights

ARCHITECTURES = tuple(SHAPES)


def make(
    folder: Path, arch: str, *, seed: int = 0, dtype: str = "bf16", tied: bool | None = None, shards: int = 1,
    hidden: int = 64, layers: int | None = None,
) -> Path:  # fmt: skip
    """A new folder with config.json, generation_config.json, the tokenizer, and the weights.

    arch: one of ARCHITECTURES. dtype: bf16, f16 or f32. tied: None as the family does it. hidden: a multiple of 32
    (of 256 for rows that K-quants take). The embedding of 130 to 260 thousand rows decides the size: 17 to 34 MB at 64
    and two bytes. Skips the test where the tokenizer cannot be had.
    """
    shape = SHAPES[arch]
    folder.mkdir(parents=True)
    _tokenizer(folder, arch)
    config = shape.config(hidden) | {
        "architectures": [arch], "model_type": shape.kind, "num_hidden_layers": layers or shape.layers,
        "vocab_size": shape.words, "bos_token_id": shape.bos, "eos_token_id": shape.stop[0],
        "tie_word_embeddings": shape.tied if tied is None else tied,
        "torch_dtype": {"bf16": "bfloat16", "f16": "float16", "f32": "float32"}[dtype],
    }  # fmt: skip
    _json(folder / "config.json", config)
    sampling = {"do_sample": True, "temperature": 0.7, "top_k": 20, "top_p": 0.8}
    stop = list(shape.stop) if len(shape.stop) > 1 else shape.stop[0]
    _json(folder / "generation_config.json", {"bos_token_id": shape.bos, "eos_token_id": stop, **sampling})
    safetensorsfile.write(folder, dict(Weights(shape, config, seed).all()), dtype, shards)
    return folder


def edit(folder: Path, change: Callable[[dict[str, Array]], None], *, dtype: str = "bf16", shards: int = 1) -> None:
    """Changes the weights of a folder in place: `change` gets all tensors by name, as float32."""
    tensors = safetensorsfile.read(folder)
    change(tensors)
    safetensorsfile.write(folder, tensors, dtype, shards)


def edit_json(path: Path, change: Callable[[dict[str, Any]], None]) -> None:
    """Changes a JSON file in place."""
    said = json.loads(path.read_text())
    change(said)
    _json(path, said)


def _tokenizer(folder: Path, arch: str) -> None:
    shape = SHAPES[arch]
    source = tokenizer(shape.tokenizer)
    for file in FILES:
        # Copied, not linked: tests edit what they get.
        (folder / file).write_bytes((source / file).read_bytes())
    if shape.template:
        edit_json(folder / "tokenizer_config.json", lambda said: said.update(chat_template=shape.template))
    if shape.shifted:
        sentencepieces.write(folder)


def _json(path: Path, value: dict[str, Any]) -> None:
    path.write_text(json.dumps(value, indent=2, ensure_ascii=False))
