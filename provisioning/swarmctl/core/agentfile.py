"""What one agent's process is told: a settings file without secrets."""

from collections.abc import Mapping
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict


class Peer(BaseModel):
    """Another agent of the same swarm."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    role: str
    url: str


class AgentFile(BaseModel):
    """One agent: its role, its model's endpoint, its limits and its peers.

    Times in seconds, context and output in tokens. `engine_key_file` and `token_file` hold one
    secret each; both are mode 0600. `data` is a folder of the agent's own (tasks.sqlite, git, clones).
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    swarm: str
    role: str
    host: str = "127.0.0.1"
    port: int
    token_file: str
    data: str
    prompt: str
    engine_url: str
    engine_key_file: str
    model: str
    context: int
    output: int
    requests: int
    time: int
    temperature: float
    slots: int
    tools: tuple[str, ...] = ()
    tests: Literal["here", "elsewhere"] = "here"
    """Who runs the test command of a step: this agent in a sandbox, or whoever follows the run."""
    orchestrator: Peer
    peers: tuple[Peer, ...] = ()
    """The specialists, in the file's order; only the orchestrator uses them."""

    @classmethod
    def of(cls, settings: Mapping[str, Any], **where: Any) -> "AgentFile":
        """What a service's settings decide, with what its place adds: addresses, files, the prompt's text."""
        taken = {key: settings[key] for key in _SETTINGS}
        return cls(**taken, tools=tuple(settings["tools"]), **where)


_SETTINGS = ("role", "model", "context", "output", "requests", "time", "temperature", "slots")
