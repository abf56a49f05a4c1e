"""One process that takes orders, and what it and this machine's own threads have to say, in one queue."""

import json
import queue
import threading
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from swarmctl.effects.converting.failing import memory_error
from swarmctl.effects.converting.tools import Tools
from swarmctl.effects.process import Conversation, converse, hang_up
from swarmctl.errors import HostError

_GRACE = 10.0
_PATIENCE = 600.0
"""Seconds that reading torch and transformers from a slow disk may take; 200 were seen on a busy machine."""
_KILLED = (-9, 137)
GONE = "gone"
"""The id of the event that says that the process has ended; its `code` says how."""

Event = dict[str, Any]


class Workshop:
    """The tools at work from its first order on; leaving the block ends them, whatever they do.

    memory: MiB that they may take together.
    """

    def __init__(self, tools: Tools, work: Path, memory: int) -> None:
        self._tools, self._work, self._memory = tools, work, memory
        self._process: Conversation | None = None
        self._events: queue.Queue[Event] = queue.Queue()
        self._log = work / "tools.log"
        self.versions: dict[str, str] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(self, _t: type[BaseException] | None, _e: BaseException | None, _b: TracebackType | None) -> None:
        if self._process is not None:
            try:
                hang_up(self._process, 0.5 if _e else _GRACE)
            finally:
                self._tools.away()
                if self._process.stdout:
                    self._process.stdout.close()
        self._log.unlink(missing_ok=True)

    def order(self, order: dict[str, Any]) -> None:
        """Give one order. Raises HostError when the tools cannot be started."""
        process = self._process or self._started()
        assert process.stdin is not None  # noqa: S101 - a pipe was asked for
        try:
            process.stdin.write(json.dumps(order).encode() + b"\n")
            process.stdin.flush()
        except OSError:
            return  # it is gone, and its end is in the queue

    def do(self, name: str, work: Callable[[], Any]) -> None:
        """Do something beside the tools, on a thread; its end is an event with `value` or `error`."""

        def run() -> None:
            try:
                self._events.put({"id": name, "ended": 0, "value": work()})
            except BaseException as e:  # noqa: BLE001 - raised again where it is waited for
                self._events.put({"id": name, "ended": 1, "error": e})

        threading.Thread(target=run, daemon=True).start()

    def next(self, seconds: float) -> Event | None:
        """The next event; None when none came in time."""
        try:
            return self._events.get(timeout=seconds)
        except queue.Empty:
            return None

    def said(self) -> str:
        """The last lines that the tools wrote beside their answers."""
        try:
            return "\n".join(self._log.read_text(encoding="utf-8", errors="replace").splitlines()[-12:])
        except OSError:
            return ""

    def _started(self) -> Conversation:
        argv = self._tools.argv(self._work, self._memory)
        self._process = process = converse(argv, env=self._tools.environment(), log=self._log)
        ready = threading.Event()
        threading.Thread(target=self._listen, args=(process, ready), daemon=True).start()
        if not ready.wait(_PATIENCE) or (process.poll() is not None and not self.versions):
            if process.poll() in _KILLED:
                raise memory_error(f"{self._tools.name} could not even start: it", self._memory, self.said())
            raise HostError(f"{self._tools.name} did not start", detail=self.said(), hint="swarmctl doctor")
        return process

    def _listen(self, process: Conversation, ready: threading.Event) -> None:
        assert process.stdout is not None  # noqa: S101 - a pipe was asked for
        try:
            for line in process.stdout:
                event = _event(line)
                if event is None:
                    continue
                if isinstance(event.get("ready"), dict):
                    self.versions = {str(k): str(v) for k, v in event["ready"].items()}
                    ready.set()
                else:
                    self._events.put(event)
        except ValueError:
            pass  # closed while it was read: the block was left
        code = process.wait()
        ready.set()
        self._events.put({"id": GONE, "code": code})


def _event(line: bytes) -> Event | None:
    try:
        found = json.loads(line)
    except ValueError:
        return None
    return found if isinstance(found, dict) else None
