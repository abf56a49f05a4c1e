"""An image of this machine's Docker on its way to another one: only the layers that are missing there travel."""

import json
import re
import tempfile
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from swarmctl.core.imagelayers import keeps_archives, layers_of, shared
from swarmctl.effects import imaging
from swarmctl.effects.bringing import depot
from swarmctl.effects.bringing.depot import DamagedError, Depot
from swarmctl.effects.connections.connection import Connection
from swarmctl.effects.dockerapi import Ask
from swarmctl.effects.hosts.packing import Layer, Packed, packed, sound
from swarmctl.effects.process import Completed
from swarmctl.errors import HostError

Tell = Callable[[str], None]
_PROGRAM = Path(depot.__file__).with_name("assemble.py")
_START = "import sys;exec(sys.stdin.buffer.read(int(sys.argv[1])))"
_LOAD = 3600.0
"""Seconds for the host's Docker to take an image up."""
_TRIES = 4
"""Times that an image is put together there: without what it has, with what was damaged sent anew, whole."""
_FULL = re.compile("no space left|disk quota exceeded", re.IGNORECASE)
_MIB = 2**20


@dataclass(frozen=True, slots=True)
class _Way:
    """What travels. there: what does not. donor: image there that hands out layers which do not, "" for none."""

    layers: tuple[Layer, ...]
    there: int = 0
    donor: str = ""


def send(reference: str, tell: Tell, over: Connection) -> None:
    """The image is in the machine's Docker. What came and was cut is gone on with. Raises DeployError, HostError."""
    store = over.images()
    if store is None or over.ask is None:
        raise ValueError("nothing is sent to this machine")
    whole, said = False, _Said("damaged", "its layers here are not what they are called")
    for _ in range(_TRIES):
        image = packed(reference, tell)
        way = _Way(image.layers) if whole else _way(image, over.ask)
        if not _bring(image, way, store, tell):
            continue
        tell(f"unpacking {reference} on {over.name}")
        said = _assemble(image, way, store, over)
        if not said.failed:
            return
        again = said.failed in {"missing", "damaged"}
        if said.hopeless or (whole and not again):
            break
        whole = whole or not again
    done = Completed(said.words, "", 1)
    raise imaging.failed(f"{reference} cannot be loaded on {over.name}", done, f"ssh {over.name} docker info")


def held(ask: Ask) -> dict[str, tuple[str, ...]]:
    """Digests of the unpacked layers of each image of an Engine, by its ID. Raises HostError."""
    found = dict[str, tuple[str, ...]]()
    for one in sorted({str(row["Id"]) for row in ask("/images/json")}):
        with suppress(HostError):  # it went meanwhile
            found[one] = layers_of(ask(f"/images/{one}/json"))
    return found


def _way(image: Packed, ask: Ask) -> _Way:
    found = shared([one.diff for one in image.layers], held(ask))
    donor = found.image if found.layers and keeps_archives(ask("/info")) else ""
    return _Way(image.layers[found.layers :], found.layers, donor)


def _bring(image: Packed, way: _Way, store: Depot, tell: Tell) -> bool:
    """False where a layer here was not what it is called: then it must be packed again."""
    total, before = sum(one.file.size for one in way.layers), 0
    has = f"; it has {way.there} of {len(image.layers)} layers" if way.there else ""
    if way.layers:
        tell(f"sending {total / _MIB:.1f} MiB of {image.reference} to {store.name}{has}")
    for one in way.layers:

        def watch(done: int, _size: int, before: int = before) -> None:
            tell(f"sending {image.reference} to {store.name}, {100 * (before + done) // (total or 1)} %")

        try:
            store.push(one.file, one.path, watch)
        except DamagedError:
            if not sound(one):
                return False
            store.push(one.file, one.path, watch)
        before += one.file.size
    return True


@dataclass(frozen=True, slots=True)
class _Said:
    """How putting it together ended. failed: "" where it did not. words: what its Docker said."""

    failed: str
    words: str

    @property
    def hopeless(self) -> bool:
        """More layers would not mend it."""
        return _FULL.search(self.words) is not None


def _assemble(image: Packed, way: _Way, store: Depot, over: Connection) -> _Said:
    sent = {one.diff: one.file.digest for one in way.layers}
    order = {
        "folder": store.folder,
        "tag": image.reference,
        "config": image.config,
        "donor": way.donor,
        "layers": [[one.diff, sent.get(one.diff, "")] for one in image.layers],
    }
    program = _PROGRAM.read_bytes()
    last: dict[str, Any] = {}

    def hear(line: str) -> None:
        try:
            said = json.loads(line)
        except ValueError:
            return
        if isinstance(said, dict):
            last.update(said)

    with tempfile.NamedTemporaryFile(prefix="swarmctl-image-") as file:
        file.write(program + json.dumps(order).encode() + b"\n")
        file.flush()
        argv = ["python3", "-I", "-c", _START, str(len(program))]
        done = over.shell.follow(argv, hear, seconds=_LOAD, source=Path(file.name))
    if isinstance(last.get("ended"), dict):
        return _Said("", "")
    return _Said(str(last.get("failed") or "lost"), str(last.get("said") or done.stdout[-1500:]))
