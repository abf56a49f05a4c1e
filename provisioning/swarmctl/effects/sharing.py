"""Runs the converter's program on a base and its specialists, and takes what it wrote when it is what it said."""

import hashlib
import json
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from swarmctl.core.gguf import GgufFacts, weights
from swarmctl.core.model import Model
from swarmctl.core.sharing.report import Judged, Report, read
from swarmctl.effects.converting.failing import gone, memory_error
from swarmctl.effects.converting.tools import Tools
from swarmctl.effects.converting.workshop import GONE, Event, Workshop
from swarmctl.effects.gguf import read_header
from swarmctl.effects.paths import private
from swarmctl.effects.store import HeldModel, ModelStore
from swarmctl.effects.storeindex import Index
from swarmctl.errors import DeployError, SpecError

_ORDER = "share"
_BODY = "model-body.safetensors"
"""As converter/untie calls it."""
_READ = frozenset({".json", ".safetensors", ".jinja"})
_QUIET = 600.0
"""Seconds without a word; the largest embedding takes a few minutes."""
_KILLED = frozenset({-9, 137})

Tell = Callable[[Mapping[str, Any]], None]


@dataclass(frozen=True, slots=True)
class Asked:
    """Folders as published, or PEFT adapters; names as the adapters' files will have them. residual: 0 to 1.

    known: identities by folder, of those that need not be there to be told from others.
    """

    base: Path
    specialists: Mapping[str, Path]
    max_rank: int = 16
    residual: float = 0.02
    threads: int = 1
    known: Mapping[Path, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Found:
    """The report and the files of those accepted, by name; they lie in the work folder until somebody takes them.

    head: files to lay over the base's own before it is converted, by name, where an adapter needs a head of its own.
    """

    report: Report
    adapters: Mapping[str, Path]
    head: Mapping[str, Path]


def share_base(tools: Tools, work: Path, memory: int, asked: Asked, tell: Tell) -> Found:
    """memory: MiB. tell: gets each line of progress.

    Raises SpecError for folders that cannot be used, HostError where memory or the tools fail, DeployError.
    """
    out, untied = work / "adapters", work / "untied"
    request = {
        "base": tools.lay(work, "base", read_of(asked.base)),
        "specialists": {name: tools.lay(work, name, read_of(folder)) for name, folder in asked.specialists.items()},
        "out": tools.seen(out, work),
        "untied": tools.seen(untied, work),
        "max_rank": asked.max_rank,
        "residual": asked.residual,
    }
    with Workshop(tools, work, memory) as shop:
        order = {"id": _ORDER, "do": "module", "module": "sharebase", "request": request, "threads": asked.threads}
        shop.order(order)
        report = read(_last(shop, memory, tell))
    adapters = {one.name: _checked(out, one) for one in report.specialists if one.accepted}
    head = {path.name: path for path in untied.iterdir() if not path.is_symlink()} if report.untie else {}
    return Found(report, adapters, head)


def over(head: Mapping[str, Path], base: Path) -> dict[str, Path]:
    """What is laid over a base's files so that it has a head of its own: the head, and under another name the one file
    of its weights, where it is one.
    """
    if not head:
        return {}
    whole = base / "model.safetensors"
    return dict(head) | ({_BODY: whole} if whole.is_file() else {})


def adopt(store: ModelStore, file: Path, digest: str, model: Model) -> HeldModel:
    """An adapter of this store known to it as models are, so that it is lent, sent and pruned like one.

    model: the base's. The file keeps its name, and lies in the store once. Raises SpecError for one that is damaged.
    """
    key = f"path:{Index(store.root).blob(digest)}"
    if (held := store.held(key)) is not None and held.sha256 == digest:
        return held
    header = read_header(file)
    facts = GgufFacts(model, weights(header.tensors, "LoRA"), None, len(header.tensors), header.size, False, True)
    link = private(store.root / "incoming") / f"{digest}.link"
    link.unlink(missing_ok=True)
    os.link(file, link)
    try:
        return store.take(key, link, digest, facts)
    finally:
        link.unlink(missing_ok=True)


def _last(shop: Workshop, memory: int, tell: Tell) -> str:
    """The last line, as the program wrote it."""
    last: dict[str, Any] = {}
    while True:
        event = shop.next(_QUIET)
        if event is None:
            raise DeployError(f"the converter has said nothing for {_QUIET:.0f} s", detail=shop.said())
        if event["id"] == GONE:
            raise gone(int(event["code"]), memory, shop.said())
        if isinstance(said := event.get("said"), dict):
            last = said
            tell(said)
        if "ended" in event:
            _unless_failed(event, last, memory)
            return json.dumps(last)


def _unless_failed(event: Event, last: Mapping[str, Any], memory: int) -> None:
    log = "\n".join(str(line) for line in event.get("log", ())[-12:])
    if event.get("oom") or event["ended"] in _KILLED:
        raise memory_error("sharing a base", memory, log)
    if event["ended"] and last.get("event") != "refused":
        raise DeployError(f"sharing a base failed (exit {event['ended']})", detail=log)


def read_of(folder: Path) -> dict[str, Path]:
    """What is read of a folder: no code, and nothing below it."""
    try:
        found = {path.name: path for path in sorted(folder.iterdir()) if path.suffix in _READ and path.is_file()}
    except OSError as e:
        raise SpecError(f"{folder} cannot be read: {e.strerror}", hint="name a folder of safetensors") from None
    if not found:
        raise SpecError(f"{folder} holds no safetensors", hint="name a folder as it is published")
    return found


def _checked(out: Path, one: Judged) -> Path:
    """The adapter of one specialist. Raises DeployError where it is not the file of the report."""
    path = out / one.adapter
    try:
        with path.open("rb") as file:
            digest = hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as e:
        raise DeployError(f"the adapter of {one.name} was not written: {e.strerror}") from None
    if digest != one.sha256:
        raise DeployError(f"the adapter of {one.name} is not the file that was written", detail=str(path))
    return path
