"""Machines in containers: a VM with Docker and cards, a rented container, a bare Debian; reached by SSH."""

import io
import json
import shlex
import subprocess
import tarfile
import tempfile
import uuid
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from fakes.grounded import docker
from fakes.hostseeds import seed
from fakes.shaders import HERE
from fakes.shaders import folder as shaders
from fakes.standincards import HOOK, SHADERS, SPECIFICATION, TOOL, StandIn, cards, specification
from ground.places import HOST_BARE, HOST_CONTAINER, HOST_USER, HOST_VM
from swarmctl.effects.clock import SystemClock, wait_until

ROOT = Path(__file__).resolve().parents[2]
_IMAGES = {"bare": HOST_BARE, "container": HOST_CONTAINER, "vm": HOST_VM, "user": HOST_USER}
_MACHINE = [
    *("--cap-add", "ALL", "--cap-drop", "SYS_RESOURCE"),
    *("--security-opt", "seccomp=unconfined", "--security-opt", "apparmor=unconfined"),
    *("--cgroupns", "host", "-v", "/sys/fs/cgroup:/sys/fs/cgroup"),
    *("--tmpfs", "/run", "--tmpfs", "/run/lock"),
]
_CHECKOUT = "/opt/checkout"
"""Where this checkout is on a `user` host; a path of its own, since a service manager hides what lies under /tmp."""
_CLOCK = SystemClock()


@dataclass(frozen=True)
class Host:
    """A machine that runs. port: of its sshd on 127.0.0.1. folder: holds its keys."""

    kind: str
    name: str
    port: int
    folder: Path
    cards: list[StandIn] = field(default_factory=list)
    away: set[int] = field(default_factory=set)

    @property
    def key(self) -> Path:
        """The private key that opens it."""
        return self.folder / "id"

    @property
    def ssh_options(self) -> list[str]:
        """What a command line of OpenSSH needs to reach it, and to know that it is the one."""
        known = f"UserKnownHostsFile={self.folder / 'known_hosts'}"
        options = ("BatchMode=yes", "IdentitiesOnly=yes", "StrictHostKeyChecking=yes", known, "ConnectTimeout=5")
        return ["-F", "none", "-i", str(self.key), *(word for option in options for word in ("-o", option))]

    def tries(
        self, argv: Sequence[str], *, stdin: bytes | None = None, seconds: float = 300
    ) -> subprocess.CompletedProcess[bytes]:
        """Runs a command there as root, whatever comes of it."""
        command = ["ssh", *self.ssh_options, "-p", str(self.port), "root@127.0.0.1", shlex.join(argv)]
        return subprocess.run(command, capture_output=True, input=stdin, timeout=seconds, check=False)

    def ssh(self, argv: Sequence[str], *, stdin: bytes | None = None, seconds: float = 300) -> str:
        """What a command prints there, as root; its errors when it fails."""
        done = self.tries(argv, stdin=stdin, seconds=seconds)
        said = done.stdout.decode(errors="replace")
        assert done.returncode == 0, f"{shlex.join(argv)}\n{said}{done.stderr.decode(errors='replace')}"
        return said

    def docker(self, argv: Sequence[str]) -> str:
        """What a command of the machine's own Docker prints."""
        return self.ssh(["docker", *argv])

    def put(self, path: str, text: str | bytes) -> None:
        """Writes a file there, in place, so that whoever has it mounted sees it."""
        data = text.encode() if isinstance(text, str) else text
        self.ssh(["sh", "-c", 'mkdir -p "${1%/*}" && cat > "$1"', "sh", path], stdin=data)

    def take(self, *images: str) -> None:
        """Brings images of the ground into its Docker."""
        with subprocess.Popen(["docker", "save", *images], stdout=subprocess.PIPE) as pipe:
            command = ["docker", "exec", "-i", self.name, "docker", "load", "-q"]
            done = subprocess.run(command, stdin=pipe.stdout, capture_output=True, text=True, check=False)
        assert pipe.returncode == 0, images
        assert done.returncode == 0, done.stderr

    def lose(self, gpu: int, how: str = "gone") -> None:
        """Takes a card away: `gone`, as after a restart of the driver, or `lost`, as when it fell off the bus.

        gpu: the slot's number. Containers that have it see that too; the device list of `gone` is written anew.
        """
        self.put(self.cards[gpu].file, self.cards[gpu].text(how))
        if how == "gone":
            self.away.add(gpu)
            self._specify()

    def find(self, gpu: int) -> None:
        """Gives a card back."""
        self.put(self.cards[gpu].file, self.cards[gpu].text())
        self.away.discard(gpu)
        self._specify()

    def reboot(self) -> None:
        """Restarts the machine and waits for it; its port may be another."""
        docker("restart", "-t", "20", self.name)
        object.__setattr__(self, "port", _port(self.name))
        _ready(self)

    @contextmanager
    def engine(self) -> Iterator[str]:
        """A value of DOCKER_HOST with which a client here talks to the Docker there, through SSH."""
        socket = self.folder / "docker.sock"
        way = f"{socket}:/var/run/docker.sock"
        argv = ["ssh", *self.ssh_options, "-nNT", "-o", "ExitOnForwardFailure=yes", "-L", way]
        with subprocess.Popen([*argv, "-p", str(self.port), "root@127.0.0.1"]) as tunnel:
            try:
                wait_until(socket.exists, clock=_CLOCK, deadline=20, every=0.05, what="the tunnel")
                yield f"unix://{socket}"
            finally:
                tunnel.terminate()
                tunnel.wait(10)
                socket.unlink(missing_ok=True)

    def swarmctl(self, *words: str, folder: str = "/root", seconds: float = 300) -> subprocess.CompletedProcess[bytes]:
        """The command line of this checkout on a host of kind `user`, where such a person would type it."""
        return self.tries(_python(folder, "-m", "swarmctl", *words), seconds=seconds)

    def swarmctl_python(self, script: str, *, seconds: float = 300) -> str:
        """What a Python script prints there, which can run `python3 -m swarmctl` and import it."""
        return self.ssh(_python("/root", "-c", script), seconds=seconds)

    def _specify(self) -> None:
        left = [card for card in self.cards if card.number not in self.away]
        self.put(SPECIFICATION, specification(left))


