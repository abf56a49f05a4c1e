"""The process of one agent: its web server, from its settings file to SIGTERM.

A parent that imports this module to fork every agent has all that is heavy; run as a program it starts with half.
"""

import asyncio
import contextlib
import importlib
import logging
import os
import signal
import sqlite3
import sys
from collections.abc import Iterator
from pathlib import Path

import uvicorn

from swarmctl.agent.app import build
from swarmctl.agent.rolemodel import HEAVY
from swarmctl.agent.workspace import sweep
from swarmctl.core.agentfile import AgentFile

if __name__ != "__main__":
    for module in HEAVY:
        importlib.import_module(module)

GRACEFUL = 3
"""Seconds that open streams may take to end when the agent stops."""


class _Server(uvicorn.Server):
    """uvicorn's own would end by raising the signal again: an agent that is told to stop exits 0."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self.handle_exit, number, None)
        yield


def main(settings_path: str) -> int:
    """Serve until SIGTERM or SIGINT; the exit code. What cannot start says why on stderr."""
    # A fork inherits the handlers of its parent, which mean nothing here.
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGCHLD):
        signal.signal(number, signal.SIG_DFL)
    os.umask(0o077)
    logging.basicConfig(
        level=logging.INFO,
        stream=sys.stderr,
        format="%(asctime)s %(levelname)s %(name)s %(message)s",
        force=True,
    )
    for noisy in ("httpx", "httpx2", "a2a", "openai"):
        logging.getLogger(noisy).setLevel(logging.WARNING)
    try:
        settings = AgentFile.model_validate_json(Path(settings_path).read_bytes())
        sweep(Path(settings.data))
        app = build(settings)
    except (OSError, ValueError, sqlite3.Error) as e:
        sys.stderr.write(f"this agent cannot start: {e}\n")
        return 1
    config = uvicorn.Config(
        app,
        host=settings.host,
        port=settings.port,
        loop="asyncio",
        http="h11",
        ws="none",
        lifespan="on",
        log_config=None,
        access_log=False,
        server_header=False,
        timeout_graceful_shutdown=GRACEFUL,
    )
    server = _Server(config)
    try:
        server.run()
    except SystemExit:
        # uvicorn has said on stderr why it could not listen.
        return 1
    return 0 if server.started else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
