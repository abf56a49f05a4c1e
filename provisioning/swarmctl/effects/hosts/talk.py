"""A process that is fed and heard at once, in bytes, with an end to its time and to what it may say."""

import os
import selectors
import signal
import subprocess  # noqa: TID251 - bytes both ways at once, which effects/process.py does not do
import threading
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import IO

from swarmctl.effects.clock import SystemClock
from swarmctl.errors import HostError

MOST = 16 * 1024 * 1024
"""Bytes of output that are taken: a machine that is not ours may say anything, for ever."""
_LOOK = 0.1
_CLOCK = SystemClock()

Feed = Callable[[IO[bytes]], None]
"""Writes all that a process reads; its pipe is closed after."""
Hear = Callable[[bytes], None]
"""Is given what a process has written to its stdout since the last time, ten times a second, and may raise."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What a process wrote until it ended."""

    out: bytes
    err: bytes
    code: int

    @property
    def said(self) -> str:
        """Its errors as text."""
        return self.err.decode("utf-8", "replace")


class Late(Exception):  # noqa: N818 - reads as the fact it states
    """The time is up, or too much was said; the process group has been killed. The message says which."""


def talk(
    argv: Sequence[str],
    *,
    env: Mapping[str, str],
    seconds: float,
    feed: Feed | None = None,
    most: int = MOST,
    hear: Hear | None = None,
) -> Answer:
    """Run to the end. A process that it leaves behind with its pipes is not waited for.

    Raises Late, HostError when it cannot start, what `hear` raises, and what `feed` raises, except that nobody reads
    any more; whatever it raises has killed the process group.
    """
    source = subprocess.PIPE if feed else subprocess.DEVNULL
    try:
        process = subprocess.Popen(
            argv, env=env, stdin=source, stdout=subprocess.PIPE, stderr=subprocess.PIPE, start_new_session=True
        )
    except OSError as e:
        raise HostError(f"{argv[0]} cannot be started: {e.strerror}", hint="apt install openssh-client") from None
    feeder = _Feeder(process, feed)
    try:
        out, err = _hear(process, seconds, most, hear)
        feeder.check()
        return Answer(out, err, process.wait())
    except BaseException:
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        raise
    finally:
        feeder.join()
        for pipe in (process.stdout, process.stderr):
            if pipe:
                pipe.close()


class _Feeder:
    """Writes from a thread of its own, so that a process which writes before it has read stalls nobody."""

    def __init__(self, process: subprocess.Popen[bytes], feed: Feed | None) -> None:
        self._process, self._feed = process, feed
        self._failed: Exception | None = None
        self._thread = threading.Thread(target=self._write, daemon=True) if feed else None
        if self._thread:
            self._thread.start()

    def _write(self) -> None:
        pipe = self._process.stdin
        assert pipe is not None  # noqa: S101 - a pipe was asked for
        assert self._feed is not None  # noqa: S101 - there is no thread without
        try:
            self._feed(pipe)
        except Exception as e:  # noqa: BLE001 - raised by the thread that waits
            self._failed = e
            if not isinstance(e, BrokenPipeError):
                with suppress(ProcessLookupError, PermissionError):
                    os.killpg(self._process.pid, signal.SIGKILL)
        with suppress(OSError):
            pipe.close()

    def check(self) -> None:
        """Raises what feeding has raised; that nobody reads any more is no failure."""
        if self._failed and not isinstance(self._failed, BrokenPipeError):
            raise self._failed

    def join(self) -> None:
        """Wait until its thread has ended."""
        if self._thread:
            self._thread.join(5)


def _hear(process: subprocess.Popen[bytes], seconds: float, most: int, hear: Hear | None = None) -> tuple[bytes, bytes]:
    end, heard, told = _CLOCK.monotonic() + seconds, (bytearray(), bytearray()), 0
    with selectors.DefaultSelector() as selector:
        for pipe, room in zip((process.stdout, process.stderr), heard, strict=True):
            assert pipe is not None  # noqa: S101 - pipes were asked for
            selector.register(pipe, selectors.EVENT_READ, room)
        while selector.get_map():
            ended = process.poll() is not None
            ready = selector.select(_LOOK)
            if ended and not ready:
                break
            _take(selector, [key for key, _ in ready])
            if hear is not None:
                hear(bytes(heard[0][told:]))
                told = len(heard[0])
            if sum(map(len, heard)) > most:
                raise Late(f"said more than {most // 1024} KiB")
            if _CLOCK.monotonic() >= end:
                raise Late(f"did not end within {seconds:g} s")
    return bytes(heard[0]), bytes(heard[1])


def _take(selector: selectors.BaseSelector, ready: list[selectors.SelectorKey]) -> None:
    for key in ready:
        block = os.read(key.fd, 1 << 16)
        key.data.extend(block)
        if not block:
            selector.unregister(key.fileobj)
