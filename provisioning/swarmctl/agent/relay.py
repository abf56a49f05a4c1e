"""The way from one host of a swarm to agents of others: `python -m swarmctl.agent.relay PORT=ROLE…` in a container.

It listens on a network without a way out. What comes is carried by whoever runs `python -m swarmctl.agent.relay --line`
in the same container and holds its stdin and stdout: the computer from which the swarm was brought up. Nothing of the
host is opened for that, and where nobody holds a line, callers are told so at once.
"""

import asyncio
import contextlib
import signal
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path

from swarmctl.agent.forward import say_away
from swarmctl.agent.line import Ends, Line
from swarmctl.core.frames import LARGEST

SOCKET = Path("/tmp/line.sock")  # noqa: S108 - the container's own


class Relay:
    """ways: role by port. The newest line carries all; an older one, whose other side may be gone, is ended."""

    def __init__(self, ways: dict[int, str], host: str, socket: Path = SOCKET) -> None:
        self._ways, self._host, self._socket = ways, host, socket
        self._line: Line | None = None

    async def serve(self, stop: asyncio.Event) -> None:
        """Until `stop` is set. Raises OSError for a port or socket that is taken."""
        self._socket.unlink(missing_ok=True)
        servers = [await asyncio.start_unix_server(self._attached, self._socket)]
        try:
            for port, role in self._ways.items():
                servers.append(await asyncio.start_server(self._caller(role), self._host, port))
            print(f"leading to {', '.join(self._ways.values())}", flush=True)  # noqa: T201 - the log of this process
            await stop.wait()
        finally:
            for server in servers:
                server.close()
            if self._line is not None:
                await self._line.close()

    async def _attached(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        old, line = self._line, Line(reader, writer)
        self._line = line
        if old is not None:
            await old.close()
        print("a line is held", flush=True)  # noqa: T201 - as above
        await line.run()
        if self._line is line:
            self._line = None
            print("the line has ended", flush=True)  # noqa: T201 - as above

    def _caller(self, role: str) -> Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]:
        async def called(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            if self._line is None or self._line.ended.is_set():
                await say_away(reader, writer)
                return
            with contextlib.suppress(OSError):
                await self._line.carry(role, (reader, writer))

        return called


async def pump(socket: Path = SOCKET) -> None:
    """Pass stdin to the relay of this container, and what it says to stdout, until either ends. Raises OSError."""
    reader, writer = await asyncio.open_unix_connection(socket)
    here = await _stdio()
    ways = {asyncio.create_task(_pass_on(here[0], writer)), asyncio.create_task(_pass_on(reader, here[1]))}
    _, left = await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
    for way in left:
        way.cancel()


async def _stdio() -> Ends:
    loop = asyncio.get_running_loop()
    reader = asyncio.StreamReader()
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin.buffer)
    made = await loop.connect_write_pipe(asyncio.streams.FlowControlMixin, sys.stdout.buffer)
    return reader, asyncio.StreamWriter(made[0], made[1], None, loop)


async def _pass_on(source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
    with contextlib.suppress(OSError):
        while data := await source.read(LARGEST):
            sink.write(data)
            await sink.drain()


async def _until_signal(relay: Relay) -> None:
    stop, loop = asyncio.Event(), asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    await relay.serve(stop)


def main(words: list[str]) -> int:
    """Serve until a signal ends it, or hold a line; the exit code."""
    try:
        if words == ["--line"]:
            asyncio.run(pump())
            return 0
        ways = {int(port): role for port, _, role in (word.partition("=") for word in words)}
        asyncio.run(_until_signal(Relay(ways, "0.0.0.0")))  # noqa: S104 - inside a container
    except (ValueError, OSError) as e:
        sys.stderr.write(f"this relay cannot start: {e}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
