"""What Ollama's log says: the environment as it understood it, how each model was started, and why one failed."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

from swarmctl.core.enginelog import LoadLines, last_load, software

_CONFIG = re.compile(r'msg="server config" env="map\[(.*)\]"$', re.MULTILINE)
_VARIABLE = re.compile(r"(?:^| )([A-Z][A-Z0-9_]*|https?_proxy|no_proxy):")
_START = re.compile(r'msg="starting (?:llama-server|runner)" cmd="([^"\n]*)"')
_REQUEST = re.compile(r'msg=load request="\{Operation:commit ([^"\n]*)\}"')
_FIELD = re.compile(r"(\w+):(\S*)")
_BLOB = re.compile(r"sha256-([0-9a-f]{64})")
_DEVICE = re.compile(r"(\S+) +(model|KV|RS|compute|output) buffer size = +([\d.]+) MiB")
_SIZED = re.compile(r'msg="(model weights|kv cache|compute graph)" device=(\S+) size="([\d.]+) ([KMG]i)?B"')
"""How 0.24's own engine says it, which runs the newer architectures there."""
_MIB = {"": 2.0**-20, "Ki": 2.0**-10, "Mi": 1.0, "Gi": 1024.0}
_RECKONING = frozenset(("compute", "output", "compute graph"))
_LAYERS = re.compile(r"offloaded (\d+)/(\d+) layers to GPU")
_ON_HOST = re.compile(r"^(CPU|AMX|BLAS)|_Host$")
_CAUSES = (
    re.compile(r"(tensor '[^']*' data is not within the file bounds[^\n]*)"),
    re.compile(r"(unable to allocate [^\n]*buffer[^\n]*|cudaMalloc failed[^\n]*|[^\n]*out of memory[^\n]*)"),
    re.compile(r"(V cache quantization requires flash_attn[^\n]*|quantized V cache[^\n]*flash[^\n]*)", re.I),
    re.compile(r"(Unsupported cache type[^\n]*)"),
    re.compile(r"error loading model: ([^\n]*)"),
    re.compile(r"((?:bind|listen)[^\n]*address already in use|couldn't bind HTTP server socket[^\n]*)"),
    re.compile(r"(no space left on device)"),
    re.compile(r"(signal: killed)"),
    re.compile(r"GGML_ASSERT\(([^\n]*)"),
    re.compile(r"level=ERROR [^\n]*msg=\"?([^\n]*)"),
)
"""The more telling first."""


@dataclass(frozen=True, slots=True)
class Launch:
    """How one model was started, the last time. blob: digest of its weights.

    context: tokens per slot. kv: type of the cache, of keys and values; "" when the engine did not say. flash: `on`,
    `off`, `auto` or "". batch: tokens. buffers: MiB by device. kept: those of them that hold weights and cache. lines:
    of the load, None when it did not get so far. said: the words with which it was started, as the log has them.
    software: the device that it uses, where that is a GPU in name only: a program on the CPU, with the host's memory.
    """

    blob: str
    context: int
    parallel: int
    kv: str
    flash: str
    batch: int
    buffers: Mapping[str, float]
    kept: Mapping[str, float]
    layers: tuple[int, int] | None
    lines: LoadLines | None
    said: str
    software: str = ""

    @property
    def on_gpu(self) -> float:
        """MiB that lie on a device which is not the host."""
        return _off_host(self.buffers)

    @property
    def kept_on_gpu(self) -> float:
        """MiB of weights and cache there: a model that is kept off the GPU may still reckon on it."""
        return _off_host(self.kept)

    @property
    def on_host(self) -> float:
        """MiB that lie in host memory."""
        return sum(self.buffers.values()) - self.on_gpu


def _off_host(buffers: Mapping[str, float]) -> float:
    return sum(size for device, size in buffers.items() if not _ON_HOST.search(device))


def configured(log: str) -> Mapping[str, str] | None:
    """The variables of the last start by name, as the server parsed them; None when the log does not hold the line."""
    found = _CONFIG.findall(log)
    if not found:
        return None
    text = found[-1]
    return {mark[1]: after.strip() for mark, after in _parts(list(_VARIABLE.finditer(text)), text)}


