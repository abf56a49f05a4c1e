"""What the user asked for: one frozen value, strict at the door and trusted after it."""

import re
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field, StringConstraints, model_validator

from swarmctl.core.strict import Strict
from swarmctl.core.target import Target
from swarmctl.core.units import Duration, Size

Name = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9-]{0,30}$")]
"""Lower-case letters, digits and dashes; it becomes part of file, process and branch names."""

KvType = Literal["f16", "q8_0", "q4_0"]
Quant = Literal["F16", "Q8_0", "Q6_K", "Q5_K_M", "Q4_K_M", "IQ4_XS", "Q3_K_M", "Q2_K"]
"""Quantisations that are planned, best first."""

Gives = Literal["kv", "parallel", "context", "quant", "roles"]
"""What may be made smaller so that a swarm fits."""
ORCHESTRATOR = "orchestrator"
IMAGE = r"^[A-Za-z0-9][A-Za-z0-9._/:@-]{0,254}$"
"""A container image's name; none can be read as a flag."""


def _sha256(text: str) -> str:
    if not re.fullmatch(r"[0-9a-f]{64}", text):
        raise ValueError("a sha256 is 64 hexadecimal digits in lower case")
    return text


class ModelSource(Strict):
    """Where a model comes from: exactly one of `path`, `package` or `hf`."""

    path: str | None = Field(None, description="A GGUF file; a relative path counts from the swarm file.")
    package: str | None = Field(
        None,
        description="A pinned Python package that carries a GGUF file, as name==version.",
        pattern=r"^[A-Za-z0-9._-]+==[A-Za-z0-9.!+_-]+$",
    )
    hf: str | None = Field(None, description="A Hugging Face repository, as owner/name.", pattern=r"^[\w.-]+/[\w.-]+$")
    file: str | None = Field(None, description="The GGUF file inside the package or repository.")
    revision: str = Field("main", description="Commit or tag of the Hugging Face repository.")
    sha256: Annotated[str, AfterValidator(_sha256)] | None = Field(
        None, description="What the file must hash to; anything else is refused."
    )
    quant: Quant | None = Field(None, description="Quantisation wanted, where no file is named.")
    device: Literal["gpu", "cpu", "experts-on-cpu"] | None = Field(
        None, description="Where its layers sit; wherever it fits best if left out."
    )
    base: Name | None = Field(
        None, description="The model that this one is a low-rank edit of; both can then be served as one."
    )
    draft: Name | None = Field(None, description="A small model of the same family that guesses tokens for this one.")
    yarn: float = Field(1.0, ge=1, le=32, description="Factor by which the trained context is stretched (YaRN).")

    @model_validator(mode="after")
    def _one_source(self) -> "ModelSource":
        given = [key for key in ("path", "package", "hf") if getattr(self, key) is not None]
        if len(given) != 1:
            raise ValueError(f"name exactly one of path, package, hf (found {', '.join(given) or 'none'})")
        if self.package is not None and self.file is None:
            raise ValueError("with package name the file inside it, as file: model.gguf")
        if self.hf is not None and (self.file is None) == (self.quant is None):
            raise ValueError("with hf name either the file in the repository or the quant that is wanted")
        if self.path is not None and self.file is not None:
            raise ValueError("path is the file itself: leave out file")
        return self

    @property
    def key(self) -> str:
        """What tells this source from others, e.g. `package:name==1.0#model.gguf`."""
        if self.path is not None:
            return f"path:{self.path}#{self.quant}" if self.quant else f"path:{self.path}"
        if self.package is not None:
            return f"package:{self.package}#{self.file}"
        return f"hf:{self.hf}@{self.revision}#{self.file or self.quant}"


