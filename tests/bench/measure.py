"""Timing whole processes and calls, ours and the peer's in turn."""

import json
import os
import statistics
import subprocess
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
BUILD = ROOT / "build"
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)  # what is installed has its bytecode


@dataclass(frozen=True, slots=True)
class Row:
    """One figure. ratio: ours / peer; goal in words; holds: the goal is met."""

    id: str
    work: str
    ours: float
    peer: float | None
    unit: str
    ratio: float | None
    goal: str
    holds: bool
    runs: int = 1


def alone(id_: str, work: str, ours: float, unit: str, most: float, runs: int = 1) -> Row:
    """A figure without a peer that must not be over `most`."""
    return Row(id_, work, round(ours, 3), None, unit, None, f"<= {most:g} {unit}", ours <= most, runs)


def beside(id_: str, work: str, pair: tuple[float, float], unit: str, most: float, runs: int) -> Row:
    """A figure beside its peer's, whose ratio must not be over `most`."""
    ours, peer = pair
    ratio = ours / peer
    return Row(
        id_, work, round(ours, 4), round(peer, 4), unit, round(ratio, 3), f"<= {most:g} x peer", ratio <= most, runs
    )


def seconds(act: Callable[[], object]) -> float:
    """Wall time of one call."""
    begun = time.perf_counter()
    act()
    return time.perf_counter() - begun


def in_turn(ours: Callable[[], object], peer: Callable[[], object], runs: int = 5) -> tuple[float, float]:
    """Medians of ours and the peer's, one after the other, after one of each that does not count."""
    ours(), peer()
    pairs = [(seconds(ours), seconds(peer)) for _ in range(runs)]
    return statistics.median(a for a, _ in pairs), statistics.median(b for _, b in pairs)


def middle(figures: Sequence[float]) -> float:
    """The median of figures that were taken one by one."""
    return statistics.median(figures)


def median(act: Callable[[], object], runs: int = 5) -> float:
    """Median wall time, after one call that does not count."""
    act()
    return statistics.median(seconds(act) for _ in range(runs))


def quiet(argv: Sequence[str | Path], **extra: str) -> None:
    """Run to the end with nothing shown; CalledProcessError when it fails."""
    subprocess.run(argv, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env={**os.environ, **extra})


def write(rows: list[Row]) -> None:
    """The table on the screen and build/bench.json."""
    BUILD.mkdir(exist_ok=True)
    (BUILD / "bench.json").write_text(json.dumps([asdict(row) for row in rows], indent=1) + "\n")
    print(f"{'id':<8} {'ours':>10} {'peer':>10} {'unit':<8} {'ratio':>7}  {'goal':<18} {'holds':<6} runs  work")
    for r in rows:
        peer, ratio = (f"{v:g}" if v is not None else "-" for v in (r.peer, r.ratio))
        holds = "yes" if r.holds else "NO"
        figures = f"{r.id:<8} {r.ours:>10g} {peer:>10} {r.unit:<8} {ratio:>7}"
        print(f"{figures}  {r.goal:<18} {holds:<6} {r.runs:>4}  {r.work}")
