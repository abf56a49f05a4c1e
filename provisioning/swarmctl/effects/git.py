"""The user's repository: read, pushed from and fetched into; its working tree and index are never touched."""

import os
import shutil
from dataclasses import dataclass
from pathlib import Path

from swarmctl.effects import files
from swarmctl.effects.process import Completed, run
from swarmctl.errors import HostError, SpecError

_EMPTY_TREE = "4b825dc642cb6eb9a060e54bf8d69288fbee4904"


@dataclass(frozen=True, slots=True)
class Base:
    """What a run starts from. `notes` says what of the working tree is not in it."""

    commit: str
    notes: tuple[str, ...]


class Workspace:
    """A git repository on this machine. Raises HostError or SpecError, each with the command that mends it."""

    def __init__(self, folder: Path) -> None:
        if not folder.is_dir():
            raise SpecError(f"{folder} is no folder", hint="--workspace DIR names a git repository")
        if not shutil.which("git"):
            raise HostError("git is not installed", hint="swarmctl doctor")
        self._folder = folder
        inside = self._git("rev-parse", "--show-toplevel", check=False)
        if inside.code != 0:
            raise SpecError(
                f"{folder} is in no git repository",
                detail=inside.stderr.strip()[-400:],
                hint=f"git -C {folder} init   (work comes back as a branch)",
            )
        self.root = Path(inside.stdout.rstrip("\n"))

    def base(self) -> Base:
        """The commit that HEAD names, or a new commit without files where there is none yet."""
        head = self._git("rev-parse", "--verify", "--quiet", "HEAD^{commit}", check=False)
        if head.code == 0:
            return Base(head.stdout.strip(), self._left_out())
        who = ("-c", "user.name=swarmctl", "-c", "user.email=swarmctl@localhost")
        tree = self._git("hash-object", "-t", "tree", "-w", "/dev/null").stdout.strip() or _EMPTY_TREE
        made = self._git(*who, "commit-tree", tree, "-m", "Start from nothing")
        return Base(
            made.stdout.strip(), ("the repository has no commit yet: the work starts from no files", *self._left_out())
        )

    def push(self, remote: str, commit: str, ref: str, config: Path) -> None:
        """Push one commit; `config` is a git configuration file that holds the bearer token."""
        self._git("push", "--quiet", "--no-verify", "--no-signed", remote, f"{commit}:{ref}", config=config)

    def fetch(self, remote: str, ref: str, branch: str, config: Path) -> None:
        """Fetch a branch under its own name; nothing else of the repository changes."""
        self._git(
            "fetch", "--quiet", "--no-tags", "--no-recurse-submodules", "--no-write-fetch-head",
            remote, f"+{ref}:refs/heads/{branch}", config=config,
        )  # fmt: skip

    def log(self, base: str, branch: str) -> list[tuple[str, str, str]]:
        """(short hash, author, title) of the branch's commits, oldest first."""
        out = self._git("log", "--reverse", "--format=%h%x00%an%x00%s", f"{base}..{branch}").stdout
        return [(h, who, title) for h, who, title in (line.split("\0") for line in out.splitlines())]

    def diff(self, base: str, branch: str, *, stat: bool = False) -> str:
        """The diff between two commits, or its statistics."""
        shape = ("--stat=100",) if stat else ()
        return self._git("diff", "--no-color", "--no-ext-diff", *shape, base, branch, "--").stdout

    def _left_out(self) -> tuple[str, ...]:
        lines = self._git("status", "--porcelain", "--ignore-submodules=all").stdout.splitlines()
        if not lines:
            return ()
        what = "1 change that is" if len(lines) == 1 else f"{len(lines)} changes that are"
        return (f"the working tree has {what} not committed: the team starts from HEAD and does not see them",)

    def _git(self, *args: str, config: Path | None = None, check: bool = True) -> Completed:
        extra = {"GIT_TERMINAL_PROMPT": "0", "LC_ALL": "C.UTF-8", "NO_PROXY": "127.0.0.1", "no_proxy": "127.0.0.1"}
        if config is not None:
            extra |= {"GIT_CONFIG_COUNT": "1", "GIT_CONFIG_KEY_0": "include.path", "GIT_CONFIG_VALUE_0": str(config)}
        clean = {k: v for k, v in os.environ.items() if k not in {"GIT_DIR", "GIT_INDEX_FILE", "GIT_WORK_TREE"}}
        argv = ["git", "-C", str(self._folder), "-c", "core.quotePath=false", "-c", "gc.auto=0", *args]
        return run(argv, env={**clean, **extra}, timeout=600, check=check)


def token_config(file: Path, token: str) -> Path:
    """A git configuration file of mode 0600 that sends the token as a bearer; gives the file."""
    files.write(file, f'[http]\n\textraHeader = "Authorization: Bearer {token}"\n[credential]\n\thelper =\n')
    return file
