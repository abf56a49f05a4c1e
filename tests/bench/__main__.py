"""Every figure that the issues ask for, side by side with its peer, into build/bench.json."""

import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
import tomllib
from pathlib import Path

import psutil
import requests

sys.path.insert(0, str(Path(__file__).resolve().parent))
import containers
import renting
from converting import conversion_rows
from measure import BUILD, ROOT, Row, alone, beside, in_turn, median, middle, quiet, seconds, write
from planning import planning_rows

PYTHON = sys.executable
OURS = str(Path(PYTHON).parent / "swarmctl")


def peer_venv(name: str, *packages: str) -> Path:
    """A virtual environment with a peer in it, kept between runs."""
    venv = BUILD / "peers" / name
    if not (venv / "done").exists():
        shutil.rmtree(venv, ignore_errors=True)
        quiet([PYTHON, "-m", "venv", venv])
        quiet([venv / "bin" / "python", "-m", "pip", "install", "-q", *packages])
        (venv / "done").touch()
    return venv / "bin"


def help_row() -> list[Row]:
    """P1: `--help` against vastai's, each from its own wheel-like environment."""
    vastai = peer_venv("vastai", "vastai")
    pair = in_turn(lambda: quiet([OURS, "--help"]), lambda: quiet([vastai / "vastai", "--help"]), runs=9)
    return [
        beside("P1", "--help, whole process, against vastai --help", pair, "s", 0.25, 9),
        alone("P1a", "--help, whole process", pair[0], "s", 0.3, 9),
    ]


def header_row() -> list[Row]:
    """Reading a GGUF header against the library gguf, and refusing a truncated file."""
    from gguf import GGUFReader

    from swarmctl.effects.gguf import read_gguf
    from swarmctl.errors import SpecError

    held = sorted((Path(os.environ["XDG_DATA_HOME"]) / "swarmctl" / "models" / "blobs").glob("sha256-*"))
    model = held[0]
    with tempfile.NamedTemporaryFile(suffix=".gguf") as cut:
        cut.write(model.read_bytes()[: 4 * 1024 * 1024])
        cut.flush()

        def refuse() -> None:
            try:
                read_gguf(Path(cut.name))
            except SpecError:
                return
            raise AssertionError("a truncated file was not refused")

        refused = median(refuse, 9) * 1000
    pair = in_turn(lambda: read_gguf(model), lambda: GGUFReader(model))
    return [
        beside("G1", "GGUF header of SmolLM2, against the library gguf", pair, "s", 0.1, 5),
        alone("G2", "refusal of a truncated GGUF file", refused, "ms", 50, 9),
    ]


def swarm_rows() -> list[Row]:
    """Cold and warm `up`, `status`, agents' start and memory, `down`, on the demo swarm."""
    up, down = [OURS, "up", "--swarm", "demo"], [OURS, "down", "--swarm", "demo"]
    cold, warm, downs, cards = [], [], [], []
    for _ in range(5):
        shutil.rmtree(Path(os.environ["XDG_DATA_HOME"]), ignore_errors=True)
        cold.append(seconds(lambda: quiet(up)))
        downs.append(seconds(lambda: quiet(down)))
    for _ in range(5):
        warm.append(seconds(lambda: quiet(up)))
        cards.append(card_seconds())
        downs.append(seconds(lambda: quiet(down)))
    quiet(up)
    return [
        alone("U1", "cold up of the demo to proved, model taken out of its package", middle(cold), "s", 30, 5),
        alone("U2", "warm up of the demo to proved, model in the store", middle(warm), "s", 30, 5),
        alone("U3", "second up, nothing to do", median(lambda: quiet(up)), "s", 1.5, 5),
        alone(
            "S1", "status of a running swarm, whole process", median(lambda: quiet([OURS, "status"]), 9), "s", 0.5, 9
        ),
        alone("P11", "sum of PSS of seven agents after one task each", pss_after_tasks(), "MB", 500),
        alone("P11a", "all seven cards answer after the agents' start", middle(cards), "s", 3, 5),
        alone("E1", "resident memory of the engine", engine_resident(), "MB", 1000),
        alone("D1", "down, to nothing left", middle(downs), "s", 15, 10),
    ]


def _status() -> dict:
    return json.loads(subprocess.run([OURS, "status", "--json"], capture_output=True, check=True, text=True).stdout)


def pss_after_tasks() -> float:
    """MB: each agent answers one question first."""
    agents = [s for s in _status()["services"] if s["name"].startswith("agent-")]
    for agent in agents:
        quiet([OURS, "chat", agent["name"].removeprefix("agent-"), "Say hello."])
    return sum(psutil.Process(a["pid"]).memory_full_info().pss for a in agents) / 1e6


def engine_resident() -> float:
    """MB."""
    (engine,) = (s for s in _status()["services"] if s["name"].startswith("engine-"))
    return psutil.Process(engine["pid"]).memory_info().rss / 1e6


