"""`doctor`: what this machine has, what is missing for which target, and the command that mends it."""

import platform
import re
import shutil
import sys
from dataclasses import dataclass

from swarmctl.commands.doctordocker import containers
from swarmctl.commands.doctormarket import market_key
from swarmctl.commands.finding import Finding
from swarmctl.core.machine import Machine
from swarmctl.effects import machine, ownserver
from swarmctl.effects.observe import agents_installed
from swarmctl.effects.process import run
from swarmctl.effects.world import World
from swarmctl.errors import HostError


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """The machine and all findings; ready when nothing is missing for a swarm on this machine."""

    machine: Machine
    findings: tuple[Finding, ...]

    @property
    def ready(self) -> bool:
        """A swarm can run here."""
        return all(finding.level != "missing" for finding in self.findings)


def doctor(world: World) -> Diagnosis:
    """Look at this machine; changes nothing."""
    here = machine.look(world.state)
    found = (_python(), _git(), _agents(), _engine(), _memory(here), _sandbox())
    return Diagnosis(here, (*found, *containers(here, _install), _gpu(here), market_key(world)))


def _install(package: str) -> str:
    """The line that installs a system package here."""
    if platform.system() == "Darwin":
        return f"brew install {package}"
    for tool, line in (("apt-get", "sudo apt-get install"), ("dnf", "sudo dnf install"), ("pacman", "sudo pacman -S")):
        if shutil.which(tool):
            return f"{line} {package}"
    return f"install {package} with your system's package manager"


def _python() -> Finding:
    return Finding("python", "ok", f"{platform.python_version()} at {sys.prefix}")


def _git() -> Finding:
    """2.38 is the first whose merge-tree writes a tree, which the orchestrator uses."""
    try:
        text = run(["git", "--version"], timeout=10).stdout.strip()
    except (HostError, FileNotFoundError):
        return Finding("git", "missing", "not found", "run", _install("git"))
    numbers = tuple(int(n) for n in re.findall(r"\d+", text)[:2])
    if numbers < (2, 38):
        return Finding("git", "missing", f"{text} is older than 2.38", "run", _install("git"))
    return Finding("git", "ok", text)


def _agents() -> Finding:
    if agents_installed():
        return Finding("agents", "ok", "pydantic-ai and a2a-sdk are installed")
    return Finding("agents", "missing", "not installed", "up on this machine", f"{_pip()} 'swarmctl[agent]'")


def _engine() -> Finding:
    kind = ownserver.kind()
    if kind is None:
        return Finding("engine", "missing", "not installed", "up on this machine", f"{_pip()} 'swarmctl[embedded]'")
    return Finding("engine", "ok", "xllamacpp (in the wheel)" if kind == "wheel" else "llama-server on the path")


def _pip() -> str:
    return f"{sys.executable} -m pip install"


def _memory(here: Machine) -> Finding:
    text = f"{here.ram_free} MiB free of {here.ram_total} MiB, {here.cores} cores, {here.disk_free} MiB of disk"
    if here.ram_free < 1200:
        return Finding("memory", "missing", text, "the demo (1200 MiB)", "close other programs")
    return Finding("memory", "ok", text)


def _sandbox() -> Finding:
    """Only names what is there; a run tries it out before it relies on it."""
    if shutil.which("bwrap"):
        return Finding("sandbox", "ok", "bubblewrap")
    if shutil.which("unshare"):
        return Finding("sandbox", "optional", "unshare (weaker)", "run --test in bubblewrap", _install("bubblewrap"))
    return Finding("sandbox", "optional", "not found", "run --test", _install("bubblewrap"))


def _gpu(here: Machine) -> Finding:
    if not here.gpus:
        return Finding("gpu", "optional", "none found", "speed: models run on the CPU without one")
    names = ", ".join(f"{gpu.name}, {gpu.memory} MiB" for gpu in here.gpus)
    server = ownserver.look(here)
    if server.cards is not None:
        return Finding("gpu", "ok", f"{names}; processes use it by llama-server")
    mend = "put a llama-server that has a backend for it on the path"
    return Finding("gpu", "optional", f"{names}; {server.idle}", "the card, where services run as processes", mend)
