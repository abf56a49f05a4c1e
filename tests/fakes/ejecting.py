"""A folder that `swarmctl render` wrote, used as its README says: with Docker alone."""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import requests

from fakes.grounded import docker
from swarmctl import __version__
from swarmctl.core.compose import client_environment, parsed
from swarmctl.core.lock import Lock
from swarmctl.core.messages import ChatOrder
from swarmctl.effects.a2a import AgentClient, data_parts
from swarmctl.effects.clock import SystemClock, wait_until
from swarmctl.effects.imaging import provide

ROOT = Path(__file__).resolve().parents[2]
AGENT = f"swarmctl/agent:{__version__}"


def build_agent() -> None:
    """The agent image of this checkout, as `up` would see to it."""
    provide(AGENT, lock=Lock())


class Ejected:
    """One swarm in one folder, on one Compose project."""

    def __init__(self, folder: Path, spec: str) -> None:
        """Renders a swarm file for this machine's Docker, and puts no model there yet."""
        self.folder = folder / "out"
        (folder / "swarm.yml").write_text(spec)
        engine = docker("version", "-f", "{{.Server.Version}}").strip()
        argv = [sys.executable, "-m", "swarmctl", "render", str(self.folder), "--gpu", "cpu", "--docker", engine]
        place = {"XDG_STATE_HOME": str(folder / "state"), "XDG_DATA_HOME": str(folder / "data")}
        done = subprocess.run(
            argv, cwd=folder, capture_output=True, text=True, env={**os.environ, **place}, check=False
        )
        assert done.returncode == 0, done.stderr
        self.file: Any = parsed((self.folder / "compose.yml").read_text())

    def model(self, name: str, file: Path) -> None:
        """Puts a file where the README wants it."""
        there = self.folder / "models" / "gguf" / f"{name}.gguf"
        shutil.copy(file, there)
        os.chown(there, *(int(part) for part in self.file["services"]["converter"]["user"].split(":")))

    def compose(self, *words: str) -> str:
        """`docker compose` in the folder; what it prints."""
        env = client_environment(os.environ)
        done = subprocess.run(
            ["docker", "compose", *words], cwd=self.folder, capture_output=True, text=True, env=env, check=False
        )
        assert done.returncode == 0, done.stdout + done.stderr + self.logs()
        return done.stdout + done.stderr

    def logs(self) -> str:
        """The last lines of every container."""
        argv = ["docker", "compose", "logs", "--no-color", "--tail", "20"]
        return subprocess.run(argv, cwd=self.folder, capture_output=True, text=True, check=False).stdout

    def inside(self, service: str, script: str) -> str:
        """What a shell in a container prints."""
        return self.compose("exec", "-T", service, "bash", "-c", script)

    def url(self, service: str) -> str:
        """Where the forwarder publishes a service."""
        (forwarder,) = [s for name, s in self.file["services"].items() if name.startswith("forwarder-")]
        (port,) = [route.split("=")[0] for route in forwarder["command"] if f"={service}:" in route]
        return f"http://127.0.0.1:{port}"

    def secret(self, name: str) -> str:
        """A secret of the folder."""
        return (self.folder / "secrets" / name).read_text().strip()

    def healthy(self, seconds: float = 90) -> None:
        """Waits until every health check has passed."""

        def all_are() -> bool:
            states = self.compose("ps", "--format", "{{.Service}} {{.Health}}").splitlines()
            return bool(states) and all(line.endswith(" healthy") for line in states)

        wait_until(all_are, clock=SystemClock(), deadline=seconds, every=0.5, what="every container healthy")

    def chat(self, role: str, text: str) -> str:
        """One turn with a role's agent, from outside."""
        agent, task = AgentClient(role, self.url(f"agent-{role}"), self.secret("agents.token")), ""
        for item in agent.start(ChatOrder(text=text).model_dump(mode="json")):
            task = item.get("task", {}).get("id") or task
        (done,) = [data for part in agent.task(task).get("artifacts", []) for data in data_parts(part)]
        said: str = done["text"]
        return said

    def ask(self, engine: str, **body: Any) -> dict[str, Any]:
        """A question to an engine as OpenAI clients put it."""
        headers = {"Authorization": f"Bearer {self.secret('engine.key')}"}
        got = requests.post(f"{self.url(engine)}/v1/chat/completions", json=body, headers=headers, timeout=120)
        assert got.ok, f"{got.text}\n{self.logs()}"
        answer: dict[str, Any] = got.json()
        return answer


@contextmanager
def running(folder: Path, spec: str, **models: Path) -> Iterator[Ejected]:
    """A swarm that is up; nothing of it is left after."""
    swarm = Ejected(folder, spec)
    for name, file in models.items():
        swarm.model(name, file)
    try:
        swarm.compose("up", "-d")
        yield swarm
    finally:
        swarm.compose("down", "-v", "-t", "3")
