"""What is to be converted: sources that somebody names, or what a swarm file needs."""

from collections.abc import Sequence
from pathlib import Path
from typing import Literal

from swarmctl.core.converting.request import Asked, asked
from swarmctl.core.spec import ModelSource, SwarmSpec
from swarmctl.errors import SpecError

Wanted = tuple[Asked, tuple[str, ...]]
"""A source, and the quantisations that are wanted of it."""


def named(texts: Sequence[str], quants: tuple[str, ...], base: str = "") -> list[Wanted]:
    """Sources of the command line. Raises SpecError that lists all that name nothing."""
    found, lost = [], []
    for text in dict.fromkeys(texts):
        try:
            found.append((asked(text, _there(text), base), quants))
        except SpecError as e:
            lost.append(e)
    if lost:
        raise SpecError(lost[0].message, detail="\n".join(e.message for e in lost[1:]), hint=lost[0].hint)
    return found


def of_swarm(spec: SwarmSpec, quants: tuple[str, ...], role: str | None = None) -> list[Wanted]:
    """Models of a swarm that must be converted before they can be served. Raises SpecError for a role that is not."""
    if role is not None and role not in spec.roles:
        raise SpecError(f"swarm '{spec.name}' has no role '{role}'; it has: {', '.join(spec.roles)}")
    used = [n for n in spec.models if spec.users(n) and (role is None or role in spec.users(n))]
    return [(one, _quants(spec.models[n], quants)) for n in used if (one := to_convert(spec.models[n])) is not None]


def _there(text: str) -> Literal["", "file", "folder", "adapter"]:
    path = Path(text).expanduser()
    if path.is_dir():
        return "adapter" if (path / "adapter_config.json").is_file() else "folder"
    return "file" if path.is_file() else ""


def to_convert(source: ModelSource) -> Asked | None:
    """What must be converted for a model of a swarm file; None where a file is served as it is."""
    if source.path is not None:
        path = Path(source.path)
        other = source.quant is not None and path.is_file()
        return asked(source.path, "folder" if path.is_dir() else "file") if path.is_dir() or other else None
    if source.hf is not None and source.file is None:
        return asked(f"hf:{source.hf}@{source.revision}", "")
    return None


def _quants(source: ModelSource, quants: tuple[str, ...]) -> tuple[str, ...]:
    return (source.quant,) if source.quant is not None else quants
