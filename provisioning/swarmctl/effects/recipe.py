"""Our own images: what each is built from, from a checkout and from a wheel alike, as one archive and one hash."""

import hashlib
import io
import os
import re
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import swarmctl
from swarmctl import __version__, assets
from swarmctl.core.images import EPOCH
from swarmctl.effects import files, paths

_PACKAGE = Path(swarmctl.__file__).resolve().parent
_PARTS = ("__init__.py", "errors.py", "core", "agent", "gateway")
"""What of the package an agent or a gateway runs; the rest of it is for the machine that commands it."""


@dataclass(frozen=True, slots=True)
class Recipe:
    """name: folder under compose/. reference: the tag that it is built as. files: name in the context → file here."""

    name: str
    reference: str
    files: tuple[tuple[str, Path], ...]

    @property
    def dockerfile(self) -> str:
        """Its name in the context."""
        return f"compose/{self.name}/Dockerfile"

    @property
    def base(self) -> str:
        """The image that it stands on."""
        text = dict(self.files)[self.dockerfile].read_text(encoding="utf-8")
        found = re.search(r"^ARG BASE=(\S+)$", text, re.MULTILINE)
        assert found is not None, f"{self.dockerfile} names no base"  # noqa: S101 - ours; a test holds it
        return found[1]

    def context(self) -> bytes:
        """The build context: a tar whose bytes depend on names and contents alone."""
        import tarfile  # noqa: PLC0415 - 40 ms that a second `up` has no use for

        raw = io.BytesIO()
        with tarfile.open(fileobj=raw, mode="w", format=tarfile.PAX_FORMAT) as tar:
            for name, path in self.files:
                entry = tarfile.TarInfo(name)
                data = path.read_bytes()
                entry.size, entry.mtime, entry.mode = len(data), EPOCH, 0o644
                tar.addfile(entry, io.BytesIO(data))
        return raw.getvalue()

    def inputs(self, base: str) -> str:
        """32 hexadecimal digits: hash of recipe, lock, package files and version, on a base of this ID."""
        content = hashlib.sha256(f"{__version__}\n{base}\n{EPOCH}\n{self._content()}".encode())
        return content.hexdigest()[:32]

    def _content(self) -> str:
        """Hash of names and contents; not read again as long as sizes and times of the files are those seen with it."""
        kept = paths.cache() / f"recipe-{self.name}.json"
        looks = hashlib.sha256("\n".join(f"{name} {_look(path)}" for name, path in self.files).encode()).hexdigest()
        known = files.read_json(kept)
        if isinstance(known, dict) and known.get("looks") == looks:
            return str(known["content"])
        content = hashlib.sha256()
        for name, path in self.files:
            data = path.read_bytes()
            content.update(f"{name}\n{len(data)}\n".encode())
            content.update(data)
        with suppress(OSError):  # only time is lost where nothing can be kept
            files.write_json(kept, {"looks": looks, "content": content.hexdigest()})
        return content.hexdigest()


def recipe(reference: str) -> Recipe | None:
    """How an image of ours is built; None for one that is pulled."""
    for name in ("agent", "converter"):
        if reference == f"swarmctl/{name}:{__version__}":
            return Recipe(name, reference, tuple(sorted(_files(name))))
    return None


def _files(name: str) -> Iterator[tuple[str, Path]]:
    folder = assets.root() / "compose" / name
    for path in folder.iterdir():
        if path.is_file() and path.suffix != ".dockerignore":
            yield f"compose/{name}/{path.name}", path
    if name == "agent":
        for part in _PARTS:
            yield from _sources(part)


def _sources(part: str) -> Iterator[tuple[str, Path]]:
    """A module, or all of a package; walked by names, since paths of hundreds of files take a second `up` 20 ms."""
    if part.endswith(".py"):
        yield f"provisioning/swarmctl/{part}", _PACKAGE / part
    for folder, _, names in os.walk(_PACKAGE / part):
        inside = os.path.relpath(folder, _PACKAGE).replace(os.sep, "/")
        for name in names:
            if name.endswith(".py"):
                yield f"provisioning/swarmctl/{inside}/{name}", Path(folder, name)


def _look(path: Path) -> str:
    """What is another whenever the file is."""
    seen = path.stat()
    return f"{seen.st_size} {seen.st_mtime_ns} {seen.st_ctime_ns} {seen.st_ino}"
