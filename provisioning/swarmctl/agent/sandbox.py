"""The strongest sandbox of this machine, found by trying each, and the test command run in it."""

import asyncio
import contextlib
import os
import secrets
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, cast

from swarmctl.agent import jail
from swarmctl.agent.process import Completed, run
from swarmctl.core.messages import TestResult
from swarmctl.core.team import sandbox as walls_of
from swarmctl.core.team.sandbox import Walls

Rung = Literal["bubblewrap", "docker", "namespaces", "none"]
RUNGS: tuple[Rung, ...] = ("bubblewrap", "docker", "namespaces")
IMAGE = "SWARMCTL_TEST_IMAGE"
"""Environment variable: the container image for the docker rung; without it that rung is passed over."""

_PRIVATE = ("/home", "/root", "/run", "/var/tmp", "/mnt", "/media", "/srv")  # noqa: S108
_SYSTEM = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


@dataclass(frozen=True, slots=True)
class Sandbox:
    """A rung that was seen to work here.

    secret: folders that it hides besides the home folders. image: what a container is made from.
    """

    rung: Rung
    secret: tuple[str, ...] = ()
    image: str = ""

    async def test(self, command: str, clone: Path, *, seconds: int = walls_of.SECONDS) -> TestResult:
        """Run the command in a clone that is thrown away afterwards. Never raises for what it does."""
        walls, image = _walls(command, clone, self.secret), self.used_image
        started = asyncio.get_running_loop().time()
        try:
            code, out, err = await _inside(self.rung, walls, seconds, image)
        except (OSError, TimeoutError) as bad:
            return TestResult(verdict="failed", sandbox=self.rung, image=image, tail=str(bad))
        took = asyncio.get_running_loop().time() - started
        word, sentence = walls_of.verdict(command, code, seconds=took, limit=seconds)
        told = walls_of.tail(out + err) + (f"\n{sentence}" if sentence else "")
        known = cast(Literal["passed", "failed", "not run"], word)
        return TestResult(verdict=known, sandbox=self.rung, image=image, tail=told.strip())

    @property
    def used_image(self) -> str:
        """The image of the container; nothing where there is none."""
        return _image(self.image) if self.rung == "docker" else ""


async def strongest(secret: Sequence[str] = ()) -> Sandbox | None:
    """The first rung that really runs `true` here; None when there is none. `secret`: folders to hide."""
    for rung in RUNGS:
        if await why_not(rung, secret) is None:
            return Sandbox(rung, tuple(secret))
    return None


async def why_not(rung: Rung, secret: Sequence[str] = (), image: str = "") -> str | None:
    """Why a rung cannot be used on this machine, as a sentence; None when it ran `true`. image: for docker's."""
    if rung == "docker" and not _image(image):
        return f"docker: no image named by {IMAGE}"
    with tempfile.TemporaryDirectory() as folder:
        try:
            code, out, err = await _inside(rung, _walls("true", Path(folder), secret), 20, _image(image))
        except (OSError, TimeoutError) as bad:
            return f"{rung}: {bad}"
    lines = (out + err).decode(errors="replace").strip().splitlines()
    words = [line for line in lines if line.strip() and "--help" not in line] or [f"exit {code}"]
    return None if code == 0 else f"{rung}: {words[-1]}"


async def _inside(rung: Rung, walls: Walls, seconds: int, image: str) -> Completed:
    """Run the walls' command on a rung; OSError when its tool is missing."""
    outer = {"PATH": f"{os.environ.get('PATH', '')}:{_SYSTEM}", "LC_ALL": "C"}
    slack = seconds + 15
    if walls.uid is not None and rung != "none":
        _give(Path(walls.clone), walls.uid)
    if rung == "bubblewrap":
        return await run(walls_of.bubblewrap(walls, seconds=seconds), cwd="/", env=outer, timeout=slack)
    if rung == "docker":
        return await _docker(walls, seconds, outer, image)
    if rung == "namespaces":
        script = str(Path(jail.__file__).resolve())
        argv = walls_of.namespaces(walls, python=sys.executable, jail=script, seconds=seconds)
        return await run(argv, cwd="/", env=outer, timeout=slack)
    argv, env = walls_of.open_field(walls, seconds=seconds)
    return await run(argv, cwd=walls.clone, env=env, timeout=slack)


async def _docker(walls: Walls, seconds: int, outer: dict[str, str], image: str) -> Completed:
    name = f"swarmctl-test-{secrets.token_hex(6)}"
    owner = Path(walls.clone).stat()
    user = f"{owner.st_uid}:{owner.st_gid}"
    argv = walls_of.docker(walls, image=image, name=name, user=user, seconds=seconds)
    env = outer | {k: v for k, v in os.environ.items() if k in ("DOCKER_HOST", "DOCKER_CONTEXT", "HOME")}
    try:
        done = await run(argv, cwd="/", env=env, timeout=seconds + 15, hold=True)
    except (TimeoutError, asyncio.CancelledError):
        # The container ends with its client's stdin; should it not, killing the client would leave it running.
        with contextlib.suppress(OSError, TimeoutError):
            await asyncio.shield(run(["docker", "rm", "--force", name], cwd="/", env=env, timeout=30))
        raise
    # The command's own words come on stdout: these are the client's.
    refused = done.code in (125, 126, 127) and done.stderr.startswith(b"docker:")
    return done._replace(code=walls_of.NOT_STARTED) if refused else done


def _image(named: str) -> str:
    return named or os.environ.get(IMAGE, "")


def _walls(command: str, clone: Path, secret: Sequence[str]) -> Walls:
    interpreter = Path(sys.executable).parent
    hidden = _real(*_PRIVATE, os.path.expanduser("~"), tempfile.gettempdir(), *secret)  # noqa: PTH111
    # A user whose home cannot be told still has one of the folders above.
    prefixes = _real(sys.prefix, sys.base_prefix, sys.exec_prefix)
    return Walls(
        clone=str(clone.resolve()),
        command=command,
        path=f"{interpreter}:{_SYSTEM}",
        hidden=tuple(folder for folder in _outermost(hidden) if folder not in ("/", "/tmp")),  # noqa: S108
        shown=tuple(p for p in prefixes if any(p.startswith(f"{h}/") for h in [*hidden, "/tmp"])),  # noqa: S108
        uid=61184 + os.getpid() % 4000 if os.geteuid() == 0 else None,
    )


def _real(*folders: str) -> list[str]:
    """Those folders that exist, links resolved, in order and once."""
    return list(dict.fromkeys(str(Path(f).resolve()) for f in folders if f and Path(f).is_dir()))


def _outermost(folders: Sequence[str]) -> list[str]:
    return [f for f in folders if not any(f.startswith(f"{other}/") for other in folders if other != f)]


def _give(clone: Path, uid: int) -> None:
    """Hand the clone to the uid that the command will have; links are handed over, not followed."""
    for folder, _, files in os.walk(clone):
        os.chown(folder, uid, uid, follow_symlinks=False)
        for name in files:
            os.chown(Path(folder) / name, uid, uid, follow_symlinks=False)
