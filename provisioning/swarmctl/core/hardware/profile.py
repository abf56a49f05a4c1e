"""What is known of one card, or of machines without one, as its file in inventory/hardware says."""

from decimal import Decimal
from typing import Annotated, Any, Literal, get_args

from pydantic import BeforeValidator, Field, StringConstraints, model_validator

from swarmctl.core.hardware.box import Card
from swarmctl.core.spec import KvType
from swarmctl.core.strict import Strict

Slug = Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9-]{0,30}$")]
Text = Annotated[str, StringConstraints(min_length=1, max_length=400)]
Date = Annotated[str, StringConstraints(pattern=r"^20\d\d-(0[1-9]|1[0-2])(-[0-3]\d)?$")]
"""A day or a month: a price without one is worth nothing."""


def _money(value: Any) -> Any:
    return Decimal(str(value)) if isinstance(value, int | float) and not isinstance(value, bool) else value


Money = Annotated[Decimal, BeforeValidator(_money), Field(gt=0, lt=1_000_000)]


class Names(Strict):
    """driver: as nvidia-smi writes it. market: as offers write it, with spaces."""

    driver: tuple[Text, ...] = Field((), strict=False)
    market: tuple[Text, ...] = Field((), strict=False)


class Price(Strict):
    """Dollars for the card alone, without tax. None where no price was found; `reason` then says why.

    date: of the source; None where it gives none.
    """

    new: Money | None
    used: Money | None
    date: Date | None
    reason: Text
    source: Text


class Rent(Strict):
    """Dollars an hour for one card with its share of a machine, as offers on the market ask.

    date: of the newest of its sources; None where none of them gives one.
    """

    low: Money
    median: Money
    high: Money
    date: Date | None
    source: Text

    @model_validator(mode="after")
    def _in_order(self) -> "Rent":
        if not self.low <= self.median <= self.high:
            raise ValueError(f"low {self.low}, median {self.median}, high {self.high} are not in order")
        return self


class Efficiency(Strict):
    """What of the data sheet a model sees; `bench` calibrates it.

    decode: share of the memory's bandwidth. prefill: share of the tensor cores' dense f16 rate; quantised weights
    go through 8-bit units, so it may pass 1. launch: µs a layer of every token that are neither.
    basis: the figures that it was fitted to.
    """

    decode: float = Field(gt=0, le=1)
    prefill: float = Field(gt=0, le=3)
    launch: float = Field(ge=0, le=5000)
    basis: Text


class Host(Strict):
    """The machine that such a card is usually found in. ram: MiB. bandwidth: GB/s of its RAM."""

    ram: int = Field(ge=1024, le=16_777_216)
    cores: int = Field(ge=1, le=1024)
    bandwidth: float = Field(gt=0, le=5000)
    basis: Text


class Setting(Strict):
    """One tuned value of the engine, and why it is this."""

    value: bool | int | str
    reason: Text


class Tuned(Strict):
    """Engine settings for this card. env: variables of Ollama and llama.cpp."""

    ubatch: Setting
    flash_attention: Setting
    parallel: Setting
    kv: Setting
    env: dict[Annotated[str, StringConstraints(pattern=r"^(OLLAMA|LLAMA_ARG)_[A-Z_]+$")], Setting] = Field({})

    @model_validator(mode="after")
    def _kinds(self) -> "Tuned":
        wanted = {"ubatch": int, "flash_attention": bool, "parallel": int}
        for name, kind in wanted.items():
            if type(getattr(self, name).value) is not kind:
                raise ValueError(f"{name}.value must be a {'whole number' if kind is int else 'true or false'}")
        if self.kv.value not in get_args(KvType):
            raise ValueError(f"kv.value {self.kv.value!r} is not one of {', '.join(get_args(KvType))}")
        return self


class Channels(Strict):
    """One way that a host's RAM is attached. cores: the fewest cores of machines that usually have it."""

    name: Text
    bandwidth: float = Field(gt=0, le=5000)
    cores: int = Field(ge=1, le=1024)


class HardwareProfile(Strict):
    """One card. memory: MiB as the driver reports it. headroom: MiB of it that CUDA does not hand out, and a margin.

    bandwidth: GB/s. tflops: dense f16 on tensor cores, accumulated in f32. watts: board power.
    words: what `--gpu` may say. channels: of the profile without a card, the kinds of RAM, slowest first; its
    tflops are those of host.cores. sources: where each number is from.
    """

    name: Slug
    title: Text
    kind: Literal["gpu", "cpu"]
    names: Names
    words: tuple[Slug, ...] = Field(min_length=1, strict=False)
    memory: int = Field(ge=0, le=16_777_216)
    headroom: int = Field(ge=0, le=65_536)
    bandwidth: float = Field(gt=0, le=100_000)
    capability: Annotated[str, StringConstraints(pattern=r"^(\d{1,2}\.\d)?$")] = ""
    tflops: float = Field(gt=0, le=100_000)
    watts: int = Field(ge=1, le=5000)
    price: Price
    rent: Rent | None
    efficiency: Efficiency
    host: Host
    settings: Tuned
    channels: tuple[Channels, ...] = Field((), strict=False)
    sources: dict[str, Text]

    @model_validator(mode="after")
    def _whole(self) -> "HardwareProfile":
        if self.kind == "gpu" and (self.memory < 1024 or not self.capability or not self.names.driver):
            raise ValueError("a GPU has at least 1024 MiB of memory, a capability and a driver name")
        if self.kind == "cpu" and (self.memory or not self.channels):
            raise ValueError("a profile without a card has memory 0 and its kinds of RAM in channels")
        if self.headroom > self.memory // 4:
            raise ValueError(f"headroom {self.headroom} is more than a quarter of {self.memory}")
        return self

    def card(self) -> Card:
        """The card as plans see it."""
        return Card(
            name=self.title,
            memory=self.memory,
            headroom=self.headroom,
            bandwidth=self.bandwidth,
            tflops=self.tflops,
            capability=self.capability,
            profile=self.name,
            decode=self.efficiency.decode,
            prefill=self.efficiency.prefill,
            launch=self.efficiency.launch,
        )
