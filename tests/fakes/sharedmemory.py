"""What a larger model and six specialists take, apart and on one base: llama.cpp's own lines, the plan, the process."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import gguf
import psutil

from fakes.sharedserver import serving
from fakes.specialists import Shape, direction, gguf_of, publish, weights, without
from swarmctl.converter.sharebase import share
from swarmctl.core import enginelog
from swarmctl.core.memory.expected import expected
from swarmctl.core.memory.serving import Serving
from swarmctl.core.sharing.rewriting import scales
from swarmctl.effects.gguf import read_gguf

KIND = gguf.GGMLQuantizationType.Q8_0
LARGER = Shape("qwen2", layers=12, width=512, ffn=1536, heads=8, words=8192)
SMALLER = Shape("qwen2", layers=8, width=256, ffn=768, words=8192)
NAMES = tuple(f"s{n}" for n in range(6))
_MIB = 1 << 20


@dataclass(frozen=True)
class Taken:
    """MiB of one server. said: its buffer lines. planned: the same by the plan. resident: of the process, asked."""

    said: float
    planned: float
    resident: float
    expected: float

    def __add__(self, other: "Taken") -> "Taken":
        return Taken(
            self.said + other.said,
            self.planned + other.planned,
            self.resident + other.resident,
            self.expected + other.expected,
        )


@dataclass(frozen=True)
class Compared:
    """Seven servers against two."""

    apart: Taken
    shared: Taken


def compared(folder: Path) -> Compared:
    """All servers one after another, each asked on every slot."""
    base = weights(SMALLER)
    publish(folder / "base", SMALLER, base)
    single = [gguf_of(folder / "larger.gguf", LARGER, weights(LARGER, 9), KIND)]
    for n, name in enumerate(NAMES):
        edited = without(base, direction(SMALLER.width, n))
        publish(folder / name, SMALLER, edited)
        single.append(gguf_of(folder / f"{name}.gguf", SMALLER, edited, KIND))
    told = {"base": str(folder / "base"), "out": str(folder / "out")}
    found = share(told | {"specialists": {name: str(folder / name) for name in NAMES}}, lambda _: None)["specialists"]
    adapters = [folder / "out" / one["adapter"] for one in found]
    larger, *rest = [_taken(folder, model) for model in single]
    both = larger + _taken(folder, gguf_of(folder / "base.gguf", SMALLER, base, KIND), adapters)
    total = larger
    for one in rest:
        total += one
    return Compared(total, both)


def _taken(folder: Path, model: Path, adapters: Sequence[Path] = ()) -> Taken:
    slots = max(1, len(adapters))
    with serving(
        folder / f"of-{model.stem}", model, adapters, context=512, parallel=slots, flash_attention=True
    ) as server:
        for slot in range(slots):
            body = {"lora": scales(slot, slots)} if adapters else {}
            assert server.post("/completion", prompt=[5] * 400, n_predict=1, id_slot=slot, **body).ok
        resident = psutil.Process(server.pid).memory_info().rss / _MIB
        lines = enginelog.last_load(server.log.read_text())
        told = Serving.of(server.settings, "wheel")
    facts = read_gguf(model)
    told = replace(told, adapters=sum(path.stat().st_size for path in adapters))
    plan = expected(facts.model, facts.weights, told).host
    assert lines is not None
    return Taken(
        lines.weights + lines.kv + lines.compute + lines.output,
        plan.weights + plan.kv + plan.compute + plan.output,
        resident,
        plan.total,
    )
