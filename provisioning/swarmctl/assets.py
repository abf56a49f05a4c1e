"""Where compose/, modelfiles/, playbooks/ and inventory/ are, in a checkout and in a wheel."""

import os
from pathlib import Path

_PACKAGE = Path(__file__).resolve().parent


def root() -> Path:
    """The folder that holds the data folders; `SWARMCTL_ASSETS` names another of the same shape."""
    if chosen := os.environ.get("SWARMCTL_ASSETS"):
        return Path(chosen)
    bundled = _PACKAGE / "_assets"
    return bundled if bundled.is_dir() else _PACKAGE.parents[1]