@contextmanager
def host(
    kind: str = "vm",
    *,
    suite: str = "trixie",
    gpus: int = 0,
    card: str = "a100-80",
    images: Mapping[str, str] | Sequence[str] = (),
    mounts: Sequence[str] = (),
) -> Iterator[Host]:
    """A machine until the block ends.

    kind: bare, vm, container, or user (a VM that swarmctl runs on). card: a word for a profile, as `--gpu` takes it.
    images: of the ground, in the machine's Docker when it starts, by another name where that is given. mounts: as
    `docker run -v` takes them; this checkout is there anyway on a `user` host, read-only.
    """
    name = f"swarmctl-{kind}-{uuid.uuid4().hex[:8]}"
    nested = kind in {"vm", "user"}
    with ExitStack() as after, tempfile.TemporaryDirectory(prefix="host-") as scratch:
        folder = Path(scratch)
        after.callback(_remove, name)
        volumes = [f"{name}:/var/lib/docker"] if nested else []
        if nested and images:
            seed(name, images if isinstance(images, Mapping) else {one: one for one in images})
        volumes += [f"{shaders()}:{HERE}"] if gpus else []
        volumes += [*mounts, *([f"{ROOT}:{_CHECKOUT}:ro"] if kind == "user" else [])]
        options = [] if kind == "container" else _MACHINE
        rule = ["--device-cgroup-rule", "a *:* rwm"] if nested else []
        made = ["--name", name, "--hostname", name, "--label", "swarmctl.test=host", "-p", "127.0.0.1::22"]
        words = [word for volume in volumes for word in ("-v", volume)]
        docker("create", *made, *options, *rule, *words, f"{_IMAGES[kind]}:{suite}")
        found = cards(card, gpus, name)
        _give(name, {**_keys(folder), **_card_files(found), **(_daemon(name) if nested else {})})
        docker("start", name)
        running = Host(kind, name, _port(name), folder, found)
        _ready(running)
        yield running


