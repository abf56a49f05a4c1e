"""Builds one of our images on a host, for people who have no Docker of their own."""

import tempfile
from collections.abc import Callable
from pathlib import Path

from swarmctl import __version__
from swarmctl.core.images import EPOCH
from swarmctl.core.lock import Lock
from swarmctl.effects import imaging
from swarmctl.effects.connections.connection import Connection
from swarmctl.effects.recipe import Recipe

_BUILD, _INSTALL = 3600.0, 900.0
_BUILDX = """\
docker buildx version >/dev/null 2>&1 && exit 0
export DEBIAN_FRONTEND=noninteractive
apt-get update -q && { apt-get install -y -q --no-install-recommends docker-buildx ||
  apt-get install -y -q --no-install-recommends docker-buildx-plugin; } && docker buildx version
"""
"""By the name of the distribution's package, or of Docker's own."""


def build(own: Recipe, tell: Callable[[str], None], over: Connection) -> None:
    """Builds it there under its tag; nothing of this machine's settings is lent. Raises DeployError, HostError."""
    known = imaging.here(over.ask)
    if own.base not in known:
        imaging.pull(own.base, Lock(), tell, over.shell)
        known = imaging.here(over.ask)
    base = known[own.base].id
    tell(f"no Docker here: building {own.reference} on {over.name}")
    done = over.shell.follow(("sh", "-c", _BUILDX), lambda _: None, seconds=_INSTALL)
    if done.code:
        raise imaging.failed(
            f"{over.name} cannot build images: it has no buildx", done, "apt-get install docker-buildx"
        )
    argv = ["docker", "buildx", "build", "--load", "--progress", "plain", "--network", "host"]
    for key, value in {"VERSION": __version__, "REVISION": f"v{__version__}", "SOURCE_DATE_EPOCH": str(EPOCH)}.items():
        argv += ["--build-arg", f"{key}={value}"]
    argv += ["--label", f"{imaging.INPUTS}={own.inputs(base)}", "--label", f"{imaging.BASE}={base}"]
    argv += ["-t", own.reference, "-f", own.dockerfile, "-"]
    with tempfile.TemporaryDirectory(prefix="swarmctl-build-") as folder:
        context = Path(folder) / "context.tar"
        context.write_bytes(own.context())
        done = over.shell.follow(argv, imaging.telling(tell), seconds=_BUILD, source=context)
    if done.code:
        raise imaging.failed(f"{own.reference} cannot be built on {over.name}", done, "swarmctl up")
