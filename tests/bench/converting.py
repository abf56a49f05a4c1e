"""Rows P5 and P14: seven models converted as one graph, against llama.cpp's own tools one model after another."""

import os
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))
sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from measure import Row, alone, beside, median, seconds

from fakes import tinymodels
from swarmctl.core.lock import Lock
from swarmctl.effects.converting.tools import IMAGE
from swarmctl.effects.imaging import provide

QUANT = "Q4_K_M"
SMALL, LARGE = {"hidden": 256, "layers": 24}, {"hidden": 768, "layers": 16}
"""Six of the one and one of the other have 1.05 GB in f16."""
_OURS = """
import json, sys
from pathlib import Path
from swarmctl.commands.convert import Wish, convert, decide
from swarmctl.commands.convertible import named
from swarmctl.effects.clock import SystemClock
from swarmctl.effects.ledger import Ledger
from swarmctl.effects.store import ModelStore
from swarmctl.effects.world import World
root, disk, *sources = sys.argv[1:]
clock = SystemClock()
world = World(clock, Ledger(Path(root) / "ledger.sqlite", clock), ModelStore(Path(root) / "models"), Path(root))
decided = decide(named(sources, ("Q4_K_M",)), Wish(disk=int(disk) or None, certify=False), world)
ended = []
report = convert(decided, world, lambda event: ended.append(event) if hasattr(event, "processor") else None)
report.check()
memory = max((event.peak for event in ended if event.node.step == "convert"), default=0)
processor = sum(event.processor for event in ended)
print(json.dumps({"planned": decided.schedule.peak, "memory": memory, "processor": processor}))
"""
_THEIRS = """set -e
for model in /in/*; do
  name=$(basename $model)
  python3 /usr/bin/convert_hf_to_gguf $model --outfile /work/$name.f16.gguf --outtype bf16
  llama-quantize /work/$name.f16.gguf /work/$name.gguf Q4_K_M > /dev/null 2>&1
done
times
"""


def conversion_rows() -> list[Row]:
    """Wall time and disk of seven models, without and with a disk budget; and of doing it again."""
    provide(IMAGE, lock=Lock())
    with tempfile.TemporaryDirectory(prefix="swarmctl-bench-") as name:
        folder = Path(name)
        sources = _models(folder / "in")
        used: list[str] = []
        theirs, most = _watched(folder / "theirs", lambda: used.append(_them(folder / "in", folder / "theirs")))
        told: list[str] = []
        ours, least = _watched(folder / "ours", lambda: told.append(_us(folder / "ours", 0, sources)))
        _asked(folder / "asked", sources)
        again = median(lambda: _asked(folder / "asked", sources), 7)
        budget = int(0.45 * most / (1 << 20))
        tight, little = _watched(folder / "tight", lambda: _us(folder / "tight", budget, sources))
    print(f"P5: with {budget} MiB {tight:.1f} s; ours without: {told[0].strip()}; theirs: {used}")
    return [
        beside("P5", "seven models converted, against llama.cpp's tools in turn", (ours, theirs), "s", 0.6, 1),
        beside("P5a", "the same, most disk at once", (least / 1e6, most / 1e6), "MB", 0.65, 1),
        beside("P5b", "the same with --disk-budget", (little / 1e6, most / 1e6), "MB", 0.5, 1),
        alone("P14", "`swarmctl convert` of seven models that are all there", again, "s", 0.5, 7),
    ]


def _models(folder: Path) -> list[Path]:
    folder.mkdir()
    shapes = {"lead": LARGE} | {f"specialist-{n}": SMALL for n in range(1, 7)}
    made = [
        tinymodels.make(folder / name, "Qwen2ForCausalLM", seed=seed, hidden=shape["hidden"], layers=shape["layers"])
        for seed, (name, shape) in enumerate(shapes.items())
    ]
    folder.chmod(0o755)
    return made


def _us(root: Path, disk: int, sources: list[Path]) -> str:
    argv = [sys.executable, "-c", _OURS, str(root), str(disk), *map(str, sources)]
    return subprocess.run(argv, check=True, capture_output=True, text=True).stdout


def _asked(root: Path, sources: list[Path]) -> None:
    """As a person asks, with certificates."""
    homes = {f"XDG_{name}_HOME": str(root / name.lower()) for name in ("STATE", "DATA")}
    argv = [sys.executable, "-m", "swarmctl", "convert", *map(str, sources), "--quant", QUANT]
    subprocess.run(argv, check=True, capture_output=True, env={**os.environ, **homes})


def _them(sources: Path, work: Path) -> str:
    """Their seconds of processor, user and system, as bash says them."""
    work.chmod(0o777)
    walls = ["--network", "none", "-v", f"{sources}:/in:ro", "-v", f"{work}:/work", "--user", "0:0"]
    argv = ["docker", "run", "--rm", "--label", "swarmctl.test=bench", *walls, IMAGE, "bash", "-c", _THEIRS]
    return subprocess.run(argv, check=True, capture_output=True, text=True).stdout.splitlines()[-1]


def _watched(folder: Path, act: Callable[[], object]) -> tuple[float, float]:
    """Seconds, and the most bytes that lay in a folder meanwhile."""
    folder.mkdir()
    with _most(folder) as seen:
        took = seconds(act)
    return took, max(seen)


@contextmanager
def _most(folder: Path) -> Iterator[list[float]]:
    seen, done = [0.0], threading.Event()

    def look() -> None:
        while not done.wait(0.05):
            seen.append(_size(folder))

    watcher = threading.Thread(target=look)
    watcher.start()
    try:
        yield seen
    finally:
        done.set()
        watcher.join()
        seen.append(_size(folder))


def _size(folder: Path) -> float:
    total = 0
    for path in folder.rglob("*"):
        try:
            total += path.lstat().st_blocks * 512
        except OSError:
            continue
    return float(total)


if __name__ == "__main__":
    for row in conversion_rows():
        print(row)
