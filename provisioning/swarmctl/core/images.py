"""Which container images a swarm is made of: each by version, and by digest once that was seen."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, fields, replace

from swarmctl.core.engines.engine import Engine, engine_of
from swarmctl.core.spec import EngineSettings
from swarmctl.errors import SpecError

OLLAMA = "0.32.15"
"""Release that is used where a swarm file names none: the newest whose rules are known."""
LLAMACPP = 11669
"""Build of llama.cpp that the flags and the memory model were read from."""
EPOCH = 1767225600
"""The date of all that our own images are built of: 1 January 2026, in seconds."""

_REF = re.compile(r"[a-z0-9][a-z0-9._/:-]*[a-z0-9]:(?P<tag>[A-Za-z0-9_][A-Za-z0-9_.-]{0,127})(@sha256:[0-9a-f]{64})?")
_DIGEST = re.compile(r"sha256:[0-9a-f]{64}")


@dataclass(frozen=True, slots=True)
class Images:
    """References with a tag, and behind it the digest where it is known."""

    ollama: str
    llamacpp: str
    agent: str
    converter: str


def images(engine: Engine, version: str, lock: Mapping[str, str] | None = None, **instead: str) -> Images:
    """The images of a swarm. version: swarmctl's own. lock: digests that swarm.lock holds, by reference.

    instead: other references, such as a build of an engine for another device. Raises SpecError for one that has no
    version or is `latest`, and for a digest that is none.
    """
    ollama = ".".join(map(str, engine.version)) if engine.kind == "ollama" and engine.version else OLLAMA
    found = Images(
        ollama=f"ollama/ollama:{ollama}",
        llamacpp=f"swarmctl/llama.cpp:b{LLAMACPP}",
        agent=f"swarmctl/agent:{version}",
        converter=f"swarmctl/converter:{version}",
    )
    found = replace(found, **instead)
    return Images(**{field.name: pinned(getattr(found, field.name), lock or {}) for field in fields(Images)})


def images_of(settings: EngineSettings, version: str) -> Images:
    """The images of a swarm file's engine, its own where it names one. version: swarmctl's. Raises SpecError."""
    found = images(engine_of(settings), version)
    return found if settings.image is None else replace(found, **{settings.kind: pinned(settings.image, {})})


def reference(text: str) -> bool:
    """Whether this names an image and its version (not `latest`), without a digest."""
    match = _REF.fullmatch(text[:512]) if "@" not in text else None
    return match is not None and match["tag"] != "latest"


def pinned(reference: str, lock: Mapping[str, str]) -> str:
    """A reference with its digest from the lock. Raises SpecError as `images` does."""
    match = _REF.fullmatch(reference[:512])
    if match is None or match["tag"] == "latest":
        raise SpecError(f"the image {reference[:120]!r} is not pinned", hint="name a version: ollama/ollama:0.32.15")
    digest = lock.get(reference)
    if digest is None or "@" in reference:
        return reference
    if not _DIGEST.fullmatch(digest):
        raise SpecError(f"swarm.lock: the digest of {reference} is {digest[:80]!r}, not sha256:…")
    return f"{reference}@{digest}"
