"""What the work of an agent needs from around it: a model to ask, peers to send steps to, someone to tell."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from swarmctl.core.agentfile import Peer
from swarmctl.core.messages import RunEvent, StepDone, StepOrder, Usage

Emit = Callable[[RunEvent], Awaitable[None]]
"""Tells whoever follows the task; never fails the work."""


@dataclass(frozen=True, slots=True)
class Answer:
    """One finished request. `cut` has a sentence for every limit or guard that cut or retried it."""

    text: str
    usage: Usage
    cut: tuple[str, ...] = ()
    transcript: tuple[dict[str, Any], ...] = field(default=())


class Harness(Protocol):
    """One agent's model, with every limit in force on each call."""

    async def ask(
        self,
        messages: Sequence[tuple[str, str]],
        *,
        max_tokens: int,
        schema: dict[str, Any] | None = None,
        temperature: float | None = None,
    ) -> Answer:
        """Ask once. `messages` are (role, content) pairs, the system prompt first.

        `schema` constrains the answer to JSON of that schema (response_format json_schema).
        Raises TooLarge when the prompt plus max_tokens would not fit the context, ModelFailed when the
        engine does not answer (after its retries), both with a sentence for the user.
        """
        ...


class Team(Protocol):
    """The other agents, reached over A2A."""

    async def step(self, peer: Peer, order: StepOrder, *, deadline: float) -> StepDone:
        """Send one step and wait for what came of it; `deadline` is in seconds from now.

        Never raises for what the peer did: a peer that is gone, late or talks garbage gives a StepDone
        with `problem` set. Cancelling this coroutine cancels the peer's task.
        """
        ...


class TooLarge(Exception):  # noqa: N818 - reads as the fact it states
    """The prompt does not fit the context that was promised."""


class ModelFailed(Exception):  # noqa: N818
    """The engine did not give an answer."""
