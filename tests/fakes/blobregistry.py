"""An OCI registry on loopback, as much of it as models need: blobs, uploads, manifests, ranges, tokens."""

import hashlib
import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Self
from urllib.parse import parse_qs, urlsplit


class BlobRegistry:
    """token: demanded if set, and given out at /token. ranges: those that were asked for."""

    def __init__(self) -> None:
        self.blobs: dict[str, bytes] = {}
        self.manifests: dict[str, bytes] = {}
        self.ranges: list[str] = []
        self.token = ""
        registry = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def _any(self) -> None:
                registry.answer(self)

            do_GET = do_HEAD = do_POST = do_PUT = _any  # noqa: N815

            def log_message(self, format: str, *args: object) -> None:  # noqa: A002
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.host = f"127.0.0.1:{self._server.server_port}"

    def __enter__(self) -> Self:
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()
        return self

    def __exit__(self, _t: type[BaseException] | None, _e: BaseException | None, _b: TracebackType | None) -> None:
        self._server.shutdown()
        self._server.server_close()

    def answer(self, r: BaseHTTPRequestHandler) -> None:
        body = r.rfile.read(int(r.headers.get("Content-Length") or 0))
        url = urlsplit(r.path)
        if url.path == "/token":
            return self._end(r, 200, json.dumps({"token": self.token}).encode())
        if self.token and r.headers.get("Authorization") != f"Bearer {self.token}":
            where = f'Bearer realm="http://{self.host}/token",service="models",scope="repository:x:pull,push"'
            return self._end(r, 401, b"", {"WWW-Authenticate": where})
        name, _, last = url.path.rpartition("/")
        if r.command == "POST":
            return self._end(r, 202, b"", {"Location": f"{url.path}one?state=1"})
        if r.command == "PUT" and "/uploads/" in url.path:
            return self._upload(r, parse_qs(url.query)["digest"][0], body)
        if name.endswith("/manifests"):
            return self._manifest(r, url.path, body)
        return self._blob(r, last)

    def _upload(self, r: BaseHTTPRequestHandler, digest: str, body: bytes) -> None:
        if f"sha256:{hashlib.sha256(body).hexdigest()}" != digest:
            return self._end(r, 400, b"digest invalid")
        self.blobs[digest] = body
        return self._end(r, 201, b"")

    def _manifest(self, r: BaseHTTPRequestHandler, path: str, body: bytes) -> None:
        if r.command == "PUT":
            self.manifests[path] = body
            return self._end(r, 201, b"")
        return self._end(r, 200 if path in self.manifests else 404, self.manifests.get(path, b""))

    def _blob(self, r: BaseHTTPRequestHandler, digest: str) -> None:
        data = self.blobs.get(digest)
        if data is None:
            return self._end(r, 404, b"")
        asked = r.headers.get("Range", "")
        if not asked:
            return self._end(r, 200, data)
        self.ranges.append(asked)
        return self._end(r, 206, data[int(asked.removeprefix("bytes=").rstrip("-")) :])

    def _end(self, r: BaseHTTPRequestHandler, code: int, data: bytes, headers: dict[str, str] | None = None) -> None:
        r.send_response(code)
        for key, value in {**(headers or {}), "Content-Length": str(len(data))}.items():
            r.send_header(key, value)
        r.end_headers()
        if r.command != "HEAD":
            r.wfile.write(data)