class EngineSettings(Strict):
    """How models are served; every value reaches the engine, none is left to its defaults."""

    kind: Literal["llamacpp", "ollama", "vllm"] = Field("llamacpp", description="The server that runs the models.")
    version: str | None = Field(
        None, description="Version of the server; its rules for loading differ.", pattern=r"^\d+(\.\d+){1,2}$"
    )
    image: str | None = Field(
        None, description="A container image in place of the server's own, with its version: mine/ollama:0.32.15-rocm."
    )
    on_cpu: Literal["llamacpp", "ollama"] | None = Field(
        None, description="The server of models on the CPU, where containers run them; the same one if left out."
    )
    context: int = Field(4096, ge=256, le=1 << 20, description="Tokens that one conversation may hold (per slot).")
    parallel: int = Field(1, ge=1, le=64, description="Slots: conversations that one model serves at once.")
    kv: KvType = Field("f16", description="Type of the KV cache.")
    flash_attention: bool = Field(True, description="Flash attention; a quantised KV cache needs it.")
    threads: int | None = Field(
        None, ge=1, le=1024, description="CPU threads per model; the machine's cores if left out."
    )
    cache_ram: Size = Field(0, description="Host memory for prompts kept between requests, per model.")
    keep_alive: Duration | None = Field(
        None, description="Unload a model after this long without a request; never if left out."
    )
    max_loaded: int | None = Field(
        None, ge=1, le=64, description="Models loaded at once; all of them if left out, fewer means swapping."
    )

    @model_validator(mode="after")
    def _flash_for_quantised_kv(self) -> "EngineSettings":
        if self.kv != "f16" and not self.flash_attention:
            raise ValueError(f"kv: {self.kv} needs flash_attention: true")
        return self


class Limits(Strict):
    """What one call of an agent may use; a role can set its own."""

    requests: int = Field(10, ge=1, le=1000, description="Requests to the model in one piece of work.")
    output: int = Field(2048, ge=16, le=1 << 17, description="Tokens that one answer may have.")
    time: Duration = Field(1200, description="Wall time of one piece of work, model loading not counted.")
    floor: float = Field(0.5, ge=0, description="Tokens per second under which a model counts as sick.")


class Role(Strict):
    """One agent's job."""

    model: str = Field(description="A name under models.")
    prompt: str | None = Field(None, description="File with the role's system prompt; the built-in one if left out.")
    context: int | None = Field(None, ge=256, le=1 << 20, description="Tokens of context for this role.")
    output: int | None = Field(None, ge=16, le=1 << 17, description="Tokens that one answer may have.")
    requests: int | None = Field(None, ge=1, le=1000, description="Requests to the model in one piece of work.")
    time: Duration | None = Field(None, description="Wall time of one piece of work.")
    temperature: float = Field(0.2, ge=0, le=2, description="Sampling temperature.")
    optional: bool = Field(False, description="The swarm may do without this role where it does not fit.")
    slot: Name | None = Field(
        None, description="Which of target.slots it runs on; where its model is asked for, else the first, if left out."
    )
    tools: tuple[Literal["list_files", "read_file"], ...] = Field(
        (), description="What the role may use in a chat; runs need none.", strict=False
    )


class Floor(Strict):
    """The least that a swarm still counts as wanted with."""

    quant: Quant = Field("Q4_K_M", description="No model is quantised below this.")
    context: int = Field(4096, ge=256, le=1 << 20, description="No conversation holds fewer tokens than this.")
    kv: KvType = Field("q8_0", description="No KV cache is smaller than this.")
    parallel: int = Field(1, ge=1, le=64, description="No model serves fewer conversations at once than this.")


class PlacementSettings(Strict):
    """How roles come to GPUs, and what may give way so that they fit."""

    architecture: Literal["auto", "separate", "shared-base", "single", "hybrid"] = Field(
        "auto",
        description="One process a model, one base with adapters, one model for all, or parts on the CPU.",
    )
    give: tuple[Gives, ...] = Field(
        (), description="What may give way, the first named first; nothing if left out.", strict=False
    )
    floor: Floor = Field(Floor(), description="How far it may give way.")
    max_rank: int = Field(16, ge=1, le=512, description="Of an adapter in a shared base, the largest rank.")


