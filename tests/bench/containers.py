"""Rows P3 and P4: `up` with containers against the same done by hand, with Docker Compose and Ollama's own API.

P4a: seven models that write at once on processors, against the same seven one after another.
"""

import hashlib
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import requests
import yaml

sys.path.insert(0, str(Path(__file__).resolve().parent))
sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from measure import Row, alone, beside, in_turn, middle, seconds

from fakes.cardhosts import cards_host, spec
from fakes.seventiny import adopt, ready
from ground.places import ROLES
from swarmctl.core.compose import client_environment, parsed

MODELS = ("lead", *(role for role in ROLES if role != "orchestrator"))
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


_NO_OP = """
import glob, json, os, statistics, subprocess, sys, time
env = {**os.environ, "NO_COLOR": "1"}
files = sorted(glob.glob("/root/.local/state/swarmctl/swarms/cards/gpu*.yml"))
def timed(act):
    begun = time.perf_counter()
    act()
    return time.perf_counter() - begun
def hand():
    for file in files:
        subprocess.run(["docker", "compose", "-f", file, "up", "-d"], check=True, capture_output=True, env=env)
def ours():
    argv = ["python3", "-P", "-m", "swarmctl", "up", "--file", "/root/swarm.yml"]
    done = subprocess.run(argv, check=True, capture_output=True, text=True, env=env)
    assert "nothing to do" in done.stdout, done.stdout
ours(), hand()
pairs = [(timed(ours), timed(hand)) for _ in range(7)]
print(json.dumps([len(files), *(statistics.median(column) for column in zip(*pairs))]))
"""
"""Row P3 as it is taken on that machine: medians of seven, in turn, after one of each that does not count."""


def two_stacks_row() -> list[Row]:
    """A second `up` of two stacks against two `docker compose up -d` that find nothing to do, on a host with two cards.

    Fourteen roles, two a model, on two cards: eighteen containers, two servers and two forwarders among them.
    """
    swarm = yaml.safe_load(spec(ROLES, runtime="compose"))
    swarm["roles"] |= {f"{role}-2": {"model": role} for role in ROLES}
    with cards_host(2) as machine:
        machine.put("/root/swarm.yml", yaml.safe_dump(swarm))
        done = machine.swarmctl("up", "--yes", seconds=480)
        if done.returncode:
            raise RuntimeError((done.stdout + done.stderr).decode())
        count, ours, hand = json.loads(machine.swarmctl_python(_NO_OP).splitlines()[-1])
    if count != 2:
        raise RuntimeError(f"{count} stacks")
    work = "second up of two stacks of nine services"
    return [
        beside("P3", f"{work}, against two no-op `docker compose up -d`", (ours, hand), "s", 3.0, 7),
        alone("P3a", f"{work}, whole process", ours, "s", 0.6, 7),
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
    for name in MODELS:
        requests.delete("http://127.0.0.1:11434/api/delete", json={"model": name}, timeout=60)
    subprocess.run([*compose, "down"], check=True, capture_output=True, env=keep)
    shutil.rmtree(Path(env["XDG_DATA_HOME"]) / "swarmctl" / "models" / "served" / "seven-tiny" / "ollama" / "blobs")
    begun = time.perf_counter()
    subprocess.run([*compose, "up", "-d"], check=True, capture_output=True, env=keep)
    url = url_of(file)
    until(lambda: requests.get(f"{url}/api/version", timeout=5).ok)
    for path in ready():
        name = path.stem.removeprefix("seven-tiny-").replace("orchestrator", "lead")
        data = path.read_bytes()
        digest = f"sha256:{hashlib.sha256(data).hexdigest()}"
        requests.post(f"{url}/api/blobs/{digest}", data=data, timeout=120).raise_for_status()
        body = {"model": name, "files": {"model.gguf": digest}, "parameters": {"num_ctx": 2048}}
        requests.post(f"{url}/api/create", json=body, timeout=120).raise_for_status()
        load = {"model": name, "keep_alive": -1}
        requests.post(f"{url}/api/generate", json=load, timeout=120).raise_for_status()
        ask(url, name)
    return time.perf_counter() - begun


def url_of(file: Path) -> str:
    """Where the forwarder of a stack's file publishes its engine."""
    routes = parsed(file.read_text())["services"]["forwarder-cpu"]["command"]
    port = next(word for word in routes if "=" in word).partition("=")[0]
    return f"http://127.0.0.1:{port}"


def ask(url: str, name: str) -> None:
    """An answer of 24 tokens."""
    body = {"model": name, "prompt": "Count to ten.", "stream": False, "options": {"num_predict": 24}}
    requests.post(f"{url}/api/generate", json=body, timeout=120).raise_for_status()


def at_once_row(env: dict[str, str], runs: int = 5) -> list[Row]:
    """Answers of all models of a swarm that is up, asked at once and one by one."""
    url = url_of(compose_files(env, "seven-tiny")[0])

    def one_by_one() -> None:
        for name in MODELS:
            ask(url, name)

    def at_once() -> None:
        with ThreadPoolExecutor(len(MODELS)) as pool:
            list(pool.map(lambda name: ask(url, name), MODELS))

    pair = in_turn(at_once, one_by_one, runs)
    return [beside("P4a", "seven models write 24 tokens at once, against one after another", pair, "s", 2.0, runs)]


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
            found = [*cold_row(env), *at_once_row(env)]
        finally:
            quiet_in(env, OURS, "down", "--swarm", "seven-tiny", "--purge")
    return [*found, *two_stacks_row()]


if __name__ == "__main__":
    for row in rows():
        print(row)
