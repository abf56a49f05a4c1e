"""Starting a program by exec: a session of its own, and a log that outlives the supervisor."""

import os
import subprocess
from contextlib import closing
from pathlib import Path
from typing import IO

from swarmctl.core.labels import VARIABLE, inherited, words
from swarmctl.core.program import Program


class StartError(Exception):
    """A program cannot be started; the message says why."""


def open_log(path: Path) -> IO[bytes]:
    """The log, for appending, mode 0600. Raises StartError."""
    try:
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_NOCTTY, 0o600)
    except OSError as e:
        raise StartError(f"its log {path} cannot be written: {e.strerror}") from e
    return os.fdopen(handle, "ab", buffering=0)


def environment(program: Program) -> dict[str, str]:
    """The supervisor's environment, the program's own on top, and the labels."""
    return {**os.environ, **(program.env or {}), VARIABLE: inherited(program)}


def start(program: Program, log: Path) -> int:
    """Start it; gives the pid, which the caller reaps. Raises StartError."""
    argv = [*program.argv, *(words(program.labels) if program.label_argv else ())]
    with closing(open_log(log)) as output:
        try:
            process = subprocess.Popen(
                argv, cwd=program.cwd, env=environment(program), stdin=subprocess.DEVNULL,
                stdout=output, stderr=output, start_new_session=True,
            )  # fmt: skip
        except (OSError, ValueError) as e:
            raise StartError(str(e)) from e
    process.returncode = 0  # the loop reaps by pid: keeps Popen from waiting for, or warning of, its child
    return process.pid
