"""Asks an Ollama server how it renders and counts prompts; a refusal is an answer here, not an error."""

from collections.abc import Mapping, Sequence
from types import TracebackType
from typing import Any, Self

import requests

from swarmctl.core.ollama.canary import Count
from swarmctl.core.ollama.canary import talk as conversation
from swarmctl.core.ollama.order import patience
from swarmctl.core.ownheader import CHECK

Message = Mapping[str, str]


class OllamaTalk:
    """A session with one server."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._http = requests.Session()
        self._http.trust_env = False
        self._http.headers.update(CHECK)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, _t: type[BaseException] | None, _e: BaseException | None, _b: TracebackType | None) -> None:
        self._http.close()

    def render(self, model: str, talk: Sequence[Message], tools: Sequence[Any] = ()) -> tuple[str, str]:
        """What the model would get, and "" ; or "" and why it is not said."""
        return self._rendered("/api/chat", {"model": model, "messages": list(talk), "tools": list(tools)})

    def agents_render(self, model: str, words: int) -> tuple[str, str]:
        """What the model would get of a prompt on the endpoint that agents use, and "" ; or "" and why not."""
        return self._rendered("/v1/chat/completions", {"model": model, "messages": conversation(words)})

    def agents(self, model: str, words: int) -> Count:
        """Tokens of a prompt on the endpoint that agents use, as it counts them."""
        body = {"model": model, "messages": conversation(words), "max_tokens": 1, "temperature": 0}
        status, answer = self._post("/v1/chat/completions", body)
        return _count(status, answer, (answer.get("usage") or {}).get("prompt_tokens"))

    def native(self, model: str, words: int) -> Count:
        """The same on the native API, which is told not to truncate.

        `shift` is not sent: from 0.30 on it is a flag of the runner, and another value loads the model anew.
        """
        body = {"model": model, "messages": conversation(words), "stream": False, "truncate": False, "options": _ONE}
        status, answer = self._post("/api/chat", body)
        return _count(status, answer, answer.get("prompt_eval_count"))

    def raw(self, model: str, words: int) -> Count:
        """Tokens of the rendered prompt when it is sent as it is."""
        text, problem = self.render(model, conversation(words))
        if problem:
            return Count(0, 0, problem)
        body = {"model": model, "prompt": text, "raw": True, "stream": False, "options": _ONE}
        status, answer = self._post("/api/generate", body)
        return _count(status, answer, answer.get("prompt_eval_count"))

    def _rendered(self, path: str, body: Mapping[str, Any]) -> tuple[str, str]:
        wanted = {key: value for key, value in body.items() if value}
        status, answer = self._post(path, wanted | {"stream": False, "_debug_render_only": True})
        told = answer.get("_debug_info")
        text = told.get("rendered_template") if isinstance(told, dict) else None
        return (str(text), "") if status == 200 and text is not None else ("", _said(status, answer))

    def _post(self, path: str, body: Mapping[str, Any]) -> tuple[int, dict[str, Any]]:
        try:
            got = self._http.post(self._url + path, json=body, timeout=(10, patience(0)), allow_redirects=False)
        except OSError as e:  # requests' own errors are among them
            return 0, {"error": f"no answer: {type(e).__name__}"}
        try:
            answer = got.json()
        except ValueError:
            return got.status_code, {"error": got.text[:200]}
        return got.status_code, answer if isinstance(answer, dict) else {"error": "an answer of another shape"}


_ONE = {"num_predict": 1, "temperature": 0}


def _count(status: int, answer: Mapping[str, Any], tokens: object) -> Count:
    if status != 200:
        return Count(0, status, str(answer.get("error", ""))[:300])
    if type(tokens) is not int or tokens < 0:
        return Count(0, status, "it counts no tokens")
    return Count(tokens, status)


def _said(status: int, answer: Mapping[str, Any]) -> str:
    return f"HTTP {status}: {answer.get('error') or 'it renders nothing'}"[:300]
