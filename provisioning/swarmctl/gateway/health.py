"""Whether every engine is there and is the one that the settings describe: its adapters, its slots, its scales."""

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from swarmctl.core.sharing import loaded
from swarmctl.gateway.desk import Desk
from swarmctl.gateway.trouble import Trouble
from swarmctl.gateway.upstream import Engine


def routes(desk: Desk) -> list[Route]:
    """/live: 200 as long as the gateway itself answers. /health: 200 when all is as it should be, else 503 with what
    is not.
    """

    async def live(_: Request) -> Response:
        return JSONResponse({"status": "ok"})

    async def health(_: Request) -> Response:
        wrong = [f"engine {n}: {text}" for n, engine in enumerate(desk.engines) for text in await _wrong(engine)]
        return JSONResponse({"status": "error" if wrong else "ok", "wrong": wrong}, status_code=503 if wrong else 200)

    return [Route("/live", live, methods=["GET"]), Route("/health", health, methods=["GET"])]


async def _wrong(engine: Engine) -> list[str]:
    try:
        await engine.look("/health")
        adapters = await engine.look("/lora-adapters")
        slots = (await engine.look("/props")).get("total_slots")
    except Trouble as trouble:
        return [trouble.message]
    found = loaded.wrong(adapters, engine.told.adapters)
    if slots != engine.told.slots:
        found.append(f"it has {slots} slots, not {engine.told.slots}")
    return found
