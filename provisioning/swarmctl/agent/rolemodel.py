"""A role's model for a piece of work; what talks to it, half of an agent's start, is loaded when it is first asked."""

import asyncio
import importlib
import sys
from typing import TYPE_CHECKING

from swarmctl.agent.allowance import Allowance
from swarmctl.agent.ports import Harness
from swarmctl.agent.secret import read_secret
from swarmctl.core.agentfile import AgentFile
from swarmctl.core.messages import ChatDone, ChatOrder

if TYPE_CHECKING:
    from swarmctl.agent.engine import Engine

HEAVY = ("swarmctl.agent.chat", "swarmctl.agent.harness")
"""What these import is loaded late; a parent that forks many agents loads it once for all of them."""


class RoleModel:
    """One agent's model; close it when the agent ends."""

    def __init__(self, settings: AgentFile) -> None:
        """Connects to nothing yet. Raises OSError, ValueError for the key's file."""
        read_secret(settings.engine_key_file)
        self._settings = settings
        self._engine: Engine | None = None

    async def harness(self, allowance: Allowance) -> Harness:
        """Of one piece of work, whose allowance it is."""
        engine = await self._loaded()
        from swarmctl.agent.harness import EngineHarness  # noqa: PLC0415 - late on purpose

        return EngineHarness(engine, self._settings, allowance)

    async def chat(self, order: ChatOrder, allowance: Allowance) -> ChatDone:
        """One turn of a conversation. Raises TooLarge and ModelFailed with a sentence for the user."""
        engine = await self._loaded()
        from swarmctl.agent.chat import chat  # noqa: PLC0415 - late on purpose

        return await chat(order, engine=engine, settings=self._settings, allowance=allowance)

    async def aclose(self) -> None:
        """Close every connection."""
        if self._engine is not None:
            await self._engine.aclose()

    async def _loaded(self) -> "Engine":
        for name in HEAVY:
            if name not in sys.modules:
                # Cards and other tasks are answered meanwhile.
                await asyncio.to_thread(importlib.import_module, name)
        if self._engine is None:
            from swarmctl.agent.engine import Engine  # noqa: PLC0415 - late on purpose

            self._engine = Engine(self._settings)
        return self._engine
