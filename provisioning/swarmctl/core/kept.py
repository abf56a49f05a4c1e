"""A state of a swarm that was proved: all that is needed to come back to it."""

from datetime import datetime
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from swarmctl.core.parts.partspec import PartSpec
from swarmctl.core.spec import SwarmSpec


class KeptState(BaseModel):
    """One proved state. stack: hash of its stacks. images: ID of each image by reference. models: sha256 by source."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    schema_: Literal["swarmctl/kept/v1"] = Field("swarmctl/kept/v1", alias="schema")
    at: datetime
    stack: str
    spec: PartSpec | SwarmSpec
    prompts: dict[str, str]
    images: dict[str, str] = {}
    models: dict[str, str] = {}


class Kept(BaseModel):
    """The state that was proved last, and the one before it."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    current: KeptState | None = None
    before: KeptState | None = None

    def then(self, proved: KeptState) -> "Kept":
        """With one that was proved now; a state that was proved again is no other state."""
        if self.current is not None and self.current.stack == proved.stack:
            return Kept(current=proved, before=self.before)
        return Kept(current=proved, before=self.current)

    def target(self, running: str) -> KeptState | None:
        """Where `rollback` goes: the last proved state, or from there the one before. running: hash of the stacks."""
        if self.current is not None and self.current.stack != running:
            return self.current
        return self.before
