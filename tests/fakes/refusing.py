"""A registry that lets nobody in, or is out of order."""

import http.server
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any


class _Refuses(http.server.BaseHTTPRequestHandler):
    status = 403

    def do_GET(self) -> None:
        body = b'{"errors":[{"code":"DENIED","message":"requested access to the resource is denied"}]}'
        self.send_response(self.status)
        self.send_header("Docker-Distribution-Api-Version", "registry/2.0")
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command == "GET":
            self.wfile.write(body)

    do_HEAD = do_GET  # noqa: N815 - the name that the server looks for

    def log_message(self, *_: Any) -> None:
        """Says nothing."""


@contextmanager
def refusing_registry(status: int = 403) -> Iterator[str]:
    """Its address, on loopback, where Docker asks no TLS. status: of every answer."""
    handler = type("_Answers", (_Refuses,), {"status": status})
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
