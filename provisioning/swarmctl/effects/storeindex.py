"""The model store's index: which source gave which file, and hashes of files seen before."""

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from swarmctl.core.gguf import GgufFacts
from swarmctl.effects import files
from swarmctl.effects.gguf import read_gguf
from swarmctl.effects.paths import private
from swarmctl.errors import LockedError, SpecError, SwarmctlError

SCHEMA = "swarmctl/store/v2"
_OLDER = frozenset({"swarmctl/store/v1"})
"""Indexes whose facts are read anew from the files; their hashes hold."""


@dataclass(frozen=True, slots=True)
class HeldModel:
    """A model in the store. added: when, ISO 8601 in UTC. mtime_ns: of the blob, as it was when added."""

    key: str
    sha256: str
    bytes: int
    facts: GgufFacts
    added: str
    blob: Path
    mtime_ns: int

    @property
    def whole(self) -> bool:
        """The blob is there and nobody has changed it since."""
        try:
            info = self.blob.stat()
        except OSError:
            return False
        return (info.st_size, info.st_mtime_ns) == (self.bytes, self.mtime_ns)


@dataclass(frozen=True, slots=True)
class AwayModel:
    """A model that is known by what its hub says of it, and is not here. bytes: of the file. added: as above.

    url: of the file at the commit that was meant. guarded: the hub wants a token for it.
    """

    key: str
    sha256: str
    bytes: int
    facts: GgufFacts
    added: str
    url: str
    guarded: bool = False


class Index:
    """`index.json` of one store, read whole and replaced whole."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self._path = root / "index.json"
        self._seen: tuple[tuple[int, int], dict[str, HeldModel]] | None = None

    def blob(self, sha256: str) -> Path:
        """Where the file of this content is, or would be."""
        return self.root / "blobs" / f"sha256-{sha256}"

    def models(self) -> dict[str, HeldModel]:
        """By key. Facts that cannot be read are read anew from the file; without it the model is fetched again.

        The file is replaced whole, so its inode and time tell whether it was read before.
        """
        stamp = self._stamp()
        if stamp is not None and self._seen is not None and self._seen[0] == stamp:
            return dict(self._seen[1])
        found = self._models()
        self._seen = (stamp, found) if stamp is not None else None
        return dict(found)

    def _stamp(self) -> tuple[int, int] | None:
        try:
            info = self._path.stat()
        except OSError:
            return None
        return info.st_ino, info.st_mtime_ns

    def _models(self) -> dict[str, HeldModel]:
        found = {}
        for key, raw in self._read()["models"].items():
            try:
                found[key] = self._model(key, raw)
            except (SwarmctlError, KeyError, TypeError):
                continue
        return found

    def put(self, model: HeldModel) -> None:
        """Add or replace the entry of one key."""
        entry = {
            "sha256": model.sha256,
            "bytes": model.bytes,
            "facts": model.facts.as_json(),
            "added": model.added,
            "mtime_ns": model.mtime_ns,
        }
        with self._changed() as raw:
            raw["models"][model.key] = entry

    def drop(self, keys: set[str]) -> None:
        """Remove entries; their blobs stay."""
        with self._changed() as raw:
            raw["models"] = {key: value for key, value in raw["models"].items() if key not in keys}
            raw["away"] = {key: value for key, value in _away(raw).items() if key not in keys}

    def away(self) -> dict[str, AwayModel]:
        """What is known and not here, by key; an entry that cannot be read is asked for again."""
        found = {}
        for key, raw in _away(self._read()).items():
            try:
                facts = GgufFacts.from_json(raw["facts"])
                found[key] = AwayModel(
                    key, raw["sha256"], raw["bytes"], facts, raw["added"], raw["url"], raw["guarded"] is True
                )
            except (SwarmctlError, KeyError, TypeError):
                continue
        return found

    def put_away(self, model: AwayModel) -> None:
        """Add or replace what is known of one that is not here."""
        entry = {
            "sha256": model.sha256, "bytes": model.bytes, "facts": model.facts.as_json(), "added": model.added,
            "url": model.url, "guarded": model.guarded,
        }  # fmt: skip
        with self._changed() as raw:
            raw["away"] = {**_away(raw), model.key: entry}

    def hash_of(self, path: Path) -> str | None:
        """The sha256 of a file as long as its size and time are those that were seen with it."""
        seen = self._read()["hashes"].get(str(path))
        info = path.stat()
        same = isinstance(seen, list) and seen[:2] == [info.st_size, info.st_mtime_ns]
        return str(seen[2]) if same else None

    def remember(self, path: Path, size: int, mtime_ns: int, sha256: str) -> None:
        """Keep the hash of a file that had this size and time when its reading began."""
        with self._changed() as raw:
            raw["hashes"] = {name: seen for name, seen in raw["hashes"].items() if Path(name).exists()}
            raw["hashes"][str(path)] = [size, mtime_ns, sha256]

    @contextmanager
    def lock(self, name: str, *, shared: bool = False, wait: bool = True) -> Iterator[None]:
        """Hold one name in the store; a killed holder lets go. Raises LockedError if it may not wait."""
        how = (fcntl.LOCK_SH if shared else fcntl.LOCK_EX) | (0 if wait else fcntl.LOCK_NB)
        with (private(self.root / "locks") / name).open("a") as file:
            try:
                fcntl.flock(file, how)
            except BlockingIOError:
                raise LockedError("another swarmctl is fetching a model; try again when it is done") from None
            yield

    @contextmanager
    def _changed(self) -> Iterator[dict[str, Any]]:
        with self.lock("index"):
            raw = self._read()
            yield raw
            files.write_json(self._path, raw)

    def _read(self) -> dict[str, Any]:
        raw = files.read_json(self._path)
        if isinstance(raw, dict) and raw.get("schema") in {SCHEMA, *_OLDER}:
            return {**raw, "schema": SCHEMA}
        return {"schema": SCHEMA, "models": {}, "hashes": {}}

    def _model(self, key: str, raw: dict[str, Any]) -> HeldModel:
        blob = self.blob(raw["sha256"])
        try:
            facts = GgufFacts.from_json(raw["facts"])
        except SpecError:
            facts = read_gguf(blob)
        return HeldModel(key, raw["sha256"], raw["bytes"], facts, raw["added"], blob, raw["mtime_ns"])


def _away(raw: dict[str, Any]) -> dict[str, Any]:
    found = raw.get("away")
    return found if isinstance(found, dict) else {}


def moved(model: HeldModel, key: str) -> HeldModel:
    """The same content under another key."""
    return replace(model, key=key)
