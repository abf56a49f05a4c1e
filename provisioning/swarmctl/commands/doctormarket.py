"""`doctor` on the rental market: is there a key, who else can read it, and what may it do."""

from swarmctl.commands.finding import Finding
from swarmctl.effects.providers.here import vast
from swarmctl.effects.providers.keys import HINT, FoundKey, find_key
from swarmctl.effects.providers.scope import NEEDED, USEFUL
from swarmctl.effects.world import World
from swarmctl.errors import SwarmctlError

NAME, USE = "market key", "renting machines (swarmctl up --gpu ...)"


def market_key(world: World) -> Finding:
    """One row. Nothing is missing where nobody rents: without a key the row is optional."""
    try:
        found = find_key()
        if found is None:
            return Finding(NAME, "optional", "none found", USE, HINT)
        return _judged(found, world)
    except SwarmctlError as e:
        return Finding(NAME, "optional", e.message, USE, e.hint)


def _judged(found: FoundKey, world: World) -> Finding:
    if found.open:
        return Finding(NAME, "optional", f"others can read {found.source}", USE, f"chmod 600 {found.source}")
    scope = vast(world.state, world.clock).scope()
    lacking = [name for name in NEEDED if scope.groups.get(name) is False]
    if lacking:
        return Finding(NAME, "optional", f"from {found.source}, without {', '.join(lacking)}", USE, HINT)
    if scope.wide:
        told = f"from {found.source}; it may do more than is needed: a scoped key is safer"
        return Finding(NAME, "ok", told, "", HINT)
    told = ", ".join(f"{name}: {_word(scope.groups.get(name))}" for name in (*NEEDED, *USEFUL))
    return Finding(NAME, "ok", f"from {found.source}, {told}")


def _word(allowed: bool | None) -> str:
    return {True: "yes", False: "no", None: "?"}[allowed]
