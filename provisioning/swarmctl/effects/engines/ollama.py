"""Drives one Ollama server by its native API: models in, loaded, asked, out."""

from collections import defaultdict
from collections.abc import Callable, Sequence
from pathlib import Path
from threading import Lock
from types import TracebackType
from typing import Self

from swarmctl.core.engines.engine import Engine, version_notes
from swarmctl.core.modelfile import ORIGIN, Created, differences, read
from swarmctl.core.ollama import api
from swarmctl.core.ollama.api import Loaded, Said, Shown
from swarmctl.core.ollama.log import port_taken, why
from swarmctl.core.ollama.order import Wish, patience
from swarmctl.effects.clock import Clock, SystemClock, wait_until
from swarmctl.effects.engines.elsewhere import Blobs, Elsewhere, size
from swarmctl.effects.engines.ollamahttp import OllamaHttp
from swarmctl.effects.engines.ollamastore import copied, damaged
from swarmctl.errors import DeployError, HostError

Watch = Callable[[str, str, int, int], None]
"""Model, what happens to it (`upload`, `create`, `load`), bytes done, bytes in all."""
_MAKING: defaultdict[str, Lock] = defaultdict(Lock)
"""By server: two models that are made at once take small layers away from each other (seen with 0.32.15)."""
_TRIES = 3
"""Loads: it chooses its runner's port some 0.2 s before that is bound, and others choose, too."""
_SLEEP = 30.0
"""Seconds that an idle runner may take to end."""


def _unwatched(_model: str, _what: str, _done: int, _total: int) -> None:
    pass


def _no_log() -> str:
    return ""


