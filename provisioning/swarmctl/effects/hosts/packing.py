"""An image of this machine's Docker as one file, packed once: what is sent again after a cut must be the same bytes."""

import fcntl
import gzip
import re
import shutil
from collections.abc import Callable
from pathlib import Path

from swarmctl.effects import imaging
from swarmctl.effects.dockerapi import asking
from swarmctl.effects.paths import cache, private
from swarmctl.effects.process import run
from swarmctl.errors import DeployError, HostError

_SAVE = 900.0
"""Seconds to write an image out."""
_LEVEL, _BLOCK = 1, 1 << 20
"""A third of the bytes for four seconds of work, which a home line gives back many times."""


def packed(reference: str, tell: Callable[[str], None]) -> Path:
    """The file; one of an older build of the same name goes. Raises DeployError, HostError."""
    name = re.sub(r"[^A-Za-z0-9.]+", "-", reference)
    folder = private(cache() / "images")
    with (folder / f"{name}.lock").open("a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # an `up` and what goes on beside it
        known = imaging.here(asking())
        if reference not in known:
            raise DeployError(f"{reference} is not here any more", hint="swarmctl up")
        file = folder / f"{name}@{known[reference].id.removeprefix('sha256:')[:24]}.tar.gz"
        if not file.exists():
            tell(f"packing {reference}")
            for other in folder.glob(f"{name}@*"):
                other.unlink()
            _pack(reference, file)
    return file


def _pack(reference: str, file: Path) -> None:
    raw, part = file.with_suffix(".raw"), file.with_suffix(".part")
    try:
        run(("docker", "save", "-o", str(raw), reference), timeout=_SAVE)
        with raw.open("rb") as source, gzip.GzipFile(part, "wb", _LEVEL, mtime=0) as target:
            shutil.copyfileobj(source, target, _BLOCK)
        part.replace(file)
    except (HostError, OSError) as e:
        detail = e.detail if isinstance(e, HostError) else str(e)
        raise DeployError(f"{reference} cannot be written out", detail=detail, hint="df -h") from None
    finally:
        raw.unlink(missing_ok=True)
        part.unlink(missing_ok=True)
