"""A tied base as a folder with a head of its own: an adapter of a tied embedding crashes llama-server.

The server keeps a copy of a tied embedding for its head anyway, so the head takes disk, not memory of a card.
"""

import json
import shutil
from pathlib import Path

from swarmctl.converter.tensors import Refused, document, tensors

_HEAD, _SHARD = "lm_head.weight", "model-head.safetensors"
_WHOLE, BODY = "model.safetensors", "model-body.safetensors"
"""transformers reads a file of the first name alone, whatever an index says: beside a head it needs another one."""
_CHUNK = 1 << 24


def untied(base: Path, out: Path) -> Path:
    """The folder: links to the base's files, one more shard, `tie_word_embeddings` false. Raises Refused."""
    listed = tensors(base)
    found = [tensor for name, tensor in listed.items() if name.endswith("embed_tokens.weight")]
    if len(found) != 1 or len(found[0].shape) != 2:
        raise Refused(f"{base.name}: no single matrix of embeddings to make a head of")
    embedding = found[0]
    part = out.with_name(out.name + ".part")
    shutil.rmtree(part, ignore_errors=True)
    part.mkdir(parents=True)
    for file in base.iterdir():
        if file.is_file() and file.name not in {"config.json", "model.safetensors.index.json"}:
            (part / _named(file.name)).symlink_to(file.resolve())
    header = {_HEAD: {"dtype": embedding.kind, "shape": list(embedding.shape), "data_offsets": [0, embedding.size]}}
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    with (part / _SHARD).open("wb") as shard, embedding.file.open("rb") as source:
        shard.write(len(text).to_bytes(8, "little") + text)
        source.seek(embedding.start)
        left = embedding.size
        while left:
            left -= shard.write(source.read(min(left, _CHUNK)))
    files = {name: _named(tensor.file.name) for name, tensor in listed.items() if name != _HEAD} | {_HEAD: _SHARD}
    index = {"metadata": {"total_size": sum(t.size for t in listed.values()) + embedding.size}, "weight_map": files}
    (part / "model.safetensors.index.json").write_text(json.dumps(index))
    config = document(base / "config.json") | {"tie_word_embeddings": False}
    (part / "config.json").write_text(json.dumps(config, indent=2))
    shutil.rmtree(out, ignore_errors=True)
    part.replace(out)
    return out


def _named(file: str) -> str:
    return BODY if file == _WHOLE else file