def card_seconds() -> float:
    """Kill the supervisor and the agents, bring them up again with no proofs in the way, and wait for all cards."""
    status = _status()
    agents = [s for s in status["services"] if s["name"].startswith("agent-")]
    for pid in (status["supervisor"], *(a["pid"] for a in agents)):
        psutil.Process(pid).kill()
    up = subprocess.Popen([OURS, "up", "--swarm", "demo"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    begun = None
    waiting = {a["port"] for a in agents}
    try:
        while waiting:
            if begun is None and any(_is_supervisor(p) for p in psutil.process_iter()):
                begun = time.perf_counter()
            waiting = {port for port in waiting if not _answers(port)}
            time.sleep(0.01)
        return time.perf_counter() - (begun or time.perf_counter())
    finally:
        up.wait()


def _is_supervisor(process: psutil.Process) -> bool:
    try:
        line = process.cmdline()
    except psutil.Error:
        return False
    return "swarmctl.supervisor" in line and "swarmctl.swarm=demo" in line


def _answers(port: int) -> bool:
    try:
        return requests.get(f"http://127.0.0.1:{port}/.well-known/agent-card.json", timeout=0.5).ok
    except requests.RequestException:
        return False


def package_rows() -> list[Row]:
    """Wheel size and number of distributions of the core install."""
    dist = BUILD / "bench-dist"
    shutil.rmtree(dist, ignore_errors=True)
    quiet([PYTHON, "-m", "hatchling", "build", "-t", "wheel", "-d", dist])
    (wheel,) = dist.glob("*.whl")
    bare = BUILD / "peers" / "core"
    shutil.rmtree(bare, ignore_errors=True)
    quiet([PYTHON, "-m", "venv", bare])
    quiet([bare / "bin" / "python", "-m", "pip", "install", "-q", wheel])
    listed = subprocess.run(
        [bare / "bin" / "python", "-m", "pip", "list", "--format", "json"], capture_output=True, check=True
    ).stdout
    count = len([p for p in json.loads(listed) if p["name"] not in {"pip", "setuptools", "swarmctl"}])
    return [
        alone("W1", "size of the wheel", wheel.stat().st_size / 1000, "kB", 1000),
        alone("W2", "distributions of the core install", count, "pcs", 25),
    ]


def make_rows() -> list[Row]:
    """`make check` warm, and `make demo` in a fresh clone, install and download included."""
    check = seconds(lambda: quiet(["make", "-C", ROOT, "check"]))
    whole = seconds(lambda: quiet(["make", "-C", ROOT, "test"])) / 60
    clone = BUILD / "bench-clone"
    shutil.rmtree(clone, ignore_errors=True)
    quiet(["git", "clone", "-q", ROOT, clone])
    with tempfile.TemporaryDirectory(prefix="swarmctl-") as home:
        demo = seconds(
            lambda: quiet(["make", "-C", clone, "demo"], XDG_STATE_HOME=f"{home}/s", XDG_DATA_HOME=f"{home}/d")
        )
    shutil.rmtree(clone, ignore_errors=True)
    return [
        alone("M1", "make check, warm", check, "s", 60),
        alone("M3", "make test, warm", whole, "min", 20),
        alone("M2", "make demo in a fresh clone, install and download included", demo, "s", 300),
    ]


def torture_rows() -> list[Row]:
    """What the last `make torture` of this commit measured."""
    head = subprocess.run(
        ["git", "-C", ROOT, "rev-parse", "HEAD"], capture_output=True, text=True, check=True
    ).stdout.strip()
    file = BUILD / "torture.json"
    if not file.exists():
        return []
    last = json.loads(file.read_text())
    return [Row(**row) for row in last["rows"]] if last["commit"] == head else []


def container_rows() -> list[Row]:
    """P3, P4, P5, P10 and P14, where the ground stands."""
    if subprocess.run(["docker", "version"], capture_output=True, check=False).returncode:
        print("left out: P3, P4, P5, P10 and P14, for want of the ground (make ground)", file=sys.stderr)
        return []
    return containers.rows() + conversion_rows() + renting.rows()


def main() -> int:
    """Measure everything; exit 1 when a goal is missed."""
    BUILD.mkdir(exist_ok=True)
    version = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["name"]
    print(f"{version} on {os.cpu_count()} cores; {re.sub(chr(10), ' ', sys.version)}", file=sys.stderr)
    with tempfile.TemporaryDirectory(prefix="swarmctl-") as home:
        os.environ |= {"XDG_STATE_HOME": f"{home}/state", "XDG_DATA_HOME": f"{home}/data"}
        os.chdir(home)
        rows = help_row()
        try:
            rows += swarm_rows() + header_row()
        finally:
            subprocess.run([OURS, "down", "--swarm", "demo"], capture_output=True, check=False)
    os.chdir(ROOT)
    rows += planning_rows() + container_rows() + package_rows() + make_rows() + torture_rows()
    write(rows)
    return 0 if all(row.holds for row in rows) else 1


sys.exit(main())
