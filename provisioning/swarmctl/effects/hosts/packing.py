"""Layers of an image of this machine's Docker, packed once: what is sent again after a cut must be the same bytes."""

import fcntl
import gzip
import hashlib
import re
import shutil
import tarfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from swarmctl.core.imagelayers import read_config, read_manifest
from swarmctl.effects import files, imaging
from swarmctl.effects.bringing.depot import File
from swarmctl.effects.dockerapi import asking
from swarmctl.effects.paths import cache, private
from swarmctl.effects.process import run
from swarmctl.errors import DeployError, HostError

_SAVE = 900.0
"""Seconds to write an image out."""
_LEVEL, _BLOCK = 1, 1 << 20
"""A third of the bytes for four seconds of work, which a home line gives back many times."""
_PACKED = (b"\x1f\x8b", b"\x28\xb5\x2f\xfd")
"""How gzip and zstd begin: some stores hand out layers that are packed already."""


@dataclass(frozen=True, slots=True)
class Layer:
    """diff: digest of the unpacked layer, `sha256:…`. path: its packed file here. file: digest and size of that."""

    diff: str
    path: Path
    file: File


@dataclass(frozen=True, slots=True)
class Packed:
    """An image. config: its configuration, byte for byte. layers: lowest first."""

    reference: str
    config: str
    layers: tuple[Layer, ...]


def packed(reference: str, tell: Callable[[str], None]) -> Packed:
    """The image as files; layers that no image needs any more go. Raises DeployError, HostError."""
    folder = private(cache() / "images")
    with _alone(folder):  # an `up` and what goes on beside it
        known = imaging.here(asking())
        if reference not in known:
            raise DeployError(f"{reference} is not here any more", hint="swarmctl up")
        name = re.sub(r"[^A-Za-z0-9.]+", "-", reference)
        note = folder / f"{name}@{known[reference].id.removeprefix('sha256:')[:24]}.json"
        found = _read(reference, note)
        if found is None:
            tell(f"packing {reference}")
            for other in folder.glob(f"{name}@*"):
                other.unlink()
            _pack(reference, note)
            _forget(folder)
            found = _read(reference, note)
    if found is None:
        raise DeployError(f"{reference} cannot be written out", hint=f"ls -l {note}")
    return found


def sound(layer: Layer) -> bool:
    """A packed layer is as it was written down; one that is not is packed again when it is next asked for."""
    with layer.path.open("rb") as file:
        found = hashlib.file_digest(file, "sha256").hexdigest() == layer.file.digest
    if not found:
        layer.path.unlink(missing_ok=True)
    return found


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    with (folder / "lock").open("a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _read(reference: str, note: Path) -> Packed | None:
    """What was packed before; None where that is not whole."""
    raw = files.read_json(note)
    try:
        rows = [(str(one["diff"]), File(str(one["digest"]), int(one["size"]))) for one in raw["layers"]]
        config = str(raw["config"])
    except (KeyError, TypeError, ValueError):
        return None
    layers = tuple(Layer(diff, _place(note.parent, diff), file) for diff, file in rows)
    whole = all(one.path.is_file() and one.path.stat().st_size == one.file.size for one in layers)
    return Packed(reference, config, layers) if whole else None


def _place(folder: Path, diff: str) -> Path:
    return folder / "layers" / diff.removeprefix("sha256:")


def _pack(reference: str, note: Path) -> None:
    raw = note.with_suffix(".raw")
    private(note.parent / "layers")
    try:
        run(("docker", "save", "-o", str(raw), reference), timeout=_SAVE)
        with tarfile.open(raw) as archive:
            said = read_manifest(_member(archive, "manifest.json").read())
            config = _member(archive, said[0]).read()
            diffs = read_config(config)
            rows = [
                _layer(_member(archive, name), diff, _place(note.parent, diff))
                for diff, name in zip(diffs, said[1], strict=True)
            ]
        files.write_json(note, {"config": config.decode(), "layers": rows})
    except (HostError, OSError, tarfile.TarError, ValueError) as e:
        detail = e.detail if isinstance(e, HostError) else f"{type(e).__name__}: {e}"
        raise DeployError(f"{reference} cannot be written out", detail=detail, hint="df -h") from None
    finally:
        raw.unlink(missing_ok=True)


def _member(archive: tarfile.TarFile, name: str) -> IO[bytes]:
    try:
        found = archive.extractfile(name)
    except KeyError:
        found = None
    if found is None:
        raise ValueError(f"{name[:120]} is not in its archive")
    return found


def _layer(source: IO[bytes], diff: str, place: Path) -> dict[str, object]:
    """Packs one layer, unless it was before."""
    if not place.is_file():
        part = place.with_suffix(".part")
        head = source.read(4)
        source.seek(0)
        with part.open("wb") as target:
            if head.startswith(_PACKED):
                shutil.copyfileobj(source, target, _BLOCK)
            else:
                with gzip.GzipFile("", "wb", _LEVEL, target, mtime=0) as packing:
                    shutil.copyfileobj(source, packing, _BLOCK)
        part.replace(place)
    with place.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    return {"diff": diff, "digest": digest, "size": place.stat().st_size}


def _forget(folder: Path) -> None:
    """Layers that no image is made of any more, and what was begun and never ended."""
    used = set[str]()
    for note in folder.glob("*.json"):
        raw = files.read_json(note)
        used |= {str(one.get("diff")) for one in raw.get("layers", ())} if isinstance(raw, dict) else set()
    for path in (folder / "layers").iterdir():
        if f"sha256:{path.name}" not in used:
            path.unlink()
    for old in (*folder.glob("*.raw"), *folder.glob("*.tar.gz")):
        old.unlink()
