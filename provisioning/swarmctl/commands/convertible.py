"""What is to be converted: sources that somebody names, or what a swarm file needs."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Literal

from swarmctl.core.converting.request import Asked, asked
from swarmctl.core.spec import ModelSource, SwarmSpec
from swarmctl.effects.converting.finishing import held_key
from swarmctl.errors import SpecError

Wanted = tuple[Asked, tuple[str, ...]]
"""A source, and the quantisations that are wanted of it."""


def named(texts: Sequence[str], quants: tuple[str, ...], base: str = "") -> list[Wanted]:
    """Sources of the command line. base: of adapters. Raises SpecError that lists all that name nothing."""
    found, lost = [], []
    for text in dict.fromkeys(texts):
        try:
            found.append((_based(asked(text, _there(text), base), base), quants))
        except SpecError as e:
            lost.append(e)
    if lost:
        raise SpecError(lost[0].message, detail="\n".join(e.message for e in lost[1:]), hint=lost[0].hint)
    return found


def _based(one: Asked, base: str) -> Asked:
    if base and one.kind not in {"adapter", "hub"}:
        raise SpecError(f"{one.where} is no adapter, and --base names the model of one", hint="leave out --base")
    return one


def published(text: str) -> Asked:
    """A folder or repository of published weights, or of an adapter. Raises SpecError for anything else."""
    found = asked(text, _there(text))
    if found.kind in {"folder", "adapter", "hub"}:
        return found
    raise SpecError(
        f"{text[:100]} is no folder of safetensors: what it was made of cannot be told from it",
        hint="name the folder or the repository that it was published as",
    )


def role_alone(spec: SwarmSpec, role: str | None) -> SwarmSpec:
    """The swarm with no role but this one; all of it for None. Raises SpecError for a role that is not."""
    if role is None:
        return spec
    if role not in spec.roles:
        raise SpecError(f"swarm '{spec.name}' has no role '{role}'; it has: {', '.join(spec.roles)}")
    return spec.model_copy(update={"roles": {role: spec.roles[role]}})


def of_swarm(spec: SwarmSpec, quants: tuple[str, ...]) -> list[Wanted]:
    """Models of a swarm that must be converted before they can be served."""
    used = [n for n in spec.models if spec.users(n)]
    found = ((n, to_convert(spec.models[n], spec.models)) for n in used)
    return [(one, _quants(spec.models[n], quants)) for n, one in found if one is not None]


def contexts(spec: SwarmSpec, quants: tuple[str, ...]) -> dict[str, int]:
    """Tokens that one conversation with a converted model holds, by its key in the store; the most that a role asks."""
    found: dict[str, int] = {}
    for name, source in spec.models.items():
        asked_for = to_convert(source, spec.models)
        wanted = [spec.roles[role].context or spec.engine.context for role in spec.users(name)]
        for quant in _quants(source, quants) if asked_for is not None and wanted else ():
            key = held_key(asked_for, quant) if asked_for is not None else ""
            found[key] = max(found.get(key, 0), *wanted)
    return found


def _there(text: str) -> Literal["", "file", "folder", "adapter"]:
    path = Path(text).expanduser()
    if path.is_dir():
        return "adapter" if (path / "adapter_config.json").is_file() else "folder"
    return "file" if path.is_file() else ""


def to_convert(source: ModelSource, models: Mapping[str, ModelSource] | None = None) -> Asked | None:
    """What must be converted for a model of a swarm file; None where a file is served as it is.

    models: of the file; an adapter's base is among them.
    """
    if source.path is not None:
        path = Path(source.path)
        other = source.quant is not None and path.is_file()
        base = _published_as((models or {}).get(source.base or "")) if (path / "adapter_config.json").is_file() else ""
        return asked(source.path, _there(source.path), base) if path.is_dir() or other else None
    if source.hf is not None and source.file is None:
        return asked(f"hf:{source.hf}@{source.revision}", "")
    return None


def _published_as(source: ModelSource | None) -> str:
    """The words that name a model's weights on the command line; "" where there are none."""
    if source is None:
        return ""
    return source.path or (f"hf:{source.hf}@{source.revision}" if source.hf and source.file is None else "")


def _quants(source: ModelSource, quants: tuple[str, ...]) -> tuple[str, ...]:
    return (source.quant,) if source.quant is not None else quants
