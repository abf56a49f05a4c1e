"""A small model hub as huggingface_hub's client knows it: repositories at a commit, ranges, gates, and faults."""

import hashlib
import json
import re
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Self

COMMIT = "0123456789abcdef0123456789abcdef01234567"
_FILE = re.compile(r"/([^/]+/[^/]+)/resolve/([^/]+)/(.+)")
_INFO = re.compile(r"/api/models/([^/]+/[^/]+)(?:/revision/([^/?]+))?(?:\?.*)?")


class ModelHub:
    """Serves `repositories` (owner/name → file → bytes), each at one commit, which `main` means too.

    gated: repositories whose terms nobody here accepted. cuts: bytes after which a download breaks off, one a request.
    wrong: files whose listed hash is another's. seen: paths asked for, with their method.
    """

    def __init__(self) -> None:
        self.repositories: dict[str, dict[str, bytes]] = {}
        self.gated: set[str] = set()
        self.wrong: set[str] = set()
        self.cuts: list[int] = []
        self.seen: list[str] = []
        hub = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                hub.answer(self, body=True)

            def do_HEAD(self) -> None:
                hub.answer(self, body=False)

            def log_message(self, format: str, *args: object) -> None:  # noqa: A002
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_port}"

    def __enter__(self) -> Self:
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()
        return self

    def __exit__(self, _t: type[BaseException] | None, _e: BaseException | None, _b: TracebackType | None) -> None:
        self._server.shutdown()
        self._server.server_close()

    def answer(self, r: BaseHTTPRequestHandler, *, body: bool) -> None:
        self.seen.append(f"{r.command} {r.path}")
        found = _FILE.fullmatch(r.path) or _INFO.fullmatch(r.path)
        if found is None or found[1] not in self.repositories:
            return self._end(r, 404, "RepoNotFound")
        if found[1] in self.gated and found.re is _FILE:
            return self._end(r, 403, "GatedRepo")
        if found[2] not in {None, "main", COMMIT}:
            return self._end(r, 404, "RevisionNotFound")
        files = self.repositories[found[1]]
        if found.re is _INFO:
            return self._info(r, found[1], files)
        if found[3] not in files:
            return self._end(r, 404, "EntryNotFound")
        return self._file(r, files[found[3]], body=body)

    def _info(self, r: BaseHTTPRequestHandler, name: str, files: dict[str, bytes]) -> None:
        listed = []
        for file, data in files.items():
            row: dict[str, object] = {"rfilename": file, "size": len(data), "blobId": "0" * 40}
            if len(data) > 10_000 or file.endswith((".safetensors", ".gguf")):
                digest = hashlib.sha256(b"x" if file in self.wrong else data).hexdigest()
                row["lfs"] = {"sha256": digest, "size": len(data), "pointerSize": 130}
            listed.append(row)
        text = json.dumps({"_id": "1", "id": name, "modelId": name, "sha": COMMIT, "siblings": listed, "tags": []})
        self._send(r, 200, text.encode(), {"Content-Type": "application/json"})

    def _file(self, r: BaseHTTPRequestHandler, data: bytes, *, body: bool) -> None:
        headers = {"ETag": f'"{hashlib.sha256(data).hexdigest()}"', "X-Repo-Commit": COMMIT, "Accept-Ranges": "bytes"}
        start, code = 0, 200
        if asked := re.fullmatch(r"bytes=(\d+)-(\d*)", r.headers.get("Range", "")):
            start, code, whole = int(asked[1]), 206, len(data)
            data = data[: int(asked[2] or whole) + 1]
            headers["Content-Range"] = f"bytes {start}-{len(data) - 1}/{whole}"
        cut = self.cuts.pop(0) if body and self.cuts and len(data) > 10_000 else None
        self._send(r, code, data[start:], headers, body=body, cut=cut)

    def _end(self, r: BaseHTTPRequestHandler, code: int, reason: str) -> None:
        self._send(r, code, b"", {"X-Error-Code": reason, "X-Error-Message": reason})

    def _send(
        self, r: BaseHTTPRequestHandler, code: int, data: bytes, headers: dict[str, str], *, body: bool = True,
        cut: int | None = None,
    ) -> None:  # fmt: skip
        r.send_response(code)
        for key, value in {**headers, "Content-Length": str(len(data))}.items():
            r.send_header(key, value)
        r.end_headers()
        if cut is not None:
            r.wfile.write(data[:cut])
            r.wfile.flush()
            r.close_connection = True
            r.connection.shutdown(2)
        elif body:
            r.wfile.write(data)
