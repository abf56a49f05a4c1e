"""Which swarm a command is about, and which values the flags set."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from swarmctl.core.parts.names import whole
from swarmctl.core.specfile import Override
from swarmctl.core.yamltree import Unreadable, read_tree
from swarmctl.effects.specs import Opened, locate, open_spec
from swarmctl.effects.world import World
from swarmctl.errors import SpecError


def opened(file: Path | None, swarm: str | None, overrides: Sequence[Override] = ()) -> Opened:
    """The swarm file that is meant, read. Raises SpecError."""
    return open_spec(locate(file, swarm), overrides)


def name(file: Path | None, swarm: str | None, world: World) -> str:
    """The name of a swarm that may be up: --swarm NAME, the file's, or the only one here. Raises SpecError."""
    if swarm is not None and file is None:
        return swarm
    if file is not None or Path("swarm.yml").exists():
        return opened(file, swarm).spec.name
    known = list(dict.fromkeys(part[0] if (part := whole(name)) else name for name in world.known()))
    if len(known) == 1:
        return known[0]
    what = f"several swarms are up here: {', '.join(known)}" if known else "no swarm is up on this machine"
    raise SpecError(what, hint="name one: --swarm NAME" if known else "swarmctl up --swarm demo")


_PATHS = {
    "context": ("engine", "context"),
    "parallel": ("engine", "parallel"),
    "kv": ("engine", "kv"),
    "threads": ("engine", "threads"),
    "architecture": ("placement", "architecture"),
    "test": ("test",),
    "runtime": ("runtime",),
    "rented_gpu": ("target", "vast", "gpu"),
    "max_price": ("target", "vast", "max_price"),
    "budget": ("target", "vast", "budget"),
    "ttl": ("target", "vast", "ttl"),
    "idle": ("target", "vast", "idle"),
}
"""Where in the file a flag's value stands."""
_FLAGS = {"rented_gpu": "--gpu", "max_price": "--max-price"}
"""Flags that are called otherwise than their values here."""


def overrides(flags: Mapping[str, Any]) -> list[Override]:
    """The flags that stand above the file. Raises SpecError for one that cannot be read."""
    found = [
        Override(path, flags[name], _FLAGS.get(name, f"--{name}")) for name, path in _PATHS.items() if name in flags
    ]
    if engine := flags.get("engine"):
        kind, _, version = engine.partition("@")
        found += [
            Override(("engine", "kind"), kind, "--engine"),
            Override(("engine", "version"), version or None, "--engine"),
        ]
    if host := flags.get("host"):
        found.append(Override(("target", "ssh", "hosts"), [host], "--host"))
    if give := flags.get("give"):
        found.append(Override(("placement", "give"), [part.strip() for part in give.split(",")], "--give"))
    found += [_of_a_model("quant", text) for text in flags.get("quants", ())]
    found += [_of_a_model("device", text) for text in flags.get("devices", ())]
    return [*found, *(_set(text) for text in flags.get("sets", ()))]


def _of_a_model(what: str, text: str) -> Override:
    model, sign, value = text.partition("=")
    if not sign or not model:
        raise SpecError(f"--{what} {text}: write it as model={what}", hint="--quant coder=Q4_K_M --device lead=cpu")
    return Override(("models", model, what), value, f"--{what}")


def _set(text: str) -> Override:
    path, sign, value = text.partition("=")
    if not sign or not path:
        raise SpecError(f"--set {text}: write it as path=value", hint="--set roles.backend.output=1024")
    return Override(tuple(path.split(".")), _value(text, value), f"--set {path}")


def _value(text: str, value: str) -> Any:
    try:
        tree, mistakes = read_tree(value.encode())
    except Unreadable as e:
        raise SpecError(f"--set {text}: {e}") from None
    if mistakes:
        raise SpecError(f"--set {text}: {mistakes[0].message}")
    return tree.plain()
