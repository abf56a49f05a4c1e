"""The docker command line, as far as guests need it."""

import json
import os
import socket
import subprocess  # noqa: TID251 - this room imports nothing of the others
import tempfile
from pathlib import Path

from swarmctl.market.hosts.guest import Guest
from swarmctl.market.hosts.recipe import CONTRACT, OWNER, Images, archive, create, environment, keys, name

SECONDS = 120


class EngineError(Exception):
    """Docker did not do it. Its last lines are the message."""


class Engine:
    """Guests of one market, told apart from those of others by its owner's mark."""

    def __init__(self, owner: str, images: Images) -> None:
        self.owner, self.images = owner, images

    def found(self) -> dict[int, bool]:
        """Guests that there are, and whether each runs."""
        shown = f'{{{{.Label "{CONTRACT}"}}}} {{{{.State}}}}'
        told = _docker("ps", "-a", "--filter", f"label={OWNER}={self.owner}", "--format", shown)
        return {int(id_): state == "running" for id_, _, state in (line.partition(" ") for line in told.splitlines())}

    def make(self, guest: Guest) -> None:
        """Creates it, with everything that is in it; it does not run yet. Raises EngineError."""
        called = name(self.owner, guest.id)
        with tempfile.NamedTemporaryFile("w", prefix="market-") as env:
            env.write(environment(guest.env))
            env.flush()
            container = _docker(*create(guest, self.owner, self.images, env.name)).strip()
        daemon = {"features": {"cdi": True}, "cgroup-parent": f"/docker/{container}/containers"}
        try:
            _docker("cp", "-", f"{called}:/", data=archive(guest, json.dumps(daemon), self.images))
        except EngineError:
            self.remove(guest.id)
            raise

    def start(self, id_: int) -> None:
        """Lets it run. Raises EngineError."""
        _docker("start", name(self.owner, id_))

    def stop(self, id_: int) -> None:
        """Ends what runs in it; its disk stays. Raises EngineError."""
        _docker("stop", "-t", "10", name(self.owner, id_))

    def let_in(self, guest: Guest) -> None:
        """Writes its keys anew. Raises EngineError."""
        command = ["exec", "-i", name(self.owner, guest.id), "sh", "-c", "cat > /root/.ssh/authorized_keys"]
        _docker(*command, data=keys(guest))

    def remove(self, id_: int) -> None:
        """Ends it, and its disk. Raises EngineError."""
        called = name(self.owner, id_)
        _docker("rm", "-f", "-v", called)
        _docker("volume", "rm", "-f", called)

    def output(self, id_: int) -> str:
        """What its first process has printed."""
        try:
            return _docker("logs", "--tail", "10000", name(self.owner, id_))
        except EngineError as e:
            return str(e)

    def traffic(self, id_: int) -> tuple[int, int]:
        """Bytes down and up since it was started last; zeros where that cannot be read."""
        try:
            pid = _docker("inspect", "-f", "{{.State.Pid}}", name(self.owner, id_)).strip()
            lines = Path(f"/proc/{pid}/net/dev").read_text(encoding="ascii").splitlines()
        except (EngineError, OSError):
            return 0, 0
        eth = [line.split(":")[1].split() for line in lines if line.strip().startswith("eth")]
        return sum(int(one[0]) for one in eth), sum(int(one[8]) for one in eth)


def gateway() -> str:
    """Where containers find this machine; empty where Docker has no bridge. Raises EngineError without Docker."""
    return _docker("network", "inspect", "bridge", "-f", "{{(index .IPAM.Config 0).Gateway}}").strip()


def free_port() -> int:
    """A port of 127.0.0.1 that nobody listens at now."""
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


def _docker(*words: str, data: bytes | None = None) -> str:
    env = {key: value for key, value in os.environ.items() if not key.startswith("VAST_")}
    try:
        done = subprocess.run(
            ["docker", *words], input=data, capture_output=True, check=False, timeout=SECONDS, env=env
        )
    except (OSError, subprocess.TimeoutExpired) as e:
        raise EngineError(f"docker {words[0]}: {e}") from None
    if done.returncode:
        raise EngineError(f"docker {words[0]}: {done.stderr.decode(errors='replace').strip()[-400:]}")
    return done.stdout.decode(errors="replace")
