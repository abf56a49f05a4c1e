"""llama.cpp's tools: in the converter container, sealed from the network, or those that this machine has."""

import os
import secrets
import shutil
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from swarmctl import __version__
from swarmctl.effects.converting.toolversion import PROGRAMS, of_image, programs
from swarmctl.effects.dockerapi import asking, engine_is_near
from swarmctl.effects.process import run
from swarmctl.errors import HostError, SwarmctlError

IMAGE = f"swarmctl/converter:{__version__}"
LABEL = "swarmctl.convert"
_INSIDE = "/opt/swarmctl/swarmctl/converter"
_LLAMA = "/usr/share/llama.cpp/llama.cpp-tools"
_PIDS = 512
_SECRET = ("TOKEN", "KEY", "SECRET", "PASSWORD")
_SHORT, ASKING = 60.0, 300.0
"""Seconds; for what an image holds a container is started, which a busy machine takes its time for."""


class Tools(Protocol):
    """Where conversions run."""

    name: str
    """For people."""
    version: str
    """Part of every result's key: of the tools and of our programs; "" where it is not known yet."""
    script: str
    """The conversion script's path, as its process sees it."""

    def argv(self, work: Path, memory: int) -> list[str]:
        """What starts the server of orders. memory: MiB that all of it may take."""
        ...

    def environment(self) -> dict[str, str]:
        """Its environment."""
        ...

    def lay(self, work: Path, folder: str, files: Mapping[str, Path]) -> str:
        """Makes the files of one source visible as one folder, read-only; its path as the tools see it."""
        ...

    def seen(self, path: Path, work: Path) -> str:
        """A file under the work folder as the tools see it."""
        ...

    def away(self) -> None:
        """Whatever still runs is ended."""
        ...


@dataclass
class InContainer:
    """The converter image. Its programs are mounted, so that a change of ours never builds an image anew.

    Ended by closing its stdin; a container whose client was killed hears that too.
    """

    version: str
    name: str = "llama.cpp in the converter container"
    script: str = "/usr/bin/convert_hf_to_gguf"
    container: str = field(default_factory=lambda: f"swarmctl-convert-{secrets.token_hex(6)}")
    _mounts: list[str] = field(default_factory=list)

    def argv(self, work: Path, memory: int) -> list[str]:
        """`docker run`, with every wall that a conversion can do without a door in."""
        mounts = [*_mount(PROGRAMS, _INSIDE), *_mount(work, "/work", write=True), *self._mounts]
        return walls(self.container, f"{os.getuid()}:{os.getgid()}", memory, mounts)

    def environment(self) -> dict[str, str]:
        """The docker client's: which daemon, and nothing more."""
        from swarmctl.core.compose import client_environment  # noqa: PLC0415 - Jinja comes with it

        return client_environment(os.environ)

    def lay(self, work: Path, folder: str, files: Mapping[str, Path]) -> str:  # noqa: ARG002 - the others need it
        """File by file: what a conversion does not read, code above all, is not there, and links lead nowhere else."""
        place = f"/in/{len(self._mounts)}/{folder}"
        for name, path in files.items():
            self._mounts += _mount(path.resolve(), f"{place}/{name}")
        return place

    def seen(self, path: Path, work: Path) -> str:
        """Under /work."""
        return f"/work/{path.relative_to(work)}"

    def away(self) -> None:
        """The container is removed, if it is still there."""
        run(("docker", "rm", "-f", self.container), env=self.environment(), timeout=_SHORT, check=False)


@dataclass
class OnThisMachine:
    """Tools found on the PATH. The script runs by the Python that is given for it, which must have torch."""

    script: str
    version: str
    python: str
    name: str = "llama.cpp of this machine"
    _laid: list[Path] = field(default_factory=list)

    def argv(self, work: Path, memory: int) -> list[str]:  # noqa: ARG002 - nothing here limits it
        """The server of orders itself."""
        return [self.python, "-m", "swarmctl.converter.serve"]

    def environment(self) -> dict[str, str]:
        """Ours, without tokens and keys, and offline."""
        kept = {name: value for name, value in os.environ.items() if not any(word in name.upper() for word in _SECRET)}
        paths = [str(PROGRAMS.parents[1]), *filter(None, [os.environ.get("PYTHONPATH", "")])]
        return {**kept, "PYTHONPATH": os.pathsep.join(paths), "HF_HUB_OFFLINE": "1", "PYTHONDONTWRITEBYTECODE": "1"}

    def lay(self, work: Path, folder: str, files: Mapping[str, Path]) -> str:
        """A folder of links."""
        place = work / f"links-{len(self._laid)}" / folder
        shutil.rmtree(place.parent, ignore_errors=True)
        place.mkdir(parents=True)
        for name, path in files.items():
            (place / name).symlink_to(path.resolve())
        self._laid.append(place.parent)
        return str(place)

    def seen(self, path: Path, work: Path) -> str:  # noqa: ARG002 - here they see what we see
        """As it is."""
        return str(path)

    def away(self) -> None:
        """The links go."""
        for place in self._laid:
            shutil.rmtree(place, ignore_errors=True)


