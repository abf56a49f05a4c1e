"""The agent as a web application: card, A2A endpoint and, for the orchestrator, the repository and tests to take."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from a2a.server.request_handlers import DefaultRequestHandlerV2
from a2a.server.routes import create_agent_card_routes, create_jsonrpc_routes
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.routing import Route

from swarmctl.agent.auth import BearerOnly
from swarmctl.agent.card import agent_card
from swarmctl.agent.checkroutes import check_routes
from swarmctl.agent.elsewhere import Elsewhere
from swarmctl.agent.executor import WorkExecutor
from swarmctl.agent.gitserver import GitServer, make_repository
from swarmctl.agent.marks import Marks
from swarmctl.agent.peers import A2ATeam
from swarmctl.agent.rolemodel import RoleModel
from swarmctl.agent.secret import read_secret
from swarmctl.agent.tasks import SqliteTaskStore
from swarmctl.core.agentfile import AgentFile
from swarmctl.core.spec import ORCHESTRATOR

REPOSITORY = "work.git"
RESTARTED = "the agent was restarted while it worked on this task"
STOPPED = "the agent was stopped while it worked on this task"


def build(settings: AgentFile) -> Starlette:
    """The application for these settings. Raises ValueError, OSError when a secret's file is wrong."""
    data = Path(settings.data)
    token = read_secret(settings.token_file)
    model, team = RoleModel(settings), A2ATeam(token)
    store = SqliteTaskStore(data / "tasks.sqlite")
    store.end_unfinished(RESTARTED)
    card = agent_card(settings)
    tests = Elsewhere()
    handler = DefaultRequestHandlerV2(WorkExecutor(settings, model, team, tests), store, card)
    leads = settings.role == ORCHESTRATOR

    @asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        if leads:
            await make_repository(data / "git" / REPOSITORY)
        yield
        await handler.aclose()
        store.end_unfinished(STOPPED)
        await team.aclose()
        await model.aclose()
        store.close()

    routes = [
        *create_agent_card_routes(card),
        *create_jsonrpc_routes(handler, "/", enable_v0_3_compat=True, shutdown_grace_period=0),
    ]
    if leads:
        git = GitServer(data / "git", REPOSITORY, marks=Marks(data))
        routes.append(Route(f"/git/{REPOSITORY}/{{service:path}}", git, methods=["GET", "POST"]))
        routes += check_routes(tests)
    return Starlette(routes=routes, lifespan=lifespan, middleware=[Middleware(BearerOnly, token=token)])
