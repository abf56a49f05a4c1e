"""Where sockets of connections to hosts are: paths that OpenSSH can take, in private folders."""

import hashlib
import os
import re
import stat
import tempfile
from pathlib import Path

from swarmctl.effects.paths import private
from swarmctl.errors import HostError

LONGEST = 86
"""Bytes of a path: every system takes 103, and OpenSSH appends a dot and sixteen letters while it makes a socket."""
_PLAIN = re.compile(r"[A-Za-z0-9/_.-]+")
"""Nothing that OpenSSH reads as a token, a list or a second half."""


def socket_place(folder: Path, name: str) -> Path:
    """A socket's path: in the folder, which is made, or else in a short one of this user's, always the same.

    Raises HostError when that one is not private.
    """
    plain = folder / name
    if len(os.fsencode(plain)) <= LONGEST and _PLAIN.fullmatch(str(plain)):
        private(folder)
        return plain
    short = _short()
    short.mkdir(mode=0o700, exist_ok=True)
    facts = short.lstat()
    if not stat.S_ISDIR(facts.st_mode) or facts.st_uid != os.getuid() or facts.st_mode & 0o077:
        hint = f"remove {short}, or choose a shorter XDG_STATE_HOME"
        raise HostError(f"{short} is not a private folder of yours: no socket is put there", hint=hint)
    return short / f"{hashlib.sha256(os.fsencode(plain)).hexdigest()[:16]}.{name[-8:]}"


def _short() -> Path:
    # It stays: a tunnel that is away for a moment has no socket in it, and needs it for the next.
    # Not TMPDIR where /tmp will do: two terminals with different ones must find the same socket.
    plain = Path("/tmp")  # noqa: S108 - owner and mode are checked above
    base = plain if os.access(plain, os.W_OK) else Path(tempfile.gettempdir())
    return base / f"swarmctl-ssh-{os.getuid()}"
