"""Where requests come together: a model's name to its engine, its slot and the request that the engine gets."""

import asyncio
import hashlib
import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import httpx2
from starlette.requests import Request

from swarmctl.core.sharing.gatewayfile import GatewayFile, Offered
from swarmctl.core.sharing.rewriting import rewritten, unfit
from swarmctl.core.sharing.slots import Slots
from swarmctl.gateway import bodies
from swarmctl.gateway.trouble import Trouble
from swarmctl.gateway.upstream import Engine

_LATEST = ":latest"


@dataclass(frozen=True, slots=True)
class Model:
    """One model on offer, with the engine that computes it and the slots that are its own."""

    offered: Offered
    engine: Engine
    slots: Slots


class Desk:
    """All models and engines of one gateway."""

    def __init__(self, told: GatewayFile, keys: list[str]) -> None:
        """keys: of the engines, in the file's order."""
        self.told = told
        self.engines = [Engine(engine, key) for engine, key in zip(told.engines, keys, strict=True)]
        self.models = {
            offered.name: Model(offered, self.engines[offered.engine], Slots(offered.slots)) for offered in told.models
        }

    async def body(self, request: Request) -> dict[str, Any]:
        """The request's JSON object. Raises Trouble."""
        return await bodies.read(request, self.told.body << 20)

    def model(self, name: object) -> Model:
        """By the name that a client says, with or without Ollama's tag. Raises Trouble 404."""
        plain = name.removesuffix(_LATEST) if isinstance(name, str) else name
        found = self.models.get(plain) if isinstance(plain, str) else None
        if found is None:
            known = ", ".join(sorted(self.models))
            raise Trouble(404, f"no model {str(name)[:80]!r} here; there are: {known}", "model_not_found")
        return found

    @asynccontextmanager
    async def ask(self, model: Model, path: str, body: Mapping[str, Any]) -> AsyncIterator[httpx2.Response]:
        """The engine's answer to a request of this model, on a slot of its own. Raises Trouble 400, 502."""
        if why := unfit(body):
            raise Trouble(400, why)
        slot = model.slots.take(_beginning(body))
        try:
            async with model.engine.ask(path, rewritten(body, model.offered, model.engine.told, slot)) as answer:
                yield answer
        finally:
            model.slots.give_back(slot)

    async def aclose(self) -> None:
        """Close every engine's connections."""
        await asyncio.gather(*(engine.aclose() for engine in self.engines))


def _beginning(body: Mapping[str, Any]) -> str:
    """The same for requests that begin alike: the first message, or the first words of a prompt."""
    messages = body.get("messages")
    first = messages[:1] if isinstance(messages, list) else str(body.get("prompt"))[:200]
    return hashlib.sha256(json.dumps(first).encode()).hexdigest()
