"""What a client of an engine must be told to talk to a role's model: address, key, model, as lines for a shell."""

import shlex
from collections.abc import Iterable
from dataclasses import dataclass

from swarmctl.core.record import ServiceRecord, SwarmRecord
from swarmctl.core.spec import ORCHESTRATOR
from swarmctl.errors import SpecError


@dataclass(frozen=True, slots=True)
class Client:
    """One role's model as a client reaches it. url: of the engine or of the gateway before it, without a path, on
    loopback. ollama: it also speaks Ollama's own API, without a key.
    """

    role: str
    model: str
    service: str
    url: str
    ollama: bool

    @property
    def openai_url(self) -> str:
        """The base of the paths that OpenAI's clients know."""
        return f"{self.url}/v1"


def clients(record: SwarmRecord) -> tuple[Client, ...]:
    """Every role's model, the orchestrator first."""
    agents = sorted((s for s in record.services if s.kind == "agent"), key=lambda s: s.subject != ORCHESTRATOR)
    return tuple(_client(record, agent) for agent in agents)


def chosen(found: Iterable[Client], role: str | None) -> tuple[Client, ...]:
    """That role's alone, or all. Raises SpecError for a role that is not there."""
    known = {client.role: client for client in found}
    if role is None:
        return tuple(known.values())
    if role not in known:
        raise SpecError(f"there is no role '{role}'; there are: {', '.join(known)}", hint="swarmctl env")
    return (known[role],)


def lines(found: tuple[Client, ...], key: str) -> list[str]:
    """`export` lines for sh: the variables that clients read, of the first role; then, of several, each role's own.

    Raises IndexError for no role.
    """
    first = found[0]
    said = {
        "OPENAI_BASE_URL": first.openai_url,
        "OPENAI_API_BASE": first.openai_url,
        "OPENAI_API_KEY": key,
        "OPENAI_MODEL": first.model,
        "AIDER_MODEL": f"openai/{first.model}",
    }
    if host := next((client.url for client in found if client.ollama), None):
        said["OLLAMA_HOST"] = first.url if first.ollama else host
    if len(found) > 1:
        for client in found:
            name = client.role.upper().replace("-", "_")
            said |= {f"SWARMCTL_{name}_URL": client.openai_url, f"SWARMCTL_{name}_MODEL": client.model}
    return [f"export {name}={shlex.quote(value)}" for name, value in said.items()]


def _client(record: SwarmRecord, agent: ServiceRecord) -> Client:
    engine = next(record.service(name) for name in agent.needs if record.service(name).kind in {"engine", "gateway"})
    return Client(
        role=agent.subject,
        model=agent.settings["model"],
        service=engine.name,
        url=record.url(engine.name),
        ollama=engine.settings.get("engine") == "ollama",
    )
