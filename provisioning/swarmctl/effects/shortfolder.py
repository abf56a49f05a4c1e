"""Folders of this user's near the root, for sockets whose path would be too long elsewhere."""

import os
import stat
import tempfile
from pathlib import Path

from swarmctl.errors import HostError


def near_root(name: str) -> Path:
    """Where such a folder is, whether it is there or not. name: `swarmctl` and what the folder is for."""
    # Not TMPDIR where /tmp will do: two terminals with different ones must find the same socket.
    plain = Path("/tmp")  # noqa: S108 - `own` looks at owner and mode
    base = plain if os.access(plain, os.W_OK) else Path(tempfile.gettempdir())
    return base / f"{name}-{os.getuid()}"


def own(folder: Path) -> Path:
    """The folder, made where it was not. Raises HostError when it is not private to this user."""
    folder.mkdir(mode=0o700, exist_ok=True)
    facts = folder.lstat()
    if not stat.S_ISDIR(facts.st_mode) or facts.st_uid != os.getuid() or facts.st_mode & 0o077:
        hint = f"remove {folder}, or choose a shorter XDG_STATE_HOME"
        raise HostError(f"{folder} is not a private folder of yours: no socket is put there", hint=hint)
    return folder
