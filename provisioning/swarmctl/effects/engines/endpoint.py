"""One engine's HTTP endpoint: requests that never raise, never follow a proxy, and always end."""

from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import requests

from swarmctl.core.engine import EngineFile
from swarmctl.core.ownheader import CHECK

LOOK = 5.0
"""Seconds that a look may take; an answer of the model gets its own time."""


@dataclass(frozen=True, slots=True)
class Reply:
    """status 0: no answer, and `problem` says why. body: what its JSON held, None if it was none."""

    status: int
    body: Any = None
    problem: str = ""

    @property
    def ok(self) -> bool:
        """It answered with 200."""
        return self.status == 200

    @property
    def why(self) -> str:
        """What was wrong, in a few words."""
        return self.problem or f"HTTP {self.status}"


class Endpoint:
    """A session with one server; close it, or use it as a context."""

    def __init__(self, settings: EngineFile) -> None:
        self.url = f"http://{settings.host}:{settings.port}"
        self._key_file = Path(settings.key_file)
        self._http = requests.Session()
        self._http.trust_env = False
        # llama-server closes what is idle for five seconds: a question must not meet that.
        self._http.headers.update({**CHECK, "Connection": "close"})

    def __enter__(self) -> Self:
        return self

    def __exit__(self, _t: type[BaseException] | None, _e: BaseException | None, _b: TracebackType | None) -> None:
        self._http.close()

    def get(self, path: str, *, key: str | None = None) -> Reply:
        """Ask with the engine's key, or with another; an empty one sends none."""
        return self._ask("GET", path, None, LOOK, key)

    def post(self, path: str, body: dict[str, Any], *, seconds: float = LOOK, key: str | None = None) -> Reply:
        """Send JSON; `seconds` bounds each wait for the server."""
        return self._ask("POST", path, body, seconds, key)

    def _ask(self, method: str, path: str, body: dict[str, Any] | None, seconds: float, key: str | None) -> Reply:
        try:
            secret = self._key_file.read_text(encoding="utf-8").strip() if key is None else key
            headers = {"Authorization": f"Bearer {secret}"} if secret else {}
            answer = self._http.request(
                method, self.url + path, json=body, headers=headers, timeout=(LOOK, seconds), allow_redirects=False
            )
        except OSError as e:  # requests' own errors are among them
            return Reply(0, None, f"{method} {self.url}{path}: {_reason(e)}")
        try:
            return Reply(answer.status_code, answer.json())
        except ValueError:
            return Reply(answer.status_code)


def _reason(error: OSError) -> str:
    if isinstance(error, requests.Timeout):
        return "no answer in time"
    if isinstance(error, requests.ConnectionError):
        return "nobody listens, or the connection broke"
    return error.strerror or type(error).__name__
