"""The model that a file or folder describes: GGUF, config.json, safetensors with it, or a folder that holds them."""

from pathlib import Path

from swarmctl.core.architectures import from_config
from swarmctl.core.model import Model
from swarmctl.core.safetensors import LARGEST, Published, agree, header, index, loads
from swarmctl.effects.gguf import read_gguf
from swarmctl.errors import SpecError

_CONFIG, _INDEX, _WHOLE = "config.json", "model.safetensors.index.json", "model.safetensors"


def describe(path: Path) -> Model:
    """The architecture of what is at a path. Tensors that lie beside a config.json are checked against it.

    Raises SpecError, naming the file and what is wrong with it.
    """
    if path.suffix == ".gguf":
        return read_gguf(path).model
    folder = path if path.is_dir() else path.parent
    model = _config(folder / _CONFIG if path.is_dir() or path.name != _CONFIG else path, folder.name)
    beside = [folder / _INDEX, folder / _WHOLE] if path.is_dir() else [path]
    listed = next((file for file in beside if file.name != _CONFIG and file.is_file()), None)
    if listed is not None:
        try:
            agree(model, read_tensors(listed))
        except SpecError as e:
            raise SpecError(f"{listed}: {e.message}", detail=e.detail, hint=e.hint) from None
    return model


def read_tensors(path: Path) -> dict[str, Published]:
    """The tensors that a safetensors file, or the index of several, lists. Raises SpecError."""
    if path.name.endswith(".index.json"):
        return index(_start(path))
    try:
        with path.open("rb", buffering=0) as file:
            raw = file.read(8)
            length = int.from_bytes(raw, "little")
            if len(raw) < 8 or not 2 <= length <= min(LARGEST, path.stat().st_size - 8):
                raise SpecError(f"is no safetensors file: its header claims {length:,} bytes")
            return header(file.read(length))
    except OSError as e:
        raise SpecError(f"{path}: cannot be read: {e.strerror or e}") from None


def _config(path: Path, name: str) -> Model:
    try:
        config = loads(_start(path))
    except SpecError as e:
        raise SpecError(f"{path} {e.message}", detail=e.detail, hint=e.hint) from None
    if not isinstance(config, dict):
        raise SpecError(f"{path} holds no mapping")
    return from_config(config, name)


def _start(path: Path) -> bytes:
    """The file, or as much of it as a header may have and a byte more."""
    try:
        with path.open("rb", buffering=0) as file:
            return file.read(LARGEST + 9)
    except OSError as e:
        raise SpecError(f"{path}: cannot be read: {e.strerror or e}") from None
