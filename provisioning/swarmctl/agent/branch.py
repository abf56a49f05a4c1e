"""The branch that a run grows: its tip, and the commits that may join it."""

import asyncio
from collections.abc import Awaitable
from pathlib import Path
from typing import TypeVar

from swarmctl.agent.marks import Marks
from swarmctl.agent.repo import Author, Conflict, Repo
from swarmctl.core.agentfile import AgentFile
from swarmctl.core.messages import RunOrder, Step
from swarmctl.core.paths import refusal
from swarmctl.core.team.commits import branch, candidate_ref, message, run_refs
from swarmctl.core.team.interfaces import interface_text

T = TypeVar("T")
_WRITABLE = ("100644", "100755")


class Refused(Exception):  # noqa: N818 - reads as the fact it states
    """What a specialist pushed is not what its step allows; a sentence."""


class Branch:
    """One run's result branch in the orchestrator's bare repository. Every method raises GitFailed."""

    def __init__(self, order: RunOrder, settings: AgentFile) -> None:
        """Nothing is written before the first `grow`."""
        self.repo = Repo(Path(settings.data) / "git" / "work.git")
        self.tip = order.base
        self.merged: dict[int, str] = {}
        self.growing = asyncio.Lock()
        self._order = order
        self._marks = Marks(Path(settings.data))
        self._swarm = settings.swarm

    async def candidate(self, number: int, step: Step, commit: str) -> str | Conflict:
        """A step's work as one commit on the tip, named by the step's candidate ref. Raises Refused."""
        if await self.repo.resolve(commit) is None:
            raise Refused(f"{step.role} says it pushed {commit[:12]}, but that commit is not here")
        author = Author(step.role, self._swarm)
        joined = await self.repo.join(self.tip, commit, author, message(self._order.id, number, step))
        if isinstance(joined, Conflict):
            return joined
        await self._check_reach(self.tip, joined, step)
        await self.repo.set_ref(candidate_ref(self._order.id, number), joined)
        return joined

    async def grow(self, number: int, commit: str) -> None:
        """Make a step's candidate the new tip; never stopped half way."""
        await unbroken(self._grow(number, commit))

    async def sweep(self) -> None:
        """Delete the refs of tries and candidates; the base and the result stay."""
        for kind in ("step", "candidate"):
            await unbroken(self.repo.delete_refs(f"{run_refs(self._order.id)}{kind}/"))

    async def interfaces(self, steps: list[Step]) -> str:
        """Signatures of the Python files that these steps wrote, as they are on the tip."""
        listing = await self.repo.listing(self.tip)
        wanted = [p for step in steps for p in step.files if p.endswith(".py") and p in listing]
        texts = {p: (await self.repo.read(listing[p])).decode(errors="replace") for p in dict.fromkeys(wanted)}
        return interface_text(texts)

    async def _grow(self, number: int, commit: str) -> None:
        await self.repo.set_ref(f"refs/heads/{branch(self._order.id)}", commit)
        self._marks.grew(self._order.id, commit)
        self.tip = commit
        self.merged[number] = commit

    async def _check_reach(self, old: str, new: str, step: Step) -> None:
        tree = {path: entry.mode for path, entry in (await self.repo.listing(old)).items()}
        changed = await self.repo.changed(old, new)
        if not changed:
            raise Refused(f"{step.role} changed nothing")
        for path, mode in changed.items():
            if mode not in _WRITABLE:
                raise Refused(f"{step.role} made {path!r} something else than a file")
            if problem := refusal(path, allowed=step.files, tree=tree):
                raise Refused(problem)


async def unbroken(work: Awaitable[T]) -> T:
    """Do a short piece of work to its end, even when the caller is cancelled meanwhile."""
    task = asyncio.ensure_future(work)
    try:
        return await asyncio.shield(task)
    except asyncio.CancelledError:
        await asyncio.wait([task])
        raise
