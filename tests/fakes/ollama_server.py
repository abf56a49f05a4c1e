"""The real Ollama of either generation without Docker, run in the Debian root that has llama.cpp's tools."""

import fcntl
import hashlib
import os
import shutil
import subprocess
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import gguf
import psutil
import pytest
import requests

from fakes.agents import free_port
from fakes.alive import children
from fakes.smollm import smollm
from fakes.tools import root
from swarmctl.core.modelfile import EngineModel, modelfile
from swarmctl.effects.templates import modelfile_templates

NEW, OLD = "0.32.15", "0.24.0"
_BUILD = ("-trimpath", "-ldflags", "-s -w -X github.com/ollama/ollama/version.Version={version}")
_PLACE = "/opt/ollama"
_LIMIT = 90
"""Seconds that a build may take; Go keeps what it has done, so the next run goes on from there."""
MiB = 1 << 20


@dataclass
class Server:
    """A server that runs. models: its store, as it is on this machine."""

    version: str
    url: str
    log: Path
    models: Path
    process: subprocess.Popen[bytes]
    sandbox: tuple[str, ...]

    @property
    def pid(self) -> int:
        """Of `ollama serve` itself, inside its sandbox."""
        return next(one.pid for one in children(self.process.pid) if one.name == "ollama")

    def cli(self, *words: str) -> list[str]:
        """The command line of Ollama's own client, in the sandbox of the server."""
        return [*self.sandbox, f"{_PLACE}/bin/ollama", *words]

    def text(self) -> str:
        """All that it logged."""
        return self.log.read_text(errors="replace")


