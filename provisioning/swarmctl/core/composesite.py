"""What of a host a stack's Compose file is written with: folders, ports, the user, and what its Docker understands."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from swarmctl.core.dialect import NEWEST, Dialect
from swarmctl.core.stack import LABEL, Service, Stack

USER = "10001:10001"
"""Of the agent image; every folder and secret that a container reads belongs to it."""
MODELS = "/models"
CARD = f"{LABEL}card"
"""Label of a server's container: the card that it was made for."""
OLLAMA_PORT, SERVER_PORT, AGENT_PORT, GATEWAY_PORT = 11434, 8080, 8080, 8080
"""Where services listen inside their own containers."""


@dataclass(frozen=True, slots=True)
class ComposeSite:
    """root: absolute folder with `services/`, `secrets/`, `modelfiles/` and `data/`. models: absolute, of all models.

    ports: loopback port of each engine and agent. files: path under `models` of each source (by key).
    templates: the texts under compose/ by name. modelfiles: names of models that have one in `root`.
    owns: this stack makes what all stacks of the host share (the agents' network and the models' volume); on every
    other one, and on all where that was made beforehand, it is False. cards: UUID of each card in the order of their
    numbers, where that is known.
    """

    templates: Mapping[str, str]
    root: str
    models: str
    ports: Mapping[str, int]
    files: Mapping[str, str] = field(default_factory=dict)
    modelfiles: tuple[str, ...] = ()
    user: str = USER
    dialect: Dialect = NEWEST
    owns: bool = True
    cards: tuple[str, ...] = ()

    def labels(self, stack: Stack, service: Service) -> dict[str, str]:
        """Those of a container: a server says which card it was made for, since numbers change when a card goes."""
        card = self.card(stack.gpu) if service.kind == "engine" else ""
        return {**stack.labels(service), **({CARD: card} if card else {})}

    def card(self, gpu: str) -> str:
        """The UUID of `gpu0`…; empty where it is not known."""
        number = gpu.removeprefix("gpu")
        return self.cards[int(number)] if number.isdigit() and int(number) < len(self.cards) else ""
