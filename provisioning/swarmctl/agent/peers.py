"""The other agents over A2A: one step sent, followed to its end, and cancelled when nobody wants it."""

import asyncio
import contextlib
import uuid

import httpx
from a2a.client import Client, ClientCallContext, ClientConfig, ClientFactory
from a2a.client.errors import A2AClientError
from a2a.helpers import new_data_part
from a2a.types.a2a_pb2 import (
    AgentCapabilities,
    AgentCard,
    AgentInterface,
    CancelTaskRequest,
    GetTaskRequest,
    ListTasksRequest,
    Message,
    Role,
    SendMessageRequest,
    Task,
)
from a2a.utils.constants import PROTOCOL_VERSION_1_0, TransportProtocol
from a2a.utils.errors import A2AError

from swarmctl.agent import clock
from swarmctl.agent.answers import read_done
from swarmctl.agent.tasks import FINAL
from swarmctl.core.agentfile import Peer
from swarmctl.core.messages import StepDone, StepOrder
from swarmctl.core.parts.partspec import relayed
from swarmctl.core.units import as_duration

AWAY = 15.0
"""Seconds that a peer may be away: its supervisor starts it again within a few."""

_FAR_AWAY = 60.0
"""Seconds that one on another host may be: a cut cable is noticed after 20, and mended by a new tunnel."""
PAUSE = 0.5
QUICK = ClientCallContext(timeout=10)
CANCEL = 5.0
"""Seconds that cancelling a peer's task may take."""


class A2ATeam:
    """`ports.Team` over the a2a-sdk client; peers are asked with the swarm's token."""

    def __init__(self, token: str, *, away: float = AWAY) -> None:
        """Connects to nothing yet; `away` is in seconds."""
        self._away = away
        self._http = httpx.AsyncClient(
            trust_env=False,
            headers={"Authorization": f"Bearer {token}"},
            timeout=httpx.Timeout(None, connect=5),
            limits=httpx.Limits(max_connections=64, max_keepalive_connections=4),
        )
        self._factory = ClientFactory(ClientConfig(httpx_client=self._http, streaming=True))

    async def step(self, peer: Peer, order: StepOrder, *, deadline: float) -> StepDone:
        """See ports.Team.step."""
        away = max(self._away, _FAR_AWAY) if relayed(peer.url) else self._away
        talk = _Talk(self._factory.create(_card(peer)), order, away)
        try:
            async with asyncio.timeout(deadline):
                task = await talk.follow()
        except TimeoutError:
            await talk.cancel()
            return _problem(order, f"agent {peer.role!r} took longer than {as_duration(deadline)}")
        except asyncio.CancelledError:
            await talk.cancel()
            raise
        except A2AError as e:
            return _problem(order, f"agent {peer.role!r} could not be worked with: {_words(e)}")
        return read_done(task, order, peer.role)

    async def aclose(self) -> None:
        """Close every connection."""
        await self._http.aclose()


class _Talk:
    """One order and the peer's task for it, found again by its context after a lost connection."""

    def __init__(self, client: Client, order: StepOrder, away: float) -> None:
        self._client, self._order, self._away = client, order, away
        self._context = uuid.uuid4().hex
        self._task_id = ""
        self._sent = False

    async def follow(self) -> Task:
        """The task at its end. Raises A2AError when the peer refuses or stays away."""
        gone_since: float | None = None
        while True:
            try:
                task = await self._look()
                if task is not None:
                    return task
                gone_since = None
            except A2AClientError as e:
                gone_since = gone_since if gone_since is not None else clock.now()
                if _refused(e) or clock.now() - gone_since > self._away:
                    raise
            await clock.pause(PAUSE)

    async def cancel(self) -> None:
        """Cancel the peer's task, if it can still be reached."""
        with contextlib.suppress(A2AError, TimeoutError):
            async with asyncio.timeout(CANCEL):
                if task_id := self._task_id or await self._find():
                    await self._client.cancel_task(CancelTaskRequest(id=task_id), context=QUICK)

    async def _look(self) -> Task | None:
        if not self._task_id and self._sent:
            # The connection broke before the peer could name its task: it may have one all the same.
            self._task_id = await self._find()
        if not self._task_id:
            self._sent = True
            await self._send()
        task = await self._client.get_task(GetTaskRequest(id=self._task_id), context=QUICK)
        return task if task.status.state in FINAL else None

    async def _send(self) -> None:
        message = Message(
            message_id=uuid.uuid4().hex,
            context_id=self._context,
            role=Role.ROLE_USER,
            parts=[new_data_part(self._order.model_dump(mode="json"))],
        )
        async for event in self._client.send_message(SendMessageRequest(message=message)):
            update = event.status_update if event.HasField("status_update") else None
            self._task_id = self._task_id or event.task.id or (update.task_id if update else "")
            if update is not None and update.status.state in FINAL:
                return
        if not self._task_id:
            raise A2AClientError("it answered without a task")

    async def _find(self) -> str:
        if not self._sent:
            return ""
        found = await self._client.list_tasks(ListTasksRequest(context_id=self._context), context=QUICK)
        return found.tasks[0].id if found.tasks else ""


def _card(peer: Peer) -> AgentCard:
    url = peer.url.rstrip("/") + "/"
    interface = AgentInterface(
        url=url, protocol_binding=TransportProtocol.JSONRPC, protocol_version=PROTOCOL_VERSION_1_0
    )
    return AgentCard(name=peer.role, supported_interfaces=[interface], capabilities=AgentCapabilities(streaming=True))


def _refused(error: A2AClientError) -> bool:
    cause = error.__cause__
    return isinstance(cause, httpx.HTTPStatusError) and cause.response.status_code < 500


def _words(error: A2AError) -> str:
    return str(error.message if hasattr(error, "message") else error)[:300] or type(error).__name__


def _problem(order: StepOrder, sentence: str) -> StepDone:
    return StepDone(number=order.number, commit=None, problem=sentence)
