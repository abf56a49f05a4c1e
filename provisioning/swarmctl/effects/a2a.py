"""An agent's A2A 1.0 endpoint, as a client sees it: JSON-RPC and server-sent events over loopback."""

import json
import uuid
from collections.abc import Iterator
from typing import Any

import requests

from swarmctl.core.hints import logs
from swarmctl.errors import HostError

FINAL = {"TASK_STATE_COMPLETED", "TASK_STATE_FAILED", "TASK_STATE_CANCELED", "TASK_STATE_REJECTED"}
_TIMEOUT = (3.0, 15.0)


class AgentClient:
    """One agent. Every method raises HostError when the agent does not answer or refuses."""

    def __init__(self, role: str, url: str, token: str, swarm: str = "") -> None:
        self._role, self._url, self._swarm = role, url, swarm
        self._http = requests.Session()
        self._http.trust_env = False
        self._http.headers.update({"Authorization": f"Bearer {token}", "A2A-Version": "1.0"})

    def card(self, timeout: float = 2.0) -> dict[str, Any]:
        """The agent's card."""
        try:
            reply = self._http.get(f"{self._url}/.well-known/agent-card.json", timeout=timeout)
            reply.raise_for_status()
            card: dict[str, Any] = reply.json()
        except (requests.RequestException, ValueError) as e:
            raise self._gone(e) from None
        return card

    def start(self, data: dict[str, Any]) -> Iterator[dict[str, Any]]:
        """Send a data part and give what streams back: `task`, `statusUpdate` and `artifactUpdate` objects."""
        message = {"messageId": uuid.uuid4().hex, "role": "ROLE_USER", "parts": [{"data": data}]}
        return self._stream("SendStreamingMessage", {"message": message})

    def follow(self, task: str) -> Iterator[dict[str, Any]]:
        """What streams from a task that is under way."""
        return self._stream("SubscribeToTask", {"id": task})

    def task(self, task: str) -> dict[str, Any]:
        """A task as it stands, with its artifacts."""
        return self._call("GetTask", {"id": task})

    def tasks(self) -> list[dict[str, Any]]:
        """The newest tasks of the agent, with their artifacts."""
        found: list[dict[str, Any]] = self._call("ListTasks", {"includeArtifacts": True, "pageSize": 100}).get(
            "tasks", []
        )
        return found

    def cancel(self, task: str) -> dict[str, Any]:
        """Cancel a task; one that has ended is left as it is."""
        return self._call("CancelTask", {"id": task})

    def _call(self, method: str, params: dict[str, Any]) -> dict[str, Any]:
        try:
            reply = self._http.post(self._url + "/", json=_request(method, params), timeout=_TIMEOUT)
            answer = reply.json()
        except (requests.RequestException, ValueError) as e:
            raise self._gone(e) from None
        return self._result(answer)

    def _stream(self, method: str, params: dict[str, Any]) -> Iterator[dict[str, Any]]:
        headers = {"Accept": "text/event-stream"}
        try:
            with self._http.post(
                self._url + "/", json=_request(method, params), headers=headers, stream=True, timeout=(3.0, None)
            ) as reply:
                if "text/event-stream" not in reply.headers.get("content-type", ""):
                    self._result(reply.json())
                    return
                for line in reply.iter_lines(chunk_size=1, decode_unicode=True):
                    if line.startswith("data:"):
                        yield self._result(json.loads(line[5:]))
        except (requests.RequestException, ValueError) as e:
            raise self._gone(e) from None

    def _result(self, answer: Any) -> dict[str, Any]:
        if isinstance(answer, dict) and isinstance(answer.get("result"), dict):
            result: dict[str, Any] = answer["result"]
            return result
        problem = answer.get("error", answer) if isinstance(answer, dict) else answer
        text = problem.get("message", problem) if isinstance(problem, dict) else problem
        raise HostError(f"agent '{self._role}' refused: {text}", hint=logs(self._swarm, self._role))

    def _gone(self, reason: Exception) -> HostError:
        return HostError(
            f"agent '{self._role}' does not answer on {self._url}",
            detail=f"{type(reason).__name__}: {reason}"[:300],
            hint="swarmctl status",
        )


def _request(method: str, params: dict[str, Any]) -> dict[str, Any]:
    return {"jsonrpc": "2.0", "id": uuid.uuid4().hex, "method": method, "params": params}


def data_parts(holder: dict[str, Any]) -> list[dict[str, Any]]:
    """The data parts of a message or artifact."""
    return [part["data"] for part in holder.get("parts", []) if isinstance(part.get("data"), dict)]
