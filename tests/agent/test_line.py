"""Many connections over one line: whole, each with its own flow, and told when the line is gone."""

import asyncio
import hashlib
import os
import random
from collections.abc import Awaitable, Callable
from contextlib import suppress
from pathlib import Path

import pytest

from swarmctl.agent import line as lines
from swarmctl.agent.line import Ends, Line
from swarmctl.agent.relay import Relay
from swarmctl.core.frames import Frame, Kind

SIZE = 3_000_000


async def _echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Gives all back, and ends when the other side has."""
    with suppress(OSError):
        while data := await reader.read(10_000):
            writer.write(data)
            await writer.drain()
        writer.write_eof()
    writer.close()


class World:
    """An agent at a port, a relay, and one line between it and here."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.stop = folder, asyncio.Event()
        self.relay = 0
        self.tasks: list[asyncio.Task[None]] = []
        self.dialled: list[str] = []
        self.line: Line | None = None
        self.behind: Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]] = _echo

    async def __aenter__(self) -> "World":
        self.agent = await asyncio.start_server(self.behind, "127.0.0.1", 0)
        probe = await asyncio.start_server(_echo, "127.0.0.1", 0)
        self.relay = probe.sockets[0].getsockname()[1]
        probe.close()
        relay = Relay({self.relay: "backend"}, "127.0.0.1", self.folder / "s")
        self.tasks.append(asyncio.create_task(relay.serve(self.stop)))
        while not (self.folder / "s").exists():
            await asyncio.sleep(0.01)
        return self

    async def __aexit__(self, *_: object) -> None:
        self.stop.set()
        if self.line is not None:
            await self.line.close()
        await asyncio.gather(*self.tasks, return_exceptions=True)
        self.agent.close()

    async def hold(self, dial: bool = True) -> Line:
        """A line as the switchboard holds it."""
        reader, writer = await asyncio.open_unix_connection(self.folder / "s")
        heard = asyncio.Event()
        self.line = Line(reader, writer, self._dial, heard.set) if dial else Line(reader, writer, heard=heard.set)
        self.tasks.append(asyncio.create_task(self.line.run()))
        await asyncio.wait_for(heard.wait(), 5)
        return self.line

    async def _dial(self, name: str) -> Ends:
        self.dialled.append(name)
        return await asyncio.open_connection("127.0.0.1", self.agent.sockets[0].getsockname()[1])

    async def calls(self, data: bytes) -> bytes:
        """What comes back of what is sent through."""
        reader, writer = await asyncio.open_connection("127.0.0.1", self.relay)

        async def send() -> None:
            writer.write(data)
            await writer.drain()
            writer.write_eof()

        _, back = await asyncio.gather(send(), reader.read(-1))
        writer.close()
        return back


def _run(folder: Path, story: Callable[[World], Awaitable[None]], **made: object) -> None:
    async def told() -> None:
        world = World(folder)
        for name, value in made.items():
            setattr(world, name, value)
        async with world:
            await asyncio.wait_for(story(world), 20)

    asyncio.run(told())


def test_many_connections_go_through_at_once_and_come_back_whole(tmp_path: Path) -> None:
    async def story(world: World) -> None:
        await world.hold()
        sent = [os.urandom(random.Random(n).randrange(SIZE)) for n in range(8)]
        back = await asyncio.gather(*(world.calls(data) for data in sent))
        assert [hashlib.sha256(b).digest() for b in back] == [hashlib.sha256(s).digest() for s in sent]
        assert world.dialled == ["backend"] * 8

    _run(tmp_path, story)


