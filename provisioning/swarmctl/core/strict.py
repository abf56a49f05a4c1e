"""The base of everything that a person writes."""

from pydantic import BaseModel, ConfigDict


class Strict(BaseModel):
    """Unknown keys and wrong types are mistakes; what was read does not change."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)
