"""A git repository by its plumbing: read, commit and join without a work tree."""

import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from swarmctl.agent.gitenv import git_env
from swarmctl.agent.process import run

EMPTY_TREE = "4b825dc642cb6eb9a060e54bf8d69288fbee4904"
SLOWEST = 300.0
"""Seconds that one git command may take."""


class GitFailed(Exception):  # noqa: N818 - reads as the fact it states
    """A git command failed; the message is a sentence with git's last line."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One file of a commit: git mode, object id, bytes (0 for a submodule)."""

    mode: str
    oid: str
    size: int


@dataclass(frozen=True, slots=True)
class Author:
    """Who a commit is by, and who wrote it down."""

    role: str
    swarm: str

    def env(self) -> dict[str, str]:
        """The variables that git reads."""
        mail = f"{self.role}@{self.swarm}.swarmctl"
        names = {"GIT_AUTHOR_NAME": self.role, "GIT_AUTHOR_EMAIL": mail}
        return names | {"GIT_COMMITTER_NAME": self.role, "GIT_COMMITTER_EMAIL": mail}


@dataclass(frozen=True, slots=True)
class Conflict:
    """Two commits that cannot be joined: the files that both changed."""

    files: tuple[str, ...]


class Repo:
    """A bare repository (or the .git of a clone); every method raises GitFailed."""

    def __init__(self, path: Path, *, config: Path | None = None) -> None:
        """`config` takes the place of the user's global git config, e.g. to carry a token."""
        self.path = path
        self._config = config

    async def git(
        self,
        *args: str,
        input: bytes | None = None,  # noqa: A002 - the name that subprocess.run has for it
        env: Mapping[str, str] | None = None,
        fine: tuple[int, ...] = (0,),
    ) -> tuple[int, bytes]:
        """Run one git command in this repository: (exit code, stdout)."""
        whole = git_env(self._config, {"GIT_DIR": str(self.path), **(env or {})})
        try:
            code, out, err = await run(["git", *args], cwd="/", env=whole, input=input, timeout=SLOWEST)
        except (OSError, TimeoutError) as bad:
            raise GitFailed(f"git {args[0]} did not run: {bad}") from bad
        if code not in fine:
            lines = err.decode(errors="replace").strip().splitlines() or [f"exit {code}"]
            raise GitFailed(f"git {args[0]} failed: {lines[-1][:300]}")
        return code, out

    async def text(self, *args: str) -> str:
        """The first line of a git command's output."""
        return (await self.git(*args))[1].decode(errors="replace").strip()

    async def create(self) -> None:
        """Make this an empty bare repository."""
        await self.git("init", "--quiet", "--bare", "--initial-branch=main")

    async def resolve(self, name: str) -> str | None:
        """The commit that a name stands for; None when there is none."""
        code, out = await self.git(
            "rev-parse", "--verify", "--quiet", "--end-of-options", f"{name}^{{commit}}", fine=(0, 1, 128)
        )
        return out.decode().strip() if code == 0 else None

    async def listing(self, commit: str) -> dict[str, Entry]:
        """Every file of a commit by its path; bytes that are no UTF-8 come as surrogates."""
        _, out = await self.git("ls-tree", "-r", "-l", "-z", "--full-tree", commit)
        found = {}
        for record in out.split(b"\0")[:-1]:
            head, name = record.split(b"\t", 1)
            mode, _, oid, size = head.split()
            path = name.decode(errors="surrogateescape")
            found[path] = Entry(mode.decode(), oid.decode(), int(size) if size != b"-" else 0)
        return found

    async def read(self, entry: Entry) -> bytes:
        """The bytes of one file."""
        return (await self.git("cat-file", "blob", entry.oid))[1]

    async def commit_files(self, parent: str, files: Mapping[str, bytes], author: Author, message: str) -> str:
        """A new commit on `parent` with these files written; existing ones keep their mode."""
        modes = {p: e.mode for p, e in (await self.listing(parent)).items()}
        lines = []
        for path, content in files.items():
            _, oid = await self.git("hash-object", "-w", "--no-filters", "--stdin", input=content)
            lines.append(f"{modes.get(path, '100644')} {oid.decode().strip()}\t{path}\0".encode())
        with tempfile.TemporaryDirectory() as folder:
            index = {"GIT_INDEX_FILE": f"{folder}/index"}
            await self.git("read-tree", f"{parent}^{{tree}}", env=index)
            await self.git("update-index", "-z", "--index-info", input=b"".join(lines), env=index)
            tree = (await self.git("write-tree", env=index))[1].decode().strip()
        return await self.commit_tree(tree, parent, author, message)

    async def commit_tree(self, tree: str, parent: str | None, author: Author, message: str) -> str:
        """A commit object with this tree."""
        parents = ["-p", parent] if parent else []
        argv = ["commit-tree", *parents, "-F", "-", tree]
        _, out = await self.git(*argv, input=message.encode(), env=author.env())
        return out.decode().strip()

    async def join(self, tip: str, commit: str, author: Author, message: str) -> str | Conflict:
        """`commit`'s changes as one new commit on `tip`, or where the two collide."""
        code, out = await self.git(
            "merge-tree", "--write-tree", "--no-messages", "--name-only", "-z", tip, commit, fine=(0, 1)
        )
        tree, *names = [part.decode(errors="replace").strip() for part in out.split(b"\0") if part]
        if code == 1:
            return Conflict(tuple(dict.fromkeys(names)))
        return await self.commit_tree(tree, tip, author, message)

    async def changed(self, old: str, new: str) -> dict[str, str]:
        """Path → new git mode of every file that differs; 000000 for one that is gone."""
        _, out = await self.git("diff-tree", "-r", "-z", "--no-renames", "--raw", old, new)
        parts = out.decode(errors="surrogateescape").split("\0")[:-1]
        return {path: head.split()[1] for head, path in zip(parts[::2], parts[1::2], strict=True)}

    async def diff(self, old: str, new: str, *, longest: int = 12_000) -> str:
        """The diff as text, at most `longest` characters, with a last line that says what was left out."""
        argv = ["diff-tree", "-r", "-p", "--no-color", "--no-ext-diff", "--no-textconv", "--no-renames"]
        _, out = await self.git(*argv, old, new)
        text = out.decode(errors="replace")
        if len(text) <= longest:
            return text
        return f"{text[:longest]}\n… {len(text) - longest} more characters\n"

    async def set_ref(self, ref: str, commit: str) -> None:
        """Point a ref at a commit."""
        await self.git("update-ref", ref, commit)

    async def delete_refs(self, prefix: str) -> None:
        """Delete every ref below a prefix that ends in a slash."""
        _, out = await self.git("for-each-ref", "--format=delete %(refname)", prefix)
        await self.git("update-ref", "--stdin", input=out)
