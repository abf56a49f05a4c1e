"""Row P10: a cold `up` on a simulated rental against the longest way through its own parts."""

import os
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))
sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from measure import Row, beside

from fakes.distant import swarm_on_a_card
from fakes.ejecting import build_agent
from fakes.practice import process
from fakes.shaders import HERE, folder, warm
from fakes.standincards import SHADERS, TOOL

_SAID = re.compile(r"critical path ([\d.]+) s of ([\d.]+) s")


@contextmanager
def renter() -> Iterator[tuple[Path, dict[str, str]]]:
    """A folder with a swarm in it, and an environment with a market whose rentals are real machines."""
    build_agent()
    warm()
    with tempfile.TemporaryDirectory(prefix="swarmctl-bench-") as scratch:
        home = Path(scratch)
        tools = home / "overlay" / "usr" / "bin"
        tools.mkdir(parents=True)
        for tool in (SHADERS, TOOL):
            shutil.copy(tool, tools)
            (tools / tool.name).chmod(0o755)
        words = ("--hosts", "docker", "--limits", "off", "--pace", "0.02", "--port", "0", "--seed", "51")
        given = ("--state", str(home / "market"), "--overlay", str(home / "overlay"))
        with process(*words, *given, "--volume", f"{folder()}:{HERE}") as market:
            swarm_on_a_card(home)
            state = {"XDG_STATE_HOME": f"{home}/state", "XDG_DATA_HOME": f"{home}/data", "NO_COLOR": "1"}
            state["XDG_CACHE_HOME"] = f"{home}/cache"
            yield home, {**os.environ, **market.env, **state}


def cold(home: Path, env: dict[str, str]) -> tuple[float, float, str]:
    """Seconds of one cold `up` on a machine that is rented for it, those of its critical path, and what it said."""
    ours = [sys.executable, "-m", "swarmctl"]
    try:
        said = _types([*ours, "up", "--gpu", "a100", "--yes"], home, env)
    finally:
        _types([*ours, "down", "--swarm", "team"], home, env)
    found = _SAID.search(said)
    if found is None:
        raise RuntimeError(f"no critical path is told:\n{said}")
    return float(found[2]), float(found[1]), said


def _types(argv: list[str], home: Path, env: dict[str, str]) -> str:
    done = subprocess.run(argv, cwd=home, env=env, capture_output=True, text=True, timeout=900, check=False)
    if done.returncode:
        raise RuntimeError(f"{' '.join(argv)}\n{done.stdout}{done.stderr}")
    return done.stderr


def rows(runs: int = 3) -> list[Row]:
    """For `make bench`; needs the ground. Whole and critical path are of the run whose ratio is the median."""
    with renter() as (home, env):
        pairs = [cold(home, env)[:2] for _ in range(runs)]
    middle = statistics.median_low(whole / critical for whole, critical in pairs)
    pair = next(one for one in pairs if one[0] / one[1] == middle)
    return [beside("P10", "cold up on a simulated rental, against its own critical path", pair, "s", 1.15, runs)]


if __name__ == "__main__":
    with renter() as told:
        print(cold(*told)[2])
