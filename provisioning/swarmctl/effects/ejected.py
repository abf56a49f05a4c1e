"""A folder that runs a swarm by Docker alone: Compose files, settings, Modelfiles, secrets, and how to use them."""

import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from jinja2 import Environment, StrictUndefined

from swarmctl.assets import root
from swarmctl.core.compose import render
from swarmctl.core.composesite import USER, ComposeSite
from swarmctl.core.dialect import Dialect
from swarmctl.core.images import Images
from swarmctl.core.ports import assign
from swarmctl.core.spec import SwarmSpec
from swarmctl.core.stack import ANSWERS, Service, Stack
from swarmctl.core.stackfiles import model_files, of_kind, settings_files
from swarmctl.effects import files
from swarmctl.effects.paths import private
from swarmctl.effects.storeindex import HeldModel
from swarmctl.effects.templates import modelfile_templates, stack_templates


@dataclass(frozen=True, slots=True)
class Ejected:
    """What is written out. machine: what it is for. held: models of this machine's store, by key."""

    spec: SwarmSpec
    stacks: tuple[Stack, ...]
    prompts: Mapping[str, str]
    images: Images
    dialect: Dialect
    machine: str
    notes: tuple[str, ...] = ()
    held: Mapping[str, HeldModel] = field(default_factory=dict)


def eject(what: Ejected, folder: Path) -> list[Path]:
    """Write it; the files in order. Where root writes, all belongs to the user of the agent image."""
    folder = private(folder).resolve()
    user = USER if os.geteuid() == 0 else f"{os.geteuid()}:{os.getegid()}"
    site = _site(what, folder, user)
    written = [*_compose(what, folder, site), *_texts(what, folder, site), *_secrets(folder)]
    kept = [*of_kind(what.stacks, "agent"), *of_kind(what.stacks, "forwarder")]
    for name in ("models/gguf", *(f"data/{s.name}" for s in kept)):
        private(folder / name)
    ignored = folder / ".gitignore"
    files.write(ignored, "secrets/\ndata/\nmodels/\n")
    readme = folder / "README.md"
    files.write(readme, _readme(what, folder, site))
    if os.geteuid() == 0:
        _give(folder, *map(int, USER.split(":")))
    return [*written, ignored, readme]


def _site(what: Ejected, folder: Path, user: str) -> ComposeSite:
    listening = [s.name for stack in what.stacks for s in stack.services if s.kind in ANSWERS]
    return ComposeSite(
        templates=stack_templates(),
        root=str(folder),
        models=str(folder / "models"),
        ports=assign(what.spec.name, listening, given={}, busy=frozenset()),
        files={source.key: f"gguf/{name}.gguf" for name, source in what.spec.models.items()},
        modelfiles=tuple(s.subject for s in of_kind(what.stacks, "model")),
        user=user,
        dialect=what.dialect,
    )


def _compose(what: Ejected, folder: Path, site: ComposeSite) -> Iterable[Path]:
    for n, stack in enumerate(what.stacks):
        path = folder / _file(what.stacks, stack)
        files.write(path, render(stack, replace(site, owns=n == 0)))
        yield path


def _file(stacks: Sequence[Stack], stack: Stack) -> str:
    """One stack is what `docker compose up` in the folder means; of several each is named."""
    return "compose.yml" if len(stacks) == 1 else f"{stack.gpu}.yml"


def _flag(stacks: Sequence[Stack], stack: Stack) -> str:
    return "" if len(stacks) == 1 else f" -f {_file(stacks, stack)}"


def _texts(what: Ejected, folder: Path, site: ComposeSite) -> Iterable[Path]:
    """Agents' settings and Modelfiles."""
    digests = {source.key: _digest(what, source.key) for source in what.spec.models.values()}
    texts = [
        *settings_files(what.stacks, what.prompts, site),
        *model_files(what.stacks, site, digests, modelfile_templates()),
    ]
    for path, text in texts:
        files.write(folder / path, text)
        yield folder / path


def _digest(what: Ejected, source: str) -> str:
    """Of a model's file, as the swarm file promises it or the store here has it; "" where nobody has seen it."""
    promised = next((s.sha256 for s in what.spec.models.values() if s.key == source), None)
    held = what.held.get(source)
    return promised or (held.sha256 if held else "")


def _secrets(folder: Path) -> Iterable[Path]:
    place = folder / "secrets"
    key = files.secret(place / "engine.key")
    files.secret(place / "agents.token")
    # Of a single key llama-server logs the last four letters.
    files.write(place / "engine.keys", f"{key}\n{key}\n")
    return [place / name for name in ("engine.key", "engine.keys", "agents.token")]


def _readme(what: Ejected, folder: Path, site: ComposeSite) -> str:
    environment = Environment(undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True, autoescape=False)  # noqa: S701 - a text file is no HTML
    text = (root() / "compose" / "eject" / "README.md.j2").read_text(encoding="utf-8")
    serving = [service for stack in what.stacks for service in stack.services if service.kind in {"engine", "model"}]
    return (
        environment.from_string(text).render(
            swarm=what.spec.name,
            machine=what.machine,
            folder=folder,
            user=site.user,
            user_is_other=os.geteuid() == 0,
            images=what.images,
            engine_images=sorted({s.settings["image"] for s in serving if s.kind == "engine"}),
            stacks=[{"flag": _flag(what.stacks, stack)} for stack in what.stacks],
            models=[row for s in serving if "source" in s.settings for row in _wanted(what, s, site)],
            registered=[
                {"name": s.subject, "server": s.needs[0], "flag": _flag(what.stacks, stack)}
                for stack in what.stacks
                for s in stack.services
                if s.kind == "model"
            ],
            ports=site.ports,
            notes=[*what.dialect.notes, *what.notes],
        )
        + "\n"
    )


def _wanted(what: Ejected, service: Service, site: ComposeSite) -> Iterable[dict[str, Any]]:
    """The files that a service reads: its model, and beside it a draft model and adapters."""
    s = service.settings
    sources = {s["source"]: s["quant"], **({s["draft"]: s["quant"]} if s.get("draft") else {})}
    sources |= {edit["source"]: "adapter (LoRA, as GGUF) of this model to the base" for edit in s.get("adapters", ())}
    for source, form in sources.items():
        path = f"models/{site.files[source]}"
        held = what.held.get(source)
        yield {"path": path, "source": source, "quant": form, "held": held and held.blob}


def _give(folder: Path, user: int, group: int) -> None:
    for path in (folder, *folder.rglob("*")):
        os.chown(path, user, group, follow_symlinks=False)