def walls(container: str, user: str, memory: int, mounts: list[str]) -> list[str]:
    """The command line of a converter that sees its mounts and nothing else. user: as Docker takes it. memory: MiB."""
    return [
        "docker", "run", "--rm", "--interactive", "--name", container, "--label", f"{LABEL}={container}",
        "--network", "none", "--read-only", "--tmpfs", "/tmp:rw,nosuid,nodev,size=256m",  # noqa: S108 - inside
        "--cap-drop", "ALL", "--security-opt", "no-new-privileges", "--pids-limit", str(_PIDS),
        "--memory", f"{memory}m", "--memory-swap", f"{memory}m", "--user", user,
        "--env", "HOME=/tmp", "--env", "USER=swarmctl", "--env", "HF_HUB_OFFLINE=1",
        "--env", f"PYTHONPATH={_LLAMA}:/opt/swarmctl", "--env", "PYTHONDONTWRITEBYTECODE=1",
        *mounts, IMAGE, "python3", "-m", "swarmctl.converter.serve",
    ]  # fmt: skip


def tools(*, ask_engine: bool = True) -> Tools:
    """The tools to convert with: the container's where a Docker Engine answers, else this machine's own.

    Raises HostError where there are neither.
    """
    if ask_engine and engine_is_near():
        try:
            return InContainer(_version(_image()))
        except HostError:
            if (own := _own()) is None:
                raise
            return own
    if (own := _own()) is None:
        raise HostError(
            "there is nothing to convert with: no Docker Engine answers, and llama.cpp's tools are not on the PATH",
            detail="wanted on the PATH: convert_hf_to_gguf or convert_hf_to_gguf.py, and llama-quantize",
            hint="swarmctl doctor",
        )
    return own


def provided(found: Tools, tell: object = None) -> Tools:
    """The same with its image built where it is missing or stale. Raises DeployError, HostError."""
    if not isinstance(found, InContainer):
        return found
    from swarmctl.core.lock import Lock  # noqa: PLC0415 - building is rare
    from swarmctl.effects.imaging import provide  # noqa: PLC0415 - as above

    say = tell if callable(tell) else (lambda _line: None)
    provide(IMAGE, lock=Lock(), tell=say)
    return InContainer(_version(_image()))


def _image() -> str:
    """The id of the converter's image, "" where there is none. Raises HostError when no Engine answers."""
    listed = asking()("/images/json")
    return next((str(row["Id"]) for row in listed if IMAGE in (row.get("RepoTags") or ())), "")


def _version(image: str) -> str:
    """Of the tools in the image of this ID."""

    def said(query: tuple[str, ...]) -> str:
        from swarmctl.core.compose import client_environment  # noqa: PLC0415 - Jinja comes with it

        argv = (*asked_of(image), *query)
        return run(argv, env=client_environment(os.environ), timeout=ASKING).stdout

    return of_image(image, said)


def asked_of(image: str) -> tuple[str, ...]:
    """In front of a command that only looks at what an image holds."""
    return ("docker", "run", "--rm", "--network", "none", "--read-only", "--cap-drop", "ALL", image)


def _own() -> OnThisMachine | None:
    names = ("convert_hf_to_gguf", "convert_hf_to_gguf.py", "convert-hf-to-gguf")
    script = next((path for path in map(shutil.which, names) if path), None)
    quantiser = shutil.which("llama-quantize")
    if script is None or quantiser is None:
        return None
    return OnThisMachine(script, _fingerprint(script, quantiser), _python(Path(script)))


def _python(script: Path) -> str:
    """The interpreter of its first line, where the packages that it needs are installed."""
    with script.open("rb") as file:
        first = file.readline(300).decode("utf-8", "replace").strip()
    words = first.removeprefix("#!").split() if first.startswith("#!") else []
    wanted = words[-1] if words else "python3"
    return shutil.which(wanted) or sys.executable


def _fingerprint(*paths: str) -> str:
    """Of the programs' own bytes, and ours: a version that they print says less."""
    import hashlib  # noqa: PLC0415

    digest = hashlib.sha256(programs().encode())
    for path in paths:
        try:
            digest.update(Path(path).read_bytes())
        except OSError as e:
            raise SwarmctlError(f"{path} cannot be read: {e.strerror}") from None
    return f"own:{digest.hexdigest()[:32]}"


def _mount(source: Path, target: str, *, write: bool = False) -> list[str]:
    """A bind mount; names with commas or quotation marks are quoted as the client's CSV wants it."""
    parts = ["type=bind", f"source={source}", f"target={target}", *([] if write else ["readonly"])]
    quoted = ('"' + part.replace('"', '""') + '"' if any(s in part for s in ',"') else part for part in parts)
    return ["--mount", ",".join(quoted)]
