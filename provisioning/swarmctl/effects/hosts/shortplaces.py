"""Where sockets of connections to hosts are: paths that OpenSSH can take, in private folders."""

import hashlib
import os
import re
from pathlib import Path

from swarmctl.effects.paths import private
from swarmctl.effects.shortfolder import near_root, own

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
    short = own(_short())
    return short / f"{hashlib.sha256(os.fsencode(plain)).hexdigest()[:16]}.{name[-8:]}"


def _short() -> Path:
    # It stays: a tunnel that is away for a moment has no socket in it, and needs it for the next.
    return near_root("swarmctl-ssh")
