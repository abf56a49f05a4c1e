"""Rows P3 and P4: `up` with containers against the same done by hand, with Docker Compose and Ollama's own API."""

import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import requests

sys.path.insert(0, str(Path(__file__).resolve().parent))
sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from measure import Row, alone, beside, in_turn, middle, seconds

from fakes.seventiny import adopt, ready
from swarmctl.core.compose import client_environment, parsed

OURS = str(Path(sys.executable).parent / "swarmctl")


@contextmanager
def home() -> Iterator[dict[str, str]]:
    """An environment with state and models of its own."""
    with tempfile.TemporaryDirectory(prefix="swarmctl-bench-") as folder:
        env = {**os.environ, "XDG_STATE_HOME": f"{folder}/state", "XDG_DATA_HOME": f"{folder}/data", "NO_COLOR": "1"}
        adopt(Path(folder) / "data" / "swarmctl" / "models")
        yield env


def compose_files(env: dict[str, str], swarm: str) -> list[Path]:
    """The files that `up` wrote."""
    return sorted((Path(env["XDG_STATE_HOME"]) / "swarmctl" / "swarms" / swarm).glob("*.yml"))


def no_op_row(env: dict[str, str]) -> list[Row]:
    """A second `up` of seven-tiny against `docker compose up -d` that finds nothing to do, run twice over."""
    files = compose_files(env, "seven-tiny")

    def by_hand() -> None:
        for file in (files * 2)[:2]:
            argv = ["docker", "compose", "-f", str(file), "up", "-d"]
            subprocess.run(argv, check=True, capture_output=True, env=client_environment(env))

    def ours() -> None:
        subprocess.run([OURS, "up", "--swarm", "seven-tiny"], check=True, capture_output=True, env=env)

    pair = in_turn(ours, by_hand, runs=7)
    return [
        beside("P3", "second up of nine services, against two no-op `docker compose up -d`", pair, "s", 3.0, 7),
        alone("P3a", "second up of nine services, whole process", pair[0], "s", 0.6, 7),
    ]


def cold_row(env: dict[str, str], runs: int = 3) -> list[Row]:
    """From nothing but images and models in their stores to proved, against Compose, a load and an answer each."""
    ours, hand = [], []
    for _ in range(runs):
        quiet_in(env, OURS, "down", "--swarm", "seven-tiny", "--purge")
        ours.append(seconds(lambda: quiet_in(env, OURS, "up", "--swarm", "seven-tiny")))
        files = compose_files(env, "seven-tiny")
        hand.append(by_hand(files[0], env))
    pair = (middle(ours), middle(hand))
    return [beside("P4", "cold up of seven-tiny to proved, against the same by hand", pair, "s", 1.2, runs)]


def by_hand(file: Path, env: dict[str, str]) -> float:
    """Seconds for what a person would type: compose up, each model created, loaded, and asked once."""
    compose = ["docker", "compose", "-f", str(file)]
    keep = client_environment(env)
    for name in ("lead", "frontend", "backend", "testing", "security", "docs", "devops"):
        requests.delete("http://127.0.0.1:11434/api/delete", json={"model": name}, timeout=60)
    subprocess.run([*compose, "down"], check=True, capture_output=True, env=keep)
    shutil.rmtree(Path(env["XDG_DATA_HOME"]) / "swarmctl" / "models" / "served" / "seven-tiny" / "ollama" / "blobs")
    begun = time.perf_counter()
    subprocess.run([*compose, "up", "-d"], check=True, capture_output=True, env=keep)
    port = parsed(file.read_text())["services"]["forwarder-cpu"]["command"][0].partition("=")[0]
    until(lambda: requests.get(f"http://127.0.0.1:{port}/api/version", timeout=5).ok)
    for path in ready():
        name = path.stem.removeprefix("seven-tiny-").replace("orchestrator", "lead")
        data = path.read_bytes()
        digest = f"sha256:{hashlib.sha256(data).hexdigest()}"
        requests.post(f"http://127.0.0.1:{port}/api/blobs/{digest}", data=data, timeout=120).raise_for_status()
        body = {"model": name, "files": {"model.gguf": digest}, "parameters": {"num_ctx": 2048}}
        requests.post(f"http://127.0.0.1:{port}/api/create", json=body, timeout=120).raise_for_status()
        load = {"model": name, "keep_alive": -1}
        requests.post(f"http://127.0.0.1:{port}/api/generate", json=load, timeout=120).raise_for_status()
        ask = {"model": name, "prompt": "Count to ten.", "stream": False, "options": {"num_predict": 24}}
        requests.post(f"http://127.0.0.1:{port}/api/generate", json=ask, timeout=120).raise_for_status()
    return time.perf_counter() - begun


def until(answers: Callable[[], bool], patience: float = 60) -> None:
    """Asks ten times a second."""
    end = time.monotonic() + patience
    while time.monotonic() < end:
        try:
            if answers():
                return
        except requests.RequestException:
            pass
        time.sleep(0.1)
    raise TimeoutError("the server did not answer")


def quiet_in(env: dict[str, str], *argv: str) -> None:
    """Runs a command; its output only when it fails."""
    done = subprocess.run(argv, capture_output=True, text=True, env=env, check=False)
    if done.returncode:
        raise RuntimeError(f"{' '.join(argv)}\n{done.stdout}{done.stderr}")


def rows() -> list[Row]:
    """For `make bench`; needs the ground."""
    with home() as env:
        try:
            found = cold_row(env)
            quiet_in(env, OURS, "up", "--swarm", "seven-tiny")
            return [*no_op_row(env), *found]
        finally:
            quiet_in(env, OURS, "down", "--swarm", "seven-tiny", "--purge")


if __name__ == "__main__":
    for row in rows():
        print(row)
