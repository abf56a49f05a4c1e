"""Serves one model: `python -m swarmctl.embedded SETTINGS.json [LABEL=VALUE…]`, until a signal ends it."""

import os
import signal
import socket
import sys
import threading
import time
from pathlib import Path
from typing import NoReturn

from pydantic import ValidationError

from swarmctl.core.engine import EngineFile
from swarmctl.core.engines.spinning import SPINNING


def main(argv: list[str]) -> int:
    """Serve until SIGTERM or SIGINT (exit 0). What hinders the start is one line on stderr, exit 1."""
    if not argv:
        return _refuse("which settings file? python -m swarmctl.embedded SETTINGS.json")
    try:
        engine = EngineFile.model_validate_json(Path(argv[0]).read_text(encoding="utf-8"))
        key = _key(Path(engine.key_file))
    except (OSError, ValidationError, ValueError) as e:
        return _refuse(f"{argv[0]}: {' '.join(str(e).split())}")
    if not _free(engine.host, engine.port):
        return _refuse(f"port {engine.port} on {engine.host} is taken by another program")
    return _serve(engine, key)


def _serve(engine: EngineFile, key: str) -> int:
    os.environ.update({**SPINNING, **os.environ})  # libgomp reads it when it is loaded, with the wheel
    try:
        import xllamacpp  # noqa: PLC0415 - a missing wheel is a sentence, not a traceback

        from swarmctl.embedded.params import parameters  # noqa: PLC0415 - imports the wheel
    except ImportError as e:
        return _refuse(f"the embedded engine is not installed ({e}): pip install 'swarmctl[embedded]'")
    begun = time.monotonic()
    try:
        server = xllamacpp.Server(parameters(engine, key))
    except (RuntimeError, KeyError) as e:
        # llama.cpp logs by a thread of its own, which may be in the middle of a line, and go on after ours.
        return _refuse(f"model '{engine.model}' cannot be served from {engine.blob}: {e}; see its own lines", "\n")
    seconds = time.monotonic() - begun
    print(  # noqa: T201 - this line is the process's product
        f"ready: model '{engine.model}' at {server.listening_address} after {seconds:.1f} s", flush=True
    )
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, _end)
    while True:  # a signal that comes just as a wait without end begins would not be seen in it
        threading.Event().wait(1.0)


def _end(number: int, _frame: object) -> NoReturn:
    """Leave at once: the server's destructor waits, without limit, for a loop that may not have begun."""
    print(f"ended by {signal.Signals(number).name}", flush=True)  # noqa: T201
    os._exit(0)


def _key(path: Path) -> str:
    """The server's key. Raises ValueError when others may read it, or it is empty."""
    if path.stat().st_mode & 0o077:
        raise ValueError(f"{path} can be read by others: chmod 600 {path}")
    key = path.read_text(encoding="utf-8").strip()
    if not key:
        raise ValueError(f"{path} is empty")
    return key


def _free(host: str, port: int) -> bool:
    """Nobody listens there. (The server also refuses a taken port, but without saying so.)"""
    with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError:
            return False
    return True


def _refuse(reason: str, before: str = "") -> int:
    print(f"{before}swarmctl.embedded: {reason}", file=sys.stderr, flush=True)  # noqa: T201
    return 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
