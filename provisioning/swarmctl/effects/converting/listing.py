"""What a hub said of a repository at a commit: one content for ever, so nobody is asked twice."""

import hashlib
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from swarmctl.core.converting.request import COMMIT, Asked
from swarmctl.effects import files, paths


def kept(asked: Asked) -> tuple[dict[str, int], dict[str, Any]] | None:
    """Bytes by file, and the values of its small files; None where they must be asked for."""
    raw = files.read_json(_file(asked)) if COMMIT.fullmatch(asked.revision) else None
    if not isinstance(raw, dict) or raw.get("of") != _name(asked):
        return None
    sizes, small = raw.get("sizes"), raw.get("small")
    good = isinstance(sizes, dict) and all(type(size) is int and size >= 0 for size in sizes.values())
    return (sizes, small) if good and isinstance(sizes, dict) and isinstance(small, dict) else None


def keep(asked: Asked, sizes: Mapping[str, int], small: Mapping[str, Any]) -> None:
    """Remember it, where the revision is a commit."""
    if COMMIT.fullmatch(asked.revision):
        paths.private(_file(asked).parent)
        files.write_json(_file(asked), {"of": _name(asked), "sizes": dict(sizes), "small": dict(small)})


def _name(asked: Asked) -> str:
    return f"{os.environ.get('HF_ENDPOINT') or ''} {asked.where}@{asked.revision}"


def _file(asked: Asked) -> Path:
    return paths.cache() / "hub" / f"{hashlib.sha256(_name(asked).encode()).hexdigest()[:32]}.json"
