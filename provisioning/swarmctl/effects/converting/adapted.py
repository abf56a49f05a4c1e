"""Looks at a LoRA adapter and the model that it was trained on, which merged are converted as one."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from swarmctl.core.converting.request import Asked
from swarmctl.core.converting.request import asked as asked_for
from swarmctl.core.converting.unsafe import ADAPTER
from swarmctl.core.safetensors import loads
from swarmctl.effects.converting.identity import Hashes, identity
from swarmctl.effects.converting.looking import Seen, folder
from swarmctl.errors import SpecError

_METHOD = 1
"""Part of the identity; it rises when adapters are merged otherwise than before."""
_READ = (".json", ".safetensors", ".jinja", ".model", ".txt")
_HINT = "--base with the folder or the repository that it was trained on"


def adapted(asked: Asked, quants: tuple[str, ...], hashes: Hashes, *, trust: bool, place: Path | None = None) -> Seen:
    """An adapter with its base, which it names itself where `asked.base` is empty. place: of its files, if elsewhere.

    Raises SpecError for files that are no adapter, or a base that cannot be told or converted.
    """
    root = place or Path(asked.where).expanduser().resolve()
    config = _config(root)
    files = _files(root)
    sums = hashes.of(files)
    base = base_of(asked, config)
    seen = _base(base, quants, hashes, trust=trust)
    content = identity("merged", {**sums, " base": seen.source.identity, " method": str(_METHOD)})
    weights = seen.source.fetch or sum(path.stat().st_size for path in seen.files.values())
    source = replace(seen.source, asked=asked, identity=content, ready={}, certified=True, merged=weights)
    return replace(seen, source=source, sums={}, adapter=files, origin=base)


def base_of(asked: Asked, config: Mapping[str, Any]) -> Asked:
    """The base that is named, or that the adapter names. Raises SpecError."""
    said = config.get("base_model_name_or_path")
    text = asked.base or (said if isinstance(said, str) else "")
    if not text:
        raise SpecError(f"{asked.where} is a LoRA adapter and does not say of which model", hint=_HINT)
    path = Path(text).expanduser()
    try:
        found = asked_for(text, "folder" if path.is_dir() else "file" if path.is_file() else "")
    except SpecError:
        found = None
    if found is None or found.kind not in {"folder", "hub"}:
        raise SpecError(
            f"{asked.where} is a LoRA adapter of {text[:100]!r}, which is neither a folder here nor a repository",
            hint=_HINT,
        )
    if (path / ADAPTER).is_file():
        raise SpecError(f"{text[:100]} is an adapter itself: {asked.where} cannot be merged into it", hint=_HINT)
    return found


def _base(base: Asked, quants: tuple[str, ...], hashes: Hashes, *, trust: bool) -> Seen:
    if base.kind == "folder":
        return folder(base, quants, hashes, trust=trust)
    from swarmctl.effects.converting.hub import look  # noqa: PLC0415 - an HTTP client that folders do not need

    return look(base, quants, trust=trust, ready=False)


def _config(root: Path) -> dict[str, Any]:
    try:
        found = loads((root / ADAPTER).read_bytes())
    except (SpecError, OSError) as e:
        raise SpecError(f"{root / ADAPTER} cannot be read: {getattr(e, 'message', e)}") from None
    if not isinstance(found, dict):
        raise SpecError(f"{root / ADAPTER} holds no mapping")
    return found


def _files(root: Path) -> dict[str, Path]:
    """What is read of an adapter. Raises SpecError where its weights are none that may be read."""
    there = {path.name: path for path in sorted(root.iterdir()) if path.is_file()}
    found = {name: path.resolve() for name, path in there.items() if name.endswith(_READ)}
    if not any(name.endswith(".safetensors") for name in found):
        pickles = [name for name in there if name.endswith((".bin", ".pt", ".pth"))]
        why = (
            f"its weights are pickle files, which run code when they are read: {', '.join(pickles)}" if pickles else ""
        )
        raise SpecError(
            f"{root} cannot be merged: it has no safetensors", detail=why, hint="save the adapter as safetensors"
        )
    return found
