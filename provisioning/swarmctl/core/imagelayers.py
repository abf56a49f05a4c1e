"""Layers of an image: which of them another machine's Docker has, and what the archives of `docker save` say."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

_BY_CONTENT = "io.containerd.snapshotter.v1"
_MOST = 1000
"""Layers of one image: Docker itself stops at 127."""


@dataclass(frozen=True, slots=True)
class Shared:
    """image: ID of the one there that has the most of our lowest layers, "" where none has one. layers: how many."""

    image: str = ""
    layers: int = 0


def shared(wanted: Sequence[str], held: Mapping[str, Sequence[str]]) -> Shared:
    """What is there. wanted: digests of the unpacked layers, lowest first. held: the same of each image, by its ID.

    A layer is known by itself and all that are below it: the same bytes on another base do not count.
    """
    best = Shared()
    for image in sorted(held):
        count = 0
        for ours, theirs in zip(wanted, held[image], strict=False):
            if ours != theirs:
                break
            count += 1
        if count > best.layers:
            best = Shared(image, count)
    return best


def keeps_archives(info: Mapping[str, Any]) -> bool:
    """Docker keeps layers as the archives that they came in, and takes up no image without all of them.

    info: of its `/info`. Stores by containerd do; with one by a graph driver, layers that it has need not come again.
    """
    status = info.get("DriverStatus")
    rows = status if isinstance(status, list) else []
    return any(isinstance(row, list) and row[1:2] == [_BY_CONTENT] for row in rows)


def layers_of(image: object) -> tuple[str, ...]:
    """Digests of an image's unpacked layers, of what `/images/ID/json` says; empty where it does not say it."""
    root = image.get("RootFS") if isinstance(image, Mapping) else None
    layers = root.get("Layers") if isinstance(root, Mapping) else None
    if not isinstance(layers, list) or not all(isinstance(one, str) for one in layers):
        return ()
    return tuple(layers[:_MOST])


def read_config(text: bytes) -> tuple[str, ...]:
    """The same of an image's configuration. Raises ValueError where that names none as they are written."""
    raw = json.loads(text)
    found = (raw.get("rootfs") or {}).get("diff_ids") if isinstance(raw, Mapping) else None
    if not isinstance(found, list) or not found or len(found) > _MOST:
        raise ValueError("its configuration names no layers")
    for one in found:
        if not isinstance(one, str) or not one.startswith("sha256:") or not _hexadecimal(one[7:]):
            raise ValueError(f"{str(one)[:80]!r} is no layer's digest")
    return tuple(found)


def read_manifest(text: bytes) -> tuple[str, tuple[str, ...]]:
    """Names of the configuration and of the layers in what `docker save` writes of one image. Raises ValueError."""
    raw = json.loads(text)
    if not isinstance(raw, list) or len(raw) != 1 or not isinstance(raw[0], Mapping):
        raise ValueError("it is not one image")
    config, layers = raw[0].get("Config"), raw[0].get("Layers")
    if not isinstance(config, str) or not isinstance(layers, list) or not all(isinstance(one, str) for one in layers):
        raise ValueError("its manifest is not whole")
    return config, tuple(layers)


def _hexadecimal(text: str) -> bool:
    return len(text) == 64 and not set(text) - set("0123456789abcdef")