class Fallback(Strict):
    """What is asked for instead where the proofs fail; at least one thing, and none is made larger."""

    context: int | None = Field(None, ge=256, le=1 << 20, description="No conversation holds more tokens.")
    parallel: int | None = Field(None, ge=1, le=64, description="No model serves more conversations at once.")
    kv: KvType | None = Field(None, description="Type of the KV cache.")
    quant: Quant | None = Field(None, description="No model is quantised less, where its file is not named.")
    flash_attention: bool | None = Field(None, description="Flash attention.")
    max_loaded: int | None = Field(None, ge=1, le=64, description="Models loaded at once.")
    version: str | None = Field(None, description="Version of the server.", pattern=r"^\d+(\.\d+){1,2}$")

    @model_validator(mode="after")
    def _says_something(self) -> "Fallback":
        if not self.model_fields_set:
            raise ValueError(f"it changes nothing; name one of {', '.join(type(self).model_fields)}")
        return self


class SwarmSpec(Strict):
    """A swarm: its models, its roles, where it runs and what it may use."""

    name: Name = Field(description="Name of the swarm; one of each name on a machine.")
    target: Target = Field(Target(), description="Where the swarm runs; this machine if left out.")
    agents: Literal["there", "here"] = Field(
        "there",
        description="Where agents and the repository are when models are on another machine: with them, or here.",
    )
    runtime: Literal["process", "compose"] = Field(
        "process",
        description="How services run: processes under one supervisor, or containers by Docker Compose;"
        " containers where another machine is named and nothing else is said.",
    )
    engine: EngineSettings = Field(EngineSettings(), description="How models are served.")
    models: dict[Name, ModelSource] = Field(min_length=1, description="Models by a name of your choice.")
    roles: dict[Name, Role] = Field(min_length=1, description="Agents by role; `orchestrator` leads.")
    placement: PlacementSettings = Field(PlacementSettings(), description="How roles come to GPUs.")
    limits: Limits = Field(Limits(), description="Limits of every role that sets none of its own.")
    fallbacks: tuple[Fallback, ...] = Field(
        (),
        max_length=8,
        strict=False,
        description="What `up` tries where the proofs fail, one after another, each on top of those before it.",
    )
    test: str | None = Field(None, description="Command that checks each step of a run, e.g. pytest -q.")
    test_image: str | None = Field(
        None, description="Container image that tests run in, without a network; it must be there.", pattern=IMAGE
    )
    privacy: Literal["own-hardware", "no-cloud"] = Field("no-cloud", description="Who may see prompts and code.")

    @model_validator(mode="before")
    @classmethod
    def _elsewhere(cls, raw: Any) -> Any:
        """On another machine Docker is what there is; Ollama is the server that its images are published of."""
        target = raw.get("target") if isinstance(raw, dict) else None
        if not isinstance(target, dict) or not {"ssh", "vast", "slots"} & target.keys():
            return raw
        engine = raw.get("engine", {})
        if "runtime" not in raw and isinstance(engine, dict):
            return {**raw, "runtime": "compose", "engine": {"kind": "ollama", **engine}}
        return raw

    @model_validator(mode="after")
    def _placeable(self) -> "SwarmSpec":
        rented = any(place.vast is not None for place in (self.target, *self.target.slots.values()))
        if rented and self.privacy == "own-hardware":
            raise ValueError("privacy: own-hardware refuses a rented machine: its owner can read all that is on it")
        return self

    @property
    def specialists(self) -> tuple[str, ...]:
        """The roles that are not the orchestrator, in the file's order."""
        return tuple(name for name in self.roles if name != ORCHESTRATOR)

    def users(self, model: str) -> tuple[str, ...]:
        """The roles that use one model, in the file's order."""
        return tuple(name for name, role in self.roles.items() if role.model == model)

    def context_of(self, role: str) -> int:
        """Tokens of context that this role was promised."""
        return self.roles[role].context or self.engine.context

    def context_of_model(self, model: str) -> int:
        """Tokens of context per slot: the most that any of the model's roles was promised."""
        return max((self.context_of(role) for role in self.users(model)), default=self.engine.context)
