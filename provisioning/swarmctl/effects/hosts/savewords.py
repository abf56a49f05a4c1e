"""What a rented machine is told so that it can push results elsewhere: variables of the role `saving`."""

from pathlib import Path
from typing import Any

from swarmctl.core.target import Save
from swarmctl.errors import SpecError

_MOST = 64 * 1024


def saving(wanted: Save | None, folder: Path) -> dict[str, Any]:
    """Variables of the role; where nothing is wanted, what an earlier wish left goes. folder: of relative paths.

    Raises SpecError that names every file which cannot be read.
    """
    if wanted is None:
        return {"saving_forget": True}
    wrong: list[str] = []

    def text(name: str) -> str:
        path = getattr(wanted, name)
        if path is None:
            return ""
        try:
            return _read(folder / Path(path).expanduser(), secret=name != "known_hosts")
        except (OSError, UnicodeDecodeError, ValueError) as e:
            wrong.append(f"target.vast.save.{name}: {path}: {getattr(e, 'strerror', None) or e}")
            return ""

    found = {
        "saving_remote": wanted.remote,
        "saving_key": text("key"),
        "saving_token": text("token").strip(),
        "saving_user": wanted.user,
        "saving_known_hosts": text("known_hosts").strip(),
    }
    if wrong:
        raise SpecError("results could not be saved elsewhere", detail="\n".join(wrong))
    return found


def _read(path: Path, *, secret: bool) -> str:
    if secret and path.stat().st_mode & 0o077:
        raise ValueError(f"others on this computer can read it: chmod 600 {path}")
    found = path.read_bytes()[:_MOST].decode()
    if not found.strip():
        raise ValueError("it is empty")
    return found
