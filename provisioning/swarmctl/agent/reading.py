"""What a chat may read: the files of the newest run, out of git and never off the disk."""

from dataclasses import dataclass, field
from pathlib import Path

from swarmctl.agent.gitenv import bearer
from swarmctl.agent.repo import GitFailed, Repo
from swarmctl.core.agentfile import AgentFile
from swarmctl.core.paths import shape_problem
from swarmctl.core.spec import ORCHESTRATOR

CAP = 64 * 1024
"""Bytes of one file, and of one listing, that a model is shown."""

_REFS = ("refs/heads/swarm", "refs/swarm")
_REGULAR = ("100644", "100755")


@dataclass
class Reader:
    """Two tools over one agent's view of the swarm's repository; what goes wrong is said in the answer."""

    settings: AgentFile
    _repo: Repo | None = field(default=None, init=False)

    async def list_files(self, folder: str = "") -> str:
        """List the files of the repository, or of one folder in it.

        Args:
            folder: A folder, such as src; empty for everything.
        """
        try:
            repo, commit = await self._newest()
            names = await repo.listing(commit)
        except (GitFailed, OSError, ValueError) as e:
            return f"The files cannot be listed: {e}"
        prefix = folder.strip("./")
        below = f"{prefix}/" if prefix else ""
        shown = [name for name in names if name.startswith(below) and not shape_problem(name)]
        text = "\n".join(shown)
        return (text if len(text) <= CAP else text[:CAP] + "\n… and more") or f"No files in {folder!r}."

    async def read_file(self, path: str) -> str:
        """Read one text file of the repository.

        Args:
            path: The file, such as src/app.py.
        """
        if problem := shape_problem(path):
            return f"{problem}."
        try:
            repo, commit = await self._newest()
            entry = (await repo.listing(commit)).get(path)
            if entry is None or entry.mode not in _REGULAR:
                return f"There is no file {path!r}; list_files says which there are."
            content = await repo.read(entry)
        except (GitFailed, OSError, ValueError) as e:
            return f"{path!r} cannot be read: {e}"
        if b"\0" in content[:8000]:
            return f"{path!r} is no text."
        text = content[:CAP].decode("utf-8", "replace")
        return text if len(content) <= CAP else f"{text}\n… {len(content) - CAP} more bytes"

    async def _newest(self) -> tuple[Repo, str]:
        repo = self._repo = self._repo or await self._open()
        order = ("for-each-ref", "--sort=-creatordate", "--count=1", "--format=%(objectname)")
        commit = await repo.text(*order, *_REFS)
        if not commit:
            raise ValueError("no run has brought any files yet")
        return repo, commit

    async def _open(self) -> Repo:
        data = Path(self.settings.data)
        if self.settings.role == ORCHESTRATOR:
            return Repo(data / "git" / "work.git")
        # A specialist looks through a copy, brought up to date once in a chat.
        url = f"{self.settings.orchestrator.url}/git/work.git"
        mirror = data / "chat.git"
        mirror.mkdir(parents=True, exist_ok=True, mode=0o700)
        with bearer(url, Path(self.settings.token_file), data) as config:
            repo = Repo(mirror, config=config)
            await repo.create()
            await repo.git("fetch", "--quiet", "--prune", "--depth=1", url, *(f"+{ref}/*:{ref}/*" for ref in _REFS))
        return Repo(mirror)
