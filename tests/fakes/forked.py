"""Entries that a test's supervisor forks."""

import os
import signal
import sys
import time
from pathlib import Path

LOADED_BY = os.getpid()
"""The process that imported this module: the supervisor, if the fork shared the import."""


def serve(report: str) -> int:
    """Say what this process is like, then wait to be told to end."""
    links = {fd.name: str(fd.readlink()) for fd in Path("/proc/self/fd").iterdir() if fd.exists()}
    facts = {
        "loaded_by": LOADED_BY,
        "parent": os.getppid(),
        "session": os.getsid(0) == os.getpid(),
        "term": signal.getsignal(signal.SIGTERM) == signal.SIG_DFL,
        "hup": signal.getsignal(signal.SIGHUP) == signal.SIG_DFL,
        "blocked": len(signal.pthread_sigmask(signal.SIG_BLOCK, [])),
        "fds": links,
        "cwd": str(Path.cwd()),
        "extra": os.environ.get("EXTRA", ""),
    }
    new = Path(f"{report}.new")
    new.write_text(repr(facts))
    new.rename(report)
    print("serving")
    while True:
        time.sleep(60)


def leaves(code: str) -> int:
    """End at once, in the way that is asked for."""
    if code == "raise":
        raise RuntimeError("an entry that fails")
    if code == "exit":
        sys.exit("said goodbye")
    return int(code)
