"""A host made ready by the playbook `prepare`, once for each form of it."""

import hashlib
from collections.abc import Callable, Mapping
from functools import cache
from typing import Any

from swarmctl.assets import root
from swarmctl.core.hosts import Host
from swarmctl.core.stack import config_hash
from swarmctl.effects.hosts.playbooks import Beside, Playbook, Played, play
from swarmctl.effects.world import World

_SECONDS = 1800.0
_SECRET = frozenset({"guard_key", "saving_key", "saving_token"})


def form(variables: Mapping[str, Any]) -> str:
    """Hash of what a host is prepared with: the playbooks as they are, and the variables that are no secret."""
    return config_hash(
        {"playbooks": _playbooks(), "variables": {k: v for k, v in variables.items() if k not in _SECRET}}
    )


def prepare(
    host: Host, variables: Mapping[str, Any], world: World, say: Callable[[str], None], beside: Beside | None = None
) -> Played:
    """Run it, and say each task. Raises DeployError with task, host, message and log; HostError, Cancelled."""
    book = Playbook("prepare", of_hosts={host.name: dict(variables)}, seconds=_SECONDS)
    return play(book, [host], world.state, say, clock=world.clock, beside=beside).proved()


@cache
def _playbooks() -> str:
    """Of every file, in order."""
    found = hashlib.sha256()
    top = root() / "playbooks"
    for path in sorted(path for path in top.rglob("*") if path.is_file()):
        found.update(str(path.relative_to(top)).encode() + b"\0" + path.read_bytes() + b"\0")
    return found.hexdigest()[:16]
