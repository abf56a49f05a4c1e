"""Repositories of which adapters are made: fetched when they are read, known by content when their files are gone."""

import hashlib
import shutil
from dataclasses import dataclass, replace
from pathlib import Path

from swarmctl.core.converting.request import COMMIT, Asked
from swarmctl.effects import files
from swarmctl.effects.converting import hub
from swarmctl.effects.converting.identity import Hashes, identity
from swarmctl.effects.sharing import read_of
from swarmctl.errors import HostError


@dataclass(frozen=True, slots=True)
class Fetched:
    """One repository at a commit. folder: where its files lie once they came. identity: of those, "" before."""

    asked: Asked
    folder: Path
    identity: str = ""

    @property
    def here(self) -> bool:
        """Its files are all there."""
        return hub.is_whole(self.folder)


def look(asked: Asked, root: Path) -> Fetched:
    """What is known of a repository without fetching it. root: of the store.

    The hub is asked which commit a branch means; where it does not answer, what it meant last. Raises SpecError,
    HostError.
    """
    commit = _commit(asked, root)
    kept = files.read_json(_note(root, f"{asked.where}@{commit}"))
    found = kept.get("identity") if isinstance(kept, dict) else None
    pinned = replace(asked, revision=commit)
    return Fetched(pinned, hub.place(pinned, published(root)), found if isinstance(found, str) else "")


def bring(one: Fetched, root: Path) -> Fetched:
    """The same with its files there; what came before is gone on from. Raises SpecError, HostError."""
    folder = one.folder if one.here else hub.brought(one.asked, published(root))
    if one.identity:
        return replace(one, folder=folder)
    content = identity("folder", Hashes(root).of(read_of(folder)))
    files.write_json(_note(root, f"{one.asked.where}@{one.asked.revision}"), {"identity": content})
    return Fetched(one.asked, folder, content)


def drop(one: Fetched) -> None:
    """Its files go; what is known of them stays."""
    shutil.rmtree(one.folder.parent, ignore_errors=True)


def published(root: Path) -> Path:
    """Where repositories lie as folders."""
    return root / "incoming" / "published"


def _commit(asked: Asked, root: Path) -> str:
    if COMMIT.fullmatch(asked.revision):
        return asked.revision
    note = _note(root, f"{asked.where}@{asked.revision}")
    try:
        found = hub.commit_of(asked)
    except HostError:
        kept = files.read_json(note)
        before = kept.get("commit") if isinstance(kept, dict) else None
        if not isinstance(before, str) or not COMMIT.fullmatch(before):
            raise
        return before
    if files.read_json(note) != {"commit": found}:
        files.write_json(note, {"commit": found})
    return found


def _note(root: Path, of: str) -> Path:
    return root / "hub" / f"{hashlib.sha256(of.encode()).hexdigest()[:32]}.json"