def _python(folder: str, *words: str) -> list[str]:
    """Bytecode lies beside it: the checkout is read-only there, and compiling it each time takes a second."""
    env = f"env NO_COLOR=1 PYTHONPYCACHEPREFIX=/root/.cache/bytecode PYTHONPATH=/opt/swarmctl:{_CHECKOUT}/provisioning"
    return ["sh", "-c", f'cd "$1" && shift && exec {env} "$@"', "sh", folder, "python3", "-P", *words]


def _ready(machine: Host) -> None:
    """Known by the key that it has made for itself, and, where it has one, its service manager has started all."""

    def answers() -> bool:
        shown = ["docker", "exec", machine.name, "cat", "/etc/ssh/ssh_host_ed25519_key.pub"]
        done = subprocess.run(shown, capture_output=True, text=True, check=False)
        (machine.folder / "known_hosts").write_text(f"[127.0.0.1]:{machine.port} {done.stdout}")
        return done.returncode == 0 and machine.tries(["true"], seconds=20).returncode == 0

    wait_until(answers, clock=_CLOCK, deadline=60, every=0.2, what=f"SSH of {machine.name}")
    if machine.kind != "container":
        done = machine.tries(["systemctl", "is-system-running", "--wait"], seconds=90)
        failed = machine.tries(["systemctl", "--failed", "--no-legend", "--plain"]).stdout.decode()
        assert done.stdout.strip() == b"running", f"{done.stdout.decode()}{failed}"


def _port(name: str) -> int:
    return int(docker("port", name, "22").split()[0].rpartition(":")[2])


def _keys(folder: Path) -> dict[str, bytes]:
    make = ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "test", "-f", str(folder / "id")]
    subprocess.run(make, check=True)
    return {"root/.ssh/authorized_keys": (folder / "id.pub").read_bytes()}


def _card_files(found: list[StandIn]) -> dict[str, bytes]:
    if not found:
        return {}
    listed = {SPECIFICATION: specification(found), **{card.file: card.text() for card in found}}
    tools = {"usr/bin/nvidia-smi": TOOL.read_bytes(), HOOK[1:]: SHADERS.read_bytes()}
    return {**tools, **{name[1:]: text.encode() for name, text in listed.items()}}


def _daemon(name: str) -> dict[str, bytes]:
    """Control groups of its containers lie below its own, so that they go when it goes."""
    container = docker("inspect", "-f", "{{.Id}}", name).strip()
    settings = {"features": {"cdi": True}, "cgroup-parent": f"/docker/{container}/containers"}
    return {"etc/docker/daemon.json": json.dumps(settings).encode()}


def _give(name: str, files: Mapping[str, bytes]) -> None:
    """Puts files into a container that has not started yet."""
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w") as tar:
        for path, data in files.items():
            entry = tarfile.TarInfo(path)
            entry.size, entry.mode = len(data), 0o755 if "/bin/" in path else 0o644
            tar.addfile(entry, io.BytesIO(data))
    command = ["docker", "cp", "-", f"{name}:/"]
    done = subprocess.run(command, input=packed.getvalue(), capture_output=True, check=False)
    assert done.returncode == 0, done.stderr.decode()


def _remove(name: str) -> None:
    subprocess.run(["docker", "rm", "-f", "-v", name], capture_output=True, check=False)
    subprocess.run(["docker", "volume", "rm", "-f", name], capture_output=True, check=False)
