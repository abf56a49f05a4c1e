"""A team whose models are scripted and whose git, agents' work and sandboxes are the real ones."""

import asyncio
import subprocess
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from swarmctl.agent.orchestrator import conduct
from swarmctl.agent.ports import Answer
from swarmctl.agent.specialist import perform
from swarmctl.core.agentfile import AgentFile, Peer
from swarmctl.core.messages import RunEvent, RunOrder, RunResult, StepDone, StepOrder, Usage

ROLES = ("backend", "testing", "docs")
Reply = str | Exception | Callable[[str], str]


class Scripted:
    """A model that says the next thing on its list, then the last one for ever; remembers what it was asked."""

    def __init__(self, *replies: Reply) -> None:
        self.replies = list(replies)
        self.asked: list[str] = []
        self.schemas: list[dict[str, Any] | None] = []

    async def ask(
        self,
        messages: Sequence[tuple[str, str]],
        *,
        max_tokens: int,
        schema: dict[str, Any] | None = None,
        temperature: float | None = None,
    ) -> Answer:
        await asyncio.sleep(0)
        asked = messages[-1][1]
        self.asked.append(asked)
        self.schemas.append(schema)
        reply = self.replies.pop(0) if len(self.replies) > 1 else self.replies[0]
        if isinstance(reply, Exception):
            raise reply
        text = reply(asked) if callable(reply) else reply
        usage = Usage(requests=1, tokens_in=10, tokens_out=5, seconds=0.5)
        return Answer(text, usage, (), ({"role": "user", "content": asked}, {"role": "assistant", "content": text}))


class Here:
    """A Team without a network: each step is performed in this process with that role's scripted model."""

    def __init__(self, files: dict[str, AgentFile], models: dict[str, Scripted], gone: Sequence[str] = ()) -> None:
        self.files, self.models, self.gone = files, models, gone
        self.orders: list[StepOrder] = []
        self.running = self.most = self.cancelled = 0

    async def step(self, peer: Peer, order: StepOrder, *, deadline: float) -> StepDone:
        assert deadline > 0
        self.orders.append(order)
        if peer.role in self.gone:
            return StepDone(number=order.number, commit=None, problem=f"{peer.role} does not answer")
        self.running += 1
        self.most = max(self.most, self.running)
        try:
            return await perform(order, harness=self.models[peer.role], settings=self.files[peer.role])
        except asyncio.CancelledError:
            self.cancelled += 1
            raise
        finally:
            self.running -= 1


class Office:
    """A folder with the settings of a team and the orchestrator's bare repository."""

    def __init__(self, folder: Path, *, slots: int = 2) -> None:
        self.folder = folder
        self.bare = folder / "orchestrator" / "git" / "work.git"
        self.bare.parent.mkdir(parents=True)
        git(folder, "init", "-q", "--bare", str(self.bare))
        for name in ("token", "key"):
            (folder / name).write_text("secret-of-the-swarm\n")
            (folder / name).chmod(0o600)
        self.files = {role: self._file(role, slots) for role in ("orchestrator", *ROLES)}
        self.events: list[RunEvent] = []
        self.transcript: list[dict[str, Any]] = []

    def base(self, files: dict[str, bytes] | None = None, run: str = "r1") -> str:
        """Push a commit with these files as the run's base; an empty tree when there are none."""
        user = self.folder / f"user-{run}"
        git(self.folder, "init", "-q", "-b", "main", str(user))
        for path, content in (files or {}).items():
            (user / path).parent.mkdir(parents=True, exist_ok=True)
            (user / path).write_bytes(content)
        git(user, "add", "--all", "--force")
        git(user, "commit", "-q", "--allow-empty", "-m", "base")
        git(user, "push", "-q", str(self.bare), f"HEAD:refs/swarm/{run}/base")
        return git(user, "rev-parse", "HEAD")

    def run(self, order: RunOrder, lead: Scripted, team: Here) -> RunResult:
        return asyncio.run(self.conduct(order, lead, team))

    async def conduct(self, order: RunOrder, lead: Scripted, team: Here) -> RunResult:
        async def emit(event: RunEvent) -> None:
            self.events.append(event)

        settings = self.files["orchestrator"]
        result, self.transcript = await conduct(order, harness=lead, team=team, settings=settings, emit=emit)
        return result

    def team(self, gone: Sequence[str] = (), **models: Scripted) -> Here:
        return Here(self.files, models, gone)

    def show(self, name: str) -> str:
        return git(self.bare, "show", name)

    def refs(self) -> list[str]:
        return git(self.bare, "for-each-ref", "--format=%(refname)").split()

    def _file(self, role: str, slots: int) -> AgentFile:
        return AgentFile(
            swarm="test",
            role=role,
            port=1,
            token_file=str(self.folder / "token"),
            data=str(self.folder / role),
            prompt=f"You are {role}.",
            engine_url="http://127.0.0.1:1/v1",
            engine_key_file=str(self.folder / "key"),
            model="m",
            context=8192,
            output=1024,
            requests=10,
            time=600,
            temperature=0.2,
            slots=slots,
            orchestrator=Peer(role="orchestrator", url=f"file://{self.folder}/orchestrator"),
            peers=tuple(Peer(role=r, url="http://127.0.0.1:1") for r in ROLES),
        )


def git(folder: Path, *args: str, data: bytes | None = None) -> str:
    """The user's own git: real, with an identity, without this machine's settings."""
    who = ["-c", "user.name=Ada", "-c", "user.email=ada@example.org", "-c", "protocol.file.allow=always"]
    env = {"PATH": "/usr/local/bin:/usr/bin:/bin", "GIT_CONFIG_GLOBAL": "/dev/null", "GIT_CONFIG_NOSYSTEM": "1"}
    done = subprocess.run(["git", *who, *args], cwd=folder, env=env, input=data, capture_output=True, check=False)
    assert done.returncode == 0, done.stderr.decode()
    return done.stdout.decode(errors="surrogateescape").strip()


def fenced(path: str, text: str) -> str:
    return f"{path}\n```\n{text}```\n"
