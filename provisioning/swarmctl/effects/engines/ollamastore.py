"""The folder of a server on this machine: a file put into it, which spares sending it, and damage found in it."""

import hashlib
import os
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from swarmctl.core.ollama import api
from swarmctl.effects import files
from swarmctl.effects.sources.localfile import sha256

_PIECE = 8 << 20
"""Bytes read at once."""


def copied(store: Path, digest: str, file: Path, tell: Callable[[int, int], None]) -> bool:
    """A copy under its content's name, which a server takes for sent; False where that cannot be made.

    store: its OLLAMA_MODELS. tell: bytes done, bytes in all. A file that is not what its digest says leaves nothing.
    """
    blobs = store / "blobs"
    part = blobs / f"sha256-{digest}-swarmctl-{os.getpid()}"  # no digest: a server removes such a name when it starts
    try:
        owner = store.stat()
        blobs.mkdir(exist_ok=True)
        if _hashed(file, part, tell) != digest:
            return False
        if os.geteuid() == 0:
            for path in (blobs, part):
                os.chown(path, owner.st_uid, owner.st_gid)
        part.replace(blobs / f"sha256-{digest}")
    except OSError:
        return False
    finally:
        with suppress(OSError):
            part.unlink(missing_ok=True)
    return True


def damaged(store: Path, name: str) -> bool:
    """The bytes of a model's weights are not those of their name; False where its manifest cannot be read."""
    try:
        told = files.read_json(store / "manifests/registry.ollama.ai/library" / name / "latest")
        digests = api.weights(told) if isinstance(told, dict) else ()
        blobs = [(digest, store / f"blobs/sha256-{digest}") for digest in digests]
        return any(not blob.is_file() or sha256(blob, lambda *_: None) != digest for digest, blob in blobs)
    except OSError:
        return False


def _hashed(file: Path, part: Path, tell: Callable[[int, int], None]) -> str:
    seen, done, size = hashlib.sha256(), 0, file.stat().st_size
    with file.open("rb") as source, part.open("wb") as target:
        while data := source.read(_PIECE):
            seen.update(data)
            target.write(data)
            done += len(data)
            tell(done, size)
    part.chmod(0o644)
    return seen.hexdigest()
