"""What Ollama's API answers, as values: loaded models, models that it knows, one answer."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from swarmctl.core.modelfile import Created, digest, read
from swarmctl.errors import SpecError


@dataclass(frozen=True, slots=True)
class Loaded:
    """One row of /api/ps. size, vram: bytes, without what the driver takes. context: tokens of one slot.

    expires: when it goes to sleep; a negative keep-alive gives a year beyond 2300.
    """

    name: str
    digest: str
    size: int
    vram: int
    context: int
    expires: datetime


@dataclass(frozen=True, slots=True)
class Shown:
    """A model that the engine knows. stored: digest of the weights as it keeps them. capabilities: its own words."""

    created: Created
    stored: str
    capabilities: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Said:
    """One answer. reason: `stop`, `length` or `load`. load: seconds it waited for the model. rate: tokens/s written."""

    text: str
    reason: str
    prompt: int
    tokens: int
    load: float
    rate: float


def short(name: str) -> str:
    """A model's name as we say it: without the tag that Ollama adds."""
    return name.removesuffix(":latest")


def version(body: object) -> tuple[int, ...]:
    """The numbers of /api/version; () where they are no release's, as of a build that was given none."""
    said = str(body.get("version", "")) if isinstance(body, dict) else ""
    found = re.match(r"(\d{1,9})\.(\d{1,9})(?:\.(\d{1,9}))?", said)
    numbers = tuple(int(part) for part in found.groups() if part) if found else ()
    return numbers if any(numbers) else ()


def loaded(body: object) -> tuple[Loaded, ...]:
    """The rows of /api/ps by name. Raises SpecError for an answer of another shape."""
    try:
        rows = [_row(row) for row in _mapping(body).get("models") or ()]
    except (KeyError, TypeError, ValueError) as e:
        raise SpecError(f"/api/ps answers in another shape: {type(e).__name__} {e}") from None
    return tuple(sorted(rows, key=lambda row: row.name))


def names(body: object) -> tuple[str, ...]:
    """The models of /api/tags. Raises SpecError for an answer of another shape."""
    try:
        return tuple(sorted(short(str(row["name"])) for row in _mapping(body).get("models") or ()))
    except (KeyError, TypeError) as e:
        raise SpecError(f"/api/tags answers in another shape: {type(e).__name__} {e}") from None


def weights(manifest: Mapping[str, Any]) -> tuple[str, ...]:
    """Digests of the weights that a model's manifest in the server's store names; nonsense names none."""
    rows = manifest.get("layers")
    layers = [row for row in rows if isinstance(row, dict)] if isinstance(rows, list) else []
    kinds = [str(row.get("digest", "")) for row in layers if str(row.get("mediaType", "")).endswith(".image.model")]
    return tuple(found for kind in kinds if (found := digest(kind)))


def shown(body: object) -> Shown:
    """The answer of /api/show. Raises SpecError for one of another shape."""
    try:
        answer = _mapping(body)
        created = read(str(answer["modelfile"]))
        return Shown(created, created.stored, tuple(str(word) for word in answer.get("capabilities") or ()))
    except (KeyError, TypeError) as e:
        raise SpecError(f"/api/show answers in another shape: {type(e).__name__} {e}") from None


def said(body: object) -> Said:
    """One answer of /api/chat or /api/generate that was not streamed. Raises SpecError for one of another shape."""
    try:
        answer = _mapping(body)
        message = answer.get("message") or {}
        text = str(message.get("content") or answer.get("response") or "")
        count, spent = int(answer.get("eval_count", 0)), int(answer.get("eval_duration", 0)) / 1e9
        return Said(
            text,
            str(answer.get("done_reason", "")),
            int(answer.get("prompt_eval_count", 0)),
            count,
            int(answer.get("load_duration", 0)) / 1e9,
            count / spent if spent > 0 else 0.0,
        )
    except (AttributeError, TypeError, ValueError) as e:
        raise SpecError(f"an answer of another shape: {type(e).__name__} {e}") from None


def _mapping(body: object) -> Mapping[str, Any]:
    if not isinstance(body, dict):
        raise TypeError(f"{type(body).__name__} is no object")
    return body


def _row(row: Mapping[str, Any]) -> Loaded:
    until = datetime.fromisoformat(row["expires_at"])
    return Loaded(
        short(str(row["name"])),
        str(row["digest"]),
        int(row["size"]),
        int(row["size_vram"]),
        int(row.get("context_length", 0)),
        until if until.tzinfo else until.replace(tzinfo=UTC),
    )
