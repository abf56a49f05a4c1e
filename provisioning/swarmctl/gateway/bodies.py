"""A request's body: JSON, not larger than it may be, and not slower."""

import asyncio
import json
from typing import Any

from starlette.requests import ClientDisconnect, Request

from swarmctl.gateway.trouble import Trouble

PATIENCE = 60.0
"""Seconds in which a body must have come."""


async def read(request: Request, most: int) -> dict[str, Any]:
    """The object in it. most: bytes. Raises Trouble: 400, 408, 413."""
    declared = request.headers.get("content-length", "0")
    if not declared.isdecimal() or int(declared) > most:
        raise _large(most)
    raw = bytearray()
    try:
        async with asyncio.timeout(PATIENCE):
            async for chunk in request.stream():
                raw += chunk
                if len(raw) > most:
                    raise _large(most)
    except TimeoutError:
        raise Trouble(408, f"the request's body did not come within {PATIENCE:.0f} s") from None
    except ClientDisconnect:
        raise Trouble(400, "the request's body broke off") from None
    try:
        body = json.loads(raw)
    except (ValueError, RecursionError):
        raise Trouble(400, "the request's body is no JSON") from None
    if not isinstance(body, dict):
        raise Trouble(400, "the request's body is no JSON object")
    return body


def _large(most: int) -> Trouble:
    return Trouble(413, f"the request's body is larger than {most >> 20} MiB")
