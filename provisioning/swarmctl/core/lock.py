"""swarm.lock: the digest of every image that a swarm was first brought up with, demanded ever after."""

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Annotated, Literal

from pydantic import AfterValidator, Field

from swarmctl.core.images import reference
from swarmctl.core.strict import Strict
from swarmctl.core.strictfile import read
from swarmctl.errors import DeployError

SCHEMA = "swarmctl/lock/v1"
UPDATE = "--update-lock"
"""The flag of `up` that forgets the digests of the swarm's images and takes those that are seen now."""

Kind = Literal["registry", "built"]
"""Whether a digest is that of a registry's manifest, the same everywhere, or the ID of an image that was built here."""


def _digest(text: str) -> str:
    if not re.fullmatch(r"sha256:[0-9a-f]{64}", text):
        raise ValueError("a digest is sha256: and 64 hexadecimal digits in lower case")
    return text


def _references(images: dict[str, "Locked"]) -> dict[str, "Locked"]:
    for name in images:
        if not reference(name):
            raise ValueError(f"{name[:80]!r} is no image with a version")
    return images


def _inputs(text: str) -> str:
    if not re.fullmatch(r"[0-9a-f]{16,64}", text):
        raise ValueError("inputs are 16 to 64 hexadecimal digits")
    return text


Digest = Annotated[str, AfterValidator(_digest)]


@dataclass(frozen=True, slots=True)
class Seen:
    """An image as it was found, pulled or built. inputs: hash of all that ours was built from, "" for others.

    local: the digest is of a manifest that this Engine's store may have written itself when it took the image up.
    """

    reference: str
    digest: str
    kind: Kind = "registry"
    inputs: str = ""
    local: bool = False


class Locked(Strict):
    """One line of the lock."""

    digest: Digest
    kind: Kind = "registry"
    inputs: Annotated[str, AfterValidator(_inputs)] | None = None


class _File(Strict):
    schema_: Literal["swarmctl/lock/v1"] = Field(alias="schema")
    images: Annotated[dict[str, Locked], AfterValidator(_references)] = Field(default_factory=dict, max_length=1000)


@dataclass(frozen=True, slots=True)
class Lock:
    """Digests by reference."""

    images: Mapping[str, Locked] = field(default_factory=dict)

    def pins(self) -> dict[str, str]:
        """Reference → digest, of those that a registry vouches for: what `images()` writes behind a tag."""
        return {name: one.digest for name, one in self.images.items() if one.kind == "registry"}

    def check(self, seen: Seen) -> None:
        """Raises DeployError when an image is not the one that is locked.

        One that was built here from other inputs (a newer package, recipe or base) is another image by right. Of one
        that was built, and which a store has given a manifest of its own, the inputs count.
        """
        known = self.images.get(seen.reference)
        if known is None or known.digest == seen.digest or _rebuilt(known, seen) or _renamed(known, seen):
            return
        name = f"{seen.reference.rpartition(':')[0]}@{known.digest}"
        back = f"docker pull {name} && docker tag {name} {seen.reference}   to have the locked one again\n"
        raise DeployError(
            f"{seen.reference} is another image than the one that swarm.lock holds",
            detail=f"locked: {known.digest} ({known.kind})\nhere:   {seen.digest} ({seen.kind})",
            hint=(back if known.kind == "registry" else "") + f"swarmctl up {UPDATE}   to take the one that is here",
        )

    def merge(self, seen: Iterable[Seen]) -> "Lock":
        """The lock with what was seen: new images are added, known ones are checked. Raises DeployError as `check`."""
        images = dict(self.images)
        for one in seen:
            self.check(one)
            if one.local and (one.inputs or one.reference in images):
                continue  # its digest is of no use elsewhere
            images[one.reference] = Locked(digest=one.digest, kind=one.kind, inputs=one.inputs or None)
        return Lock(images)

    def without(self, references: Iterable[str]) -> "Lock":
        """The lock that has forgotten these images."""
        gone = set(references)
        return Lock({name: one for name, one in self.images.items() if name not in gone})

    def dump(self) -> str:
        """The file: JSON, sorted, one line an entry's value, so that a diff shows what moved."""
        images = {name: one.model_dump(exclude_none=True) for name, one in self.images.items()}
        return json.dumps({"schema": SCHEMA, "images": images}, indent=2, sort_keys=True) + "\n"


def _rebuilt(known: Locked, seen: Seen) -> bool:
    return seen.kind == "built" and bool(seen.inputs) and known.kind == "built" and known.inputs != seen.inputs


def _renamed(known: Locked, seen: Seen) -> bool:
    return seen.local and known.kind == "built" and (known.inputs or "") == seen.inputs


def parse(raw: bytes, source: str) -> Lock:
    """The lock that a file's bytes hold; `source` names it in errors.

    Raises SpecError that lists every mistake with its line, so also for a file of a later version.
    """
    return Lock(dict(read(raw, source, _File).images))
