"""What a llama.cpp server says of itself in its log when it loads a model."""

import re
from dataclasses import dataclass

_LOAD = "load_tensors: loading model tensors"
_BUFFER = re.compile(r"\S+ +(model|LoRA|KV|RS|compute|output) buffer size = +([\d.]+) MiB")
_RESERVE = "sched_reserve: reserving"
_KV = re.compile(r"llama_kv_cache: size = .* K \((\w+)\): .* V \((\w+)\):")
_FLASH = re.compile(r"llama_context: flash_attn += (\w+)")
_LAYERS = re.compile(r"offloaded (\d{1,6})/(\d{1,6}) layers to GPU")
_SOFTWARE = re.compile(r"using device (\S+ \((?:llvmpipe|lavapipe|softpipe|SwiftShader)\b[^\n]*?\)) \(", re.I)


@dataclass(frozen=True, slots=True)
class LoadLines:
    """The last load in a log; sizes in MiB, summed over devices.

    weights: with adapters. kv: with the states of recurrent layers. key_type, value_type: empty when nothing is cached
    but states. flash_attention: the engine's own word, `enabled`, `disabled` or `auto`; empty when it did not say.
    """

    weights: float
    kv: float
    compute: float
    output: float
    key_type: str
    value_type: str
    flash_attention: str


def loads(log: str) -> int:
    """How many times a model was loaded."""
    return log.count(_LOAD)


def layers(log: str) -> tuple[int, int] | None:
    """Layers of the last load that are on a card, and all of them; None when it says nothing of that."""
    found = _LAYERS.search(log, max(0, log.rfind(_LOAD)))
    return (int(found[1]), int(found[2])) if found else None


def software(log: str) -> str:
    """The device that a server uses, where it is a GPU in name only: a program on the CPU, with the host's memory."""
    found = _SOFTWARE.search(log)
    return found[1] if found else ""


def last_load(log: str) -> LoadLines | None:
    """The lines of the last load; None when the log holds none, or not all of them."""
    start = log.rfind(_LOAD)
    if start < 0:
        return None
    tail = log[start:]
    sizes = {"model": 0.0, "LoRA": 0.0, "KV": 0.0, "RS": 0.0, "compute": 0.0, "output": 0.0}
    found = set()
    # A server reserves its compute buffer anew, in the same place, whenever another adapter is switched on.
    newest = max(0, tail.rfind(_RESERVE, 0, max(0, tail.rfind("compute buffer size"))))
    for line in _BUFFER.finditer(tail):
        found.add(line[1])
        if line[1] != "compute" or line.start() > newest:
            sizes[line[1]] += float(line[2])
    kv, flash = _KV.search(tail), _FLASH.search(tail)
    if not {"model", "compute"} <= found or not ("RS" in found or ("KV" in found and kv)):
        return None
    return LoadLines(
        sizes["model"] + sizes["LoRA"],
        sizes["KV"] + sizes["RS"],
        sizes["compute"],
        sizes["output"],
        kv.group(1) if kv else "",
        kv.group(2) if kv else "",
        flash.group(1) if flash else "",
    )
