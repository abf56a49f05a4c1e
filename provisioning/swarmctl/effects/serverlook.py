"""Looks at an Ollama server over one plain connection: an HTTP client would cost a second `up` a third of its time."""

import http.client
import json
from datetime import datetime
from typing import Any

from swarmctl.core.composehost import Resident, ServerSeen
from swarmctl.core.ollama import api
from swarmctl.core.ollama.api import Loaded
from swarmctl.core.ownheader import CHECK
from swarmctl.errors import HostError, SwarmctlError

_PATIENCE = 10.0
_FOREVER = 100 * 365 * 86400.0


def look_at_server(port: int, now: datetime) -> ServerSeen:
    """What the server on a loopback port knows and has loaded; asks no model anything, and never raises."""
    line = http.client.HTTPConnection("127.0.0.1", port, timeout=_PATIENCE)
    try:
        names = api.names(_ask(line, "GET", "/api/tags"))
        shown = {name: api.shown(_ask(line, "POST", "/api/show", {"model": name})) for name in names}
        loaded = {row.name: _resident(row, now) for row in api.loaded(_ask(line, "GET", "/api/ps"))}
    except SwarmctlError as e:
        return ServerSeen(problem=f"its server does not answer: {e.message}")
    finally:
        line.close()
    return ServerSeen({name: seen.created for name, seen in shown.items()}, loaded)


def _ask(line: http.client.HTTPConnection, method: str, path: str, body: dict[str, Any] | None = None) -> Any:
    try:
        line.request(method, path, None if body is None else json.dumps(body), CHECK)
        answer = line.getresponse()
        text = answer.read()
        if answer.status != 200:
            raise HostError(f"{path} answers {answer.status}")
        return json.loads(text)
    except (OSError, http.client.HTTPException) as e:
        raise HostError(f"{path}: {type(e).__name__}") from None
    except ValueError:
        raise HostError(f"{path} answers no JSON") from None


def _resident(row: Loaded, now: datetime) -> Resident:
    left = (row.expires - now).total_seconds()
    share = row.vram / row.size if row.size > 0 else None
    return Resident(row.context, float("inf") if left > _FOREVER else left, share)
