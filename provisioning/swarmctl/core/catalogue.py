"""Models that are known before they are fetched: where they come from, what they are made of, what they can do."""

from collections.abc import Iterable
from functools import cached_property
from typing import Any, Literal

from pydantic import Field, field_validator

from swarmctl.core.architectures import from_config
from swarmctl.core.model import Model
from swarmctl.core.quantisation import named
from swarmctl.core.spec import ModelSource
from swarmctl.core.strict import Strict
from swarmctl.errors import SpecError

Tools = Literal["native", "text", "none"]
"""How a model calls tools: by tokens of its own, in its text when the prompt says how, or not at all."""


class Score(Strict):
    """One published result: the benchmark, its value (per cent solved), and where it was published."""

    name: str
    value: float = Field(ge=0, le=100)
    source: str


class Ready(Strict):
    """Files that are published quantised. file: a pattern, `{quant}` as we write it, `{lower}` in lower case."""

    hf: str
    file: str
    quants: tuple[str, ...] = Field(min_length=1, strict=False)

    def name(self, quant: str) -> str:
        """The file of one quantisation."""
        return self.file.replace("{quant}", quant).replace("{lower}", quant.lower())


class Packaged(Strict):
    """A file inside a pinned Python package."""

    package: str
    file: str
    quant: str


class ModelCard(Strict):
    """One model. parameters, active: billions as published; active are those that one token meets.

    config: the values of its config.json that decide its tensors. context: tokens it was trained for. figures:
    where the numbers come from. ready, packaged: where quantised files of it are.
    """

    name: str
    hf: str = Field(pattern=r"^[\w.-]+/[\w.-]+$")
    revision: str = "main"
    licence: str
    parameters: float = Field(gt=0)
    active: float = Field(gt=0)
    context: int = Field(ge=1)
    tools: Tools
    score: Score | None = None
    figures: str
    config: dict[str, Any]
    ready: Ready | None = None
    packaged: Packaged | None = None

    @field_validator("config")
    @classmethod
    def _describes_a_model(cls, config: dict[str, Any]) -> dict[str, Any]:
        try:
            from_config(config, "config")
        except SpecError as e:
            raise ValueError(e.message.replace("\n  ", " ")) from None
        return config

    @cached_property
    def model(self) -> Model:
        """The architecture with its sizes."""
        return from_config(self.config, self.name)

    def quant_of(self, source: ModelSource) -> str | None:
        """The quantisation that a source of this model names, by itself or in its file's name."""
        if source.package is not None and self.packaged is not None:
            return self.packaged.quant
        return source.quant or named(source.file or "")


def find(cards: Iterable[ModelCard], source: ModelSource) -> ModelCard | None:
    """The card of a source, whatever its revision: the original repository, its quantised files, or its package."""
    return next((card for card in cards if _is(card, source)), None)


def _is(card: ModelCard, source: ModelSource) -> bool:
    if source.package is not None:
        held = card.packaged
        return held is not None and (held.package, held.file) == (source.package, source.file)
    homes = {card.hf.lower(), card.ready.hf.lower() if card.ready else ""}
    return source.hf is not None and source.hf.lower() in homes
