"""Specialists folded into one base: their weights are brought where they must be read, and given back after."""

from collections.abc import Callable, Collection, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from swarmctl.commands.convert import Wish
from swarmctl.commands.convertible import published
from swarmctl.commands.sharebase import RESIDUAL
from swarmctl.core.converting.request import Asked, asked
from swarmctl.core.model import Model
from swarmctl.core.sharing.verdict import in_a_file, table
from swarmctl.core.spec import ModelSource, SwarmSpec
from swarmctl.effects import machine
from swarmctl.effects.converting.adapters import Adapter, Kept, shared
from swarmctl.effects.converting.identity import Hashes
from swarmctl.effects.converting.tools import Tools
from swarmctl.effects.describe import describe
from swarmctl.effects.sharing import Asked as Sharing
from swarmctl.effects.world import World

if TYPE_CHECKING:
    from swarmctl.effects.converting.fetched import Fetched

_SHARE = 0.8
"""Of the free memory."""
Say = Callable[[str], None]
With = Callable[[], Tools]


class MissingError(Exception):
    """Something is not there yet, and nothing may be made or fetched."""


@dataclass(frozen=True, slots=True)
class Base:
    """asked: what must be converted of it. model: its architecture."""

    asked: Asked
    model: Model


@dataclass(frozen=True, slots=True)
class Hands:
    """What adapters are made with. tools: raises MissingError where nothing may be made, nor fetched then."""

    world: World
    wish: Wish
    tools: With
    say: Say
    fetches: bool = True


def fold(spec: SwarmSpec, base: str, names: Collection[str], by: Hands) -> tuple[Base, Mapping[str, Adapter]]:
    """The base as it must be converted, and the adapter of each specialist.

    Raises MissingError, SpecError for a specialist that needs weights of its own, and what `shared` raises.
    """
    sources = _Sources(by)
    home = sources.folder(spec.models[base], read=True)
    folders = {name: sources.folder(spec.models[name]) for name in names}
    request = Sharing(home, folders, spec.placement.max_rank, RESIDUAL, known=sources.known)
    kept = _kept(request, base, by, sources)
    sources.away(set(folders.values()) - {home})
    in_a_file(kept.report)
    return Base(kept.laid(asked(str(home), "folder")), describe(home)), kept.adapters


def _kept(request: Sharing, base: str, by: Hands, sources: "_Sources") -> Kept:
    world, told = by.world, list[object]()
    memory = by.wish.memory or round(machine.look(world.store.root).ram_free * _SHARE)

    def tell(row: Mapping[str, Any]) -> None:
        told.append(row.get("event"))
        if row.get("event") == "specialist":
            by.say(f"{row.get('name')}: {'shares' if row.get('accepted') else 'cannot share'} {base}")

    def made() -> Kept:
        return shared(request, world.store, by.tools, memory, tell, sources.bring)

    kept = made()
    if _damaged(kept, world):
        kept = made()
    if told:
        for row in table(kept.report):
            by.say("  ".join(f"{word:<12}" for word in row).rstrip())
    return kept


class _Sources:
    """Folders of published weights. known: identities of those that came from a hub."""

    def __init__(self, by: Hands) -> None:
        self._by = by
        self._root = by.world.store.root
        self._fetched: dict[Path, Fetched] = {}
        self.known: dict[Path, str] = {}

    def folder(self, source: ModelSource, *, read: bool = False) -> Path:
        """Where its files lie, or would. read: they are read whatever else there is."""
        wanted = published(source.path or f"hf:{source.hf}@{source.revision}")
        if wanted.kind != "hub":
            return Path(wanted.where).expanduser().resolve()
        from swarmctl.effects.converting import fetched  # noqa: PLC0415 - a client that folders do not need

        found = fetched.look(wanted, self._root)
        if not found.identity or (read and not found.here):
            found = self._brought(found)
        self._fetched[found.folder], self.known[found.folder] = found, found.identity
        return found.folder

    def bring(self, folders: Collection[Path]) -> None:
        """Those of them that come from a hub and are not here are fetched."""
        for folder in folders:
            if (one := self._fetched.get(folder)) is not None and not one.here:
                self._brought(one)

    def away(self, folders: Collection[Path]) -> None:
        """Of what was fetched and is not read again, the space is given back."""
        from swarmctl.effects.converting import fetched  # noqa: PLC0415 - as above

        for one in (self._fetched[folder] for folder in folders if folder in self._fetched):
            with suppress(OSError):
                fetched.drop(one)

    def _brought(self, one: "Fetched") -> "Fetched":
        from swarmctl.effects.converting import fetched  # noqa: PLC0415 - as above

        if not self._by.fetches:
            raise MissingError
        self._by.say(f"fetching {one.asked.where} at {one.asked.revision[:12]}")
        return fetched.bring(one, self._root)


def _damaged(kept: Kept, world: World) -> bool:
    """Somebody changed an adapter's file: it goes, so that it is made anew."""
    hashes = Hashes(world.store.root)
    bad = [one.path for one in kept.adapters.values() if hashes.one(one.path) != one.sha256]
    for path in bad:
        path.unlink()
    return bool(bad)
