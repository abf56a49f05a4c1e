"""Looks for a swarm's secrets where none may be: in inspections, logs, files of the stack, and images."""

import json
import re
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from swarmctl.assets import root
from swarmctl.core.sealsight import ImageSeen, Seen
from swarmctl.effects.dockerapi import Ask
from swarmctl.effects.imagelayers import search
from swarmctl.errors import HostError

Leak = tuple[str, str, str]
_WORD = re.compile(rb"(?<![^\s\"'])[A-Za-z0-9_+=-]{20,}(?![^\s\"'])")
"""A value that was drawn by lot, and no word of a language, path or address, which would be found everywhere."""
_LAYERS = 600_000_000
"""Bytes up to which an image is read whole."""
_NAMED = re.compile(r"^[^=]*(?:TOKEN|SECRET|PASSWORD|CREDENTIAL|(?:^|_)KEYS?)=.+")
_LOCKED = re.compile(r"^(?P<name>[A-Za-z0-9._-]+)==(?P<version>[^\s\\]+)(?P<rest>.*)$", re.MULTILINE)


def words(folder: Path) -> dict[str, bytes]:
    """Every secret of a swarm: name of its file → value; of a file that has more than that all that looks like one."""
    found: dict[str, bytes] = {}
    for path in sorted(folder.iterdir()) if folder.is_dir() else ():
        for n, word in enumerate(dict.fromkeys(_WORD.findall(path.read_bytes()))):
            found[path.name if n == 0 else f"{path.name}, word {n + 1}"] = word
    return found


def leaks(
    folder: Path, seen: Sequence[Seen], log: Callable[[str], str], values: Mapping[str, bytes]
) -> tuple[tuple[Leak, ...], dict[str, int]]:
    """(service, place, secret) of each that was found, and how many bytes of which place were read."""
    found, searched = list[Leak](), dict[str, int]()
    for one in seen:
        text = json.dumps(one.inspect, ensure_ascii=False).encode()
        searched[f"{one.service}/inspect"] = len(text)
        found += [(one.service, "inspect", name) for name in _in(text, values)]
        shown = (one.inspect.get("Config") or {}).get("Env") or ()
        found += [(one.service, "inspect", f"variable {e.partition('=')[0]}") for e in shown if _NAMED.match(e)]
        try:
            said = log(one.service).encode()
        except HostError:
            continue
        searched[f"{one.service}/log"] = len(said)
        found += [(one.service, "log", name) for name in _in(said, values)]
    for path in _files(folder):
        found += [("", f"files: {path.relative_to(folder)}", name) for name in _in(path.read_bytes(), values)]
    return tuple(found), searched


def _in(text: bytes, values: Mapping[str, bytes]) -> list[str]:
    return [name for name, value in values.items() if value in text]


def _files(folder: Path) -> list[Path]:
    """What was written for the stack: its Compose files, settings and Modelfiles."""
    shapes = ("*.yml", "*.json", "services/*", "modelfiles/*")
    return [path for shape in shapes for path in sorted(folder.glob(shape)) if path.is_file()]


def images(
    ask: Ask, seen: Sequence[Seen], lock: Mapping[str, str], values: Mapping[str, bytes]
) -> dict[str, ImageSeen]:
    """The image of each container, by the container's ID; one that several share is read once."""
    known: dict[str, ImageSeen | None] = {}
    found: dict[str, ImageSeen] = {}
    for one in seen:
        number = str(one.inspect.get("Image") or "")
        reference = str((one.inspect.get("Config") or {}).get("Image") or "")
        if number not in known:
            known[number] = _image(ask, number, reference, lock, values)
        if (image := known[number]) is not None:
            found[one.id] = image
    return found


def _image(
    ask: Ask, number: str, reference: str, lock: Mapping[str, str], values: Mapping[str, bytes]
) -> ImageSeen | None:
    try:
        about = ask(f"/images/{number}/json")
        history = ask(f"/images/{number}/history")
    except HostError:
        return None
    digests = {number, *(str(d).partition("@")[2] for d in about.get("RepoDigests") or ())}
    said = json.dumps([about, history], ensure_ascii=False).encode()
    holes = [f"{name} in its history or configuration" for name in _in(said, values)]
    named = [e.partition("=")[0] for e in (about.get("Config") or {}).get("Env") or () if _NAMED.match(e)]
    holes += [f"variable {name} in its configuration" for name in named]
    more, size, trouble = _layers(number, int(about.get("Size") or 0), values)
    locked = lock.get(reference) or lock.get(reference.partition("@")[0]) or ""
    return ImageSeen(reference, frozenset(digests), locked, (*holes, *more), size, trouble)


def _layers(number: str, size: int, values: Mapping[str, bytes]) -> tuple[list[str], int, str]:
    """Where in its layers secrets are, bytes read, and why not all."""
    if size > _LAYERS:
        return [], 0, f"its layers, {size / 1e9:.1f} GB, are left unread"
    try:
        done = search(number, values)
    except HostError as e:
        return [], 0, f"{e.message}: {e.detail}"
    trouble = f"in {len(done.unread)} layers of an unknown form nothing could be looked for" if done.unread else ""
    return [f"{name} in layer {file[:19]}" for name, file in done.found], done.size, trouble


def lock_of_packages() -> tuple[dict[str, str] | None, bool]:
    """Packages and versions that the agent image is locked to, None where the recipe is not here; all have hashes."""
    path = root() / "compose" / "agent" / "requirements.txt"
    if not path.is_file():
        return None, False
    text = path.read_text(encoding="utf-8").replace("\\\n", " ")
    lines: list[Any] = list(_LOCKED.finditer(text))
    locked = {re.sub(r"[-_.]+", "-", line["name"]).lower(): line["version"] for line in lines}
    return locked, bool(lines) and all("--hash=sha256:" in line["rest"] for line in lines)