def launches(log: str) -> Mapping[str, Launch]:
    """The last start of each model, by the digest of its weights."""
    made = [_launch(start[1].split(), tail) for start, tail in _parts(list(_START.finditer(log)), log)]
    return {launch.blob: launch for launch in made if launch.blob}


def starts(log: str) -> Mapping[str, int]:
    """How often each model was started, by the digest of its weights."""
    found: dict[str, int] = {}
    for start in _START.finditer(log):
        if blob := _BLOB.search(start[1]):
            found[blob[1]] = found.get(blob[1], 0) + 1
    return found


def why(log: str) -> str:
    """Why the last load in a log failed, in the engine's own words; "" when it does not say."""
    begun = [start.start() for start in _START.finditer(log)]
    tail = log[begun[-1] :] if begun else log
    for cause in _CAUSES:
        if found := cause.search(tail):
            return found[1].strip().strip('"')[:300]
    return ""


def port_taken(reason: str) -> bool:
    """Why a load failed is that somebody took the port that the server had chosen for its runner: another will do."""
    return reason.startswith("couldn't bind HTTP server socket") or reason.endswith("address already in use")


def _parts(marks: Sequence[re.Match[str]], text: str) -> list[tuple[re.Match[str], str]]:
    """Each mark with the text from it to the next."""
    ends = [*(mark.start() for mark in marks[1:]), len(text)]
    return [(mark, text[mark.end() : end]) for mark, end in zip(marks, ends, strict=False)]


def _launch(argv: Sequence[str], tail: str) -> Launch:
    blob, layers = _BLOB.search(" ".join(argv)), _LAYERS.search(tail)
    requests = _REQUEST.findall(tail)
    settings = _of_argv(argv) if "-c" in argv else _of_request(requests[-1] if requests else "")
    lines, rows = last_load(tail), _buffers(tail)
    kv = settings["kv"] or (lines.key_type if lines and lines.key_type == lines.value_type else "")
    slots = max(1, _whole(settings["slots"]))
    return Launch(
        blob[1] if blob else "",
        _whole(settings["cells"]) // slots,
        slots,
        kv,
        settings["flash"],
        _whole(settings["batch"]),
        _sums(rows),
        _sums([row for row in rows if row[1] not in _RECKONING]),
        (int(layers[1]), int(layers[2])) if layers else None,
        lines,
        " ".join((*argv, *requests[-1:])),
        software(tail),
    )


def _buffers(tail: str) -> list[tuple[str, str, float]]:
    """Device, kind and MiB: llama.cpp's own lines, else those of the engine that 0.24 has beside it."""
    rows = [(device, kind, float(size)) for device, kind, size in _DEVICE.findall(tail)]
    return rows or [(device, kind, float(size) * _MIB[unit]) for kind, device, size, unit in _SIZED.findall(tail)]


def _sums(rows: Sequence[tuple[str, str, float]]) -> dict[str, float]:
    found: dict[str, float] = {}
    for device, _, size in rows:
        found[device] = found.get(device, 0.0) + size
    return found


def _of_argv(argv: Sequence[str]) -> dict[str, str]:
    """From 0.30 on the command line of llama-server says it."""
    after = dict(pairwise(argv))
    keys, values = after.get("--cache-type-k", ""), after.get("--cache-type-v", "")
    return {
        "cells": after.get("-c", ""),
        "slots": after.get("-np", ""),
        "kv": keys if keys == values else f"{keys}/{values}",
        "flash": after.get("--flash-attn", ""),
        "batch": after.get("-b", ""),
    }


def _of_request(request: str) -> dict[str, str]:
    """Before 0.30 the runner gets its settings by HTTP, and says them when it loads."""
    said = dict(_FIELD.findall(request))
    flash = said.get("FlashAttention", "").lower()
    return {
        "cells": said.get("KvSize", ""),
        "slots": said.get("Parallel", ""),
        "kv": said.get("KvCacheType", ""),
        "flash": {"true": "on", "enabled": "on", "false": "off", "disabled": "off"}.get(flash, flash),
        "batch": said.get("BatchSize", ""),
    }


def _whole(text: str) -> int:
    return int(text) if text.isdigit() else 0
