"""Gives servers the models that they lack before their turn comes: one is sent and stored while another loads."""

from collections.abc import Callable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from concurrent.futures import wait as wait_for
from contextlib import suppress
from threading import Event
from types import TracebackType
from typing import Self

from swarmctl.effects.engines.ollama import Ollama, Watch
from swarmctl.effects.serving import Recipe
from swarmctl.errors import SwarmctlError

SENDING = 2
"""Models on their way at once: sending and storing one keeps a single core busy. Where nothing is sent, one is enough,
and the first is ready sooner."""
_EVERY = 0.2
"""Seconds between two words about a model that is waited for."""


class Ahead:
    """Models on their way. What fails here is no error: whoever needs the model gives it again, and says why not.

    Use it as a context: at its end what is under way is broken off. at_once: models.
    """

    def __init__(self, at_once: int = SENDING) -> None:
        self._pool = ThreadPoolExecutor(at_once, thread_name_prefix="ahead")
        self._stop, self._said = Event(), dict[str, tuple[str, int, int]]()
        self._sent: dict[str, Mapping[str, Future[None]]] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(self, _t: type[BaseException] | None, _e: BaseException | None, _b: TracebackType | None) -> None:
        self._stop.set()
        self._pool.shutdown(cancel_futures=True)

    def send(self, server: str, models: tuple[str, ...], client: Callable[[], Ollama], recipe: Recipe) -> None:
        """Begin with a server's models, in their order; the first time only."""
        if server not in self._sent:
            self._sent[server] = {name: self._pool.submit(self._give, client, name, recipe) for name in models}

    def wait(self, server: str, model: str, watch: Watch) -> None:
        """Until a model has arrived, or did not; one that was not sent is not waited for."""
        if not (found := self._sent.get(server, {}).get(model)):
            return
        while not wait_for([found], _EVERY).done:
            watch(model, *self._said.get(model, ("upload", 0, 0)))

    def _give(self, client: Callable[[], Ollama], name: str, recipe: Recipe) -> None:
        with suppress(SwarmctlError), client() as at:
            if not self._stop.is_set() and at.show(name) is None and (own := recipe(name)):
                at.put(name, *own, self._watch)

    def _watch(self, model: str, what: str, done: int, total: int) -> None:
        if self._stop.is_set():
            raise SwarmctlError(f"{model} is not wanted any more")
        self._said[model] = (what, done, total)
