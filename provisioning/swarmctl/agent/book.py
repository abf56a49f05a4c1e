"""What happens in a run, written down while it happens: usage by role, what was cut, who said what."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from swarmctl.agent.ports import Answer, Emit
from swarmctl.core.messages import RunEvent, StepDone, Usage
from swarmctl.core.spec import ORCHESTRATOR


@dataclass(slots=True)
class Book:
    """One run's record; it also passes progress on to whoever follows."""

    emit: Emit
    by_role: dict[str, Usage] = field(default_factory=dict)
    cut: list[str] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)
    transcript: list[dict[str, Any]] = field(default_factory=list)

    def own(self, answer: Answer, about: str) -> str:
        """Take in an answer of the orchestrator's own model; returns its text."""
        self._add(ORCHESTRATOR, answer.usage, answer.transcript, about)
        self.cut += [f"{about}: {sentence}" for sentence in answer.cut]
        return answer.text

    def step(self, role: str, done: StepDone, about: str) -> None:
        """Take in what a specialist answered."""
        self._add(role, done.usage, done.transcript, about)
        self.cut += [f"{about} ({role}): {sentence}" for sentence in done.cut]

    async def tell(self, event: str, text: str = "", *, role: str = "", number: int | None = None, **data: Any) -> None:
        """Report progress."""
        await self.emit(RunEvent(event=event, role=role, number=number, text=text, data=data))

    def _add(self, role: str, usage: Usage, exchange: Sequence[dict[str, Any]], about: str) -> None:
        self.by_role[role] = self.by_role.get(role, Usage()) + usage
        self.transcript += [{**item, "agent": role, "about": about} for item in exchange]
