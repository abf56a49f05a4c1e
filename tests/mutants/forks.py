"""Work in a forked process, with a limit to its time and memory, of which nothing is left running."""

import os
import resource
import signal
import sys
import time
import traceback
from collections.abc import Callable

LEAST, TIMES = 20.0, 5.0
"""Seconds that work may take, and how many times longer than usual."""
MEMORY = 4 * 2**30
GREEN, RED, UNFIT = 0, 1, 77
"""Exit codes; UNFIT: the work could not be begun."""


def forked(work: Callable[[], int], usual: float) -> int:
    """The code that some work gives; RED where it takes far longer than usual (seconds), or dies."""
    sys.stdout.flush()
    sys.stderr.flush()
    child = os.fork()
    if not child:
        _alone(work)
    end = time.monotonic() + LEAST + TIMES * usual
    try:
        while time.monotonic() < end:
            done, status = os.waitpid(child, os.WNOHANG)
            if done:
                return os.waitstatus_to_exitcode(status)
            time.sleep(0.005)
    finally:
        _sweep(child)
    os.waitpid(child, 0)
    return RED


def _alone(work: Callable[[], int]) -> None:
    """In the fork: nothing is said, and it ends without its parent's clearing up."""
    code = RED
    try:
        os.setpgid(0, 0)  # no session of its own: the kernel would give that a share of the processor of its own
        null = os.open(os.devnull, os.O_RDWR)
        os.dup2(null, 0)
        if "MUTANTS_SAY" not in os.environ:
            os.dup2(null, 2)
        os.dup2(2, 1)
        resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
        code = work()
    except BaseException:
        traceback.print_exc()
        raise
    finally:
        os._exit(code)


def _sweep(group: int) -> None:
    try:
        os.killpg(group, signal.SIGKILL)
    except ProcessLookupError:
        return
