"""A step's commit put to the test command: in a sandbox of this machine, or by whoever follows the run."""

import asyncio
import tempfile
from pathlib import Path

from swarmctl.agent.elsewhere import Elsewhere
from swarmctl.agent.repo import GitFailed, Repo
from swarmctl.agent.sandbox import Sandbox, strongest
from swarmctl.core.agentfile import AgentFile
from swarmctl.core.messages import RunOrder, TestResult
from swarmctl.core.team.sandbox import REFUSED


class Checker:
    """The test command of one run; the sandbox is looked for once, at the first check.

    waits: a sentence while a test is out that only somebody who follows the run can do.
    """

    def __init__(self, order: RunOrder, repo: Repo, settings: AgentFile, tests: Elsewhere | None = None) -> None:
        """Secrets and the agents' data are hidden from the command."""
        self._order = order
        self._repo = repo
        self._scratch = Path(settings.data) / "checks"
        places = (settings.token_file, settings.engine_key_file)
        self._secret = (settings.data, *(str(Path(place).parent) for place in places))
        self._sandbox: Sandbox | None = None
        self._looked = False
        self._one = asyncio.Lock()
        away = settings.tests == "elsewhere" or order.elsewhere
        self._elsewhere = (tests or Elsewhere()) if away else None
        self.waits = ""

    async def check(self, commit: str, ref: str) -> TestResult:
        """What the test command says of a commit; `ref` names it while it is cloned. One check at a time."""
        if self._order.test is None:
            return TestResult(verdict="not run")
        async with self._one:
            try:
                await self._repo.set_ref(ref, commit)
                if self._elsewhere is not None:
                    return await self._asked(self._elsewhere, commit, self._order.test)
                return await self._here(ref, self._order.test)
            except GitFailed as bad:
                return TestResult(verdict="not run", tail=str(bad))

    def close(self) -> None:
        """The run is over: whoever waits for its tests is told."""
        if self._elsewhere is not None:
            self._elsewhere.end(self._order.id)

    async def _asked(self, elsewhere: Elsewhere, commit: str, command: str) -> TestResult:
        self.waits = (
            "a test was still to be done: in this swarm tests run on the machine of whoever follows the run, "
            f"and wait while nobody does (swarmctl run --attach {self._order.id})"
        )
        result = await elsewhere.ask(self._order.id, commit, command)
        self.waits = ""
        return result

    async def _here(self, ref: str, command: str) -> TestResult:
        sandbox = await self._find()
        if sandbox is None:
            return TestResult(verdict="not run", tail=REFUSED)
        self._scratch.mkdir(mode=0o700, parents=True, exist_ok=True)
        return await check_clone(command, sandbox, self._scratch, f"file://{self._repo.path}", ref)

    async def _find(self) -> Sandbox | None:
        if not self._looked:
            self._sandbox = await strongest(self._secret)
            if self._sandbox is None and self._order.unsandboxed:
                self._sandbox = Sandbox("none")
            self._looked = True
        return self._sandbox


async def check_clone(
    command: str, sandbox: Sandbox, folder: Path, source: str, what: str, config: Path | None = None
) -> TestResult:
    """The command's word on a commit or ref of the repository at `source`, in a clone that is thrown away.

    folder: where the clone is made. config: git's, with a token for the source. Raises GitFailed.
    """
    with tempfile.TemporaryDirectory(dir=folder, ignore_cleanup_errors=True) as room:
        clone = Path(room) / "clone"
        await _cloned(clone, source, what, config)
        return await sandbox.test(command, clone)


async def _cloned(clone: Path, source: str, what: str, config: Path | None) -> None:
    """A checkout with a .git of its own: no link, object or remote leads back."""
    inner = Repo(clone / ".git", config=config)
    await inner.git("init", "--quiet", "--initial-branch=main", str(clone))
    await inner.git("fetch", "--quiet", "--no-tags", "--depth=1", source, what)
    tree = {"GIT_WORK_TREE": str(clone)}
    await inner.git("update-ref", "refs/heads/main", "FETCH_HEAD")
    await inner.git("reset", "--quiet", "--hard", "main", env=tree)
