"""How much memory is free, and how many layers of a model it holds in f32."""

from pathlib import Path
from typing import Any

from swarmctl.converter.placing import LAYER
from swarmctl.converter.tensors import Refused, Tensor

_SHARE = 0.6
"""Of what is free: loading holds a tensor twice, and the server maps the GGUF file."""
_WIDE = 4


def free() -> int:
    """Bytes that this process may still take: the machine's, or its control group's where that is less."""
    rows = dict(line.split(":", 1) for line in Path("/proc/meminfo").read_text().splitlines() if ":" in line)
    machine = int(rows["MemAvailable"].split()[0]) << 10
    for most, used in (
        ("memory.max", "memory.current"),
        ("memory/memory.limit_in_bytes", "memory/memory.usage_in_bytes"),
    ):
        try:
            limit = int(Path("/sys/fs/cgroup", most).read_text())
            return min(machine, limit - int(Path("/sys/fs/cgroup", used).read_text()))
        except (OSError, ValueError):
            continue
    return machine


def layers(tensors: dict[str, Tensor], config: dict[str, Any], room: int) -> int:
    """All of them, or the first that fit into so many bytes. Raises Refused where not even one does."""
    count = int(config["num_hidden_layers"])
    sizes = [0] * count
    rest = 0
    for name, tensor in tensors.items():
        wide = tensor.rows * tensor.columns * _WIDE
        layer = LAYER.search(name)
        if layer is None:
            rest += wide
        elif int(layer[1]) < count:
            sizes[int(layer[1])] += wide
    left = room * _SHARE - rest
    held = 0
    for size in sizes:
        left -= size
        if left < 0:
            break
        held += 1
    if not held:
        raise Refused(f"{room >> 20:,} MiB are free; one layer and the embedding in f32 need more")
    return held
