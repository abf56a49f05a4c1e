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
) -> Completed:
    """Run one command to its end.

    `env` is the whole environment (the process's own when None); `timeout` is in seconds, None for no
    limit. The process group is killed when the timeout passes (TimeoutError) or the caller is cancelled.
    Raises OSError when the program cannot be started.
    """
    async with started(argv, cwd=cwd, env=env) as process:
        try:
            async with asyncio.timeout(timeout):
                _, out, err = await asyncio.gather(
                    _feed(process, input or b""), _collect(process.stdout), _collect(process.stderr)
                )
                return Completed(await process.wait(), out, err)
        except TimeoutError:
            raise TimeoutError(f"{argv[0]} was stopped after {timeout:g} s") from None


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


async def _feed(process: asyncio.subprocess.Process, data: bytes) -> None:
    assert process.stdin is not None  # noqa: S101 - a pipe was asked for
    with contextlib.suppress(BrokenPipeError, ConnectionResetError):
        process.stdin.write(data)
        await process.stdin.drain()
    process.stdin.close()


async def _collect(stream: asyncio.StreamReader | None) -> bytes:
    kept = bytearray()
    while stream is not None and (chunk := await stream.read(65536)):
        if len(kept) < LIMIT:
            kept += chunk
    return bytes(kept[:LIMIT])
