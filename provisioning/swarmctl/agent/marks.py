"""Marks in an agent's data folder, for the guard of a rented machine: work goes on, or results are nowhere else."""

import asyncio
import contextlib
import json
import logging
from collections.abc import AsyncIterator, Callable, Collection
from pathlib import Path

log = logging.getLogger(__name__)

EVERY = 10.0
"""Seconds between two touches while work goes on; a guard looks every fifteen."""
KEPT = 1000
"""Runs that are remembered as not fetched."""


class Marks:
    """`activity`, whose time changes while work goes on, and `results-unfetched`, which is there as long as any are.

    A full disk costs a mark, never the work.
    """

    def __init__(self, data: Path, every: float = EVERY) -> None:
        """data: the agent's own folder. every: seconds."""
        self._activity, self._unfetched, self._every = data / "activity", data / "results-unfetched", every

    @contextlib.asynccontextmanager
    async def at_work(self) -> AsyncIterator[None]:
        """Touch `activity` now, again and again, and at the end."""
        keeping = asyncio.create_task(self._keep())
        try:
            yield
        finally:
            keeping.cancel()
            self.touch()

    def touch(self) -> None:
        """Somebody is at work just now."""
        self._try(lambda: self._activity.touch(mode=0o600))

    def grew(self, run: str, commit: str) -> None:
        """A run's branch stands at a commit that nobody has fetched yet."""
        self._try(lambda: self._write({**self.unfetched(), run: commit}))

    def fetched(self, commits: Collection[str]) -> None:
        """Somebody has these commits now; a branch that has grown since stays unfetched."""
        before = self.unfetched()
        after = {run: commit for run, commit in before.items() if commit not in commits}
        if after != before:
            self._try(lambda: self._write(after))

    def unfetched(self) -> dict[str, str]:
        """Run → commit of its branch."""
        try:
            found = json.loads(self._unfetched.read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return {}
        pairs = found.items() if isinstance(found, dict) else ()
        return {run: commit for run, commit in pairs if isinstance(commit, str)}

    async def _keep(self) -> None:
        while True:
            self.touch()
            await asyncio.sleep(self._every)

    def _write(self, runs: dict[str, str]) -> None:
        if not runs:
            self._unfetched.unlink(missing_ok=True)
            return
        part = self._unfetched.with_suffix(".part")
        part.write_text(json.dumps(dict(list(runs.items())[-KEPT:])), encoding="utf-8")
        part.replace(self._unfetched)

    def _try(self, act: Callable[[], object]) -> None:
        try:
            act()
        except OSError as e:
            log.warning("a mark for the machine's guard cannot be set: %s", e)
