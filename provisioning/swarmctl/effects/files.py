"""Reading and writing files whole: atomically, and for the owner only."""

import json
import os
import secrets
import tempfile
from pathlib import Path
from typing import Any

from swarmctl.effects.paths import private


def write(path: Path, text: str) -> None:
    """Put the text under the name in one step, mode 0600; the folder is made if need be."""
    private(path.parent)
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        Path(temporary).replace(path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise


def write_json(path: Path, value: Any) -> None:
    """Write a JSON file as `write` does."""
    write(path, json.dumps(value, indent=1, sort_keys=True) + "\n")


def read_json(path: Path) -> Any:
    """The value of a JSON file; None when there is none or it is broken."""
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (FileNotFoundError, NotADirectoryError, ValueError):
        return None


def secret(path: Path) -> str:
    """The secret in a file of mode 0600; made of 32 random bytes if there is none."""
    if not path.exists():
        write(path, secrets.token_urlsafe(32))
    return path.read_text(encoding="utf-8").strip()
