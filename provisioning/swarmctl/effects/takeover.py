"""A swarm that another computer brought up on a machine: its keys are those that are there, and its ports, too."""

import json
import re
from typing import Any

from swarmctl.core.placed import Placed, root_of
from swarmctl.core.places import Places
from swarmctl.effects import files, swarmkeys
from swarmctl.effects.hosts.ssh import Line
from swarmctl.effects.loopback import free
from swarmctl.effects.paths import private

_READ = """\
cd "$1" 2>/dev/null || exit 0
for f in secrets/engine.key secrets/agents.token ports.json; do cat "$f" 2>/dev/null; printf '\\0'; done
"""
_KEY = re.compile(r"[A-Za-z0-9_-]{32,128}")
_SECONDS = 60.0


def take_over(placed: Placed, places: Places) -> bool:
    """They are here from now on, so that both computers go on with it; False where this one has keys of its own, or
    the machine has none. Ports of which one is somebody's here are left: others will be given. Raises HostError.
    """
    if places.engine_key.exists() or places.agent_token.exists():
        return False
    processes = placed.runtime == "process"
    root = f"{placed.base}/swarms/{placed.swarm}" if processes else root_of(placed.swarm)
    with Line(placed.reached, private(places.root / "tunnels")) as line:
        said = line.run(["sh", "-c", _READ, "sh", root], seconds=_SECONDS, root=not processes).stdout
    engine, token, ports = (part.strip() for part in [*said.split("\0"), "", "", ""][:3])
    if not (_KEY.fullmatch(engine) and _KEY.fullmatch(token)):
        return False
    files.write(places.engine_key, engine)
    files.write(places.agent_token, token)
    swarmkeys.make(places)
    if (known := _ports(ports)) and all(map(free, known.values())):
        files.write_json(places.ports, known)
    return True


def _ports(text: str) -> dict[str, int]:
    try:
        found: Any = json.loads(text)
    except ValueError:
        return {}
    good = isinstance(found, dict) and all(type(port) is int and 0 < port < 65536 for port in found.values())
    return found if good else {}
