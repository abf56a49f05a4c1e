"""Real engines in containers on the ground: started, given a model, asked, and removed."""

import hashlib
import json
import os
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import requests

from ground.parts import PARTS


def stands(*names: str) -> None:
    """The test goes on when these parts of the ground are there; otherwise it is left out with the reason.

    Where the ground was made for the tests (GROUND=made) it fails: what was there has gone.
    """
    missing = [part.name for part in PARTS if part.name in names and part.ready() is None]
    if missing:
        leave = pytest.fail if os.environ.get("GROUND") == "made" else pytest.skip
        leave(f"no {', '.join(missing)} on this machine: make ground")


def docker(*words: str) -> str:
    """What a docker command prints; its errors when it fails."""
    done = subprocess.run(["docker", *words], capture_output=True, text=True, check=False, timeout=300)
    assert done.returncode == 0, f"docker {' '.join(words)}\n{done.stdout}{done.stderr}"
    return done.stdout + done.stderr


@dataclass(frozen=True)
class Ollama:
    """A server in a container."""

    container: str
    url: str

    def ask(self, path: str, **body: Any) -> dict[str, Any]:
        """The last line of a POST's answer, which must not be an error."""
        got = requests.post(f"{self.url}/api/{path}", json=body, timeout=300)
        last: dict[str, Any] = json.loads(got.text.strip().splitlines()[-1]) if got.text.strip() else {}
        assert got.ok, f"{path}: {got.status_code} {got.text}\n{self.log()}"
        assert "error" not in last, f"{path}: {last}\n{self.log()}"
        return last

    def get(self, path: str) -> dict[str, Any]:
        """The answer to a GET."""
        got: dict[str, Any] = requests.get(f"{self.url}/api/{path}", timeout=30).json()
        return got

    def create(self, name: str, file: Path) -> None:
        """A model from a GGUF file, by blob upload."""
        data = file.read_bytes()
        digest = f"sha256:{hashlib.sha256(data).hexdigest()}"
        requests.post(f"{self.url}/api/blobs/{digest}", data=data, timeout=120).raise_for_status()
        self.ask("create", model=name, files={file.name: digest})

    def answer(self, name: str, words: int = 8) -> dict[str, Any]:
        """A short answer in a small context."""
        options = {"num_ctx": 512, "num_predict": words, "temperature": 0}
        return self.ask("generate", model=name, prompt="Say hello.", stream=False, options=options)

    def log(self) -> str:
        """The end of the server's log."""
        return docker("logs", "--tail", "30", self.container)


@contextmanager
def ollama(image: str, *options: str, url: str = "", **environment: str) -> Iterator[Ollama]:
    """A server from an image until the block ends.

    url: where it listens, where the options put it on the host's network.
    """
    words = [word for name, value in environment.items() for word in ("-e", f"{name}={value}")]
    if not url:
        words += ["-p", "127.0.0.1::11434"]
    container = docker("run", "-d", "--rm", "--label", "swarmctl.test=ground", *words, *options, image).strip()[:12]
    try:
        made = Ollama(container, url or f"http://{docker('port', container, '11434').split()[0]}")
        _wait(made)
        yield made
    finally:
        docker("rm", "-f", container)


def _wait(server: Ollama) -> None:
    until = time.monotonic() + 60
    while True:
        try:
            server.get("version")
            return
        except requests.ConnectionError:
            assert time.monotonic() < until, server.log()
            time.sleep(0.1)
