"""`doctor` on containers: the Engine, its command, Compose, Buildx, and GPUs as containers get them."""

import re
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from swarmctl.commands.finding import Finding
from swarmctl.core.dialect import CDI
from swarmctl.core.machine import Machine
from swarmctl.effects.process import run
from swarmctl.errors import HostError

_NEEDED = "up --runtime compose"
_PACKAGES = "docker-compose (Debian), docker-compose-v2 (Ubuntu), docker-compose-plugin (Docker's own packages)"
_SPECS = ("/etc/cdi", "/var/run/cdi")
_MOST = 1 << 20


def containers(here: Machine, install: Callable[[str], str]) -> Iterator[Finding]:
    """What containers need, each with what mends it. install: the line that installs a system package here."""
    engine, info = _engine(install)
    yield engine
    if shutil.which("docker"):
        yield _compose(install)
        yield _buildx(install)
    if here.gpus and info:
        yield _cards(info)


def _engine(install: Callable[[str], str]) -> tuple[Finding, dict[str, Any]]:
    from swarmctl.effects.dockerapi import asking  # noqa: PLC0415 - only doctor and containers ask

    command = shutil.which("docker") is not None
    try:
        info = asking()("/info")
    except HostError as e:
        if not command:
            return Finding("docker", "optional", "not found", _NEEDED, install("docker.io")), {}
        denied = "usermod" in e.hint
        mend = e.hint if denied else "sudo systemctl start docker, or set DOCKER_HOST"
        said = "this user may not talk to it" if denied else "the command is here, no engine answers"
        return Finding("docker", "optional", f"{said} ({e.detail})", _NEEDED, mend), {}
    version = str(info.get("ServerVersion", "?"))
    if not command:
        said = f"Engine {version} answers, and the docker command is not found"
        return Finding("docker", "optional", said, _NEEDED, install("docker.io")), info
    return Finding("docker", "ok", f"Engine {version}"), info


def _compose(install: Callable[[str], str]) -> Finding:
    from swarmctl.effects.runtimes.compose import compose_version  # noqa: PLC0415 - as above

    try:
        return Finding("compose", "ok", f"Compose {compose_version()}")
    except HostError as e:
        mend = f"{install('docker-compose')}   ({_PACKAGES})"
        return Finding("compose", "optional", e.detail.replace("\n", ": ") or e.message, _NEEDED, mend)


def _buildx(install: Callable[[str], str]) -> Finding:
    try:
        said = run(["docker", "buildx", "version"], timeout=20).stdout
        number = re.search(r"\d+\.\d+\.\d+", said)
        return Finding("buildx", "ok", f"Buildx {number[0] if number else said.strip()[:40]}")
    except HostError:
        needed = "images of our own, built at the first up --runtime compose"
        return Finding("buildx", "optional", "not found", needed, install("docker-buildx"))


def _cards(info: dict[str, Any]) -> Finding:
    """By CDI where the Engine knows it, by the driver's own runtime before that."""
    needed = f"GPUs in containers ({_NEEDED})"
    number = tuple(int(n) for n in re.findall(r"\d+", str(info.get("ServerVersion", "")))[:2])
    if number < CDI:
        if "nvidia" in (info.get("Runtimes") or {}):
            return Finding("gpu use", "ok", "by the runtime nvidia")
        mend = "install nvidia-container-toolkit; sudo nvidia-ctk runtime configure; sudo systemctl restart docker"
        return Finding("gpu use", "optional", "the Engine has no runtime nvidia", needed, mend)
    folders = info.get("CDISpecDirs") or ([] if number >= (26, 0) else _SPECS)
    if not folders:
        mend = 'write {"features": {"cdi": true}} to /etc/docker/daemon.json; sudo systemctl restart docker'
        return Finding("gpu use", "optional", "CDI is off", needed, mend)
    if any(_names_cards(Path(folder)) for folder in folders):
        return Finding("gpu use", "ok", "by CDI")
    mend = "install nvidia-container-toolkit; sudo nvidia-ctk cdi generate --output=/etc/cdi/nvidia.yaml"
    return Finding("gpu use", "optional", f"no CDI file names them in {' or '.join(map(str, folders))}", needed, mend)


def _names_cards(folder: Path) -> bool:
    try:
        files = [path for path in folder.iterdir() if path.suffix in {".json", ".yaml"}]
        return any(b"nvidia.com/gpu" in path.read_bytes()[:_MOST] for path in files)
    except OSError:
        return False
