"""Which of a file's fallbacks is tried, and which one held: remembered in the swarm's folder as long as it is up."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from swarmctl.core.fallback import changes, identity
from swarmctl.effects import files
from swarmctl.effects.specs import Opened, with_fallbacks
from swarmctl.effects.world import World


@dataclass(frozen=True, slots=True)
class Try:
    """opened: with `count` of its fallbacks. last: nothing is left to be tried where its proofs fail."""

    opened: Opened
    count: int
    last: bool


def tries(opened: Opened, world: World, *, anew: bool = False) -> Iterator[Try]:
    """The file as it held before, or as it asks, and then with one fallback more each time.

    anew: as it asks, whatever held before.
    """
    most = len(opened.spec.fallbacks)
    for count in range(0 if anew else held(opened, world), most + 1):
        yield Try(with_fallbacks(opened, count), count, count == most)


def held(opened: Opened, world: World) -> int:
    """How many fallbacks the swarm runs with; 0 where its file is another one since."""
    found = files.read_json(_place(opened, world))
    if not isinstance(found, dict) or found.get("of") != identity(opened.loaded.spec):
        return 0
    count = found.get("count")
    return count if isinstance(count, int) and 0 <= count <= len(opened.spec.fallbacks) else 0


def remember(tried: Try, world: World) -> None:
    """It was proved so."""
    path = _place(tried.opened, world)
    if tried.count:
        files.write_json(path, {"of": identity(tried.opened.loaded.spec), "count": tried.count})
    else:
        path.unlink(missing_ok=True)


def words(tried: Opened) -> str:
    """What differs from what the file asks for: `context 8192 → 4096`; "" where nothing does."""
    return changes(tried.loaded.spec, tried.spec)


def _place(opened: Opened, world: World) -> Path:
    return world.places(opened.spec.name).root / "fallback.json"
