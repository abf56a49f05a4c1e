"""The gateway as a web application."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from starlette.applications import Starlette
from starlette.middleware import Middleware

from swarmctl.core.sharing.gatewayfile import GatewayFile
from swarmctl.gateway import health, ollama, openai
from swarmctl.gateway.auth import KeyOnly
from swarmctl.gateway.desk import Desk
from swarmctl.gateway.secret import read_secret


def build(settings: GatewayFile) -> Starlette:
    """The application for these settings. Raises ValueError, OSError when a key's file is wrong."""
    key = read_secret(settings.key_file)
    desk = Desk(settings, [read_secret(engine.key_file) for engine in settings.engines])

    @asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        yield
        await desk.aclose()

    routes = [*openai.routes(desk), *ollama.routes(desk), *health.routes(desk)]
    return Starlette(routes=routes, lifespan=lifespan, middleware=[Middleware(KeyOnly, key=key)])
