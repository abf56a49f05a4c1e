"""The harness of one piece of work: questions to the role's model, each with every limit in force."""

from collections.abc import Sequence
from typing import Any

from pydantic_ai.messages import (
    ModelMessage,
    ModelRequest,
    ModelResponse,
    SystemPromptPart,
    TextPart,
    UserPromptPart,
)
from pydantic_ai.models import ModelRequestParameters
from pydantic_ai.settings import ModelSettings

from swarmctl.agent.allowance import Allowance, Ledger
from swarmctl.agent.engine import Engine
from swarmctl.agent.guarded import Guarded
from swarmctl.agent.ports import Answer
from swarmctl.core.agentfile import AgentFile


class EngineHarness:
    """`ports.Harness` over an engine; one for each piece of work, since the allowance is the work's."""

    def __init__(self, engine: Engine, settings: AgentFile, allowance: Allowance) -> None:
        """Shares the engine's connections with other pieces of work."""
        self._engine, self._file, self._allowance = engine, settings, allowance

    async def ask(
        self,
        messages: Sequence[tuple[str, str]],
        *,
        max_tokens: int,
        schema: dict[str, Any] | None = None,
        temperature: float | None = None,
    ) -> Answer:
        """See ports.Harness.ask."""
        ledger = Ledger()
        asked = ModelSettings(
            max_tokens=max_tokens,
            temperature=self._file.temperature if temperature is None else temperature,
        )
        if schema is not None:
            shape = {"name": "answer", "schema": schema, "strict": True}
            asked["extra_body"] = {"response_format": {"type": "json_schema", "json_schema": shape}}
        model = Guarded(self._engine, self._file, self._allowance, ledger)
        response = await model.request(as_messages(messages), asked, ModelRequestParameters())
        text = "".join(part.content for part in response.parts if isinstance(part, TextPart))
        return Answer(text, ledger.usage, tuple(ledger.cut), tuple(ledger.transcript))


def as_messages(pairs: Sequence[tuple[str, str]]) -> list[ModelMessage]:
    """pydantic-ai's messages for (role, content) pairs; roles are system, user and assistant."""
    messages: list[ModelMessage] = []
    for role, content in pairs:
        if role == "assistant":
            messages.append(ModelResponse(parts=[TextPart(content)]))
            continue
        part = SystemPromptPart(content) if role == "system" else UserPromptPart(content)
        if messages and isinstance(messages[-1], ModelRequest):
            messages[-1] = ModelRequest(parts=[*messages[-1].parts, part])
        else:
            messages.append(ModelRequest(parts=[part]))
    return messages
