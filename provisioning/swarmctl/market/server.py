"""The market on a socket: HTTP on loopback around one `Market`, one call at a time."""

import socket
import struct
import sys
import threading
from contextlib import suppress
from email.utils import formatdate
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from swarmctl.market.market import Market
from swarmctl.market.wire import Request, Response, error

LARGEST = 1 << 20
"""Bytes that a body may have."""


class Server:
    """Listens from the start; it serves from `start` until `stop`. addresses: where, all at one port."""

    def __init__(self, market: Market, port: int, addresses: tuple[str, ...] = ("127.0.0.1",)) -> None:
        self.market = market
        self.lock = threading.Lock()
        self.ending = threading.Event()
        first = _Listener((addresses[0], port), self)
        self.port: int = first.server_address[1]
        self._listeners = [first, *(_Listener((one, self.port), self) for one in addresses[1:])]
        self._threads = [
            threading.Thread(target=one.serve_forever, args=(0.05,), daemon=True) for one in self._listeners
        ]

    def start(self) -> None:
        """Serves."""
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        """Ends; who waits for an answer is cut off."""
        self.ending.set()
        for listener in self._listeners:
            listener.shutdown()
            listener.server_close()

    def serve(self, request: Request) -> Response:
        """One call, with all others kept waiting."""
        with self.lock:
            return self.market.handle(request)


class _Listener(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False
    request_queue_size = 128

    def __init__(self, address: tuple[str, int], server: Server) -> None:
        self.owner = server
        super().__init__(address, _Handler)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A caller who hangs up is none."""
        if not isinstance(sys.exc_info()[1], OSError):
            super().handle_error(request, client_address)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    server_version, sys_version = "nginx", ""
    server: _Listener
    timeout = 120

    def _serve(self) -> None:
        length = self.headers.get("Content-Length") or "0"
        sized = length.isascii() and length.isdigit() and len(length) < 10 and int(length) <= LARGEST
        if not sized or self.headers.get("Transfer-Encoding"):
            self.close_connection = True
            self._send(error(413, "invalid_args", f"a body has up to {LARGEST} bytes").response())
            return
        body = self.rfile.read(int(length))
        parts = urlsplit(self.path)
        query = dict(parse_qsl(parts.query, keep_blank_values=True))
        headers = dict(self.headers.items())
        owner = self.server.owner
        told = owner.serve(Request(self.command, parts.path, query, headers, body, self.client_address[0]))
        if told.delay and owner.ending.wait(told.delay):
            told = Response(0, drop_connection=True)
        if told.drop_connection:
            self._reset()
        else:
            self._send(told)

    do_GET = do_POST = do_PUT = do_DELETE = do_PATCH = do_HEAD = _serve  # noqa: N815 - the names that the library calls

    def _send(self, told: Response) -> None:
        self.send_response(told.status)
        for name, value in told.headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(told.body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(told.body)

    def _reset(self) -> None:
        """The caller sees a reset, not an end."""
        self.close_connection = True
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        with suppress(OSError):
            self.rfile.close()
            self.connection.close()

    def date_time_string(self, timestamp: float | None = None) -> str:
        """The Date of an answer is the market's."""
        return formatdate(self.server.owner.market.world.clock.now() if timestamp is None else timestamp, usegmt=True)

    def log_message(self, *_: object) -> None:
        """The market keeps its own log."""