def built(version: str) -> Path:
    """A folder with bin/ollama and lib/ollama; the test is left out with the reason where it cannot be had."""
    if shutil.which("bwrap") is None or not (root() / "usr/bin/llama-server").exists():
        pytest.skip(f"no bubblewrap, or no llama-server under {root()}: GROUND=yes sh tests/ground.sh")
    key = hashlib.sha256(" ".join((version, *_BUILD)).encode()).hexdigest()[:12]
    folder = root().parent / f"ollama-{version}-{key}"
    with (root().parent / "ollama.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not folder.is_dir():
            with tempfile.TemporaryDirectory(dir=root().parent) as made:
                _make(version, Path(made) / "new").rename(folder)
    return folder


def _make(version: str, new: Path) -> Path:
    (new / "bin").mkdir(parents=True)
    (new / "lib/ollama").mkdir(parents=True)
    for tool in ("llama-server", "llama-quantize") if version == NEW else ():
        (new / "lib/ollama" / tool).symlink_to(f"/usr/bin/{tool}")
    if not _copied(version, new / "bin"):
        if version != NEW:
            pytest.skip(f"no image ollama/ollama:{version}, and its engine in C++ takes minutes to build: make ground")
        _compile(version, new / "bin")
    return new


def _compile(version: str, into: Path) -> None:
    """By Go, whose cache keeps what it fetched."""
    if shutil.which("go") is None:
        pytest.skip("Go is not installed: Ollama is built from its module")
    flags = [word.format(version=version) for word in _BUILD]
    words = ["nice", "-n", "10", "go", "install", *flags, f"github.com/ollama/ollama@v{version}"]
    environment = {**os.environ, "GOBIN": str(into), "GOFLAGS": "-buildvcs=false"}
    try:
        done = subprocess.run(words, env=environment, capture_output=True, text=True, timeout=_LIMIT, check=False)
    except subprocess.TimeoutExpired:
        pytest.skip(f"Ollama {version} was not built in {_LIMIT} s; the next run goes on from there")
    if done.returncode:
        pytest.skip(f"Ollama {version} cannot be built here: {done.stderr.strip().splitlines()[-1]}")


def _copied(version: str, into: Path) -> bool:
    """Out of the ground's image, where there is one."""
    if shutil.which("docker") is None:
        return False
    name = f"swarmctl-test-{os.getpid()}"
    words = ["docker", "create", "--name", name, "--pull", "never", f"ollama/ollama:{version}"]
    if subprocess.run(words, check=False, capture_output=True).returncode:
        return False
    try:
        copy = ["docker", "cp", f"{name}:/usr/bin/ollama", str(into)]
        return subprocess.run(copy, check=False, capture_output=True).returncode == 0
    finally:
        subprocess.run(["docker", "rm", name], check=False, capture_output=True)


def recipe(name: str, file: Path, **changes: Any) -> str:
    """The Modelfile of a small model, chatml and a context of 1024 unless told otherwise."""
    digest = hashlib.sha256(file.read_bytes()).hexdigest()
    values = {"family": "chatml", "context": 1024, "output": 64, "temperature": 0.2} | changes
    return modelfile(EngineModel(name, str(file), digest, **values), modelfile_templates())


def environ(server: Server) -> dict[str, str]:
    """The environment of the running process."""
    return psutil.Process(server.pid).environ()


@contextmanager
def serving(folder: Path, version: str = NEW, *, store_mib: int = 0, **environment: str) -> Iterator[Server]:
    """A server until the block ends; with it ends all that it started.

    folder: where its log and its models go. store_mib: the room that its models have, 0 for the disk's.
    environment: OLLAMA_HOST and OLLAMA_MODELS are given.
    """
    program, port = built(version), free_port()
    folder.mkdir(parents=True, exist_ok=True)
    models, log = folder / "models", folder / "ollama.log"
    models.mkdir(exist_ok=True)
    environment = {"OLLAMA_HOST": f"127.0.0.1:{port}", "OLLAMA_MODELS": str(models), "HOME": str(folder)} | environment
    values = [word for name, value in environment.items() for word in ("--setenv", name, value)]
    store = ["--size", str(store_mib * MiB), "--tmpfs", str(models)] if store_mib else []
    here = str(folder.resolve())
    words = [
        "bwrap", "--die-with-parent", "--unshare-pid", "--clearenv", "--setenv", "PATH", "/usr/bin", *values,
        "--ro-bind", str(root() / "usr"), "/usr", "--ro-bind", str(root() / "etc"), "/etc",
        "--symlink", "usr/bin", "/bin", "--symlink", "usr/lib", "/lib", "--symlink", "usr/lib64", "/lib64",
        "--proc", "/proc", "--dev", "/dev", "--tmpfs", "/tmp", "--ro-bind", str(program), _PLACE,
        "--bind", here, here, *store,
    ]  # fmt: skip
    with log.open("ab") as out:
        serve = [*words, f"{_PLACE}/bin/ollama", "serve"]
        process = subprocess.Popen(serve, stdin=subprocess.DEVNULL, stdout=out, stderr=out)
    try:
        server = Server(version, f"http://127.0.0.1:{port}", log, models, process, tuple(words))
        _wait(server)
        yield server
    finally:
        process.kill()
        process.wait()


def _wait(server: Server) -> None:
    until = time.monotonic() + 60
    while True:
        try:
            requests.get(f"{server.url}/api/version", timeout=5).raise_for_status()
            return
        except requests.ConnectionError:
            assert server.process.poll() is None, server.text()
            assert time.monotonic() < until, server.text()
            threading.Event().wait(0.05)


def named(folder: Path, *names: str) -> dict[str, Path]:
    """The small real model once a name: the same weights, told apart by `general.name`, and so by their hash."""
    folder.mkdir(parents=True, exist_ok=True)
    reader = gguf.GGUFReader(smollm())
    field = reader.fields["general.name"]
    data, (at,) = smollm().read_bytes(), field.data
    place, old = int(field.offset), bytes(field.parts[at])
    start = data.index(old, place)
    found = {}
    for name in names:
        new = name.encode()[: len(old)].ljust(len(old))
        path = folder / f"{name}.gguf"
        path.write_bytes(data[:start] + new + data[start + len(old) :])
        found[name] = path
    return found
