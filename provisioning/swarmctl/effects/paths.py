"""Where state lives: the XDG folders, each of ours mode 0700."""

import os
from pathlib import Path


def _xdg(variable: str, default: str) -> Path:
    value = os.environ.get(variable, "")
    base = Path(value) if value.startswith("/") else Path.home() / default
    return base / "swarmctl"


def state() -> Path:
    """Ledger, transcripts and one folder for each swarm that runs (XDG_STATE_HOME)."""
    return _xdg("XDG_STATE_HOME", ".local/state")


def models() -> Path:
    """The model store (XDG_DATA_HOME)."""
    return _xdg("XDG_DATA_HOME", ".local/share") / "models"


def cache() -> Path:
    """What can be had again: packages and packed images for other machines (XDG_CACHE_HOME)."""
    return _xdg("XDG_CACHE_HOME", ".cache")


def private(folder: Path) -> Path:
    """The folder, made if need be, readable by its owner only."""
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    if folder.stat().st_mode & 0o077:
        folder.chmod(0o700)
    return folder
