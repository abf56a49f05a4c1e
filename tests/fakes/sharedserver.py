"""A real llama.cpp server with one base and adapters, of the wheel or of the container's image."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import requests

from fakes.embedded import KEY, engine_file
from fakes.grounded import docker
from ground.places import LLAMA_CPP
from swarmctl.core.engine import EngineFile
from swarmctl.core.engines.spinning import SPINNING
from swarmctl.core.llamacpp import server_argv
from swarmctl.effects.clock import SystemClock, wait_until
from swarmctl.effects.engines.llamacpp import ready

Logs = npt.NDArray[np.float64]

_PROGRAM = """
import json, sys, threading
import xllamacpp
from swarmctl.core.engine import EngineFile
from swarmctl.core.llamacpp import server_argv
from swarmctl.embedded.params import parameters
told = json.loads(sys.argv[1])
p = parameters(EngineFile.model_validate(told["engine"]), told["key"])
p.lora_adapters = [xllamacpp.CommonAdapterLoraInfo(path, scale) for path, scale in told["adapters"]]
p.lora_init_without_apply = told["unapplied"]
p.sampling.seed = 1
server = xllamacpp.Server(p)
threading.Event().wait()
"""


@dataclass
class Shared:
    """One server. Prompts are token ids: nothing is written twice into tokens."""

    settings: EngineFile
    log: Path
    pid: int = 0

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.settings.port}"

    def post(self, path: str, **body: Any) -> requests.Response:
        return requests.post(f"{self.url}{path}", json=body, headers={"Authorization": f"Bearer {KEY}"}, timeout=60)

    def get(self, path: str) -> Any:
        got = requests.get(f"{self.url}{path}", headers={"Authorization": f"Bearer {KEY}"}, timeout=60)
        got.raise_for_status()
        return got.json()

    def next(self, prompt: Sequence[int], words: int, **body: Any) -> Logs:
        """Log-probabilities of the first token after a prompt, by token id."""
        return self.steps(prompt, words, 1, **body)[0]

    def steps(self, prompt: Sequence[int], words: int, steps: int, **body: Any) -> Logs:
        """Log-probabilities of each of the next tokens, chosen greedily: steps × words."""
        told = {"n_predict": steps, "n_probs": words, "temperature": 0, "top_k": 1, "ignore_eos": True} | body
        got = self.post("/completion", prompt=list(prompt), **told)
        assert got.ok, f"{got.text}\n{self.log.read_text()[-3000:]}"
        found = np.full((steps, words), np.nan)
        for step, row in enumerate(got.json()["completion_probabilities"]):
            for one in row["top_logprobs"]:
                found[step, one["id"]] = one["logprob"]
        return found

    def together(self, bodies: Sequence[dict[str, Any]], words: int, steps: int) -> list[Logs]:
        """Several prompts at once."""
        with ThreadPoolExecutor(len(bodies)) as pool:
            return list(pool.map(lambda body: self.steps(words=words, steps=steps, **body), bodies))


@contextmanager
def serving(
    folder: Path,
    model: Path,
    adapters: Sequence[Path] = (),
    *,
    scale: float = 0.0,
    unapplied: bool = False,
    **changes: Any,
) -> Iterator[Shared]:
    """The wheel's server; every adapter is loaded with this scale."""
    settings = engine_file(folder, model, **({"parallel": max(1, len(adapters)), "flash_attention": False} | changes))
    told = {
        "engine": settings.model_dump(),
        "key": KEY,
        "adapters": [(str(path), scale) for path in adapters],
        "unapplied": unapplied,
    }
    log = folder / "server.log"
    with log.open("wb") as out:
        process = subprocess.Popen(
            [sys.executable, "-c", _PROGRAM, json.dumps(told)],
            env={**os.environ, **SPINNING},
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=out,
        )

    def up() -> bool:
        assert process.poll() is None, log.read_text()[-3000:]
        return ready(settings)

    try:
        wait_until(up, clock=SystemClock(), deadline=60, what="the server")
        yield Shared(settings, log, process.pid)
    finally:
        process.kill()
        process.wait()


@contextmanager
def contained(folder: Path, model: Path, adapters: Sequence[Path], slots: int, **changes: Any) -> Iterator[Shared]:
    """The image's server, with a stack's flags and changes of its settings. All files lie in the folder."""
    told = {"parallel": slots, "flash_attention": False, "host": "0.0.0.0", "port": 8080}
    settings = engine_file(folder, model, **(told | changes))
    inside = settings.model_copy(update={"blob": f"/w/{model.relative_to(folder)}", "key_file": "/w/key"})
    loaded = ",".join(f"/w/{path.relative_to(folder)}:0.0" for path in adapters)
    argv = [*server_argv("", inside)[1:], *(("--lora-scaled", loaded) if loaded else ())]
    where = ["-v", f"{folder}:/w:ro", "-u", "0:0", "-p", "127.0.0.1::8080"]
    label = ["--label", "swarmctl.test=share"]
    container = docker("run", "-d", *label, *where, "--entrypoint", "llama-server", LLAMA_CPP, *argv).strip()[:12]
    log = folder / f"{container}.log"
    try:
        port = int(docker("port", container, "8080").split()[0].rpartition(":")[2])
        reached = settings.model_copy(update={"host": "127.0.0.1", "port": port})

        def up() -> bool:
            running = docker("inspect", "-f", "{{.State.Running}}", container).strip()
            assert running == "true", docker("logs", container)[-3000:]
            return ready(reached)

        wait_until(up, clock=SystemClock(), deadline=120, what="the server")
        log.touch()
        yield Shared(reached, log)
    finally:
        log.write_text(docker("logs", container))
        docker("rm", "-f", container)