class Ollama:
    """One server. log: gives what it logged, as far as that can be had. store: its OLLAMA_MODELS, where we reach it.

    All methods raise HostError when it does not answer, and DeployError when it refuses.
    """

    def __init__(
        self,
        url: str,
        *,
        log: Callable[[], str] = _no_log,
        store: Path | Blobs | None = None,
        clock: Clock | None = None,
    ) -> None:
        self._at, self._log, self._clock = OllamaHttp(url), log, clock or SystemClock()
        self._store = store if isinstance(store, Path) else None
        self._blobs = None if isinstance(store, Path) else store

    def __enter__(self) -> Self:
        return self

    def __exit__(self, _t: type[BaseException] | None, _e: BaseException | None, _b: TracebackType | None) -> None:
        self._at.__exit__(_t, _e, _b)

    def engine(self) -> tuple[Engine, tuple[str, ...]]:
        """The engine by the version that it says, with notes where its rules are not known for that version.

        Raises DeployError for a server that says no version: how it behaves would be a guess.
        """
        body = self._at.get("/api/version")
        version = api.version(body)
        if not version:
            raise DeployError(
                f"Ollama at {self._at.url} does not say a release's version",
                detail=f"/api/version: {body}"[:200],
                hint="start a released version; a build of one's own gets its number by -ldflags",
            )
        engine = Engine("ollama", version)
        return engine, version_notes(engine)

    def answers(self) -> bool:
        """It is there, whatever it says of itself."""
        try:
            self.engine()
        except HostError:
            return False
        except DeployError:
            return True
        return True

    @property
    def url(self) -> str:
        """Where it listens."""
        return self._at.url

    def logged(self) -> str:
        """What it logged, as far as that can be had."""
        return self._log()

    def models(self) -> tuple[str, ...]:
        """Names of the models that it knows."""
        return api.names(self._at.get("/api/tags"))

    def running(self) -> tuple[Loaded, ...]:
        """The models that are loaded."""
        return api.loaded(self._at.get("/api/ps"))

    def show(self, name: str) -> Shown | None:
        """What it knows of a model; None when there is none of this name."""
        body = self._at.post("/api/show", {"model": name}, missing=True)
        return None if body is None else api.shown(body)

    def put(self, name: str, modelfile: str, file: Path | Elsewhere, watch: Watch = _unwatched) -> tuple[str, ...]:
        """Make a model as its Modelfile says; its weights are the file's, whose hash is the Modelfile's origin.

        Gives what was changed, in words: nothing when the model was there, the same. Bytes that the server has are
        not sent again. One that is loaded from the same weights is put to sleep: the server itself would go on with the
        old one's settings, for one the layers that it has on a card.
        """
        wanted, there = read(modelfile), self.show(name)
        changes = differences(wanted, there.created) if there else ("new",)
        if not changes:
            return ()
        if there and "weights" not in changes and name in {row.name for row in self.running()}:
            self.unload(name)
        held = self._held(name, wanted.origin)
        if not self._at.there(_blob(held)):
            held = wanted.origin
            self.upload(name, held, file, watch)
        self._create(name, wanted, held, size(file), watch)
        return changes

    def upload(self, name: str, digest: str, file: Path | Elsewhere, watch: Watch = _unwatched) -> bool:
        """Give a file that the server lacks: by a copy where its store is here, else sent. Whether it was lacking."""

        def tell(done: int, total: int) -> None:
            watch(name, "upload", done, total)

        if self._at.there(_blob(digest)):
            return False
        if isinstance(file, Elsewhere):
            file.give(tell)
            return True
        copy = self._store is not None and copied(self._store, digest, file, tell)
        if not copy or not self._at.there(_blob(digest)):
            self._at.upload(_blob(digest), file, tell)
        return True

    def renew(self, name: str, modelfile: str, file: Path | Elsewhere, watch: Watch = _unwatched) -> tuple[str, ...]:
        """Make a model from the file alone, though the server has bytes under its hash: those are taken away first.

        A server whose copy is damaged says that it made the model, and cannot load it. Gives the names of other models
        that were removed, since they stood on these bytes or could not be read at all; they must be put again.
        """
        origin = read(modelfile).origin
        shown = {known: self._shown(known) for known in self.models()}
        stored = {
            seen.stored for known, seen in shown.items() if seen and (known == name or seen.created.origin == origin)
        }
        digests = stored | {origin}
        gone = [known for known, seen in shown.items() if seen is None or seen.stored in digests or known == name]
        for known in gone:
            self.delete(known)
        for digest in sorted(digests):
            self._forget(digest)
        self.upload(name, origin, file, watch)
        # Ollama 0.32 remembers by the manifest's hash what it made of the damaged bytes: this makes another one.
        when = f" renewed {self._clock.now().isoformat(timespec='seconds')}"
        self._create(name, read(modelfile), origin, size(file), watch, when)
        return tuple(known for known in gone if known != name)

    def damaged(self, name: str) -> bool:
        """The bytes of a model's weights in the server's store are not those of their name; False where it is unseen.

        Its manifest is read, since a server may be unable to show a model without a head. Takes as long as hashing.
        """
        if self._blobs is not None:
            return self._blobs.damaged(name)
        return self._store is not None and damaged(self._store, name)

    def load(self, wish: Wish, watch: Watch = _unwatched) -> None:
        """Load a model with its own context, or reset what a client has changed of it.

        Raises DeployError with the reason that the engine's log gives.
        """
        watch(wish.name, "load", 0, wish.size)
        self._load(wish, _TRIES)
        watch(wish.name, "load", wish.size, wish.size)

    def _load(self, wish: Wish, tries: int) -> None:
        before = len(self._log())
        body = {"model": wish.name, "keep_alive": wish.keep_alive, "stream": False}
        try:
            self._at.post("/api/generate", body, seconds=patience(wish.size))
        except (DeployError, HostError) as e:
            reason = why(self._log()[before:])
            if tries > 1 and port_taken(reason):
                self._load(wish, tries - 1)
                return
            raise DeployError(
                f"{wish.name} does not load: {reason or e.detail or e.message}",
                detail=f"{e.message}: {e.detail}",
                hint=f"ollama run {wish.name}",
            ) from e

    def unload(self, name: str) -> None:
        """Put a model to sleep and see that it sleeps; what is not loaded stays so."""
        self._at.post("/api/generate", {"model": name, "keep_alive": 0, "stream": False}, seconds=patience(0))
        wait_until(
            lambda: all(row.name != name for row in self.running()),
            clock=self._clock,
            deadline=_SLEEP,
            what=f"{name} to be unloaded",
        )

    def delete(self, name: str) -> None:
        """Remove a model, and its bytes when no other stands on them."""
        self._at.delete("/api/delete", {"model": name})

    def ask(self, name: str, question: str, tokens: int, floor: float = 0.5, stop: Sequence[str] = ()) -> Said:
        """One answer, always the same for the same model. floor: tokens/s under which we do not wait on.

        It names neither a context nor a keep-alive: each would change the model's own. stop: instead of its own words.
        """
        body = {
            "model": name,
            "messages": [{"role": "user", "content": question}],
            "options": {"temperature": 0, "seed": 0, "num_predict": tokens, **({"stop": list(stop)} if stop else {})},
            "stream": False,
        }
        return api.said(self._at.post("/api/chat", body, seconds=patience(0) + tokens / max(floor, 0.1)))

    def _shown(self, name: str) -> Shown | None:
        """None where its bytes are so damaged that the server cannot say what it is."""
        try:
            return self.show(name)
        except DeployError:
            return None

    def _create(self, name: str, wanted: Created, held: str, size: int, watch: Watch, note: str = "") -> None:
        body = {
            "model": name,
            "files": {"model.gguf": f"sha256:{held}"},
            "parameters": {k: list(v) if isinstance(v, tuple) else v for k, v in wanted.parameters.items()},
            "license": f"{ORIGIN}{wanted.origin}{note}",
        } | ({"template": wanted.template} if wanted.template else {})
        watch(name, "create", 0, size)
        with _MAKING[self.url]:
            self._at.steps("/api/create", body, seconds=patience(size), tell=lambda _: watch(name, "create", 0, size))
            made = self.show(name)
        wrong = differences(wanted, made.created) if made else ("missing",)
        if wrong:
            raise DeployError(f"Ollama made {name}, but not as asked: {', '.join(wrong)}", hint=f"ollama show {name}")
        if made and made.stored != wanted.origin:
            self._drop(wanted.origin, made.stored)
        watch(name, "create", size, size)

    def _held(self, name: str, origin: str) -> str:
        """Digest under which the server keeps a file's weights, for this model or another; the file's own at worst."""
        for known in (name, *self.models()):
            seen = self._shown(known)
            if seen and seen.created.origin == origin and seen.stored:
                return seen.stored
        return origin

    def _drop(self, digest: str, stored: str) -> None:
        """From 0.30 on a file is stored rewritten, and what was sent would lie beside it until a later restart."""
        path = self._store / f"blobs/sha256-{digest}" if self._store else None
        if self._blobs is None and (path is None or not path.is_file()):
            return
        if any(s is not None and s.stored == digest for s in map(self._shown, self.models())):
            return
        if path is not None:
            path.unlink()
        elif self._blobs is not None:
            self._blobs.rewritten(digest, stored)

    def _forget(self, digest: str) -> None:
        """Bytes that no model stands on any more; the API has no way to remove them."""
        if not self._at.there(_blob(digest)):
            return
        path = f"blobs/sha256-{digest}"
        if self._blobs is not None:
            self._blobs.remove(digest)
        elif self._store is not None and (self._store / path).is_file():
            (self._store / path).unlink()
        if self._at.there(_blob(digest)):
            raise DeployError(
                f"Ollama at {self._at.url} keeps damaged bytes, and its API cannot remove them",
                detail=path,
                hint=f'rm "$OLLAMA_MODELS/{path}"',
            )


def _blob(digest: str) -> str:
    return f"/api/blobs/sha256:{digest}"
