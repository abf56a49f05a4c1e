"""The process of one gateway: `python -m swarmctl.gateway SETTINGS.json`, until SIGTERM or SIGINT."""

import asyncio
import contextlib
import logging
import os
import signal
import sys
from collections.abc import Iterator
from pathlib import Path

import uvicorn

from swarmctl.core.sharing.gatewayfile import GatewayFile
from swarmctl.gateway.app import build

_GRACEFUL = 3
"""Seconds that open streams may take to end."""
_LINKS = 512
"""Connections at once; more are told 503."""


class _Server(uvicorn.Server):
    """uvicorn's own would end by raising the signal again: a gateway that is told to stop exits 0."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self.handle_exit, number, None)
        yield


def main(argv: list[str]) -> int:
    """The exit code; what cannot start says why in one line on stderr."""
    os.umask(0o077)
    logging.basicConfig(
        level=logging.WARNING, stream=sys.stderr, format="%(asctime)s %(levelname)s %(name)s %(message)s"
    )
    try:
        settings = GatewayFile.model_validate_json(Path(argv[0]).read_bytes())
        app = build(settings)
    except IndexError:
        sys.stderr.write("which settings file? python -m swarmctl.gateway SETTINGS.json\n")
        return 1
    except (OSError, ValueError) as e:
        sys.stderr.write(f"this gateway cannot start: {' '.join(str(e).split())}\n")
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
        limit_concurrency=_LINKS,
        timeout_graceful_shutdown=_GRACEFUL,
    )
    server = _Server(config)
    try:
        server.run()
    except SystemExit:
        # uvicorn has said on stderr why it could not listen.
        return 1
    return 0 if server.started else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
