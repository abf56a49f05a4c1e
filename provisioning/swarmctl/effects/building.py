"""Builds one of our images from the installed package: the context is streamed, this machine's settings are lent."""

import os
import shutil
import tarfile
import tempfile
import time
from contextlib import suppress
from pathlib import Path

from swarmctl import __version__, assets
from swarmctl.core.compose import client_environment
from swarmctl.core.images import EPOCH
from swarmctl.effects import imaging
from swarmctl.effects.dockerapi import Ask
from swarmctl.effects.hostsettings import lend
from swarmctl.effects.process import follow, run
from swarmctl.effects.recipe import Recipe
from swarmctl.effects.reproducible import redated
from swarmctl.errors import DeployError, HostError

_BUILD, _COPY, _SHORT = 3600.0, 900.0, 20.0
"""Seconds."""
_FOLDER = "swarmctl-build-"


def build(own: Recipe, base: str, tell: imaging.Tell, ask: Ask, *, fresh: bool = False) -> None:
    """Builds an image under its tag. base: ID of the image that it stands on. fresh: nothing from the builder's cache.

    Equal inputs give an equal image ID as long as the packages of Debian are the same. Raises DeployError.
    """
    tell(f"building {own.reference} on {own.base}")
    unfinished = f"{own.reference}-unfinished"
    env = {**client_environment(os.environ), "DOCKER_BUILDKIT": "1", "BUILDX_NO_DEFAULT_ATTESTATIONS": "1"}
    forget()
    with tempfile.TemporaryDirectory(prefix=_FOLDER) as name:
        folder = Path(name)
        (folder / "context.tar").write_bytes(own.context())
        try:
            argv = ["docker", "buildx", "build", "--load", "--progress", "plain", "--network", "host", *lend(folder)]
            argv += ["--no-cache"] if fresh else []
            for key, value in _args().items():
                argv += ["--build-arg", f"{key}={value}"]
            argv += ["--label", f"{imaging.INPUTS}={own.inputs(base)}", "--label", f"{imaging.BASE}={base}"]
            argv += ["-t", unfinished, "-f", own.dockerfile, "-"]
            done = follow(argv, imaging.telling(tell), env=env, source=folder / "context.tar", timeout=_BUILD)
            if done.code:
                raise imaging.failed(f"{own.reference} cannot be built", done, "swarmctl up")
            _finish(own, unfinished, base, folder, ask, env)
        finally:
            run(("docker", "rmi", unfinished), env=env, timeout=_COPY, check=False)


def forget() -> None:
    """Removes the folders of builds that were killed, some 400 MiB each: no build works on one for so long."""
    for old in Path(tempfile.gettempdir()).glob(f"{_FOLDER}*"):
        with suppress(OSError):
            seen = old.stat()
            if seen.st_uid == os.getuid() and time.time() - seen.st_mtime > _BUILD + 3 * _COPY:
                shutil.rmtree(old)


def _finish(own: Recipe, unfinished: str, base: str, folder: Path, ask: Ask, env: dict[str, str]) -> None:
    """Gives it its one date and its tag."""
    kept = len(ask(f"/images/{base}/json")["RootFS"]["Layers"])
    saved, dated = folder / "saved.tar", folder / "dated.tar"
    try:
        run(("docker", "save", "-o", str(saved), unfinished), env=env, timeout=_COPY)
        redated(saved, dated, own.reference, kept)
        saved.unlink()
        run(("docker", "load", "-q", "-i", str(dated)), env=env, timeout=_COPY)
    except HostError as e:
        raise DeployError(
            f"{own.reference} was built, and cannot be kept", detail=e.detail, hint="docker system df"
        ) from e
    except (OSError, KeyError, ValueError, tarfile.TarError) as e:
        message = f"{own.reference} was built, and cannot be written out in {folder.parent}"
        raise DeployError(message, detail=f"{type(e).__name__}: {e}", hint=f"df -h {folder.parent}") from e


def _args() -> dict[str, str]:
    return {"VERSION": __version__, "REVISION": _revision(), "SOURCE_DATE_EPOCH": str(EPOCH)}


def _revision() -> str:
    """The commit of a checkout, with -dirty where files differ from it; `v<version>` for a wheel."""
    top = assets.root()
    if not (top / ".git").exists():
        return f"v{__version__}"
    try:
        said = run(("git", "-C", str(top), "describe", "--always", "--abbrev=40", "--dirty"), timeout=_SHORT).stdout
    except HostError:
        return f"v{__version__}"
    return said.strip() or f"v{__version__}"
