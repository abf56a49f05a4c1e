"""Small swarms in containers for days on which something is wrong, and the things that go wrong."""

import os
import secrets
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from fakes.contained import Contained
from fakes.grounded import docker
from fakes.person import Person
from ground.places import tiny_random

PLUGINS = "/usr/libexec/docker/cli-plugins"
"""Where Debian keeps Compose; every other place that the docker command knows is empty here."""


@dataclass(frozen=True)
class Small(Contained):
    """A swarm of a file of its own. before: words in front of the command line, e.g. of another user."""

    file: Path = Path("swarm.yml")

    def up(self, *flags: str, expect: int = 0) -> subprocess.CompletedProcess[str]:
        """`swarmctl up` with this swarm's file."""
        return self.person.types("up", "-f", str(self.file), *self.flags, *flags, expect=expect, timeout=240)

    def goes_up(self, *flags: str) -> subprocess.Popen[str]:
        """An `up` that is left running."""
        return self.person.start("up", "-f", str(self.file), *self.flags, *flags)

    def plan(self, *flags: str) -> list[str]:
        """What `up` would do: verb and subject of each step."""
        done = self.person.reads("plan", "-f", str(self.file), *self.flags, *flags)
        return [f"{step['verb']} {step['subject']}" for step in done["steps"]]

    def write(self, roles: Sequence[str], **changes: Any) -> None:
        """Write the swarm's file. changes: of the engine, e.g. image."""
        engine = {"kind": "ollama", "context": 256, **changes}
        value = {
            "name": self.name,
            "runtime": "compose",
            "engine": engine,
            "models": {"lead": {"path": str(tiny_random("orchestrator"))}},
            "roles": {role: {"model": "lead"} for role in roles},
            "limits": {"output": 16, "requests": 4, "time": "3m"},
        }
        self.file.write_text(yaml.safe_dump(value, sort_keys=False))

    @property
    def folder(self) -> Path:
        """Where the swarm's engine keeps its models, on this machine."""
        return self.person.data / "swarmctl" / "models" / "served" / self.name

    def faults(self) -> list[str]:
        """What `status` says is wrong."""
        found: list[str] = self.reads("status")["faults"]
        return found

    def stops_at(self, going: subprocess.Popen[str], line: str) -> None:
        """Reads what an `up` tells until a line begins so."""
        assert going.stderr is not None
        said = []
        for text in going.stderr:
            said.append(text)
            if text.startswith(line):
                return
        raise AssertionError(f"no line {line!r} in\n{''.join(said)}")


@contextmanager
def small(home: Path, store: Path, roles: Sequence[str] = ("orchestrator",), **changes: Any) -> Iterator[Small]:
    """A swarm with one model that is as small as one can be; nothing of it is left after."""
    home.mkdir(parents=True, exist_ok=True)
    env = {**os.environ, "XDG_STATE_HOME": str(home / "state"), "XDG_DATA_HOME": str(store), "NO_COLOR": "1"}
    name = f"t-{secrets.token_hex(3)}"
    swarm = Small(Person(home, env, store), name, file=home / "swarm.yml")
    swarm.write(roles, **changes)
    try:
        yield swarm
    finally:
        for process in swarm.person.started:
            if process.poll() is None:
                process.kill()
            process.communicate()
        swarm.person.env.update({**env, "PATH": os.environ["PATH"]})
        swarm.person.env.pop("DOCKER_HOST", None)
        swarm.down("--purge")
        assert swarm.left() == []


def behind(swarm: Small, before: Sequence[str], *words: str) -> subprocess.CompletedProcess[str]:
    """A command of this swarm's person, behind other words: another user, another view of the disk."""
    argv = [*before, sys.executable, "-m", "swarmctl", *words]
    return subprocess.run(
        argv, cwd=swarm.person.home, env=swarm.person.env, capture_output=True, text=True, timeout=120, check=False
    )


def without_compose() -> list[str]:
    """Words before a command that then finds no plugin of Docker's."""
    return ["unshare", "--mount", "sh", "-c", f'mount -t tmpfs none {PLUGINS} && exec "$@"', "sh"]


def as_nobody() -> list[str]:
    """Words before a command that then may read every file, and write what all may write; so no socket of Docker's."""
    who = ["--reuid", "65534", "--regid", "65534", "--clear-groups"]
    return ["setpriv", *who, "--inh-caps=-all,+dac_read_search", "--ambient-caps=+dac_read_search"]


@contextmanager
def disk(folder: Path, mebibytes: int) -> Iterator[None]:
    """A folder on a disk of its own, so small that it fills."""
    folder.mkdir(parents=True, exist_ok=True)
    mount = ["mount", "-t", "tmpfs", "-o", f"size={mebibytes}m,mode=755", "tmpfs", str(folder)]
    subprocess.run(mount, check=True)
    try:
        yield
    finally:
        subprocess.run(["umount", "--lazy", str(folder)], check=True)


@contextmanager
def listening(port: int) -> Iterator[int]:
    """Another program on a loopback port, for as long as the block lasts; one that somebody has is fine too."""
    with socket.socket() as other:
        other.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            other.bind(("127.0.0.1", port))
            other.listen()
        except OSError:
            assert port == 11434, f"{port} is not to be had"
        yield port


def soon(condition: Callable[[], object], seconds: float = 30, what: str = "it") -> float:
    """Wait for a condition with a deadline; gives the seconds it took."""
    begun = time.monotonic()
    while not condition():
        assert time.monotonic() - begun < seconds, f"waited {seconds:g} s for {what}, in vain"
        time.sleep(0.05)
    return time.monotonic() - begun


def states(swarm: Small) -> dict[str, str]:
    """Service → state of its container."""
    rows = docker(
        "ps", "--all", "--filter", f"label=swarmctl.swarm={swarm.name}", "--format",
        '{{.Label "swarmctl.service"}} {{.State}}',
    )  # fmt: skip
    return dict(line.split() for line in rows.splitlines())
