"""From an A2A message to work and back: orders in, progress, artifacts and one end out."""

import asyncio
import contextlib
import logging
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from a2a.helpers import new_data_part, new_text_part
from a2a.server.agent_execution import AgentExecutor, RequestContext
from a2a.server.events import EventQueue
from a2a.server.tasks import TaskUpdater
from a2a.types.a2a_pb2 import Message, Task, TaskState

from swarmctl.agent.allowance import Allowance
from swarmctl.agent.elsewhere import Elsewhere
from swarmctl.agent.marks import Marks
from swarmctl.agent.orchestrator import conduct
from swarmctl.agent.orders import Order, read_order
from swarmctl.agent.ports import ModelFailed, Team, TooLarge
from swarmctl.agent.rolemodel import RoleModel
from swarmctl.agent.specialist import perform
from swarmctl.core.agentfile import AgentFile
from swarmctl.core.messages import ChatOrder, RunEvent, RunOrder, StepOrder
from swarmctl.core.messages import Message as Value
from swarmctl.core.spec import ORCHESTRATOR
from swarmctl.core.units import as_duration

log = logging.getLogger(__name__)

GRACE = 60.0
"""Seconds after the end of its time that work may still take to come to a result of its own."""


class WorkExecutor(AgentExecutor):
    """Carries out one order per task; every task ends completed, failed or cancelled, with a sentence."""

    def __init__(self, settings: AgentFile, model: RoleModel, team: Team, tests: Elsewhere) -> None:
        """`team` and `tests` are used by the orchestrator's runs only."""
        self._settings, self._model, self._team, self._tests = settings, model, team, tests
        self._marks = Marks(Path(settings.data))

    async def execute(self, context: RequestContext, event_queue: EventQueue) -> None:
        """See AgentExecutor.execute."""
        message = context.message
        assert message is not None  # noqa: S101 - the request handler has checked it
        if context.current_task is None:
            await event_queue.enqueue_event(_new_task(context, message))
        updater = TaskUpdater(event_queue, str(context.task_id), str(context.context_id))
        await updater.start_work()
        try:
            async with self._marks.at_work():
                values = await self._work(read_order(message), updater)
        except (ValueError, TooLarge, ModelFailed, TimeoutError) as e:
            await updater.failed(_text(updater, str(e)))
        except Exception as e:
            log.exception("task %s ended in an error of ours", context.task_id)
            reason = f"an error of ours ({type(e).__name__}); swarmctl logs {self._settings.role} has more"
            await updater.failed(_text(updater, reason))
        else:
            for name, value in values:
                await updater.add_artifact([new_data_part(value)], name=name)
            await updater.complete()

    async def cancel(self, context: RequestContext, event_queue: EventQueue) -> None:
        """See AgentExecutor.cancel; the SDK cancels the coroutine of `execute` after this."""
        updater = TaskUpdater(event_queue, str(context.task_id), str(context.context_id))
        await updater.cancel(_text(updater, "cancelled on request"))

    async def _work(self, order: Order, updater: TaskUpdater) -> Sequence[tuple[str, Any]]:
        seconds = float(order.timeout if isinstance(order, RunOrder) else self._settings.time)
        try:
            async with asyncio.timeout(seconds + GRACE) as limit:
                return await self._carry_out(order, updater, seconds, _mover(limit))
        except TimeoutError:
            raise TimeoutError(f"stopped: it took longer than {as_duration(seconds)}") from None

    async def _carry_out(
        self, order: Order, updater: TaskUpdater, seconds: float, later: Callable[[float], None]
    ) -> Sequence[tuple[str, Any]]:
        if isinstance(order, RunOrder):
            return await self._run(order, updater, seconds, later)
        allowance = Allowance(self._settings.requests, seconds, later=later)
        if isinstance(order, StepOrder):
            harness = await self._model.harness(allowance)
            return [("step", _json(await perform(order, harness=harness, settings=self._settings)))]
        assert isinstance(order, ChatOrder)  # noqa: S101 - the only one left
        return [("chat", _json(await self._model.chat(order, allowance)))]

    async def _run(
        self, order: RunOrder, updater: TaskUpdater, seconds: float, later: Callable[[float], None]
    ) -> Sequence[tuple[str, Any]]:
        settings = self._settings
        if settings.role != ORCHESTRATOR:
            raise ValueError(f"agent {settings.role!r} takes steps and chats; runs go to the orchestrator")
        # The plan is one piece of work, and the care for each specialist's steps another.
        allowance = Allowance(settings.requests * (1 + len(settings.peers)), seconds, later=later)

        async def emit(event: RunEvent) -> None:
            # Progress is a courtesy: a task that has just ended takes no more of it.
            with contextlib.suppress(Exception):
                message = updater.new_agent_message([new_data_part(_json(event))])
                await updater.update_status(TaskState.TASK_STATE_WORKING, message)

        result, transcript = await conduct(
            order,
            harness=await self._model.harness(allowance),
            team=self._team,
            settings=settings,
            emit=emit,
            tests=self._tests,
        )
        return [("result", _json(result)), ("transcript", {"transcript": transcript})]


def _mover(limit: asyncio.Timeout) -> Callable[[float], None]:
    def later(seconds: float) -> None:
        when = limit.when()
        if when is not None and not limit.expired():
            limit.reschedule(when + seconds)

    return later


def _new_task(context: RequestContext, message: Message) -> Task:
    task = Task(id=str(context.task_id), context_id=str(context.context_id), history=[message])
    task.status.state = TaskState.TASK_STATE_SUBMITTED
    task.status.timestamp.GetCurrentTime()
    return task


def _text(updater: TaskUpdater, sentence: str) -> Message:
    return updater.new_agent_message([new_text_part(sentence)])


def _json(value: Value) -> dict[str, Any]:
    return value.model_dump(mode="json")
