"""Reads the templates of Compose files and Modelfiles from the data folder; compiled ones are kept in the cache."""

from contextlib import suppress

from jinja2 import FileSystemBytecodeCache
from jinja2.bccache import Bucket

from swarmctl import __version__
from swarmctl.assets import root
from swarmctl.core.templates import Templates
from swarmctl.effects.paths import cache, private
from swarmctl.errors import HostError


def stack_templates() -> Templates:
    """The files `*.j2` under compose/ by name. Raises HostError where the folder is missing."""
    return _read("compose")


def modelfile_templates() -> Templates:
    """The files under modelfiles/ by name, without `.j2`. Raises HostError where the folder is missing."""
    found = _read("modelfiles")
    return Templates({name.removesuffix(".j2"): text for name, text in found.items()}, found.kept)


class _Kept(FileSystemBytecodeCache):
    """Damage is a template that is compiled again: Jinja itself ends where a file was cut in its header."""

    def load_bytecode(self, bucket: Bucket) -> None:
        try:
            super().load_bytecode(bucket)
        except Exception:  # noqa: BLE001 - damaged pickle may raise anything
            bucket.reset()


def _read(name: str) -> Templates:
    folder = root() / name
    found = {path.name: path.read_text(encoding="utf-8") for path in sorted(folder.glob("*.j2"))}
    if not found:
        raise HostError(f"there are no templates under {folder}", hint="pip install --force-reinstall swarmctl")
    return Templates(found, _kept(name))


def _kept(name: str) -> FileSystemBytecodeCache | None:
    """A folder of this user's own; each version has its own, since what compiles may change with it."""
    with suppress(OSError):  # only time is lost where nothing can be kept
        return _Kept(str(private(cache() / "templates" / __version__ / name)))
    return None
