"""The llama.cpp server that processes of this machine can have, and the cards that it uses."""

import importlib.util
import os
import shutil
from dataclasses import dataclass

from swarmctl.core.hardware.box import Box
from swarmctl.core.machine import Machine
from swarmctl.core.serverdevices import devices
from swarmctl.effects import hardware
from swarmctl.effects.process import run
from swarmctl.errors import HostError

_APART = "/app/llama-server"
"""Where llama.cpp's own images have it, off the path."""
_SECONDS = 60.0
"""A driver that is woken takes its time."""


@dataclass(frozen=True, slots=True)
class OwnServer:
    """kind: `wheel`, `binary`, or None where neither is here. cards: with those that it uses; None: processors alone.

    idle: why the machine's cards are not used, empty where it has none or they are.
    """

    kind: str | None
    cards: Box | None = None
    idle: str = ""


def path() -> str:
    """Of a llama-server of the machine's own; empty where there is none."""
    apart = _APART if os.access(_APART, os.X_OK) else ""
    return shutil.which("llama-server") or apart


def kind() -> str | None:
    """How one can be had: the wheel, a binary, or not at all."""
    if importlib.util.find_spec("xllamacpp") is not None:
        return "wheel"
    return "binary" if path() else None


def look(machine: Machine) -> OwnServer:
    """The wheel uses no card; a llama-server is taken where it sees all of the machine's."""
    if not machine.gpus:
        return OwnServer(kind(), idle=machine.gpu_problem)
    if not (binary := path()):
        return OwnServer(kind(), idle="no llama-server is on the path, and the engine in our wheel uses no card")
    seen, why = _seen(binary)
    if len(seen) < len(machine.gpus):
        said = why or f"it lists {', '.join(seen) or 'no device'}"
        return OwnServer(kind(), idle=f"{binary} does not see all of the machine's {len(machine.gpus)}: {said}")
    return OwnServer("binary", hardware.of_machine(machine))


def _seen(binary: str) -> tuple[tuple[str, ...], str]:
    """Its devices, or why it does not say."""
    try:
        done = run([binary, "--list-devices"], timeout=_SECONDS, check=False)
    except HostError as e:
        return (), e.message
    last = next(iter((done.stderr + done.stdout).strip().splitlines()[-1:]), "")[:200]
    return devices(done.stdout), "" if done.code == 0 else f"exit {done.code}, {last}"
