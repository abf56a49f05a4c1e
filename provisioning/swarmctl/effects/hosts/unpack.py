"""Runs on a host, by its own Python alone: unpacks wheels into a folder, or has pip install a lock there."""

import runpy
import sys
import zipfile
from pathlib import Path


def unpack(into: Path, wheels: list[str]) -> None:
    """Every file of every wheel; of a wheel's data only what is imported."""
    for wheel in wheels:
        with zipfile.ZipFile(wheel) as archive:
            for name in archive.namelist():
                parts = Path(name).parts
                if name.endswith("/") or ".." in parts or Path(name).is_absolute():
                    continue
                if parts[0].endswith(".data"):
                    if parts[1:2] not in (("purelib",), ("platlib",)):
                        continue
                    parts = parts[2:]
                target = into.joinpath(*parts)
                target.parent.mkdir(parents=True, exist_ok=True)
                target.write_bytes(archive.read(name))


def by_pip(into: Path, lock: str) -> None:
    """From the index that this machine is configured for; ends with pip's own exit code."""
    try:
        import pip  # noqa: F401, PLC0415 - only to see whether it is there
    except ImportError:
        import ensurepip  # noqa: PLC0415 - Debian takes it out; then this is an error like any other

        folders = (Path(ensurepip.__file__).parent / "_bundled", Path("/usr/share/python-wheels"))
        sys.path.insert(0, str(next(one for folder in folders for one in sorted(folder.glob("pip-*.whl")))))
    options = ["--no-cache-dir", "--no-compile", "--no-deps", "--only-binary=:all:", "--no-input", "--progress-bar=off"]
    patience = ["--retries=1", "--timeout=15", "--disable-pip-version-check", "--no-warn-script-location"]
    sys.argv = ["pip", "install", *options, *patience, "--require-hashes", "--target", str(into), "-r", lock]
    runpy.run_module("pip", run_name="__main__")


if __name__ == "__main__":
    how, folder, *rest = sys.argv[1:]
    if how == "pip":
        by_pip(Path(folder), rest[0])
    else:
        unpack(Path(folder), rest)
