"""Adapters of specialists, kept beside the store's models by what they were made of: no specialist is read twice."""

import hashlib
import json
import shutil
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from swarmctl.core.converting.request import Asked as Source
from swarmctl.core.sharing.report import Judged, Report
from swarmctl.effects import files
from swarmctl.effects.converting.identity import Hashes, identity
from swarmctl.effects.converting.tools import Tools
from swarmctl.effects.converting.toolversion import programs
from swarmctl.effects.paths import private
from swarmctl.effects.sharing import Asked, Tell, over, read_of, share_base
from swarmctl.effects.store import ModelStore
from swarmctl.effects.storeadapters import adapter_file
from swarmctl.effects.storeindex import Index
from swarmctl.errors import HostError, LockedError

SCHEMA = "swarmctl/adapter/v1"


@dataclass(frozen=True, slots=True)
class Adapter:
    """One file of the store."""

    sha256: str
    bytes: int
    path: Path


@dataclass(frozen=True, slots=True)
class Kept:
    """What a base and its specialists came to. head: files to lay over the base's, where an adapter needs a head."""

    report: Report
    adapters: Mapping[str, Adapter]
    head: Mapping[str, Path] = field(default_factory=dict)

    def laid(self, base: Source) -> Source:
        """The base as it must be converted to carry these adapters."""
        return replace(
            base, over=tuple(sorted((n, str(path)) for n, path in over(self.head, Path(base.where)).items()))
        )


Bring = Callable[[Collection[Path]], None]


def nothing(_folders: Collection[Path]) -> None:
    """Every folder is there."""


def shared(
    asked: Asked, store: ModelStore, tools: Callable[[], Tools], memory: int, tell: Tell, bring: Bring = nothing
) -> Kept:
    """Every specialist folded into the base, or refused; those that were looked at before are not looked at again.

    tools: made when they are needed. memory: MiB. bring: sees that folders which are read are there. Raises what
    `share_base` and `bring` raise, LockedError while another does it.
    """
    shelf = _Shelf.of(asked, store)
    if left := shelf.missing():
        with shelf.alone() as work:
            ready = tools()
            bring([asked.base, *left.values()])
            shelf.put(share_base(ready, work, memory, replace(asked, specialists=left), tell), work)
    return shelf.kept()


@dataclass(frozen=True, slots=True)
class _Shelf:
    """The files of one request. base: identity of the base. keys: of each specialist's result."""

    asked: Asked
    store: ModelStore
    base: str
    keys: Mapping[str, str]

    @classmethod
    def of(cls, asked: Asked, store: ModelStore) -> "_Shelf":
        """Hashes of all files, which are remembered. Raises SpecError for a folder that cannot be read."""
        hashes = Hashes(store.root)

        def content(folder: Path) -> str:
            return asked.known.get(folder) or identity("folder", hashes.of(read_of(folder)))

        base = content(asked.base)
        keys = {name: _key(base, content(folder), name, asked) for name, folder in asked.specialists.items()}
        return cls(asked, store, base, keys)

    def missing(self) -> dict[str, Path]:
        """Specialists whose result is not there whole."""
        return {name: path for name, path in self.asked.specialists.items() if self._one(name) is None}

    def kept(self) -> Kept:
        """All of it as one report, as if it had been made in one go."""
        found = {name: one for name in self.keys if (one := self._one(name)) is not None}
        whole = next(iter(found.values()))["whole"]
        judged = tuple(Judged.model_validate(one["judged"]) for one in found.values())
        untie = whole["tied"] and any(one.accepted and one.edits_embedding for one in judged)
        report = Report.model_validate(
            {**whole, "untie": untie, "max_rank": self.asked.max_rank, "threshold": self.asked.residual,
             "specialists": judged}
        )  # fmt: skip
        adapters = {one.name: Adapter(one.sha256, one.bytes, self._file(one.sha256)) for one in judged if one.accepted}
        return Kept(report, adapters, self._head() if untie else {})

    def put(self, found: Any, work: Path) -> None:
        """What came is moved to its place, and counts when its note is written."""
        report: Report = found.report
        if found.head:
            _moved(work / "untied.kept", found.head, self._heads())
        for one in report.specialists:
            if one.accepted:
                private(self._file(one.sha256).parent)
                found.adapters[one.name].replace(self._file(one.sha256))
            whole = {"arch": report.arch, "base_bytes": report.base_bytes, "tied": report.tied}
            note = {"schema": SCHEMA, "whole": whole, "judged": one.model_dump(mode="json")}
            files.write_json(self._note(one.name), note)

    @contextmanager
    def alone(self) -> Iterator[Path]:
        """A folder to work in; nothing of it is left."""
        index = Index(self.store.root)
        private(self.store.root)
        try:
            with index.lock("store", shared=True), index.lock("convert", wait=False):
                work = private(self.store.root / "incoming" / "share")
                try:
                    yield work
                except OSError as e:
                    raise HostError(f"adapters cannot be kept: {e.strerror or e}", detail=str(work)) from e
                finally:
                    shutil.rmtree(work, ignore_errors=True)
        except LockedError:
            raise LockedError("another swarmctl converts models; try again when it is done") from None

    def _one(self, name: str) -> dict[str, Any] | None:
        """The note of a specialist whose adapter and head, where it has them, are whole."""
        note = files.read_json(self._note(name))
        try:
            if note["schema"] != SCHEMA:
                return None
            judged, tied = Judged.model_validate(note["judged"]), note["whole"]["tied"]
        except (KeyError, TypeError, ValidationError):
            return None
        whole = not judged.accepted or self._whole(judged)
        headed = not (judged.accepted and judged.edits_embedding and tied) or bool(self._head())
        return note if whole and headed and judged.name == name else None

    def _whole(self, one: Judged) -> bool:
        try:
            return self._file(one.sha256).stat().st_size == one.bytes
        except OSError:
            return False

    def _head(self) -> dict[str, Path]:
        folder = self._heads()
        return {path.name: path for path in sorted(folder.iterdir())} if folder.is_dir() else {}

    def _heads(self) -> Path:
        return self.store.root / "heads" / self.base[:32]

    def _file(self, sha256: str) -> Path:
        return adapter_file(self.store.root, sha256)

    def _note(self, name: str) -> Path:
        return self.store.root / "adapters" / f"{self.keys[name]}.json"


def _moved(part: Path, head: Mapping[str, Path], folder: Path) -> None:
    """A folder with these files appears when it has them all."""
    private(part)
    for name, path in head.items():
        path.replace(part / name)
    private(folder.parent)
    shutil.rmtree(folder, ignore_errors=True)
    part.replace(folder)


def _key(base: str, specialist: str, name: str, asked: Asked) -> str:
    text = json.dumps([programs(), base, specialist, name, asked.max_rank, asked.residual])
    return hashlib.sha256(text.encode()).hexdigest()[:32]
