"""What tells one content from another: hashes of files, remembered by size and time."""

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path

from swarmctl.effects.paths import private
from swarmctl.effects.sources.localfile import sha256
from swarmctl.effects.storeindex import Index
from swarmctl.errors import SpecError


class Hashes:
    """Hashes of files here; each is read once as long as nobody changes it."""

    def __init__(self, root: Path) -> None:
        private(root)
        self.root = root
        self._index = Index(root)

    def of(self, files: Mapping[str, Path]) -> dict[str, str]:
        """The sha256 of each file, by its name. Raises SpecError for one that cannot be read."""
        return {name: self.one(path) for name, path in files.items()}

    def one(self, path: Path) -> str:
        """The sha256 of a file. Raises SpecError."""
        try:
            found = self._index.hash_of(path)
            if found is None:
                info = path.stat()
                found = sha256(path, lambda _done, _total: None)
                self._index.remember(path, info.st_size, info.st_mtime_ns, found)
        except OSError as e:
            raise SpecError(f"{path} cannot be read: {e.strerror or e}") from e
        return found


def identity(kind: str, hashes: Mapping[str, str]) -> str:
    """One hash of many files' names and contents."""
    return hashlib.sha256(json.dumps([kind, sorted(hashes.items())]).encode()).hexdigest()
