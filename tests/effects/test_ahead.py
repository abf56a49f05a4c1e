"""Models sent ahead of their turn: what fails there is no error, and Ctrl-C breaks it off."""

from collections.abc import Callable
from pathlib import Path
from threading import Event
from typing import Any, Self

import pytest

from swarmctl.effects.ahead import Ahead
from swarmctl.effects.engines.ollama import Watch
from swarmctl.errors import DeployError, SwarmctlError

RECIPE = ("FROM x", Path("x.gguf"))


class Server:
    """Knows some models; `put` does what a test says."""

    def __init__(
        self, known: tuple[str, ...] = (), put: Callable[[str, Watch], None] = lambda _name, _watch: None
    ) -> None:
        self.known, self.given, self._put = known, list[str](), put

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def show(self, name: str) -> object | None:
        return object() if name in self.known else None

    def put(self, name: str, _text: str, _file: Path, watch: Watch) -> None:
        self._put(name, watch)
        self.given.append(name)


def sent(ahead: Ahead, server: Server, *models: str) -> None:
    client: Any = lambda: server  # noqa: E731 - stands for the class
    ahead.send("ollama-cpu", models, client, lambda _name: RECIPE)


def test_what_a_server_lacks_is_given_once_and_waited_for() -> None:
    server = Server(known=("lead",))
    with Ahead() as ahead:
        sent(ahead, server, "lead", "docs", "testing")
        sent(ahead, server, "lead", "docs", "testing")
        for name in ("lead", "docs", "testing", "nobody"):
            ahead.wait("ollama-cpu", name, lambda *_: None)
        assert sorted(server.given) == ["docs", "testing"], "what is there is not touched"


def test_what_fails_is_left_to_whoever_needs_the_model() -> None:
    def refuse(_name: str, _watch: Watch) -> None:
        raise DeployError("no space left")

    server = Server(put=refuse)
    with Ahead() as ahead:
        sent(ahead, server, "docs")
        ahead.wait("ollama-cpu", "docs", lambda *_: None)
    assert server.given == []


def test_who_waits_is_told_how_far_it_is() -> None:
    go, told = Event(), list[tuple[Any, ...]]()

    def slowly(name: str, watch: Watch) -> None:
        watch(name, "upload", 5, 10)
        assert go.wait(20)

    def tell(*said: Any) -> None:
        told.append(said)
        if said[2]:
            go.set()

    with Ahead() as ahead:
        sent(ahead, Server(put=slowly), "docs")
        ahead.wait("ollama-cpu", "docs", tell)
    assert told[-1] == ("docs", "upload", 5, 10)


def test_at_the_end_what_is_under_way_is_broken_off() -> None:
    begun, broken = Event(), Event()

    def until_broken(name: str, watch: Watch) -> None:
        begun.set()
        try:
            while True:
                watch(name, "upload", 1, 10)
        except SwarmctlError:
            broken.set()
            raise

    def cancelled() -> None:
        with Ahead() as ahead:
            sent(ahead, Server(put=until_broken), "docs", "testing", "devops")
            assert begun.wait(20)
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        cancelled()
    assert broken.is_set()
