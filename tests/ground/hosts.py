"""Images of machines to test against: bare, with Docker, a rented container, and one that swarmctl runs on."""

import re
import tomllib
from pathlib import Path

from ground.bases import base
from ground.images import Recipe
from ground.places import HOST_BARE, HOST_CONTAINER, HOST_USER, HOST_VM

_ROOT = Path(__file__).resolve().parents[2]


def _dependencies() -> str:
    """What swarmctl itself imports, and what it needs for containers, as its tests have it pinned."""
    project = tomllib.loads((_ROOT / "pyproject.toml").read_text())["project"]
    named = [*project["dependencies"], *project["optional-dependencies"]["compose"]]
    names = {_plain(re.split(r"[^\w.-]", one, maxsplit=1)[0]) for one in named}
    pins = (_ROOT / "constraints.txt").read_text().split()
    return " ".join(pin for pin in pins if _plain(pin.split("==")[0]) in names)


def _plain(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def _recipe(image: str, suite: str, **more: str) -> Recipe:
    args = {"SUITE": suite, **more}
    target = image.rpartition("-")[2]
    return Recipe(f"{image}:{suite}", "host", target, args, (base(suite),), official=False)


RECIPES = {
    "host-bare-bookworm": _recipe(HOST_BARE, "bookworm"),
    "host-bare-trixie": _recipe(HOST_BARE, "trixie"),
    "host-container": _recipe(HOST_CONTAINER, "trixie"),
    "host-vm": _recipe(HOST_VM, "trixie"),
    "host-user": _recipe(HOST_USER, "trixie", DEPENDENCIES=_dependencies()),
}
"""By the name of the part."""
