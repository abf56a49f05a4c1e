"""Where the market's key is found: the variable, the files of its own tool, the keyring; never the command line."""

import importlib
import os
from dataclasses import dataclass
from pathlib import Path

from swarmctl.effects.providers.secret import Secret
from swarmctl.errors import ProviderError

VARIABLE = "VAST_API_KEY"
HINT = f"export {VARIABLE}=…   (a scoped key: console → Keys; groups misc, user_read, instance_read, instance_write)"


@dataclass(frozen=True, slots=True)
class FoundKey:
    """A key and where it was. open: others on this machine can read the file."""

    key: Secret
    source: str
    open: bool = False


def find_key() -> FoundKey | None:
    """The first key there is. Raises ProviderError for one that cannot be a key, naming where it is."""
    value = os.environ.get(VARIABLE)
    if value:
        return FoundKey(_checked(value, VARIABLE), VARIABLE)
    for path in _files():
        if path.is_file():
            return FoundKey(_checked(_text(path), str(path)), str(path), bool(path.stat().st_mode & 0o077))
    ring = _from_keyring()
    return FoundKey(_checked(ring, "keyring"), "keyring") if ring else None


def require_key() -> FoundKey:
    """The key. Raises ProviderError where there is none."""
    found = find_key()
    if found is None:
        raise ProviderError(
            "there is no key for the rental market",
            detail=f"looked at {VARIABLE}, {', '.join(map(str, _files()))}, and the keyring",
            hint=HINT,
        )
    return found


def _files() -> tuple[Path, Path]:
    given = os.environ.get("XDG_CONFIG_HOME", "")
    config = Path(given) if given.startswith("/") else Path.home() / ".config"
    return config / "vastai" / "vast_api_key", Path.home() / ".vast_api_key"


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8", errors="replace")[:1000]
    except OSError as e:
        raise ProviderError(f"the key in {path} cannot be read", detail=str(e), hint=f"chmod 600 {path}") from None


def _checked(value: str, source: str) -> Secret:
    """A key that can stand in a header."""
    key = value.strip()
    if not 4 <= len(key) <= 500 or not key.isascii() or not key.isprintable() or any(c.isspace() for c in key):
        raise ProviderError(f"what is in {source} is no key: a key is one word of letters and digits", hint=HINT)
    return Secret(key)


def _from_keyring() -> str | None:
    """The key that `keyring set swarmctl vast` kept, where that package is installed and works."""
    try:
        keyring = importlib.import_module("keyring")
    except ImportError:
        return None
    try:
        found = keyring.get_password("swarmctl", "vast")
    except Exception:  # noqa: BLE001 - a keyring that is locked or has no backend is no keyring
        return None
    return found if isinstance(found, str) else None
