"""Looks at a Docker Engine over its socket, 2 ms a question: a second `up` need not import the SDK, which takes 160."""

import http.client
import json
import os
import socket
from pathlib import Path
from typing import Any, Protocol
from urllib.parse import urlencode

from swarmctl.errors import HostError

_SOCKET = "/var/run/docker.sock"
_PATIENCE = 20.0


class Ask(Protocol):
    """GET of a path of the Engine's API with a query; the JSON of its answer."""

    def __call__(self, path: str, **query: Any) -> Any:
        """Raises HostError when the Engine does not answer, or says no."""
        ...


def asking(host: str | None = None) -> Ask:
    """How the Engine of this user is asked. host: as DOCKER_HOST says it; that variable if left out.

    A local socket is spoken to directly; anything else (TLS, SSH) is left to the docker SDK.
    """
    where = host or os.environ.get("DOCKER_HOST") or f"unix://{_SOCKET}"
    if where.startswith("unix://"):
        return _Socket(where.removeprefix("unix://"))
    return _Sdk()


def engine_is_near() -> bool:
    """An Engine may be asked: this user names one, or its socket is here. Whether it answers is another question."""
    return "DOCKER_HOST" in os.environ or Path(_SOCKET).exists()


class _Line(http.client.HTTPConnection):
    """HTTP over a Unix socket."""

    def __init__(self, path: str) -> None:
        super().__init__("localhost", timeout=_PATIENCE)
        self._path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(_PATIENCE)
        self.sock.connect(self._path)


class _Socket:
    def __init__(self, path: str) -> None:
        self._path = path

    def __call__(self, path: str, **query: Any) -> Any:
        line = _Line(self._path)
        try:
            line.request("GET", path + _query(query))
            answer = line.getresponse()
            body = answer.read()
        except (OSError, http.client.HTTPException) as e:
            raise unreachable(e, self._path) from None
        finally:
            line.close()
        if answer.status >= 400:
            raise HostError(f"Docker says no to {path}", detail=body.decode("utf-8", "replace")[:300])
        return _json(path, body)


class _Sdk:
    def __call__(self, path: str, **query: Any) -> Any:
        from docker.errors import DockerException  # noqa: PLC0415 - the SDK takes 0.2 s to import

        from swarmctl.effects.dockersdk import client  # noqa: PLC0415 - as above

        try:
            api = client().api
            answer = api.get(api.base_url + path + _query(query), timeout=_PATIENCE)
        except (DockerException, OSError) as e:
            raise unreachable(e) from None
        if answer.status_code >= 400:
            raise HostError(f"Docker says no to {path}", detail=answer.text[:300])
        return _json(path, answer.content)


def unreachable(cause: Exception, where: str = "") -> HostError:
    """Why the Engine cannot be asked, and what to type. where: its socket."""
    denied = isinstance(cause, PermissionError)
    hint = "sudo usermod -aG docker $USER, and log in again" if denied else "swarmctl doctor"
    said = f"{where}: {type(cause).__name__}: {cause}" if where else f"{type(cause).__name__}: {cause}"
    return HostError("no Docker Engine answers", detail=said[:300], hint=hint)


def _query(query: dict[str, Any]) -> str:
    said = {key: json.dumps(value) if isinstance(value, dict | list) else value for key, value in query.items()}
    return f"?{urlencode(said)}" if said else ""


def _json(path: str, body: bytes) -> Any:
    try:
        return json.loads(body)
    except ValueError:
        raise HostError(f"Docker's answer to {path} is no JSON", detail=body[:100].decode("utf-8", "replace")) from None
