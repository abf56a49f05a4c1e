"""The environment that git runs in: nothing of the user's, no hooks, no prompts, fixed words."""

import contextlib
import os
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path

from swarmctl.core.ownheader import OWN

_CONFIG = {
    "core.hooksPath": "/dev/null",
    "core.quotePath": "false",
    "core.protectNTFS": "true",
    "core.autocrlf": "false",
    "core.fsmonitor": "false",
    "commit.gpgSign": "false",
    "fetch.recurseSubmodules": "false",
    "gc.auto": "0",
    "http.followRedirects": "false",
    "maintenance.auto": "false",
    "merge.renames": "false",
    "submodule.recurse": "false",
}


def git_env(config: Path | None = None, extra: Mapping[str, str] | None = None) -> dict[str, str]:
    """A whole environment; `config` is a file that takes the place of the user's global one."""
    settings = {
        f"GIT_CONFIG_{what}_{n}": value
        for n, pair in enumerate(_CONFIG.items())
        for what, value in zip(("KEY", "VALUE"), pair, strict=True)
    }
    return {
        "PATH": os.environ.get("PATH", "/usr/local/bin:/usr/bin:/bin"),
        "HOME": "/nonexistent",
        "LC_ALL": "C",
        "GIT_ATTR_NOSYSTEM": "1",
        "GIT_CONFIG_GLOBAL": str(config) if config else "/dev/null",
        "GIT_CONFIG_NOSYSTEM": "1",
        "GIT_CONFIG_COUNT": str(len(_CONFIG)),
        "GIT_TERMINAL_PROMPT": "0",
        **settings,
        **(extra or {}),
    }


@contextlib.contextmanager
def bearer(url: str, token_file: Path, folder: Path) -> Iterator[Path]:
    """A git config of mode 0600 in `folder` that sends the token to `url` alone; gone afterwards."""
    token = token_file.read_text().strip()
    handle, name = tempfile.mkstemp(prefix="git-", suffix=".config", dir=folder)
    try:
        with os.fdopen(handle, "w") as out:
            out.write(f'[http "{url}"]\n\textraHeader = "{OWN}: agent"\n')
            out.write(f'\textraHeader = "Authorization: Bearer {token}"\n')
        yield Path(name)
    finally:
        Path(name).unlink(missing_ok=True)
