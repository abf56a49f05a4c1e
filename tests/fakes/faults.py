"""A small swarm in containers that is broken as users report it: what `check` says, how soon, and what heals it."""

import json
import os
import re
import secrets
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest
import requests
import yaml

from fakes.contained import Contained
from fakes.grounded import docker
from fakes.person import Person
from ground.places import tiny
from swarmctl.core.compose import client_environment
from swarmctl.effects.clock import SystemClock, wait_until
from swarmctl.effects.sources.localfile import sha256

SOON = 30.0
"""Seconds from `check` to its verdict."""
QUIET = 0.75
"""Load per core under which a machine has nothing else to do: only then is that time held against anybody."""
SERVER = "ollama-cpu"
MODELS = ("lead", "docs")
CONTEXT = 256
ROOT = Path(__file__).resolve().parents[2]


@dataclass(frozen=True, slots=True)
class Found:
    """One fault as `check` reported it. seconds: from the command to its end. load: of the machine, per core.

    healed: seconds that `up` took, its proofs among them; 0 where it was not asked.
    """

    fault: str
    engine: str
    proof: str
    subject: str
    said: str
    seconds: float
    load: float
    healed: float = 0.0


@dataclass(frozen=True)
class Breakable(Contained):
    """A swarm of two models on one server. file: its swarm file. found: what was found so far."""

    file: Path = Path()
    engine: str = ""
    found: list[Found] = field(default_factory=list)

    def up(self, *flags: str, expect: int = 0) -> subprocess.CompletedProcess[str]:
        """`swarmctl up` with its own file."""
        return self.person.types("up", "--file", str(self.file), *flags, expect=expect, timeout=420)

    def plan(self, *flags: str) -> list[str]:
        """What `up` would do: verb and subject of each step."""
        steps = self.person.reads("plan", "--file", str(self.file), *flags)["steps"]
        return [f"{step['verb']} {step['subject']}" for step in steps]

    def edit(self, change: Callable[[dict[str, Any]], object], service: str = SERVER) -> None:
        """Change a service in the Compose file that `up` wrote, and have Compose do it."""
        file = self.state / "cpu.yml"
        told = yaml.safe_load(file.read_text())
        change(told["services"][service])
        file.write_text(yaml.safe_dump(told))
        self._compose("-f", str(file), "up", "-d", "--no-deps", service)

    def override(self, service: str = SERVER, **settings: Any) -> None:
        """The same with a second file, as one of one's own: what `up` wrote stays as it was."""
        file = self.person.home / "override.yml"
        file.write_text(yaml.safe_dump({"services": {service: settings}}))
        self._compose("-f", str(self.state / "cpu.yml"), "-f", str(file), "up", "-d", "--no-deps", service)

    def talk(self, *models: str, **more: Any) -> list[int]:
        """A client's short question to each model, once the server answers; the HTTP codes."""
        url = f"http://127.0.0.1:{self.port(SERVER)}"
        self.answers()
        codes = []
        for model in models or MODELS:
            body = {"model": model, "prompt": "Hi", "stream": False, "options": {"num_predict": 1}} | more
            codes.append(requests.post(f"{url}/api/generate", json=body, timeout=120).status_code)
        return codes

    def answers(self) -> None:
        """Wait until the server can be asked."""
        url = f"http://127.0.0.1:{self.port(SERVER)}/api/version"

        def there() -> bool:
            try:
                return requests.get(url, timeout=5).ok
            except requests.RequestException:
                return False

        wait_until(there, clock=SystemClock(), deadline=60, every=0.1, what=f"{SERVER} to answer")

    def create(self, name: str, **body: Any) -> None:
        """A model made by a client: whatever is there under this name goes. The server must not refuse."""
        said = self.creates(name, **body)
        assert said.get("status") == "success", said

    def creates(self, name: str, **body: Any) -> dict[str, Any]:
        """The same, whatever the server says."""
        url = f"http://127.0.0.1:{self.port(SERVER)}/api/create"
        told: dict[str, Any] = requests.post(url, json={"model": name, "stream": False, **body}, timeout=120).json()
        return told

    def upload(self, file: Path) -> str:
        """A client's file to the server; its digest."""
        digest = sha256(file, lambda _done, _total: None)
        url = f"http://127.0.0.1:{self.port(SERVER)}/api/blobs/sha256:{digest}"
        with file.open("rb") as data:
            requests.post(url, data=data, timeout=120).raise_for_status()
        return digest

    def template(self, name: str) -> str:
        """The chat template of a model, as the server has it."""
        told: str = self.ollama("/api/show", model=name)["template"]
        return told

    @property
    def served(self) -> Path:
        """The server's own folder of models on this machine."""
        return Path(self.person.env["XDG_DATA_HOME"]) / "swarmctl" / "models" / "served" / self.name / "ollama"

    def blob(self, name: str) -> Path:
        """The weights of a model as the server keeps them."""
        manifest = self.served / "manifests/registry.ollama.ai/library" / name / "latest"
        layers = json.loads(manifest.read_text())["layers"]
        (digest,) = (row["digest"] for row in layers if row["mediaType"].endswith(".image.model"))
        return self.served / "blobs" / str(digest).replace(":", "-")

    def fill(self) -> Path:
        """A file that takes all the room beside the models but a few MiB."""
        file, place = self.served.parent / "somebody.bin", os.statvfs(self.served)
        with file.open("wb") as opened:
            os.posix_fallocate(opened.fileno(), 0, place.f_bavail * place.f_frsize - (20 << 20))
        return file

    def limit(self, memory: int) -> None:
        """Another memory limit for the server, in MiB, as `docker update` sets it on a container that is stopped."""
        server = self.container(SERVER)
        docker("stop", "--time", "5", server)
        docker("update", "--memory", f"{memory}m", "--memory-swap", f"{memory}m", server)
        docker("start", server)
        self.answers()

    def restart(self) -> None:
        """The server's container, as after a reboot."""
        docker("restart", "--time", "2", self.container(SERVER))
        self.answers()

    def verdict(self, *flags: str, expect: int = 0) -> dict[str, Any]:
        """What `check` says."""
        told: dict[str, Any] = self.reads("check", *flags, expect=expect)
        return told

    def red(self, fault: str, proof: str, subject: str, said: str) -> list[str]:
        """`check` must fail with this proof and these words, a pattern; the names of all that failed."""
        load = os.getloadavg()[0] / (os.cpu_count() or 1)
        begun = time.monotonic()
        verdict = self.verdict(expect=8)
        seconds = time.monotonic() - begun
        failed = [one for one in verdict["proofs"] if one["verdict"] == "fail"]
        words = "\n".join(f"{p['subject']}: {p['name']}: {p['measured']} ({p['evidence']})" for p in failed)
        (hit,) = [one for one in failed if (one["name"], one["subject"]) == (proof, subject)] or [None]
        assert hit is not None, f"{fault}: {proof} of {subject} did not fail\n{words}"
        text = f"{hit['measured']} ({hit['evidence']})"
        assert re.search(said, text), f"{fault}: {text}\n{words}"
        assert hit["mend"].startswith("swarmctl "), "it says what to type"
        self.found.append(Found(fault, self.engine, proof, subject, text, round(seconds, 1), round(load, 2)))
        if load < QUIET:
            assert seconds <= SOON, f"{fault}: {seconds:.1f} s from check to verdict"
        return [f"{one['name']} {one['subject']}" for one in failed]

    def heals(self) -> None:
        """`up` makes it whole, proves it, and has nothing left to do."""
        begun = time.monotonic()
        assert "is up and proved" in self.up().stderr
        self.found[-1] = replace(self.found[-1], healed=round(time.monotonic() - begun, 1))
        assert self.plan() == [], "up has nothing left to do"

    def _compose(self, *words: str) -> None:
        done = subprocess.run(
            ["docker", "compose", *words],
            env=client_environment(os.environ), capture_output=True, text=True, check=False, timeout=120,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr


@contextmanager
def breakable(home: Path, store: Path, engine: str, found: list[Found], disk: int = 0) -> Iterator[Breakable]:
    """A swarm that is up and proved on a release of Ollama; nothing of it is left after.

    disk: MiB of a file system of its own for the server's models; 0 leaves them where they are.
    """
    env = {**os.environ, "XDG_STATE_HOME": str(home / "state"), "XDG_DATA_HOME": str(store), "NO_COLOR": "1"}
    name, file = f"t-{secrets.token_hex(3)}", home / "faults.yml"
    file.write_text(yaml.safe_dump(spec(name, engine)))
    swarm = Breakable(Person(home, env, store), name, (), file, engine, found)
    with small_disk(swarm.served.parent, disk), gone_after(swarm):
        swarm.up()
        yield swarm


@contextmanager
def small_disk(folder: Path, size: int) -> Iterator[None]:
    """A file system of so many MiB in memory; none for 0."""
    if not size:
        yield
        return
    folder.mkdir(parents=True)
    subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={size}m", "tmpfs", str(folder)], check=True)
    try:
        yield
    finally:
        subprocess.run(["umount", str(folder)], check=True)


@contextmanager
def gone_after(swarm: Breakable) -> Iterator[None]:
    """Whatever happens: no command goes on, and nothing of the swarm is left."""
    try:
        yield
    finally:
        for process in swarm.person.started:
            if process.poll() is None:
                process.kill()
            process.communicate()
        swarm.down("--purge")
        assert swarm.left() == []


def spec(name: str, engine: str) -> dict[str, Any]:
    """Two models of their own, as small as a swarm's may be."""
    return {
        "name": name,
        "runtime": "compose",
        "engine": {"kind": "ollama", "version": engine, "context": CONTEXT, "kv": "q8_0"},
        "models": {"lead": {"path": str(tiny("orchestrator"))}, "docs": {"path": str(tiny("docs"))}},
        "roles": {"orchestrator": {"model": "lead"}, "docs": {"model": "docs"}},
        "limits": {"output": 64, "requests": 4, "time": "2m"},
    }


FIGURES = ROOT / "build" / "faults.json"


@contextmanager
def reported(request: pytest.FixtureRequest) -> Iterator[list[Found]]:
    """What the tests of a module found: kept in build/faults.json beside what others did, and shown as a table."""
    found: list[Found] = []
    yield found
    if found:
        keep(found, FIGURES)
        with request.config.pluginmanager.getplugin("capturemanager").global_and_fixture_disabled():
            print(table(found))


def keep(found: list[Found], file: Path) -> None:
    """Put figures in the place of older ones of the same fault on the same release."""
    file.parent.mkdir(exist_ok=True)
    before = json.loads(file.read_text()) if file.exists() else []
    rows = {f"{row['engine']} {row['fault']}": row for row in [*before, *map(asdict, found)]}
    file.write_text(json.dumps([rows[key] for key in sorted(rows)], indent=1) + "\n")


def table(found: list[Found]) -> str:
    """A line a fault."""
    rows = [
        f"{one.seconds:5.1f} s, healed in {one.healed:5.1f} s, load {one.load:.1f}  {one.engine:8} "
        f"{one.fault}: {one.proof} of {one.subject}: {one.said[:110]}"
        for one in found
    ]
    head = "faults found; seconds from `check` to its verdict, and of the `up` that healed it; load per core"
    return "\n".join(["", head, *rows, ""])
