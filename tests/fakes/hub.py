"""A small model hub on loopback: resolve with ranges, ETags, redirects to storage, and faults on demand."""

import hashlib
import re
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Self


class Hub:
    """Serves `files` (path under the root → bytes). Faults are consumed one a request, in order.

    cuts: answer so many bytes of the body, then drop the connection. codes: answer this status instead.
    claimed: the size of the whole that ranges are said to be of, if not the true one.
    commit: what `main` means, said as the real hub does. storage: send on to another port's address for the bytes, as
    the real hub does. token: demanded if set.
    """

    def __init__(self, host: str = "127.0.0.1") -> None:
        self.files: dict[str, bytes] = {}
        self.cuts: list[int] = []
        self.codes: list[int] = []
        self.weak = self.ranges_off = False
        self.token = self.storage = ""
        self.linked = ""
        self.claimed = 0
        self.commit = ""
        self.seen: list[dict[str, str]] = []
        hub = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                hub.answer(self)

            def do_HEAD(self) -> None:
                hub.answer(self, body=False)

            def log_message(self, format: str, *args: object) -> None:  # noqa: A002
                pass

        self._server = ThreadingHTTPServer((host, 0), Handler)
        self._server.daemon_threads = True
        self.url = f"http://{host}:{self._server.server_port}"

    def __enter__(self) -> Self:
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()
        return self

    def __exit__(self, _t: type[BaseException] | None, _e: BaseException | None, _b: TracebackType | None) -> None:
        self._server.shutdown()
        self._server.server_close()

    def etag(self, data: bytes) -> str:
        return ("W/" if self.weak else "") + f'"{hashlib.sha256(data).hexdigest()[:20]}"'

    def answer(self, r: BaseHTTPRequestHandler, *, body: bool = True) -> None:
        self.seen.append({"path": r.path, "from": r.client_address[0], **{k.lower(): v for k, v in r.headers.items()}})
        if self.codes:
            return self._end(r, self.codes.pop(0))
        if self.token and r.headers.get("Authorization") != f"Bearer {self.token}":
            return self._end(r, 401)
        data = self.files.get(r.path.replace(f"/resolve/{self.commit}/", "/resolve/main/"))
        if data is None:
            return self._end(r, 404)
        if self.storage:
            linked = self.linked or hashlib.sha256(data).hexdigest()
            return self._end(r, 302, {"Location": self.storage + r.path, "X-Linked-Etag": f'"{linked}"'})
        self._send(r, data, body=body)
        return None

    def _send(self, r: BaseHTTPRequestHandler, data: bytes, *, body: bool = True) -> None:
        start, code, headers = 0, 200, {"ETag": self.etag(data), "Accept-Ranges": "bytes"}
        if self.commit:
            named = hashlib.sha256(data).hexdigest()
            headers |= {
                "X-Linked-Etag": f'"{named}"', "X-Linked-Size": str(len(data)), "X-Repo-Commit": self.commit,
            }  # fmt: skip
        asked = re.fullmatch(r"bytes=(\d+)-(\d*)", r.headers.get("Range", ""))
        if asked and not self.ranges_off and r.headers.get("If-Range", self.etag(data)) == self.etag(data):
            start = int(asked[1])
            if start >= len(data):
                return self._end(r, 416, {"Content-Range": f"bytes */{len(data)}", "ETag": self.etag(data)})
            last = min(int(asked[2] or len(data)), len(data) - 1)
            code, headers["Content-Range"] = 206, f"bytes {start}-{last}/{self.claimed or len(data)}"
            data = data[: last + 1]
        rest = data[start:]
        r.send_response(code)
        for key, value in {**headers, "Content-Length": str(len(rest))}.items():
            r.send_header(key, value)
        r.end_headers()
        if self.cuts and body:
            r.wfile.write(rest[: self.cuts.pop(0)])
            r.wfile.flush()
            r.close_connection = True
            r.connection.shutdown(2)
            return None
        if body:
            r.wfile.write(rest)
        return None

    def _end(self, r: BaseHTTPRequestHandler, code: int, headers: dict[str, str] | None = None) -> None:
        r.send_response(code)
        for key, value in {**(headers or {}), "Content-Length": "0"}.items():
            r.send_header(key, value)
        r.end_headers()
