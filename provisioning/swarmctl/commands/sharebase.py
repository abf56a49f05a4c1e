"""`convert --share-base`: specialists folded into one base, each with its rank and what is left of its edit."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from swarmctl.commands.convert import Report as Converted
from swarmctl.commands.convert import Wish, convert, decide
from swarmctl.commands.convertible import published
from swarmctl.core.converting.request import Asked
from swarmctl.effects import machine
from swarmctl.effects.converting.adapters import Kept, shared
from swarmctl.effects.converting.run import Tell as TellSteps
from swarmctl.effects.converting.tools import provided, tools
from swarmctl.effects.sharing import Asked as Sharing
from swarmctl.effects.sharing import Tell
from swarmctl.effects.world import World
from swarmctl.errors import SpecError

RANK, RESIDUAL = 16, 0.02
_SHARE = 0.8
"""Of the free memory, where nobody says."""


@dataclass(frozen=True, slots=True)
class Limits:
    """max_rank: of an adapter, 1 to 512. residual: share of an edit that an adapter may leave out, 0 to 1."""

    max_rank: int = RANK
    residual: float = RESIDUAL


@dataclass(frozen=True, slots=True)
class Shared:
    """What came of it. base: as it must be converted to carry the adapters. specialists: their sources by name."""

    kept: Kept
    base: Asked
    specialists: dict[str, str]
    converted: Converted | None = None


def share(
    base: str, specialists: Sequence[str], limits: Limits, world: World, tell: Tell, memory: int | None = None,
    say: object = None,
) -> Shared:  # fmt: skip
    """Fold them; adapters of those accepted are in the store then, and nothing of the others. memory: MiB.

    Raises SpecError for what is no folder or repository, HostError where one cannot be had, and what `shared` raises.
    """
    source, folders, here = published(base), _specialists(specialists, world), machine.look(world.store.root)
    asked = Sharing(folder(source, world), folders, limits.max_rank, limits.residual, here.cores)
    room = memory or round(here.ram_free * _SHARE)
    kept = shared(asked, world.store, lambda: provided(tools(), say), room, tell)
    source = kept.laid(Asked("folder", str(asked.base), source.name))
    return Shared(kept, source, {name: str(path) for name, path in folders.items()})


def with_base(
    done: Shared, quants: tuple[str, ...], wish: Wish, world: World, tell: TellSteps, say: object = None
) -> Shared:
    """The base itself in these quantisations, with a head of its own where an adapter needs it."""
    report = convert(decide([(done.base, quants)], wish, world), world, tell, say)
    return replace(done, converted=report)


def folder(asked: Asked, world: World) -> Path:
    """Where its files lie here; those of a repository are fetched, and what came before is gone on from."""
    if asked.kind != "hub":
        return Path(asked.where).expanduser().resolve()
    from swarmctl.effects.converting.hub import brought  # noqa: PLC0415 - an HTTP client that folders do not need

    return brought(asked, world.store.root / "incoming" / "published")


def _specialists(texts: Sequence[str], world: World) -> dict[str, Path]:
    """Folders by the names that their adapters get. Raises SpecError for two of one name."""
    sources = [published(text) for text in dict.fromkeys(texts)]
    names = [one.name for one in sources]
    if twice := [name for name in names if names.count(name) > 1]:
        both = " and ".join(one.where for one in sources if one.name == twice[0])
        raise SpecError(f"{both} would both be called {twice[0]!r}", hint="rename one of the folders")
    if not sources:
        raise SpecError("there is no specialist to fold into the base", hint="--share-base BASE SPECIALIST…")
    return {one.name: folder(one, world) for one in sources}
