"""How a guest becomes a container: the words of `docker create`, and the files that are in it before it starts."""

import io
import tarfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from swarmctl.market.hosts.cards import HOOK, TOOL, files
from swarmctl.market.hosts.guest import Guest

CONTRACT, OWNER = "swarmctl-market.contract", "swarmctl-market.state"
ONSTART = "/root/onstart.sh"
_MACHINE = (
    *("--cap-add", "ALL", "--cap-drop", "SYS_RESOURCE"),
    *("--security-opt", "seccomp=unconfined", "--security-opt", "apparmor=unconfined"),
    *("--cgroupns", "host", "-v", "/sys/fs/cgroup:/sys/fs/cgroup"),
    *("--tmpfs", "/run", "--tmpfs", "/run/lock", "--device-cgroup-rule", "a *:* rwm"),
)
_FIRST = (
    "mkdir -p /run/sshd && ssh-keygen -qA && "
    f"{{ [ ! -s {ONSTART} ] || bash {ONSTART} & }} && exec /usr/sbin/sshd -De -o ClientAliveInterval=30"
)
_UNIT = f"""[Unit]
Description=What the renter wants to run first
After=network.target
[Service]
ExecStart={ONSTART}
RemainAfterExit=yes
[Install]
WantedBy=multi-user.target
"""


@dataclass(frozen=True, slots=True)
class Images:
    """What guests are made of. overlay: a folder whose files are laid over every guest's. volumes: as `docker -v`."""

    vm: str = "swarmctl/host-vm:trixie"
    container: str = "swarmctl/host-container:trixie"
    overlay: Path | None = None
    volumes: tuple[str, ...] = ()


def name(owner: str, id_: int) -> str:
    """The container's, and its volume's."""
    return f"swarmctl-market-{owner}-{id_}"


def create(guest: Guest, owner: str, images: Images, env_file: str) -> list[str]:
    """Words after `docker`. env_file: where a container's environment is: it holds a key."""
    called = name(owner, guest.id)
    words = ["create", "--name", called, "--hostname", f"C.{guest.id}"]
    words += ["--label", f"{CONTRACT}={guest.id}", "--label", f"{OWNER}={owner}"]
    for inner, port in guest.ports.items():
        number, _, protocol = inner.partition("/")
        same = int(number) >= 70_000
        words += ["-p", f"127.0.0.1:{port}:{port if same else number}/{protocol}"]
    if guest.proxy:
        words += ["-p", f"127.0.0.1:{guest.proxy}:22"]
    words += [word for volume in images.volumes for word in ("-v", volume)]
    if guest.vm:
        return [*words, *_MACHINE, "-v", f"{called}:/var/lib/docker", images.vm]
    return [*words, "--env-file", env_file, images.container, "sh", "-c", _FIRST]


def environment(env: Mapping[str, str], *, quoted: bool = False) -> str:
    """Lines of a file of variables; what does not fit on a line is left out."""
    fits = {key: value for key, value in env.items() if not set("\n\r\0") & set(key + value) and "=" not in key and key}
    mark = '"' if quoted else ""
    return "".join(f"{key}={mark}{value}{mark}\n" for key, value in fits.items())


def archive(guest: Guest, daemon: str, images: Images) -> bytes:
    """A tar of what is in it before it starts. daemon: settings of a VM's Docker."""
    overlay = _overlay(images.overlay)
    texts: dict[str, bytes] = {TOOL[1:]: Path(__file__).with_name("nvidia-smi").read_bytes()}
    texts |= {path[1:]: text.encode() for path, text in files(guest, hook=HOOK[1:] in overlay).items()}
    texts |= {"root/.ssh/authorized_keys": keys(guest), ONSTART[1:]: guest.onstart.encode()}
    if guest.vm:
        texts |= {"etc/environment": environment(guest.env, quoted=True).encode()}
        texts |= {"etc/docker/daemon.json": daemon.encode()}
    links = {}
    if guest.vm and guest.onstart:
        texts["etc/systemd/system/onstart.service"] = _UNIT.encode()
        links["etc/systemd/system/multi-user.target.wants/onstart.service"] = "/etc/systemd/system/onstart.service"
    return _packed(texts | overlay, links)


def keys(guest: Guest) -> bytes:
    """Whom it lets in."""
    return "".join(f"{one}\n" for one in guest.ssh_keys).encode()


def _overlay(folder: Path | None) -> dict[str, bytes]:
    if folder is None:
        return {}
    return {str(path.relative_to(folder)): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


def _packed(texts: Mapping[str, bytes], links: Mapping[str, str]) -> bytes:
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w") as tar:
        for path, data in texts.items():
            entry = tarfile.TarInfo(path)
            runs = path.startswith("usr/bin/") or path == ONSTART[1:]
            entry.size, entry.mode = len(data), 0o755 if runs else 0o600 if ".ssh" in path else 0o644
            tar.addfile(entry, io.BytesIO(data))
        for path, target in links.items():
            link = tarfile.TarInfo(path)
            link.type, link.linkname = tarfile.SYMTYPE, target
            tar.addfile(link)
    return packed.getvalue()
