"""What a swarm file wishes of its rented machine, and what it means when that changes while the machine is held."""

from collections.abc import Mapping
from typing import Any

from swarmctl.core.target import VastTarget

THERE = frozenset({"idle", "at_end", "save", "playbooks"})
"""Wishes that the machine itself is told of."""
GUARDED = frozenset({"idle", "at_end"})
"""Those of them that its guard holds to, which listens to whoever has the machine's key."""
_EXTENDED = {"ttl": "--ttl", "budget": "--budget"}
"""Those that cost money, so that a command of their own asks for a yes."""
_HERE = frozenset({"notify", "hub_token"})
"""Those that are read here whenever they are needed."""


def wishes(target: VastTarget, **more: str) -> dict[str, str]:
    """Each wish as a text. more: what stands for wishes that hold more than their words: of `save`, and `playbooks`."""
    raw: dict[str, Any] = target.model_dump(mode="json")
    words = {name: str(value) for name, value in raw.items() if name not in _HERE}
    return {**words, **more}


def to_tell(before: Mapping[str, str], now: Mapping[str, str]) -> frozenset[str]:
    """Wishes that the machine must be told of. before: as it was told; where nobody wrote that down, all."""
    return frozenset(name for name in THERE if before.get(name) != now.get(name))


def not_applied(before: Mapping[str, str], now: Mapping[str, str], lease: str, swarm: str) -> list[str]:
    """A sentence for each wish that changed and that no `up` applies, with what to type instead."""
    if not before:
        return []
    changed = [name for name in now if name not in THERE and before.get(name) != now[name]]
    sentences = [_extend(name, now[name], lease) for name in changed if name in _EXTENDED]
    if others := [name for name in changed if name not in _EXTENDED]:
        sentences.append(
            f"{', '.join(others)}: changed in the file, and counts when a machine is rented; machine {lease} stays as "
            f"it is (swarmctl down --swarm {swarm}, then up, for another)"
        )
    return sentences


def _extend(name: str, value: str, lease: str) -> str:
    amount = f"{value}s" if name == "ttl" else value
    if value == "None":
        return f"{name}: no longer in the file; machine {lease} keeps what was agreed"
    return (
        f"{name}: changed in the file; machine {lease} keeps what was agreed until: "
        f"swarmctl extend --lease {lease} {_EXTENDED[name]} {amount}"
    )
