"""A model with every limit in force: size, requests, time, retries, repetition, empty answers."""

from typing import Any

import httpx2
from openai import OpenAIError
from pydantic_ai.exceptions import AgentRunError
from pydantic_ai.messages import (
    ModelMessage,
    ModelRequest,
    ModelResponse,
    SystemPromptPart,
    TextPart,
    ToolCallPart,
    ToolReturnPart,
    UserPromptPart,
)
from pydantic_ai.models import ModelRequestParameters
from pydantic_ai.models.wrapper import WrapperModel
from pydantic_ai.settings import ModelSettings

from swarmctl.agent import clock
from swarmctl.agent.allowance import Allowance, Ledger
from swarmctl.agent.attempt import Attempt, attempt
from swarmctl.agent.engine import Engine, Pair
from swarmctl.agent.ports import ModelFailed, TooLarge
from swarmctl.agent.trouble import sentence, too_large, trouble
from swarmctl.core.agentfile import AgentFile
from swarmctl.core.team.budget import room
from swarmctl.core.team.fences import whole_blocks
from swarmctl.core.team.patience import Patience

PASSING = (AgentRunError, OpenAIError, httpx2.HTTPError, ValueError)
"""What a server can make the client raise: refusals, broken connections, answers that are no answers."""


class Guarded(WrapperModel):
    """The engine's model for one question: `request` streams inside and keeps every limit.

    It raises TooLarge and ModelFailed (ports.py), each with a sentence for the user; the ledger says
    what was cut or asked again.
    """

    def __init__(self, engine: Engine, settings: AgentFile, allowance: Allowance, ledger: Ledger) -> None:
        """`allowance` belongs to the whole piece of work, `ledger` to this question."""
        super().__init__(engine.model)
        self._engine, self._file = engine, settings
        self._allowance, self._ledger = allowance, ledger

    async def request(
        self,
        messages: list[ModelMessage],
        model_settings: ModelSettings | None,
        model_request_parameters: ModelRequestParameters,
    ) -> ModelResponse:
        """One answer, from as many requests as it takes and the allowance has."""
        asked = ModelSettings(**(model_settings or {}))
        prompt = await self._fit(messages, asked, model_request_parameters)
        result = await self._patiently(messages, asked, model_request_parameters, prompt)
        if result.loop and whole_blocks(result.text):
            # What was asked for is there: chatter after it is not worth asking again.
            self._ledger.note(f"{result.loop.reason}: stopped; the blocks before it were kept")
            return result.clean()
        if result.loop or (result.empty and not result.late):
            self._ledger.note(_again(result))
            if result.loop:
                asked["temperature"] = asked.get("temperature", self._file.temperature) + 0.2
                asked["frequency_penalty"] = 0.5
            result = await self._patiently(messages, asked, model_request_parameters, prompt)
            if result.loop:
                self._ledger.note(f"{result.loop.reason}, again: only what came before it was kept")
        self._note_end(result, asked)
        return result.clean()

    def _note_end(self, result: Attempt, asked: ModelSettings) -> None:
        if result.late:
            self._ledger.note("the time was used up before the answer was complete")
            if result.empty:
                raise ModelFailed("the engine gave no answer in the time that was left")
        elif result.empty:
            self._ledger.note("the answer was empty twice")
        if result.response.finish_reason == "length" and not result.loop:
            self._ledger.note(f"the answer was cut at its limit of {asked['max_tokens']} tokens")

    async def _fit(self, messages: list[ModelMessage], asked: ModelSettings, parameters: ModelRequestParameters) -> int:
        # Refuse instead of letting an engine cut the front of the prompt, where the role's rules stand.
        wanted = min(asked.get("max_tokens", self._file.output), self._file.output)
        tools = sum(len(str(tool.parameters_json_schema)) + 200 for tool in parameters.function_tools)
        prompt = await self._engine.count(flatten(messages), tools)
        allowed = room(prompt, wanted, self._file.context)
        if not allowed:
            raise TooLarge(
                f"the prompt takes {prompt} of the {self._file.context} tokens of context, "
                f"which leaves too little for an answer of {wanted}"
            )
        if allowed < wanted:
            self._ledger.note(
                f"the answer was limited to {allowed} tokens instead of {wanted}: "
                f"the prompt takes {prompt} of {self._file.context}"
            )
        asked["max_tokens"] = allowed
        return prompt

    async def _patiently(
        self,
        messages: list[ModelMessage],
        asked: ModelSettings,
        parameters: ModelRequestParameters,
        prompt: int,
    ) -> Attempt:
        patience = Patience()
        self._allowance.take()
        while True:
            try:
                result = await attempt(
                    self.wrapped, messages, asked, parameters, prompt=prompt, until=self._allowance.ends
                )
            except PASSING as e:
                await self._wait(e, patience)
                continue
            if patience.tries:
                self._ledger.note(f"the engine failed {patience.tries} times before it answered")
            self._write_down(messages, asked, result)
            return result

    async def _wait(self, error: Exception, patience: Patience) -> None:
        if too_large(error):
            raise TooLarge(sentence(error)) from None
        kind = trouble(error)
        asked = getattr(error, "retry_after", None)
        pause = patience.wait(kind, clock.now(), asked) if kind else None
        if pause is None or (kind != "loading" and clock.now() + pause >= self._allowance.ends):
            raise ModelFailed(f"{sentence(error)} (tried {max(patience.tries, 1)} times)") from None
        await clock.pause(pause)
        if kind == "loading":
            self._allowance.not_counted(pause)

    def _write_down(self, messages: list[ModelMessage], asked: ModelSettings, result: Attempt) -> None:
        self._ledger.usage += result.usage
        entry: dict[str, Any] = {
            "messages": [{"role": role, "content": content} for role, content in flatten(messages)],
            "max_tokens": asked["max_tokens"],
            "temperature": asked.get("temperature"),
            "answer": result.text,
            "finish": result.response.finish_reason or ("late" if result.late else "stopped"),
            "usage": result.usage.model_dump(),
        }
        if result.loop:
            entry["loop"] = result.loop.reason
        if result.calls:
            entry["calls"] = [
                {"name": part.tool_name, "arguments": part.args_as_json_str()}
                for part in result.response.parts
                if isinstance(part, ToolCallPart)
            ]
        self._ledger.transcript.append(entry)


def _again(result: Attempt) -> str:
    return f"{result.loop.reason}: stopped and asked again" if result.loop else "an empty answer: asked again"


def flatten(messages: list[ModelMessage]) -> list[Pair]:
    """Role and content of each part that is text for the model, in order."""
    pairs: list[Pair] = []
    for message in messages:
        pairs.extend(_request(message) if isinstance(message, ModelRequest) else _response(message))
    return pairs


def _request(message: ModelRequest) -> list[Pair]:
    pairs: list[Pair] = []
    for part in message.parts:
        if isinstance(part, SystemPromptPart):
            pairs.append(("system", part.content))
        elif isinstance(part, ToolReturnPart):
            pairs.append(("tool", part.model_response_str()))
        elif isinstance(part, UserPromptPart):
            pairs.append(("user", part.content if isinstance(part.content, str) else str(part.content)))
        else:
            pairs.append(("user", str(getattr(part, "content", ""))))
    return pairs


def _response(message: ModelResponse) -> list[Pair]:
    pairs: list[Pair] = []
    for part in message.parts:
        if isinstance(part, TextPart):
            pairs.append(("assistant", part.content))
        elif isinstance(part, ToolCallPart):
            pairs.append(("assistant", f"{part.tool_name} {part.args_as_json_str()}"))
    return pairs
