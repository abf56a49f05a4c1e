"""The one place of this room that starts processes: each in a group of its own, gone when its caller is."""

import asyncio
import contextlib
import os
import signal
import subprocess
from collections.abc import AsyncIterator, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

LIMIT = 64 * 1024 * 1024
"""Bytes of output that `run` keeps of each stream; what comes after is read and dropped."""

PARTING = 3.0
"""Seconds that a command whose stdin was held has to end by itself, before it is killed."""


class Completed(NamedTuple):
    """How a command ended: its exit code (negative for a signal) and what it wrote."""

    code: int
    stdout: bytes
    stderr: bytes


async def run(
    argv: Sequence[str],
    *,
    cwd: str | Path | None = None,
    env: Mapping[str, str] | None = None,
    input: bytes | None = None,  # noqa: A002 - the name that subprocess.run has for it
    timeout: float | None = None,
    hold: bool = False,
) -> Completed:
    """Run one command to its end.

    `env` is the whole environment (the process's own when None); `timeout` is in seconds, None for no
    limit; `hold` keeps stdin open until the command ends, so that it can tell when this process does.
    The process group is killed when the timeout passes (TimeoutError) or the caller is cancelled.
    Raises OSError when the program cannot be started.
    """
    async with started(argv, cwd=cwd, env=env) as process:
        try:
            async with asyncio.timeout(timeout):
                _, out, err = await asyncio.gather(
                    _feed(process, input or b"", hold), _collect(process.stdout), _collect(process.stderr)
                )
                return Completed(await process.wait(), out, err)
        except TimeoutError:
            raise TimeoutError(f"{argv[0]} was stopped after {timeout:g} s") from None
        finally:
            if hold and process.returncode is None:
                await _let_go(process)


@contextlib.asynccontextmanager
async def started(
    argv: Sequence[str], *, cwd: str | Path | None = None, env: Mapping[str, str] | None = None
) -> AsyncIterator[asyncio.subprocess.Process]:
    """A running process with three pipes; its whole group is killed and reaped on the way out."""
    process = await asyncio.create_subprocess_exec(
        *argv,
        cwd=cwd,
        env=None if env is None else dict(env),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        start_new_session=True,
    )
    try:
        yield process
    finally:
        # start_new_session makes the child's pid its group's id; the group may outlive the child.
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, signal.SIGKILL)
        await asyncio.shield(process.wait())
        # A pipe that a process outside the group still holds would otherwise stay open until the loop ends.
        process._transport.close()  # type: ignore[attr-defined]


async def _feed(process: asyncio.subprocess.Process, data: bytes, hold: bool) -> None:
    assert process.stdin is not None  # noqa: S101 - a pipe was asked for
    with contextlib.suppress(BrokenPipeError, ConnectionResetError):
        process.stdin.write(data)
        await process.stdin.drain()
    if not hold:
        process.stdin.close()


async def _let_go(process: asyncio.subprocess.Process) -> None:
    """Close the stdin that was held: what ends by that has a moment for it."""
    assert process.stdin is not None  # noqa: S101 - a pipe was asked for
    process.stdin.close()
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(PARTING):
            await process.wait()


async def _collect(stream: asyncio.StreamReader | None) -> bytes:
    kept = bytearray()
    while stream is not None and (chunk := await stream.read(65536)):
        if len(kept) < LIMIT:
            kept += chunk
    return bytes(kept[:LIMIT])
