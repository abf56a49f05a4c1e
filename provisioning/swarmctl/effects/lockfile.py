"""Where a swarm's lock is, and its bytes."""

from pathlib import Path

from swarmctl import assets
from swarmctl.core.lock import Lock, parse
from swarmctl.core.places import Places
from swarmctl.core.yamltree import MAX_BYTES
from swarmctl.errors import SpecError

NAME = "swarm.lock"


def lock_file(spec: Path, places: Places) -> Path:
    """Beside the user's swarm file (swarm.yml → swarm.lock, to be committed); of a ready-made swarm in its state."""
    spec = spec.resolve()
    if spec.is_relative_to(assets.root().resolve()):
        return places.root / NAME
    return spec.with_suffix(".lock")


def read_lock(path: Path) -> Lock:
    """The lock in a file; an empty one where there is none. Raises SpecError for one that cannot be read."""
    try:
        with path.open("rb") as file:
            raw = file.read(MAX_BYTES + 1)
    except FileNotFoundError:
        return Lock()
    except OSError as e:
        raise SpecError(f"{path} cannot be read: {e.strerror}") from None
    return parse(raw, str(path))


def write_lock(path: Path, lock: Lock) -> None:
    """Put the lock under its name in one step; a file that says the same already is left alone.

    Raises SpecError where it cannot be written: without a lock nothing is demanded next time.
    """
    text = lock.dump()
    temporary = path.with_name(f".{path.name}.new")
    try:
        if path.exists() and path.read_bytes() == text.encode():
            return
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        temporary.write_text(text, encoding="utf-8")
        temporary.replace(path)
    except OSError as e:
        temporary.unlink(missing_ok=True)
        raise SpecError(f"{path} cannot be written: {e.strerror}") from None
