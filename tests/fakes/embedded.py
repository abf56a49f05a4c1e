"""A real embedded engine in a process of its own, ended with the test."""

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from fakes.agents import free_port, secret
from swarmctl.core.engine import EngineFile
from swarmctl.core.engines.spinning import SPINNING
from swarmctl.core.llamacpp import server_argv
from swarmctl.core.memory.expected import expected
from swarmctl.core.memory.serving import Serving
from swarmctl.effects.clock import SystemClock, wait_until
from swarmctl.effects.engines import EngineUnderTest
from swarmctl.effects.engines.llamacpp import ready
from swarmctl.effects.gguf import read_gguf

KEY = "the-key-of-this-engine"


def engine_file(folder: Path, blob: Path, **changes: Any) -> EngineFile:
    """Settings of one engine with its key beside them."""
    folder.mkdir(parents=True, exist_ok=True)
    secret(folder / "keys", f"{KEY}\n{KEY}")
    values: dict[str, Any] = {
        "swarm": "test",
        "model": "coder",
        "blob": str(blob),
        "port": free_port(),
        "key_file": str(secret(folder / "key", KEY)),
        "context": 1024,
        "parallel": 2,
        "kv": "f16",
        "flash_attention": True,
        "threads": 2,
        "cache_ram": 0,
        "keep_alive": -1,
        "gpu_layers": 0,
    }
    return EngineFile(**{**values, **changes})


@dataclass
class Running:
    settings: EngineFile
    process: subprocess.Popen[bytes]
    log: Path
    seconds: float
    server: Literal["wheel", "binary"] = "wheel"

    def under_test(self, floor: float = 0.5) -> EngineUnderTest:
        facts = read_gguf(Path(self.settings.blob))
        plan = expected(facts.model, facts.weights, Serving.of(self.settings, self.server))
        return EngineUnderTest(self.settings, self.process.pid, plan, self.log, floor)


def start(folder: Path, settings: EngineFile, binary: str = "") -> tuple[subprocess.Popen[bytes], Path]:
    """Start an engine, of the wheel or of a `llama-server`, and do not wait for it."""
    file, log = folder / "engine.json", folder / "engine.log"
    file.write_text(settings.model_dump_json())
    wheel = (sys.executable, "-m", "swarmctl.embedded", str(file), "swarmctl.swarm=test")
    with log.open("ab") as out:
        process = subprocess.Popen(
            server_argv(binary, settings) if binary else wheel,
            env={**os.environ, **SPINNING} if binary else None,
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=out,
        )
    return process, log


@contextmanager
def running(folder: Path, settings: EngineFile, binary: str = "") -> Iterator[Running]:
    """An engine whose model is loaded."""
    begun = time.monotonic()
    process, log = start(folder, settings, binary)

    def up() -> bool:
        assert process.poll() is None, log.read_text()
        return ready(settings)

    try:
        wait_until(up, clock=SystemClock(), deadline=120, what="the engine")
        yield Running(settings, process, log, time.monotonic() - begun, "binary" if binary else "wheel")
    finally:
        process.kill()
        process.wait()
