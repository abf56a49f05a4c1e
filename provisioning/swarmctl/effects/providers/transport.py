"""One call to a rental market, over HTTP; what may have arrived is told apart from what cannot have."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol
from urllib.parse import urlsplit

import requests
from requests.auth import AuthBase

from swarmctl import __version__
from swarmctl.effects.providers.secret import Secret, redacted
from swarmctl.errors import SpecError

MOST = 64 * 1024 * 1024
"""Bytes of an answer; ten thousand offers are 20 MB."""

CONNECT, READ = 10.0, 60.0
"""Seconds until a connection stands, and between two pieces of an answer."""

_LOOPBACK = {"127.0.0.1", "localhost", "::1"}


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back. headers: names in lower case."""

    status: int
    body: bytes
    headers: Mapping[str, str] = field(default_factory=dict)


class NotSentError(Exception):
    """The call never left this machine."""


class LostError(Exception):
    """The call may have arrived; its answer did not."""


class Transport(Protocol):
    """Carries one call; a simulator in the same process is one, too."""

    def send(self, method: str, path: str, query: Mapping[str, str], body: Mapping[str, Any] | None) -> Answer:
        """The answer. Raises NotSentError where nothing can have arrived, LostError where it may have."""
        ...


class _Bearer(AuthBase):
    """Sets the key as requests' own authentication, so that no ~/.netrc can put another in its place."""

    def __init__(self, key: Secret) -> None:
        self._key = key

    def __call__(self, r: requests.PreparedRequest) -> requests.PreparedRequest:
        r.headers["Authorization"] = f"Bearer {self._key.reveal()}"
        return r


class HttpTransport:
    """HTTP with one key to one host: no redirect is followed, so that the key goes nowhere else."""

    def __init__(self, base: str, key: Secret | None) -> None:
        """base: https, or http to this machine alone. Raises SpecError for any other."""
        self._base = checked_base(base)
        self.key = key
        self._session = requests.Session()
        self._session.headers.update({"User-Agent": f"swarmctl/{__version__}", "Accept": "application/json"})

    def send(self, method: str, path: str, query: Mapping[str, str], body: Mapping[str, Any] | None) -> Answer:
        """The answer. Raises NotSentError or LostError; the key is in neither."""
        auth = _Bearer(self.key) if self.key else None
        data = None if body is None else json.dumps(body).encode()
        headers = {} if data is None else {"Content-Type": "application/json"}
        try:
            with self._session.request(
                method,
                self._base + path,
                params=dict(query),
                data=data,
                headers=headers,
                auth=auth,
                timeout=(CONNECT, READ),
                allow_redirects=False,
                stream=True,
            ) as got:
                return Answer(got.status_code, _body(got), {k.lower(): v for k, v in got.headers.items()})
        except requests.RequestException as e:
            why = redacted(_reason(e), self.key)
            raise (NotSentError(why) if _never_left(e) else LostError(why)) from None


def checked_base(base: str) -> str:
    """The market's address without a slash at its end. Raises SpecError where a key must not be sent there."""
    try:
        parts = urlsplit(base)
        host, port = parts.hostname or "", parts.port
    except ValueError:
        host, port, parts = "", None, urlsplit("")
    safe = parts.scheme == "https" or (parts.scheme == "http" and host in _LOOPBACK)
    if not safe or not host or port == 0 or parts.username or parts.query or parts.fragment:
        raise SpecError(
            f"{redacted(base)[:100]!r} is no address to send a key to",
            hint="VAST_URL=https://…; http is for this machine alone (http://127.0.0.1:PORT)",
        )
    return base.rstrip("/")


def _body(got: requests.Response) -> bytes:
    """What was sent, unless it never ends. Raises LostError."""
    whole = bytearray()
    for chunk in got.iter_content(1 << 16):
        whole += chunk
        if len(whole) > MOST:
            raise LostError(f"the answer is longer than {MOST >> 20} MiB")
    return bytes(whole)


def _never_left(error: requests.RequestException) -> bool:
    """No connection was made: nothing was sent on one."""
    if isinstance(error, requests.ConnectTimeout | requests.exceptions.InvalidURL | requests.exceptions.ProxyError):
        return True
    inner: BaseException | None = error
    seen = 0
    while inner is not None and seen < 10:
        if type(inner).__name__ in {"NewConnectionError", "NameResolutionError", "ConnectTimeoutError"}:
            return True
        reason = getattr(inner, "reason", None)
        inner = reason if isinstance(reason, BaseException) else (inner.__cause__ or _first(inner))
        seen += 1
    return False


def _first(error: BaseException) -> BaseException | None:
    return next((arg for arg in error.args if isinstance(arg, BaseException)), None)


def _reason(error: requests.RequestException) -> str:
    return " ".join(str(error).split())[:300] or type(error).__name__
