"""The model store: one copy of each model, named by its content, shared by all swarms of a user."""

import hashlib
import shutil
from pathlib import Path

from swarmctl.core.gguf import GgufFacts
from swarmctl.core.spec import ModelSource
from swarmctl.effects.clock import Clock, SystemClock
from swarmctl.effects.gguf import read_gguf
from swarmctl.effects.paths import private
from swarmctl.effects.sources import Progress, fetch
from swarmctl.effects.sources.localfile import sha256
from swarmctl.effects.storeadapters import sweep
from swarmctl.effects.storeindex import AwayModel, HeldModel, Index, moved
from swarmctl.errors import HostError, SpecError

__all__ = ["AwayModel", "HeldModel", "ModelStore"]


def _silent(_done: int, _total: int | None) -> None:
    pass


class ModelStore:
    """`blobs/sha256-…`, `index.json`, and `incoming/` for what is not whole yet, all under one folder.

    A file gets its final name only after its header was read and its hash compared, so a kill at any point
    leaves either a model or something to continue from. `base` is the folder that a relative path counts
    from; without it paths must be absolute.
    """

    def __init__(self, root: Path, clock: Clock | None = None) -> None:
        self.root = root
        self._clock = clock or SystemClock()
        self._index = Index(root)

    def held(self, source: ModelSource | str, base: Path | None = None) -> HeldModel | None:
        """The model of a source (or of its key), whole and unchanged; None when it must be fetched."""
        if isinstance(source, str):
            found = self._index.models().get(source)
            return found if found and found.whole else None
        source = _absolute(source, base)
        found = self.held(source.key)
        if found is None or source.sha256 not in {None, found.sha256}:
            return None
        if source.path is not None and Path(source.path).is_file() and self._hash(Path(source.path)) != found.sha256:
            return None
        return found

    def described(self, source: ModelSource | str) -> HeldModel | AwayModel | None:
        """What is known of a source's file, which is here or, as a machine has it that fetches it itself, is not.

        Only `held` means that it is here.
        """
        return self.held(source) or self.known_away(source)

    def known_away(self, source: ModelSource | str) -> AwayModel | None:
        """What a hub said of a source's file, be it here or not."""
        found = self._index.away().get(source if isinstance(source, str) else source.key)
        if found is None or isinstance(source, str):
            return found
        return found if source.sha256 in {None, found.sha256} else None

    def know(self, model: AwayModel) -> None:
        """Remember what a hub says of a file that is not here."""
        private(self.root)
        self._index.put_away(model)

    def away(self) -> list[AwayModel]:
        """What is known and not here, by key."""
        return [model for key, model in sorted(self._index.away().items()) if self.held(key) is None]

    def fingerprint(self, source: ModelSource, base: Path | None = None) -> str:
        """Identity of the content that a source names: its key, or for a file its hash.

        Hashing is remembered by size and time. Raises SpecError when a file is neither there nor held.
        """
        source = _absolute(source, base)
        if source.path is None:
            return f"{source.key}#sha256:{source.sha256}" if source.sha256 else source.key
        if Path(source.path).is_file():
            return f"sha256:{self._hash(Path(source.path))}"
        if (found := self.held(source.key)) is not None:
            return f"sha256:{found.sha256}"
        raise SpecError(f"there is no file {source.path}")

    def add(self, source: ModelSource, base: Path | None = None, progress: Progress | None = None) -> HeldModel:
        """Fetch what a source names, unless it is held; waits while another process fetches the same.

        Raises SpecError for a file that is no whole model or not the one that `sha256` promised (its space
        is given back), HostError when it cannot be had now (what came is kept, and continued next time).
        """
        source = _absolute(source, base)
        private(self.root)
        with self._index.lock("store", shared=True), self._index.lock(_short(source.key)):
            if (found := self.held(source)) is not None:
                return found
            if (found := self._known(source)) is not None:
                self._index.put(found)
                return found
            if source.path is not None:
                read_gguf(Path(source.path))  # refuse before copying gigabytes
            folder = private(self.root / "incoming" / _short(source.key))
            return self._accept(source, folder, *fetch(source, folder, progress or _silent, self._clock))

    def adopt(self, source: ModelSource, file: Path) -> HeldModel:
        """Take a file that is here for what a source names, so that it need not be fetched.

        Raises SpecError for a file that is no whole model or not the one that `sha256` promised, HostError.
        """
        own = ModelSource(path=str(file.resolve()), sha256=source.sha256)
        private(self.root)
        with self._index.lock("store", shared=True), self._index.lock(_short(source.key)):
            folder = private(self.root / "incoming" / _short(source.key))
            return self._accept(source, folder, *fetch(own, folder, _silent, self._clock))

    def take(self, key: str, file: Path, digest: str, facts: GgufFacts | None = None) -> HeldModel:
        """Take a whole model file that was made here, on the store's own file system, under a key; the file moves.

        facts: of an adapter, which is no model. Raises SpecError for a file that is no whole model without them.
        """
        return self._put(key, file, digest, facts or read_gguf(file))

    def alias(self, key: str, other: str) -> None:
        """Know the model of one key under another too; nothing where there is none."""
        if (found := self.held(key)) is not None:
            self._index.put(moved(found, other))

    def all(self) -> list[HeldModel]:
        """What the store holds, by key."""
        models = self._index.models()
        return [models[key] for key in sorted(models) if models[key].whole]

    def prune(self, keep: set[str], *, dry: bool) -> list[HeldModel]:
        """Remove the models whose keys are not in `keep`, and what broken fetches left; gives the models.

        With `dry` nothing is removed. Content that a kept key shares stays, under all of its keys. Raises
        LockedError while another process fetches.
        """
        if not self.root.is_dir():
            return []
        with self._index.lock("store", wait=False):
            models = self._index.models()
            blobs = {model.blob for key, model in models.items() if key in keep}
            going = [models[key] for key in sorted(models) if models[key].blob not in blobs]
            if not dry:
                self._index.drop({model.key for model in going} | (self._index.away().keys() - keep))
                self._sweep(blobs)
                sweep(self.root, self._index.models(), blobs)
        return going

    def _sweep(self, kept: set[Path]) -> None:
        """Remove every blob but these, and whatever is not whole."""
        blobs = self.root / "blobs"
        for path in blobs.iterdir() if blobs.is_dir() else ():
            if path not in kept:
                path.unlink(missing_ok=True)
        shutil.rmtree(self.root / "incoming", ignore_errors=True)

    def _accept(self, source: ModelSource, folder: Path, file: Path, digest: str) -> HeldModel:
        if source.sha256 not in {None, digest}:
            shutil.rmtree(folder)
            raise SpecError(
                f"{source.key} is not the file that was promised: its sha256 is {digest}, not {source.sha256}"
            )
        try:
            facts = read_gguf(file)
        except SpecError as e:
            shutil.rmtree(folder)
            told = e.message.removeprefix(f"{file}: ")
            raise SpecError(f"{source.key}: {told}", detail=e.detail, hint=e.hint) from None
        model = self._put(source.key, file, digest, facts)
        shutil.rmtree(folder)
        return model

    def _put(self, key: str, file: Path, digest: str, facts: GgufFacts) -> HeldModel:
        blob = self._index.blob(digest)
        private(blob.parent)
        if not any(model.whole and model.blob == blob for model in self._index.models().values()):
            file.replace(blob)
        info = blob.stat()
        added = self._clock.now().isoformat(timespec="seconds")
        model = HeldModel(key, digest, info.st_size, facts, added, blob, info.st_mtime_ns)
        self._index.put(model)
        return model

    def _known(self, source: ModelSource) -> HeldModel | None:
        """The content is here under another key: nothing needs fetching."""
        digest = source.sha256
        if source.path is not None and Path(source.path).is_file():
            here = self._hash(Path(source.path))
            if digest not in {None, here}:
                raise SpecError(f"{source.path} is not the file that was promised: its sha256 is {here}, not {digest}")
            digest = here
        same = (m for m in self._index.models().values() if m.sha256 == digest and m.whole)
        return next((moved(model, source.key) for model in same), None)

    def _hash(self, path: Path) -> str:
        try:
            found = self._index.hash_of(path)
            if found is None:
                info = path.stat()
                found = sha256(path, _silent)
                self._index.remember(path, info.st_size, info.st_mtime_ns, found)
        except OSError as e:
            raise SpecError(f"{path} cannot be read: {e.strerror or e}") from e
        return found


def _absolute(source: ModelSource, base: Path | None) -> ModelSource:
    if source.path is None:
        return source
    path = Path(source.path).expanduser()
    if not path.is_absolute():
        if base is None:
            raise HostError(f"{source.path} is relative, and to what is not known")
        path = base / path
    return source if str(path) == source.path else source.model_copy(update={"path": str(path)})


def _short(key: str) -> str:
    """A file name for a key."""
    return hashlib.sha256(key.encode()).hexdigest()[:16]