def test_one_that_is_not_read_holds_up_no_other(tmp_path: Path) -> None:
    stuck = asyncio.Event()

    async def half(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if await reader.readexactly(1) == b"x":
            await stuck.wait()
            writer.close()
            return
        await _echo(reader, writer)

    async def story(world: World) -> None:
        await world.hold()
        _, writer = await asyncio.open_connection("127.0.0.1", world.relay)
        writer.write(b"x" * 2 * SIZE)
        await asyncio.sleep(0.2)
        assert await world.calls(b"y" + b"z" * SIZE) == b"z" * SIZE
        stuck.set()
        writer.close()

    _run(tmp_path, story, behind=half)


def test_whoever_calls_without_a_line_is_told_at_once(tmp_path: Path) -> None:
    async def story(world: World) -> None:
        assert (await world.calls(b"GET / HTTP/1.1\r\n\r\n")).startswith(b"HTTP/1.1 502")
        await world.hold()
        assert await world.calls(b"hello") == b"hello"
        assert world.line is not None
        await world.line.close()
        await asyncio.sleep(0.1)
        assert (await world.calls(b"GET / HTTP/1.1\r\n\r\n")).startswith(b"HTTP/1.1 502")

    _run(tmp_path, story)


def test_the_newest_line_carries_and_the_older_one_is_ended(tmp_path: Path) -> None:
    async def story(world: World) -> None:
        old = await world.hold()
        await world.hold()
        await asyncio.wait_for(old.ended.wait(), 5)
        assert await world.calls(b"hello") == b"hello"

    _run(tmp_path, story)


def test_a_connection_breaks_with_its_line_and_does_not_hang(tmp_path: Path) -> None:
    async def story(world: World) -> None:
        line = await world.hold()
        reader, writer = await asyncio.open_connection("127.0.0.1", world.relay)
        writer.write(b"hello")
        assert await reader.readexactly(5) == b"hello"
        await line.close()
        with suppress(ConnectionError):
            assert await asyncio.wait_for(reader.read(), 5) == b""
        writer.close()

    _run(tmp_path, story)


def test_an_agent_that_is_away_breaks_the_connection_alone(tmp_path: Path) -> None:
    async def story(world: World) -> None:
        await world.hold()
        world.agent.close()
        with suppress(ConnectionError):
            assert await world.calls(b"hello") == b""
        assert world.line is not None
        assert not world.line.ended.is_set()

    _run(tmp_path, story)


def test_a_line_on_which_nothing_is_heard_is_ended(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async def story(world: World) -> None:
        reader, writer = await asyncio.open_unix_connection(world.folder / "s")
        await asyncio.wait_for(reader.read(1), 5)
        while await asyncio.wait_for(reader.read(1000), 5):
            pass
        writer.close()

    monkeypatch.setattr(lines, "SILENT", 0.3)
    monkeypatch.setattr(lines, "BEAT", 60.0)
    _run(tmp_path, story)


@pytest.mark.parametrize("ticks", range(4))
def test_a_line_that_is_given_up_while_something_comes_ends(ticks: int) -> None:
    """What comes and the word to stop may fall into one round of the loop: the stop counts."""

    class Nowhere:
        def write(self, _data: bytes) -> None:
            """Away."""

        async def drain(self) -> None:
            """At once."""

        def close(self) -> None:
            """At once."""

    async def story() -> None:
        reader = asyncio.StreamReader()
        running = asyncio.create_task(Line(reader, Nowhere()).run())  # type: ignore[arg-type]
        for _ in range(3):  # rounds of the loop, in which it begins to wait
            await asyncio.sleep(0)
        reader.feed_data(Frame(Kind.BEAT).packed())
        for _ in range(ticks):
            await asyncio.sleep(0)
        running.cancel()
        await asyncio.wait([running], timeout=2)
        assert running.done()
        reader.feed_eof()

    asyncio.run(story())


def test_nonsense_on_a_line_ends_it(tmp_path: Path) -> None:
    async def story(world: World) -> None:
        reader, writer = await asyncio.open_unix_connection(world.folder / "s")
        writer.write(b"\xff" * 100)
        while await asyncio.wait_for(reader.read(1000), 5):
            pass
        writer.close()
        await world.hold()
        assert await world.calls(b"hello") == b"hello"

    _run(tmp_path, story)
