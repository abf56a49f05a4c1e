"""A swarm as it is tried where the proofs of what its file asks for fail: the file with its fallbacks in it."""

from collections.abc import Iterator
from typing import Any, get_args

from pydantic import ValidationError

from swarmctl.core.spec import EngineSettings, Fallback, Quant, Role, SwarmSpec
from swarmctl.core.stack import config_hash

_LIMITS = ("context", "parallel", "max_loaded")
"""What a fallback lowers and never raises."""
_KINDS = ("kv", "flash_attention", "version")
_BEST_FIRST = get_args(Quant)


def fallen(spec: SwarmSpec, count: int) -> SwarmSpec:
    """The swarm with its first fallbacks. Raises ValueError with the path of one that makes no sense."""
    for n, one in enumerate(spec.fallbacks[:count]):
        try:
            spec = _with(spec, one)
        except ValidationError as e:
            raise ValueError(f"fallbacks[{n}]: {e.errors()[0]['msg']}") from None
    return spec


def mistakes(spec: SwarmSpec) -> Iterator[str]:
    """Fallbacks that make no sense, or change nothing where they come."""
    for n in range(len(spec.fallbacks)):
        try:
            if fallen(spec, n) == fallen(spec, n + 1):
                yield f"fallbacks[{n}]: it changes nothing of what comes before it"
        except ValueError as e:
            yield str(e)
            return


def changes(asked: SwarmSpec, tried: SwarmSpec) -> str:
    """What differs, in words: `context 8192 → 4096, quant of coder Q8_0 → Q4_K_M`."""
    found = [
        f"{name.replace('_', ' ')} {_said(was)} → {_said(now)}"
        for name in (*_LIMITS, *_KINDS)
        if (was := getattr(asked.engine, name)) != (now := getattr(tried.engine, name))
    ]
    found += [
        f"context of {name} {asked.context_of(name)} → {tried.context_of(name)}"
        for name, role in asked.roles.items()
        if role.context is not None and role.context != tried.roles[name].context
    ]
    found += [
        f"quant of {name} {source.quant} → {tried.models[name].quant}"
        for name, source in asked.models.items()
        if source.quant != tried.models[name].quant
    ]
    return ", ".join(found)


def identity(spec: SwarmSpec) -> str:
    """Hash of what a file asks for; another file begins anew."""
    return config_hash(spec.model_dump(mode="json"))


def _with(spec: SwarmSpec, one: Fallback) -> SwarmSpec:
    engine: dict[str, Any] = spec.engine.model_dump()
    for name in _KINDS:
        if (value := getattr(one, name)) is not None:
            engine[name] = value
    for name in _LIMITS:
        if (value := getattr(one, name)) is not None:
            engine[name] = value if engine[name] is None else min(engine[name], value)
    models = {
        name: source.model_copy(update={"quant": one.quant}) if _larger(source.quant, one.quant) else source
        for name, source in spec.models.items()
    }
    roles = {name: _capped(role, one.context) for name, role in spec.roles.items()}
    made = EngineSettings.model_validate(engine)
    return spec.model_copy(update={"engine": made, "models": models, "roles": roles})


def _larger(quant: str | None, most: str | None) -> bool:
    return quant is not None and most is not None and _BEST_FIRST.index(quant) < _BEST_FIRST.index(most)


def _capped(role: Role, context: int | None) -> Role:
    if context is None or role.context is None or role.context <= context:
        return role
    return role.model_copy(update={"context": context})


def _said(value: object) -> str:
    words = {"None": "all", "True": "on", "False": "off"}
    return words.get(str(value), str(value))
