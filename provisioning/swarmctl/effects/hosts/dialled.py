"""The Docker of a machine asked over a line to it, where no tunnel stands yet."""

import http.client
import io
import json
import re
import threading
from typing import IO, Any
from urllib.parse import urlencode

from swarmctl.effects.dockerapi import Ask
from swarmctl.effects.hosts.ssh import Line
from swarmctl.errors import HostError

_SECONDS = 60.0


def dialled(line: Line) -> Ask:
    """GET of a path of the Engine's API, by Docker's own `system dial-stdio` there. Raises HostError as Ask does."""

    def ask(path: str, **query: Any) -> Any:
        words = {name: value if isinstance(value, str) else json.dumps(value) for name, value in query.items()}
        asked = f"{path}?{urlencode(words)}" if words else path
        request = f"GET {asked} HTTP/1.1\r\nHost: docker\r\nConnection: close\r\n\r\n".encode()
        call = _Call(request)
        argv = ["docker", "system", "dial-stdio"]
        done = line.converse(argv, feed=call.feed, hear=call.hear, seconds=_SECONDS, root=True)
        return _read(bytes(call.said), f"{line.host.name}: its Docker", done.stderr)

    return ask


class _Call:
    """One request: the Engine takes it for withdrawn when our side is closed before the answer is whole."""

    def __init__(self, request: bytes) -> None:
        self._request, self.said, self._whole = request, bytearray(), threading.Event()

    def feed(self, pipe: IO[bytes]) -> None:
        """The request, and then nothing, until the answer is there."""
        pipe.write(self._request)
        pipe.flush()
        self._whole.wait(_SECONDS)

    def hear(self, data: bytes) -> None:
        """The answer as it comes."""
        self.said += data
        head, found, body = bytes(self.said).partition(b"\r\n\r\n")
        length = re.search(rb"(?im)^content-length: *(\d+)", head)
        if found and (len(body) >= int(length[1]) if length else body.endswith(b"0\r\n\r\n")):
            self._whole.set()


def _read(answer: bytes, who: str, said: str) -> Any:
    try:
        found = http.client.HTTPResponse(_Said(answer))  # type: ignore[arg-type]  # as much of a socket as it asks for
        found.begin()
        status, body = found.status, found.read()
        parsed = json.loads(body) if body else None
    except (OSError, ValueError, http.client.HTTPException):
        raise HostError(f"{who} does not answer", detail=said[-500:], hint="docker info, there") from None
    if status != 200:
        raise HostError(f"{who} answers {status}", detail=body[:300].decode("utf-8", "replace"))
    return parsed


class _Said:
    """What was said, as a socket that is only read."""

    def __init__(self, data: bytes) -> None:
        self._data = data

    def makefile(self, *_: object) -> io.BytesIO:
        """As a file."""
        return io.BytesIO(self._data)
