"""Our own images: what each is built from, from a checkout and from a wheel alike, as one archive and one hash."""

import hashlib
import io
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import swarmctl
from swarmctl import __version__, assets
from swarmctl.core.images import EPOCH

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
        content = hashlib.sha256(f"{__version__}\n{base}\n{EPOCH}\n".encode())
        for name, path in self.files:
            data = path.read_bytes()
            content.update(f"{name}\n{len(data)}\n".encode())
            content.update(data)
        return content.hexdigest()[:32]


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
            top = _PACKAGE / part
            for path in top.rglob("*.py") if top.suffix == "" else (top,):
                yield f"provisioning/swarmctl/{path.relative_to(_PACKAGE).as_posix()}", path
