"""The control socket: one JSON line in, one JSON line out, and no client that can hold up another."""

import json
import selectors
import socket
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from typing import Any

from swarmctl.supervisor.journal import log

LONGEST = 4 * 1024 * 1024
_CLIENTS = 64
_IDLE = 30.0
"""Bytes of one request; clients at once; seconds after which a client that does nothing is hung up on."""

Answer = Callable[[dict[str, Any]], dict[str, Any]]


class Client:
    """One connection, and what it has sent and not yet taken."""

    def __init__(self, line: socket.socket, now: float) -> None:
        self.line, self.last = line, now
        self.inbox, self.outbox = bytearray(), bytearray()
        self.done = False


class Control:
    """The listening socket and its clients, on the loop's selector. Times are monotonic seconds."""

    def __init__(self, selector: selectors.BaseSelector, line: socket.socket, answer: Answer) -> None:
        self._selector, self._line, self._answer = selector, line, answer
        self._clients: dict[socket.socket, Client] = {}
        selector.register(line, selectors.EVENT_READ, self._accept)

    def _accept(self, _events: int, now: float) -> None:
        try:
            line, _ = self._line.accept()
        except OSError as e:  # out of descriptors, or the client left already
            log(f"a client could not be accepted: {e}")
            return
        if len(self._clients) >= _CLIENTS:
            line.close()
            return
        line.setblocking(False)
        client = self._clients[line] = Client(line, now)
        self._selector.register(line, selectors.EVENT_READ, partial(self._serve, client))

    def _serve(self, client: Client, events: int, now: float) -> None:
        client.last = now
        try:
            if events & selectors.EVENT_READ:
                self._read(client)
            self._write(client)
        except (BlockingIOError, InterruptedError):
            pass
        except OSError:
            self._hang_up(client)

    def _read(self, client: Client) -> None:
        block = client.line.recv(1 << 16)
        client.inbox += block
        client.done = client.done or not block
        while (end := client.inbox.find(b"\n")) >= 0:
            request = bytes(client.inbox[:end])
            del client.inbox[: end + 1]
            client.outbox += json.dumps(self._reply(request)).encode() + b"\n"
        if len(client.inbox) > LONGEST:
            client.outbox += json.dumps(_no(f"a request is at most {LONGEST} bytes")).encode() + b"\n"
            client.inbox.clear()
            client.done = True

    def _reply(self, request: bytes) -> dict[str, Any]:
        try:
            asked = json.loads(request)
        except (ValueError, RecursionError) as e:
            return _no(f"this is no JSON: {e}")
        if not isinstance(asked, dict):
            return _no("a request is a JSON object")
        try:
            return self._answer(asked)
        except Exception as e:  # noqa: BLE001 - a bug in one verb must not take the programs' keeper down
            log(f"{asked.get('do')!r} failed: {type(e).__name__}: {e}")
            return _no(f"{type(e).__name__}: {e}")

    def _write(self, client: Client) -> None:
        while client.outbox:
            try:
                sent = client.line.send(client.outbox)
            except (BlockingIOError, InterruptedError):
                break
            del client.outbox[:sent]
        if client.outbox:
            wanted = selectors.EVENT_WRITE  # it has not taken its answer: nothing more is read from it
        elif client.done:
            self._hang_up(client)
            return
        else:
            wanted = selectors.EVENT_READ
        key = self._selector.get_key(client.line)
        if key.events != wanted:
            self._selector.modify(client.line, wanted, key.data)

    def _hang_up(self, client: Client) -> None:
        with suppress(KeyError, ValueError):
            self._selector.unregister(client.line)
        client.line.close()
        self._clients.pop(client.line, None)

    def expire(self, now: float) -> None:
        """Hang up on clients that have done nothing for half a minute."""
        for client in [c for c in self._clients.values() if now - c.last > _IDLE]:
            self._hang_up(client)

    def close(self) -> None:
        """Close everything; safe in a forked child, where the parent's connections stay open."""
        for client in self._clients.values():
            client.line.close()
        self._line.close()


def _no(why: str) -> dict[str, Any]:
    return {"ok": False, "error": why}
