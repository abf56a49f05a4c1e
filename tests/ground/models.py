"""seven-tiny: seven distinct models from one small real one, told apart by the name in their metadata."""

import hashlib
import json
import sys
from pathlib import Path

from fakes.smollm import FILE, PIN
from ground.places import MODELS, ROLES, tiny
from ground.shell import GroundError, run
from swarmctl.effects.sources.package import installed

_NOTE = MODELS / "seven-tiny.json"


def ready() -> str | None:
    """What is there; None unless all seven are, whole and from the same source."""
    try:
        note = json.loads(_NOTE.read_text())
        whole = note["key"] == _key(source()) and all(tiny(r).stat().st_size == note["sizes"][r] for r in ROLES)
    except (OSError, ValueError, KeyError, GroundError):
        return None
    return f"seven-tiny, {sum(note['sizes'].values()) / 1e6:.0f} MB in {MODELS}" if whole else None


def make() -> None:
    """Writes the seven files, and last a note that says so."""
    original = source()
    MODELS.mkdir(parents=True, exist_ok=True)
    _NOTE.unlink(missing_ok=True)
    for role in ROLES:
        part = tiny(role).with_suffix(".part")
        run("models", sys.executable, "-m", "gguf.scripts.gguf_new_metadata",
            "--force", "--general-name", f"SmolLM2 {role}", original, part)  # fmt: skip
        part.rename(tiny(role))
    sizes = {role: tiny(role).stat().st_size for role in ROLES}
    _NOTE.write_text(json.dumps({"key": _key(original), "sizes": sizes}))


def source() -> Path:
    """The real model that all are made from. Raises GroundError where its package is not installed."""
    found = installed(PIN, FILE)
    if found is None:
        raise GroundError(f"the model of {PIN} is not installed: make .venv/.dev")
    return found


def _key(original: Path) -> str:
    return hashlib.sha256(f"{PIN} {FILE} {original.stat().st_size} {ROLES}".encode()).hexdigest()[:16]
