"""A person with a swarm in containers: seven-tiny under a name of its own, real Ollama, real agents."""

import json
import os
import secrets
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import requests

from fakes.grounded import docker
from fakes.person import Person
from fakes.seventiny import adopt


@dataclass(frozen=True)
class Contained:
    """One swarm of one person; `flags` go to every `up`."""

    person: Person
    name: str
    flags: tuple[str, ...] = ()

    def up(self, *flags: str, expect: int = 0) -> subprocess.CompletedProcess[str]:
        """`swarmctl up`, with what this swarm is made of."""
        said = ("--swarm", "seven-tiny", "--set", f"name={self.name}", *self.flags, *flags)
        return self.person.types("up", *said, expect=expect, timeout=420)

    def plan(self, *flags: str) -> list[str]:
        """What `up` would do: verb and subject of each step."""
        said = ("--swarm", "seven-tiny", "--set", f"name={self.name}", *self.flags, *flags)
        return [f"{step['verb']} {step['subject']}" for step in self.person.reads("plan", *said)["steps"]]

    def types(self, *words: str, expect: int = 0, **more: Any) -> subprocess.CompletedProcess[str]:
        """A command about this swarm."""
        return self.person.types(*words, "--swarm", self.name, expect=expect, **more)

    def reads(self, *words: str, expect: int = 0, **more: Any) -> Any:
        """The JSON of a command about this swarm."""
        return self.person.reads(*words, "--swarm", self.name, expect=expect, **more)

    def down(self, *flags: str) -> None:
        """Away with it."""
        self.types("down", *flags)

    def container(self, service: str) -> str:
        """ID of a service's container; empty when there is none."""
        filters = [f"label=swarmctl.swarm={self.name}", f"label=swarmctl.service={service}"]
        words = [word for one in filters for word in ("--filter", one)]
        return docker("ps", "--all", "--quiet", "--no-trunc", *words).strip()

    def containers(self) -> dict[str, str]:
        """Service → ID of everything that is there, running or not."""
        rows = docker(
            "ps", "--all", "--no-trunc", "--filter", f"label=swarmctl.swarm={self.name}", "--format",
            '{{.Label "swarmctl.service"}} {{.ID}}',
        )  # fmt: skip
        return dict(line.split() for line in rows.splitlines())

    def left(self) -> list[str]:
        """Containers, networks and volumes that carry the swarm's label, asked of Docker alone."""
        label = f"label=swarmctl.swarm={self.name}"
        found = docker("ps", "--all", "--quiet", "--filter", label).split()
        found += docker("network", "ls", "--quiet", "--filter", label).split()
        return found + docker("volume", "ls", "--quiet", "--filter", label).split()

    def port(self, service: str) -> int:
        """Where the forwarder publishes a service."""
        file = self.state / "ports.json"
        found: int = json.loads(file.read_text())[service]
        return found

    @property
    def state(self) -> Path:
        """The swarm's own folder."""
        return Path(self.person.env["XDG_STATE_HOME"]) / "swarmctl" / "swarms" / self.name

    def ollama(self, path: str, **body: Any) -> dict[str, Any]:
        """Asks the swarm's server, as any client may."""
        url = f"http://127.0.0.1:{self.port('ollama-cpu')}{path}"
        answer = requests.post(url, json=body, timeout=120) if body else requests.get(url, timeout=30)
        answer.raise_for_status()
        found: dict[str, Any] = answer.json()
        return found

    def loaded(self) -> set[str]:
        """Names of the models that are loaded."""
        return {row["name"].removesuffix(":latest") for row in self.ollama("/api/ps")["models"]}


@contextmanager
def contained(home: Path, store: Path, *flags: str) -> Iterator[Contained]:
    """A swarm's name and a person to bring it up; nothing of it is left after."""
    env = {**os.environ, "XDG_STATE_HOME": str(home / "state"), "XDG_DATA_HOME": str(store), "NO_COLOR": "1"}
    adopt(store / "swarmctl" / "models")
    swarm = Contained(Person(home, env, store), f"t-{secrets.token_hex(3)}", flags)
    try:
        yield swarm
    finally:
        for process in swarm.person.started:
            if process.poll() is None:
                process.kill()
            process.communicate()
        swarm.down("--purge")
        assert swarm.left() == []
