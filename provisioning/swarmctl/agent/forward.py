"""The one door of a stack: `python -m swarmctl.agent.forward PORT=HOST:PORT…` passes connections on, bytes untouched.

An internal Docker network publishes nothing, not even to loopback: this process stands on it and on a second one.
With `--marks FOLDER`, use of the engines is marked there for the machine's guard; with `--host HOST`, only it listens.
"""

import asyncio
import contextlib
import signal
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from swarmctl.agent.clock import now
from swarmctl.agent.use import Watch

CHUNK = 64 * 1024
CONNECT = 5.0
"""Seconds to reach a service before the caller is told that it is away."""
LISTEN = 1.0
"""Seconds that a caller who is told so may go on talking."""
AWAY = b"HTTP/1.1 502 Bad Gateway\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"


@dataclass(frozen=True, slots=True)
class Route:
    """A port that is listened on, and where its connections go."""

    port: int
    host: str
    to: int

    @classmethod
    def of(cls, word: str) -> "Route":
        """`21000=agent-backend:8080`. Raises ValueError."""
        port, sign, target = word.partition("=")
        host, colon, to = target.rpartition(":")
        found = cls(int(port), host, int(to)) if sign and colon and host else None
        if found is None or not all(0 < number < 65536 for number in (found.port, found.to)):
            raise ValueError(f"{word!r} is no route: write it as 21000=agent-backend:8080")
        return found

    @property
    def counts(self) -> bool:
        """Use of what is beyond is to be marked: agents mark their own work."""
        return not self.host.startswith("agent-")


async def serve(routes: list[Route], host: str, stop: asyncio.Event, watch: Watch) -> None:
    """Pass connections on until `stop` is set. Raises OSError for a port that is taken."""
    servers: list[asyncio.Server] = []
    keeping = asyncio.create_task(watch.keep())
    try:
        for route in routes:
            door = _Door(route, watch)
            servers.append(await asyncio.start_server(door, host, route.port))
        print(f"forwarding {len(routes)} ports", flush=True)  # noqa: T201 - the log of this process
        await stop.wait()
    finally:
        keeping.cancel()
        for server in servers:  # and not waited for: a stream that is open may last an hour
            server.close()


class _Door:
    """Handles the connections of one route."""

    def __init__(self, route: Route, watch: Watch) -> None:
        self._route, self._watch = route, watch

    async def __call__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        route = self._route
        try:
            async with asyncio.timeout(CONNECT):
                beyond = await asyncio.open_connection(route.host, route.to)
        except (OSError, TimeoutError):
            await say_away(reader, writer)
            return
        with self._watch.connection(counts=route.counts) as use:
            # Whoever ends its half first may still hear the other half: both directions run to their own end.
            asked = _pass_on(reader, beyond[1], lambda data: use is not None and use.asked(data, now()), self._watch)
            answered = _pass_on(beyond[0], writer, lambda _: use is not None and use.answered(), self._watch)
            await asyncio.gather(asked, answered)
        await _close(beyond[1])
        await _close(writer)


async def _pass_on(
    source: asyncio.StreamReader, sink: asyncio.StreamWriter, counts: Callable[[bytes], bool], watch: Watch
) -> None:
    with contextlib.suppress(OSError):
        while data := await source.read(CHUNK):
            if counts(data):
                watch.used()
            sink.write(data)
            await sink.drain()
        if sink.can_write_eof():
            sink.write_eof()
        return
    sink.close()


async def say_away(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """A connection that is closed with bytes unread is reset, and the caller loses the answer: so they are read."""
    with contextlib.suppress(OSError, TimeoutError):
        writer.write(AWAY)
        writer.write_eof()
        async with asyncio.timeout(LISTEN):
            while await reader.read(CHUNK):
                pass
    await _close(writer)


async def _close(writer: asyncio.StreamWriter) -> None:
    with contextlib.suppress(OSError):
        writer.close()
        await writer.wait_closed()


async def _until_signal(routes: list[Route], host: str, watch: Watch) -> None:
    stop, loop = asyncio.Event(), asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    await serve(routes, host, stop, watch)


def main(words: list[str], host: str = "0.0.0.0") -> int:  # noqa: S104 - inside a container; loopback outside
    """Forward until a signal ends it; the exit code."""
    options = {"--marks": "", "--host": host}
    while len(words) > 1 and words[0] in options:
        options[words[0]], words = words[1], words[2:]
    watch = Watch(Path(options["--marks"]) if options["--marks"] else None)
    try:
        asyncio.run(_until_signal([Route.of(word) for word in words], options["--host"], watch))
    except (ValueError, OSError) as e:
        sys.stderr.write(f"this forwarder cannot start: {e}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
