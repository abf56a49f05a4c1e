"""Who this is to the market: a nonce of the state folder, so that two people may share an account."""

import os
import re
import secrets
from contextlib import suppress
from pathlib import Path

from swarmctl.effects.paths import private
from swarmctl.errors import HostError

_NONCE = re.compile(r"[0-9a-f]{16}")


def owner(state: Path) -> str:
    """Sixteen hexadecimal digits, made once and then always the same. Raises HostError where they cannot be kept."""
    file = private(state) / "owner"
    with suppress(FileExistsError, OSError):
        fresh = os.open(file, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)
        try:
            os.write(fresh, secrets.token_hex(8).encode())
            os.fsync(fresh)
        finally:
            os.close(fresh)
    found = known_owner(state)
    if found is None:
        raise HostError(
            f"{file} holds no owner's name", detail="16 hexadecimal digits are expected", hint=f"rm {file}   (machines "
            "that were rented under the old name are then others' machines: see `swarmctl orphans`)"
        )  # fmt: skip
    return found


def known_owner(state: Path) -> str | None:
    """The same, None where none was made yet: looking makes nothing."""
    try:
        text = (state / "owner").read_text(encoding="ascii", errors="replace").strip()
    except OSError:
        return None
    return text if _NONCE.fullmatch(text) else None
