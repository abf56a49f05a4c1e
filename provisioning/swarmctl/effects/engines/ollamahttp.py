"""Ollama's native API over HTTP: every call ends in time, follows no proxy, and fails in our words."""

import json
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import requests

from swarmctl.core.ollama.order import patience
from swarmctl.core.ownheader import CHECK
from swarmctl.errors import DeployError, HostError

LOOK = 10.0
"""Seconds that a look may take."""
_STALL = 60.0
"""Seconds that the server may leave us with bytes that it does not take."""


class OllamaHttp:
    """A session with one server; close it, or use it as a context.

    All methods raise HostError when nobody answers in time, and DeployError when the answer is a refusal.
    """

    def __init__(self, url: str) -> None:
        self.url = url.rstrip("/")
        self._http = requests.Session()
        self._http.trust_env = False
        self._http.headers.update(CHECK)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, _t: type[BaseException] | None, _e: BaseException | None, _b: TracebackType | None) -> None:
        self._http.close()

    def get(self, path: str) -> Any:
        """The JSON at a path."""
        return self._json("GET", path, LOOK)

    def post(self, path: str, body: dict[str, Any], *, seconds: float = LOOK, missing: bool = False) -> Any:
        """Send JSON. missing: a 404 gives None."""
        return self._json("POST", path, seconds, json=body, missing=missing)

    def delete(self, path: str, body: dict[str, Any]) -> None:
        """Send JSON; what is not there is gone."""
        self._json("DELETE", path, LOOK, json=body, missing=True)

    def there(self, path: str) -> bool:
        """HEAD: is there something?"""
        answer = self._send("HEAD", path, LOOK)
        if answer.status_code not in {200, 404}:
            raise DeployError(f"HEAD {self.url}{path} answers {answer.status_code}")
        return answer.status_code == 200

    def steps(self, path: str, body: dict[str, Any], *, seconds: float, tell: Callable[[str], None]) -> None:
        """Send JSON and follow the statuses that come back, to the one that says success."""
        last = ""
        try:
            with self._send("POST", path, seconds, json=body, stream=True) as answer:
                for line in answer.iter_lines():
                    if not line:
                        continue
                    said = _parsed(line)
                    if error := said.get("error"):
                        raise DeployError(f"{self.url}{path} refuses: {error}", detail=last, hint=_mend(str(error)))
                    last = str(said.get("status", last))
                    tell(last)
                status = answer.status_code
        except OSError as e:
            raise self._gone("POST", path, e, last) from None
        if last != "success":
            raise DeployError(f"{self.url}{path} ended with HTTP {status}, without success", detail=last)

    def upload(self, path: str, file: Path, tell: Callable[[int, int], None]) -> None:
        """Send a file as it is read. tell: bytes sent, bytes in all."""
        try:
            with file.open("rb") as source:
                data = _Counted(source, file.stat().st_size, tell)
                answer = self._http.request(
                    "POST", self.url + path, data=data, timeout=(_STALL, patience(len(data))), allow_redirects=False
                )
        except OSError as e:
            if not isinstance(e, requests.RequestException):
                raise HostError(f"{file} cannot be read: {e.strerror or e}") from None
            raise self._gone("POST", path, e, f"while {file} was sent") from None
        if answer.status_code not in {200, 201}:
            reason = _reason(answer)
            raise DeployError(f"{self.url}{path} does not take {file.name}: {reason}", hint=_mend(reason))

    def _json(self, method: str, path: str, seconds: float, *, json: Any = None, missing: bool = False) -> Any:
        answer = self._send(method, path, seconds, json=json)
        if missing and answer.status_code == 404:
            return None
        if answer.status_code != 200:
            raise DeployError(f"{method} {self.url}{path} answers {answer.status_code}", detail=_reason(answer))
        try:
            return answer.json() if answer.content else None
        except ValueError:
            raise DeployError(f"{method} {self.url}{path} answers no JSON", detail=answer.text[:200]) from None

    def _send(
        self, method: str, path: str, seconds: float, *, json: Any = None, stream: bool = False
    ) -> requests.Response:
        try:
            return self._http.request(
                method, self.url + path, json=json, timeout=(LOOK, seconds), stream=stream, allow_redirects=False
            )
        except OSError as e:  # requests' own errors are among them
            raise self._gone(method, path, e, "") from None

    def _gone(self, method: str, path: str, error: OSError, detail: str) -> HostError:
        late = isinstance(error, requests.Timeout)
        what = "gives no answer in time" if late else "does not answer, or broke off"
        return HostError(
            f"Ollama at {self.url} {what}: {method} {path}",
            detail=detail or type(error).__name__,
            hint=f"curl -sS {self.url}/api/version",
        )


class _Counted:
    """A file that says how far it was read; its length makes requests send it with a Content-Length."""

    def __init__(self, source: Any, size: int, tell: Callable[[int, int], None]) -> None:
        self._source, self._size, self._tell, self._done = source, size, tell, 0

    def __len__(self) -> int:
        return self._size

    def read(self, count: int = -1) -> bytes:
        """The next bytes."""
        data: bytes = self._source.read(count)
        self._done += len(data)
        self._tell(self._done, self._size)
        return data


def _parsed(line: bytes) -> dict[str, Any]:
    try:
        found = json.loads(line)
    except ValueError:
        return {"error": line.decode("utf-8", "replace")[:200]}
    return found if isinstance(found, dict) else {}


def _mend(reason: str) -> str:
    full = "no space left" in reason
    return "df -h, then make room where the models are: swarmctl models prune, docker system df" if full else ""


def _reason(answer: requests.Response) -> str:
    said = _parsed(answer.content or b"{}")
    return str(said.get("error") or f"HTTP {answer.status_code}")
