"""A model's first layers alone, as published and as GGUF, for machines that cannot hold it whole."""

import json
import shutil
import struct
from pathlib import Path

from swarmctl.converter.gguffile import GGUF, Stored
from swarmctl.converter.placing import LAYER
from swarmctl.converter.tensors import Refused, Tensor, document

_BLOCK = "blk."


def published(source: Path, tensors: dict[str, Tensor], layers: int, folder: Path) -> Path:
    """A folder whose config.json has fewer layers and whose index leaves out the others; weights are links."""
    folder.mkdir()
    config = document(source / "config.json")
    config["num_hidden_layers"] = layers
    if isinstance(config.get("layer_types"), list):
        config["layer_types"] = config["layer_types"][:layers]
    (folder / "config.json").write_text(json.dumps(config))
    kept = {name: tensor.file for name, tensor in tensors.items() if _layer(name) < layers}
    for file in {*kept.values(), *source.glob("*.py")}:
        (folder / file.name).symlink_to(file.resolve())
    index = {"metadata": {}, "weight_map": {name: file.name for name, file in kept.items()}}
    (folder / "model.safetensors.index.json").write_text(json.dumps(index))
    return folder


def stored(file: GGUF, layers: int, path: Path) -> Path:
    """A GGUF file with fewer layers: metadata as it was but for their number. Raises Refused."""
    grain = int(file.values.get("general.alignment", 32)) or 32
    kept = [tensor for tensor in file.tensors.values() if _block(tensor.name) < layers]
    with path.open("wb") as out, file.path.open("rb") as whole:
        out.write(b"GGUF" + struct.pack("<IQQ", 3, len(kept), file.pairs))
        out.write(_metadata(file, layers))
        at = 0
        for tensor in kept:
            out.write(_entry(tensor, at))
            at += -(-file.size(tensor) // grain) * grain
        for tensor in kept:
            out.write(b"\0" * (-out.tell() % grain))
            whole.seek(tensor.start)
            left = file.size(tensor)
            while left:
                piece = whole.read(min(left, 1 << 22))
                if not piece:
                    raise Refused(f"{file.path.name}: {tensor.name} ends early")
                out.write(piece)
                left -= len(piece)
    return path


def room(scratch: Path) -> int:
    """Bytes that are free there."""
    return shutil.disk_usage(scratch).free


def _metadata(file: GGUF, layers: int) -> bytes:
    raw = bytearray(file.metadata)
    name = f"{file.architecture}.block_count".encode()
    at = raw.find(struct.pack("<Q", len(name)) + name) + 8 + len(name)
    if at < 8 + len(name) or struct.unpack_from("<I", raw, at)[0] not in {4, 5}:
        raise Refused(f"{file.path.name}: its number of layers is not where it is expected")
    struct.pack_into("<I", raw, at + 4, layers)
    return bytes(raw)


def _entry(tensor: Stored, at: int) -> bytes:
    name = tensor.name.encode()
    head = struct.pack("<Q", len(name)) + name + struct.pack("<I", len(tensor.shape))
    return head + struct.pack(f"<{len(tensor.shape)}QIQ", *tensor.shape, tensor.type, at)


def _layer(name: str) -> int:
    found = LAYER.search(name)
    return int(found[1]) if found else -1


def _block(name: str) -> int:
    return int(name.split(".")[1]) if name.startswith(_BLOCK) else -1
