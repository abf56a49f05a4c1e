"""What of ours travels to a host without Docker: swarmctl itself as a wheel, and where need be all that it imports."""

import base64
import hashlib
import io
import os
import shutil
import sys
import zipfile
from collections.abc import Callable, Iterator
from functools import cache
from importlib.machinery import PathFinder
from pathlib import Path

import swarmctl
from swarmctl import __version__, assets
from swarmctl.effects.paths import private
from swarmctl.effects.process import run
from swarmctl.errors import HostError

LOCK = Path("compose") / "process" / "requirements.txt"
"""Under the assets: what hosts install, with hashes."""
_PACKAGE = Path(swarmctl.__file__).resolve().parent
_ASSETS = ("compose", "modelfiles", "playbooks", "inventory")
_DATE = (1980, 1, 1, 0, 0, 0)
_SECONDS = 1800.0


@cache
def own_wheel() -> tuple[str, bytes]:
    """File name and bytes of a wheel of this very code; equal code gives equal bytes."""
    info, rows, raw = f"swarmctl-{__version__}.dist-info", list[str](), io.BytesIO()
    with zipfile.ZipFile(raw, "w", zipfile.ZIP_DEFLATED) as wheel:

        def add(name: str, data: bytes) -> None:
            digest = base64.urlsafe_b64encode(hashlib.sha256(data).digest()).rstrip(b"=").decode()
            rows.append(f"{name},sha256={digest},{len(data)}")
            entry = zipfile.ZipInfo(name, _DATE)
            entry.external_attr, entry.compress_type = 0o644 << 16, zipfile.ZIP_DEFLATED
            wheel.writestr(entry, data)

        for name, path in sorted(_files()):
            add(name, path.read_bytes())
        add(f"{info}/METADATA", f"Metadata-Version: 2.1\nName: swarmctl\nVersion: {__version__}\n".encode())
        add(f"{info}/WHEEL", b"Wheel-Version: 1.0\nGenerator: swarmctl\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        wheel.writestr(zipfile.ZipInfo(f"{info}/RECORD", _DATE), "\n".join([*rows, f"{info}/RECORD,,", ""]))
    return f"swarmctl-{__version__}-py3-none-any.whl", raw.getvalue()


def lock() -> bytes:
    """What is installed beside it: every package with its version and the hashes of its wheels."""
    return (assets.root() / LOCK).read_bytes()


def wheelhouse(cache: Path, python: str, machine: str, say: Callable[[str], None]) -> list[Path]:
    """Every wheel of the lock for a Python (`3.13`) on Linux of a kind (`x86_64`), from the index used here.

    Kept in `cache`. Raises HostError where they cannot be had.
    """
    mark = hashlib.sha256(lock()).hexdigest()[:12]
    folder = cache / "wheels" / f"{mark}-cp{python.replace('.', '')}-{machine}"
    done = folder / ".whole"
    if not done.exists():
        say("fetching the packages here, to send them")
        shutil.rmtree(folder, ignore_errors=True)
        private(folder)
        words = [word for kind in ("manylinux_2_28", "manylinux_2_17", "manylinux2014") for word in
                 ("--platform", f"{kind}_{machine}")]  # fmt: skip
        options = ["--no-deps", "--only-binary=:all:", "--no-input", "--progress-bar=off", "--python-version", python]
        wanted = ["--require-hashes", "-r", str(assets.root() / LOCK), "--dest", str(folder)]
        environment = {**os.environ, "PYTHONSAFEPATH": "1"}
        try:
            run([*_pip(), "download", *options, *words, *wanted], env=environment, timeout=_SECONDS)
        except HostError as e:
            hint = "python3 -m pip config list   (is there an index?)"
            raise HostError("the packages for the host cannot be fetched", detail=e.detail, hint=hint) from None
        done.touch()
    return sorted(folder.glob("*.whl"))


def _pip() -> list[str]:
    if PathFinder.find_spec("pip") is not None:  # setuptools changes what importlib.util finds, and warns
        return [sys.executable, "-m", "pip"]
    found = shutil.which("pip3") or shutil.which("pip")
    if found is None:
        raise HostError("there is no pip here to fetch packages with", hint=f"{sys.executable} -m ensurepip")
    return [found]


def _files() -> Iterator[tuple[str, Path]]:
    yield from _below("swarmctl", _PACKAGE)
    if not (_PACKAGE / "_assets").is_dir():
        for name in _ASSETS:
            yield from _below(f"swarmctl/_assets/{name}", assets.root() / name)


def _below(name: str, top: Path) -> Iterator[tuple[str, Path]]:
    for path in top.rglob("*"):
        within = path.relative_to(top)
        if path.is_file() and "__pycache__" not in within.parts:
            yield f"{name}/{within.as_posix()}", path
