"""Many connections over one pair of streams: each with its own flow, so that a slow one holds up no other."""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable

from swarmctl.agent.clock import pause
from swarmctl.core.frames import LARGEST, WINDOW, Frame, Frames, Kind, more

Ends = tuple[asyncio.StreamReader, asyncio.StreamWriter]
Dial = Callable[[str], Awaitable[Ends]]
"""Connects to a name. Raises OSError, TimeoutError, LookupError."""

BEAT = 5.0
"""Seconds between two signs of life."""
SILENT = 20.0
"""Seconds without one after which the line counts as cut."""


async def _nobody(name: str) -> Ends:
    raise LookupError(name)


class Line:
    """One pair of streams, until it ends; then every connection over it is broken. dial: for those that come from
    the other side, which alone begins any then; without one this side does. heard: called whenever something came.
    """

    def __init__(
        self,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        dial: Dial = _nobody,
        heard: Callable[[], None] = lambda: None,
    ) -> None:
        self._reader, self._writer, self._dial, self._heard = reader, writer, dial, heard
        self._channels: dict[int, _Channel] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._last = 0
        self.ended = asyncio.Event()

    async def run(self) -> None:
        """Carry connections until the streams end, or nothing was heard for too long."""
        beating = asyncio.create_task(self._beat())
        frames = Frames()
        try:
            while data := await self._read():
                for frame in frames.feed(data):
                    self._take(frame)
                self._heard()
        except (OSError, TimeoutError, ValueError):
            pass  # what comes is none of ours, or nothing comes any more: the line is of no use either way
        finally:
            beating.cancel()
            await self.close()

    async def _read(self) -> bytes:
        """What comes next. Not by wait_for: up to Python 3.11 that loses a cancellation that comes with the data."""
        async with asyncio.timeout(SILENT):
            return await self._reader.read(LARGEST)

    async def carry(self, name: str, ends: Ends) -> None:
        """A connection from here to a name on the other side, until both halves of it have ended."""
        self._last += 1
        channel = self._channels[self._last] = _Channel(self, self._last, ends)
        await self.send(Frame(Kind.OPEN, self._last, name.encode("ascii")))
        await self._follow(channel)

    async def send(self, frame: Frame) -> None:
        """Write one frame. Raises OSError where the line has ended."""
        if self.ended.is_set():
            raise ConnectionResetError("the line has ended")
        self._writer.write(frame.packed())
        await self._writer.drain()

    async def close(self) -> None:
        """End it, and all that goes over it."""
        self.ended.set()
        for channel in list(self._channels.values()):
            channel.broken()
        with contextlib.suppress(OSError):
            self._writer.close()
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=2)

    def _take(self, frame: Frame) -> None:
        """Raises ValueError for what the other side may not say."""
        if frame.kind is Kind.OPEN:
            if frame.channel in self._channels:
                raise ValueError("a connection is begun twice")
            early = self._channels[frame.channel] = _Channel(self, frame.channel)
            self._start(self._answer(early, frame.name))
        elif (channel := self._channels.get(frame.channel)) is not None:
            channel.take(frame)

    def _start(self, work: Awaitable[None]) -> None:
        task = asyncio.ensure_future(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _answer(self, early: "_Channel", name: str) -> None:
        """Connect; what comes before that is done is kept."""
        try:
            early.ends = await self._dial(name)
        except (OSError, TimeoutError, LookupError):
            self._channels.pop(early.number, None)
            with contextlib.suppress(OSError):
                await self.send(Frame(Kind.CLOSE, early.number))
            return
        await self._follow(early)

    async def _follow(self, channel: "_Channel") -> None:
        try:
            await channel.both_ways()
        finally:
            self._channels.pop(channel.number, None)

    async def _beat(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                await self.send(Frame(Kind.BEAT))
                await pause(BEAT)


class _Channel:
    """One connection over a line. ends: of it here; None until it is connected."""

    def __init__(self, line: Line, number: int, ends: Ends | None = None) -> None:
        self.number, self.ends, self._line = number, ends, line
        self._came: asyncio.Queue[bytes | None] = asyncio.Queue()
        self._held, self._room, self._lost = 0, WINDOW, False
        self._more = asyncio.Event()
        self._tasks: tuple[asyncio.Task[None], ...] = ()

    def take(self, frame: Frame) -> None:
        """A frame of this connection. Raises ValueError for more bytes than there was room for."""
        if frame.kind is Kind.DATA:
            self._held += len(frame.body)
            if self._held > WINDOW:
                raise ValueError("more than there is room for")
            self._came.put_nowait(frame.body)
        elif frame.kind is Kind.END:
            self._came.put_nowait(None)
        elif frame.kind is Kind.MORE:
            self._room += frame.count
            self._more.set()
        elif frame.kind is Kind.CLOSE:
            self._lost = True
            self.broken()

    def broken(self) -> None:
        """Nothing more comes or goes."""
        for task in self._tasks:
            task.cancel()
        if self.ends is not None:
            self.ends[1].transport.abort()

    async def both_ways(self) -> None:
        """Pass bytes on in both directions until each has come to its own end, or one is broken."""
        if self.ends is None or self._over():
            self.broken()
            return
        self._tasks = tuple(
            asyncio.create_task(self._either(way)) for way in (self._out(self.ends[0]), self._in(self.ends[1]))
        )
        done = await asyncio.gather(*self._tasks, return_exceptions=True)
        if any(isinstance(one, BaseException) for one in done):
            self.broken()
            if not self._over():
                with contextlib.suppress(OSError):
                    await self._line.send(Frame(Kind.CLOSE, self.number))
            return
        with contextlib.suppress(OSError):
            self.ends[1].close()
            await self.ends[1].wait_closed()

    def _over(self) -> bool:
        """The other side knows that nothing more comes."""
        return self._lost or self._line.ended.is_set()

    async def _out(self, reader: asyncio.StreamReader) -> None:
        while True:
            while self._room <= 0:
                self._more.clear()
                await self._more.wait()
            data = await reader.read(min(LARGEST, self._room))
            if not data:
                break
            self._room -= len(data)
            await self._line.send(Frame(Kind.DATA, self.number, data))
        await self._line.send(Frame(Kind.END, self.number))

    async def _in(self, writer: asyncio.StreamWriter) -> None:
        while (data := await self._came.get()) is not None:
            writer.write(data)
            await writer.drain()
            self._held -= len(data)
            await self._line.send(more(self.number, len(data)))
        if writer.can_write_eof():
            writer.write_eof()

    async def _either(self, work: Awaitable[None]) -> None:
        """Where one direction fails, the other has nobody to talk to."""
        try:
            await work
        except OSError:
            self.broken()
            raise
