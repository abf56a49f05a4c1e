"""What the store keeps of shared bases beside its models, and which of it may go."""

import shutil
from collections.abc import Iterable
from pathlib import Path

from swarmctl.effects import files

HEADED = "+head"
"""Ends the key of a base that was converted with a head of its own."""


def adapter_file(root: Path, sha256: str) -> Path:
    """Where an adapter of this content lies."""
    return root / "adapters" / f"sha256-{sha256}.gguf"


def sweep(root: Path, keys: Iterable[str], blobs: Iterable[Path]) -> None:
    """Remove adapters whose content is none of these blobs, and heads where no base with one is kept."""
    kept = {path.name for path in blobs}
    folder = root / "adapters"
    for path in folder.glob("sha256-*.gguf") if folder.is_dir() else ():
        if path.stem not in kept:
            path.unlink(missing_ok=True)
    for note in folder.glob("*.json") if folder.is_dir() else ():
        judged = (files.read_json(note) or {}).get("judged", {})
        if judged.get("accepted") and not adapter_file(root, str(judged.get("sha256"))).exists():
            note.unlink(missing_ok=True)
    if not any(key.endswith(HEADED) for key in keys):
        shutil.rmtree(root / "heads", ignore_errors=True)
