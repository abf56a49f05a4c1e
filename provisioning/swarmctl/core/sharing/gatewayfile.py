"""What one gateway is told: models by name, and the engine, adapter and slots that each of them is."""

from collections import Counter

from pydantic import BaseModel, ConfigDict, Field, model_validator

_FROZEN = ConfigDict(extra="forbid", frozen=True)


class Upstream(BaseModel):
    """One llama-server. adapters: file names in the order of its command line, which is that of their ids.

    url: without `/v1`. context: tokens per slot. slots: how many it has.
    """

    model_config = _FROZEN

    url: str
    key_file: str
    context: int = Field(ge=1)
    slots: int = Field(ge=1)
    adapters: tuple[str, ...] = ()


class Offered(BaseModel):
    """One model as clients see it. engine: place in the file. adapter: id, None for the base as it is.

    slots: those of the engine that nobody else is put on. size: bytes, digest: sha256 in hex, the rest as Ollama says
    it; empty where it is not known.
    """

    model_config = _FROZEN

    name: str = Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._/-]{0,127}$")
    engine: int = Field(default=0, ge=0)
    adapter: int | None = Field(default=None, ge=0)
    slots: tuple[int, ...] = Field(min_length=1)
    size: int = Field(default=0, ge=0)
    digest: str = ""
    family: str = ""
    parameters: str = ""
    quant: str = ""


class GatewayFile(BaseModel):
    """The whole file. body: MiB of a request that are read at most. key_file: what clients must send."""

    model_config = _FROZEN

    swarm: str
    host: str = "127.0.0.1"
    port: int = Field(ge=1, le=65535)
    key_file: str
    body: int = Field(default=16, ge=1, le=1024)
    engines: tuple[Upstream, ...] = Field(min_length=1)
    models: tuple[Offered, ...] = Field(min_length=1)

    @model_validator(mode="after")
    def _fits(self) -> "GatewayFile":
        """Nobody shares a slot, a name or an adapter, and every place exists."""
        wrong = [
            *(f"model {name} is offered twice" for name, n in Counter(m.name for m in self.models).items() if n > 1),
            *(text for model in self.models for text in self._misplaced(model)),
        ]
        taken = Counter((m.engine, slot) for m in self.models for slot in m.slots)
        wrong += [f"slot {slot} of engine {at} is given twice" for (at, slot), n in taken.items() if n > 1]
        same = Counter((m.engine, m.adapter) for m in self.models if m.adapter is not None)
        wrong += [f"adapter {which} of engine {at} is offered twice" for (at, which), n in same.items() if n > 1]
        if wrong:
            raise ValueError("; ".join(wrong))
        return self

    def _misplaced(self, model: Offered) -> list[str]:
        if model.engine >= len(self.engines):
            return [f"model {model.name} names engine {model.engine} of {len(self.engines)}"]
        engine = self.engines[model.engine]
        found = [
            f"model {model.name} names slot {n} of {engine.slots}" for n in model.slots if not 0 <= n < engine.slots
        ]
        if model.adapter is not None and model.adapter >= len(engine.adapters):
            found.append(f"model {model.name} names adapter {model.adapter} of {len(engine.adapters)}")
        return found
