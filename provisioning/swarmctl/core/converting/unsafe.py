"""What in a folder of published weights must not be read, is missing or cannot be; all of it at once."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import PurePosixPath
from typing import Any

from swarmctl.core.architectures.registry import choose

ADAPTER = "adapter_config.json"
CONFIG, INDEX, WHOLE = "config.json", "model.safetensors.index.json", "model.safetensors"
TOKENIZERS = ("tokenizer.json", "tokenizer.model", "vocab.json", "tekken.json", "spiece.model", "vocab.txt")
_PICKLES = (".bin", ".pt", ".pth", ".ckpt", ".pkl", ".pickle", ".h5", ".msgpack", ".npz")
_SHARD = re.compile(r"(.+)-(\d{5})-of-(\d{5})\.safetensors")
_TEXT = (".json", ".model", ".txt", ".jinja", ".tiktoken")
_SHOWN = 6


@dataclass(frozen=True, slots=True)
class Listing:
    """A folder or repository before its weights are read: bytes by file name, and what its small files say.

    index: of the shards, None where there is none. holes: shards that are shorter than their header says, with why.
    """

    sizes: Mapping[str, int]
    config: Mapping[str, Any] | None
    tokenizer: Mapping[str, Any] = field(default_factory=dict)
    index: Mapping[str, Any] | None = None
    holes: Mapping[str, str] = field(default_factory=dict)


def mistakes(found: Listing, *, trust: bool = False) -> tuple[str, ...]:
    """Everything that is wrong with it, in words; empty where it may be converted."""
    return (*_config(found), *_weights(found), *_tokenizer(found), *(() if trust else code(found)))


def weights(found: Listing) -> tuple[str, ...]:
    """The safetensors files that hold the model; of a folder with mistakes perhaps none."""
    if found.index is not None:
        return tuple(sorted({name for name in _mapped(found.index) if isinstance(name, str)}))
    if WHOLE in found.sizes:
        return (WHOLE,)
    return tuple(sorted(name for name in found.sizes if name.endswith(".safetensors") and "/" not in name))


def needed(found: Listing, *, trust: bool = False) -> tuple[str, ...]:
    """The files that a conversion reads; nothing else is fetched or shown to it. trust: code too."""
    held = set(weights(found))
    kinds = (*_TEXT, ".py") if trust else _TEXT
    small = {name for name in found.sizes if "/" not in name and name.endswith(kinds)}
    return tuple(sorted((held | small) & set(found.sizes)))


def outside(name: object) -> bool:
    """A file name that leads out of its folder, or is none."""
    if not isinstance(name, str) or not name or len(name) > 255 or any(ord(sign) < 32 for sign in name):
        return True
    path = PurePosixPath(name)
    return path.is_absolute() or ".." in path.parts or "\\" in name or name.startswith("~") or ":" in path.parts[0]


def code(found: Listing) -> tuple[str, ...]:
    """Why this model would need code from its repository to run; empty where it does not."""
    said = []
    if _auto(found.tokenizer):
        said.append("its tokenizer is a program of the repository (auto_map in tokenizer_config.json)")
    config = found.config or {}
    listed = config.get("architectures")
    names = [n for n in listed if isinstance(n, str)] if isinstance(listed, list | tuple) else []
    if _auto(config) and not any(choose(name, config) for name in names):
        said.append("its model is a program of the repository (auto_map in config.json)")
    return tuple(f"{why}: --trust-remote-code runs it, in the container without a network" for why in said)


def _auto(value: Mapping[str, Any]) -> bool:
    return bool(value.get("auto_map"))


def _config(found: Listing) -> list[str]:
    if found.config is None:
        return [f"{CONFIG} is missing or is no JSON mapping"]
    return []


def _weights(found: Listing) -> list[str]:
    if found.index is None and not any(name.endswith(".safetensors") for name in found.sizes):
        pickles = sorted(name for name in found.sizes if name.endswith(_PICKLES))
        if pickles:
            return [f"its weights are pickle files, which run code when they are read: {_some(pickles)}"]
        return ["it has no safetensors files"]
    held, lines = weights(found), []
    if found.index is not None:
        lines += _index(found)
    lines += [f"{name} leads out of the folder" for name in held if outside(name)]
    if lost := _absent(found, held):
        lines.append(f"missing: {_some(lost)}")
    empty = sorted(n for n, size in found.sizes.items() if size == 0 and n in {*held, CONFIG, *TOKENIZERS})
    lines += [f"{name} is empty" for name in empty]
    lines += [f"{name} {why}" for name, why in sorted(found.holes.items()) if name not in empty]
    return lines


def _index(found: Listing) -> list[str]:
    mapped = (found.index or {}).get("weight_map")
    if not isinstance(mapped, dict) or not mapped:
        return [f"{INDEX} maps no tensors"]
    odd = sum(not isinstance(name, str) for name in mapped.values())
    return [f"{INDEX} names {odd} files that are no names"] if odd else []


def _absent(found: Listing, held: tuple[str, ...]) -> list[str]:
    """Shards that an index names, or whose number in the names of others says that they exist."""
    wanted = set(held)
    for name in held:
        if match := _SHARD.fullmatch(name):
            stem, count = match[1], min(int(match[3]), 10_000)
            wanted |= {f"{stem}-{n:05d}-of-{count:05d}.safetensors" for n in range(1, count + 1)}
    lost = sorted(name for name in wanted if name not in found.sizes and not outside(name))
    if found.index is None and any(_SHARD.fullmatch(name) for name in held):
        lost.append(INDEX)
    return lost


def _tokenizer(found: Listing) -> list[str]:
    if any(name in found.sizes for name in TOKENIZERS):
        return []
    return [f"there is no tokenizer: none of {', '.join(TOKENIZERS[:3])}"]


def _mapped(index: Mapping[str, Any]) -> list[Any]:
    mapped = index.get("weight_map")
    return list(mapped.values()) if isinstance(mapped, dict) else []


def _some(names: list[str]) -> str:
    more = f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
    return ", ".join(names[:_SHOWN]) + more
