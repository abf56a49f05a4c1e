"""Markets to practise on whose rentals are real, and what their books say of them."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from fakes.ejecting import build_agent
from fakes.grounded import docker, stands
from fakes.practice import Process, process
from fakes.shaders import HERE, folder, warm
from fakes.standincards import SHADERS, TOOL
from ground.places import HOST_CARD

_WORDS = ("--hosts", "docker", "--limits", "off", "--pace", "0.02", "--port", "0")


@contextmanager
def machines(scratch: Path, seed: int) -> Iterator[Process]:
    """Its rentals are virtual machines, ready in seconds, whose stand-in cards say what the software GPU holds."""
    stands("engine", "bookworm", "seven-tiny", "tiny", "ollama-vulkan", "host-vm")
    build_agent()
    warm()
    tools = scratch / "overlay" / "usr" / "bin"
    tools.mkdir(parents=True)
    for tool in (SHADERS, TOOL):
        shutil.copy(tool, tools)
        (tools / tool.name).chmod(0o755)
    given = ("--state", str(scratch / "market"), "--overlay", str(scratch / "overlay"))
    with process(*_WORDS, "--seed", str(seed), *given, "--volume", f"{folder()}:{HERE}") as running:
        yield running


@contextmanager
def containers(scratch: Path, seed: int, *, card: bool = False) -> Iterator[Process]:
    """Its rentals are containers that can be entered, ready in seconds.

    card: they are of an image that has a llama-server, which takes the software GPU for the card that nvidia-smi names.
    """
    stands("engine", "seven-tiny", *(("tiny", "ollama-vulkan", "host-card") if card else ("host-container",)))
    more: tuple[str, ...] = ()
    if card:
        warm()
        more = ("--container-image", HOST_CARD, "--volume", f"{folder()}:{HERE}")
    with process(*_WORDS, *more, "--seed", str(seed), "--state", str(scratch / "market")) as running:
        yield running


def held(market: Process) -> list[dict[str, Any]]:
    """What the market says that is rented now."""
    return list(market.ask("GET", "/api/v1/instances/?select_filters=%7B%7D")["instances"])


def books(market: Process) -> dict[str, Any]:
    """What each rental costs and has cost."""
    return dict(market.ask("GET", "/_market/books"))


def happens(market: Process, contract: int, what: str) -> None:
    """Something befalls a rental now."""
    market.ask("POST", "/_market/happen", {"contract": contract, "what": what})


def guest(contract: int) -> str:
    """The container that a rental is, whether it runs or not."""
    (found,) = docker("ps", "-aq", "--filter", f"label=swarmctl-market.contract={contract}").split()
    return found
