"""What one host of a swarm over several is asked for: a swarm of its own, with agents of others that it talks to."""

from typing import Annotated, Literal

from pydantic import Field, StringConstraints

from swarmctl.core.parts.names import whole
from swarmctl.core.spec import ORCHESTRATOR, ModelSource, Name, SwarmSpec
from swarmctl.core.strict import Strict

RELAY = "relay"
"""The service through which a part reaches agents of other hosts; its name on the part's network."""
FIRST_PORT = 9001
"""Where it listens for the first role of the file; one more for each role after it."""


MODEL = "model/"
"""What the name of a way to a model begins with; all others are of agents."""


class Beyond(Strict):
    """An agent on another host. port: of the relay, on this part's network, that leads to it."""

    role: str
    slot: str
    port: int


class PartSpec(SwarmSpec):
    """team: every role of the swarm, in the file's order. beyond: those on other hosts that this part asks.

    answered: specialists on other hosts that can be answered at once. serves: what of its roles is here. asked: the
    relay's port of each model on another host.
    """

    name: Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9-]{0,30}_[a-z][a-z0-9-]{0,30}(_trial)?$")]
    team: tuple[str, ...] = Field((), strict=False)
    beyond: tuple[Beyond, ...] = Field((), strict=False)
    answered: int = 0
    serves: Literal["all", "engines", "agents"] = "all"
    asked: dict[str, int] = Field({})
    models: dict[Name, ModelSource] = Field({})

    @property
    def slot(self) -> str:
        """The slot of its host."""
        found = whole(self.name)
        return found[1] if found else ""

    @property
    def leads(self) -> bool:
        """The orchestrator is here."""
        return ORCHESTRATOR in self.roles


def relayed(url: str) -> bool:
    """It leads to another host."""
    return url.startswith(f"http://{RELAY}:")


def beyond(spec: SwarmSpec) -> dict[str, int]:
    """The relay's port of each agent on another host that this part talks to; none for a swarm on one host."""
    return {one.role: one.port for one in spec.beyond} if isinstance(spec, PartSpec) else {}


def ways(spec: SwarmSpec) -> dict[str, int]:
    """The relay's port of all that is on another host: agents by role, and models as `model/NAME`."""
    models = {f"{MODEL}{name}": port for name, port in spec.asked.items()} if isinstance(spec, PartSpec) else {}
    return {**beyond(spec), **models}


def serves(spec: SwarmSpec) -> str:
    """`all`, or what of a swarm this part is: its `engines` or its `agents`."""
    return spec.serves if isinstance(spec, PartSpec) else "all"


def team(spec: SwarmSpec) -> tuple[str, ...]:
    """Every role of the swarm that this is, or is a part of."""
    return spec.team if isinstance(spec, PartSpec) else tuple(spec.roles)


def answered(spec: SwarmSpec) -> int:
    """Specialists on other hosts that can be answered at once."""
    return spec.answered if isinstance(spec, PartSpec) else 0
