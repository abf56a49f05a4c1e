"""The converter's report on a base and its specialists, read as strictly as anything that another process says."""

import json
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from swarmctl.errors import DeployError, SpecError

_FROZEN = ConfigDict(frozen=True, extra="ignore")
Share = Annotated[float, Field(ge=0.0, le=1e6, allow_inf_nan=False)]
_Size = Annotated[int, Field(ge=0, lt=1 << 50)]


class Edited(BaseModel):
    """One tensor that differs. residual, noise: shares of its edit; change: of the weights that were there."""

    model_config = _FROZEN

    name: str
    targets: tuple[str, ...]
    form: str
    rank: int
    wanted: int | None
    residual: Share
    noise: Share
    change: Share


class Judged(BaseModel):
    """One specialist. adapter: the file's name, with its bytes and sha256, where it is accepted.

    residual: share of its edit that the adapter leaves out. noise: share that its own type had rounded away.
    wanted_rank, wanted_bytes: of an adapter that would do; None where none would. own_bytes: of its own weights.
    """

    model_config = _FROZEN

    name: str
    accepted: bool
    why: tuple[str, ...] = ()
    residual: Share = 0.0
    noise: Share = 0.0
    edited: _Size = 0
    rank: int = Field(default=0, ge=0)
    edits_embedding: bool = False
    wanted_rank: int | None = None
    wanted_bytes: _Size | None = None
    own_bytes: _Size = 0
    adapter: str = ""
    bytes: _Size = 0
    sha256: str = ""
    tensors: tuple[Edited, ...] = ()

    @model_validator(mode="after")
    def _whole(self) -> "Judged":
        if self.accepted and not (self.adapter == f"{self.name}.gguf" and self.bytes and len(self.sha256) == 64):
            raise ValueError(f"{self.name} is accepted and has no adapter")
        if not self.accepted and not self.why:
            raise ValueError(f"{self.name} is refused without a reason")
        return self


class Report(BaseModel):
    """All of it. untie: the base must be converted with a head of its own; untied: the folder that has one."""

    model_config = _FROZEN

    arch: str
    base_bytes: _Size
    tied: bool
    untie: bool
    untied: str | None = None
    max_rank: int
    threshold: Share
    specialists: tuple[Judged, ...]


def read(line: str) -> Report:
    """The last line of the program. Raises SpecError with its sentence where it refused, DeployError for nonsense."""
    said = _object(line)
    if said.get("event") == "refused":
        raise SpecError(f"these models cannot share a base: {str(said.get('why'))[:2000]}")
    if said.get("event") != "report":
        raise DeployError("the converter ended without a report", detail=line[:500])
    try:
        return Report.model_validate(said)
    except ValidationError as e:
        raise DeployError("the converter's report cannot be read", detail=str(e)[:2000]) from None


def _object(line: str) -> dict[str, Any]:
    try:
        said = json.loads(line)
    except (ValueError, RecursionError):
        said = None
    return said if isinstance(said, dict) else {}
