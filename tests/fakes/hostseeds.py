"""What a host's Docker holds when the host starts: images loaded once into a volume, and linked into each host's."""

import fcntl
import hashlib
import os
import subprocess
import uuid
from collections.abc import Mapping
from pathlib import Path

from fakes.grounded import docker
from ground.places import CACHE, HOST_VM
from swarmctl.effects.clock import SystemClock, wait_until

_LABEL = "swarmctl.test=seed"
_KEPT = 6
_LAYERS = "overlay2"
"""Files of a layer never change; all else is written to, and so is copied."""


def seed(volume: str, images: Mapping[str, str]) -> None:
    """Makes a volume with these images, by the names they are to have there.

    Each seed stands on the one before, largest image first: of a new build of the agent only that is loaded anew.
    Root's work: the folders of volumes are nobody else's. Seeds are volumes too: links do not leave a mount.
    """
    kept, told = "", ""
    with (CACHE / "seeds.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        for here, (size, digest) in sorted({name: _image(name) for name in images}.items(), key=lambda one: -one[1][0]):
            below, told = kept, f"{told}{images[here]} {digest} {size}\n"
            kept = f"swarmctl-seed-{hashlib.sha256(told.encode()).hexdigest()[:16]}"
            if kept not in _seeds():
                _make(kept, below, here, images[here])
            os.utime(_folder(kept))
        docker("volume", "create", "--label", "swarmctl.test=host", volume)
        _copy(_folder(kept), _folder(volume))
        for old in sorted(_seeds(), key=lambda name: _folder(name).stat().st_mtime)[:-_KEPT]:
            docker("volume", "rm", old)


def _image(name: str) -> tuple[int, str]:
    """Size and digest."""
    size, digest = docker("image", "inspect", "-f", "{{.Size}} {{.Id}}", name).split()
    return int(size), digest


def _seeds() -> list[str]:
    return docker("volume", "ls", "-q", "--filter", f"label={_LABEL}").split()


def _make(kept: str, below: str, here: str, there: str) -> None:
    name = f"swarmctl-seeding-{uuid.uuid4().hex[:8]}"
    try:
        for volume in (name, f"{kept}-part"):
            docker("volume", "create", "--label", "swarmctl.test=host", volume)
        if below:
            _copy(_folder(below), _folder(name))
        _start(name)
        with subprocess.Popen(["docker", "save", here], stdout=subprocess.PIPE) as pipe:
            load = ["docker", "exec", "-i", name, "docker", "load", "-q"]
            subprocess.run(load, stdin=pipe.stdout, check=True, capture_output=True)
        assert pipe.returncode == 0, here
        if here != there:
            docker("exec", name, "docker", "tag", here, there)
            docker("exec", name, "docker", "rmi", here)
        docker("stop", "-t", "20", name)
        _copy(_folder(name), _folder(f"{kept}-part"))
        docker("volume", "create", "--label", _LABEL, kept)
        _folder(f"{kept}-part").rename(_folder(kept))
    finally:
        subprocess.run(["docker", "rm", "-f", "-v", name], capture_output=True, check=False)
        subprocess.run(["docker", "volume", "rm", "-f", name, f"{kept}-part"], capture_output=True, check=False)


def _start(name: str) -> None:
    """An engine without network: all that it does is take images in."""
    options = ["--cap-add", "ALL", "--cap-drop", "SYS_RESOURCE", "--security-opt", "seccomp=unconfined"]
    options += ["--security-opt", "apparmor=unconfined", "--network", "none", "--label", "swarmctl.test=host"]
    options += ["--stop-signal", "TERM"]
    engine = ["dockerd", "--iptables=false", "--bridge=none", "--ip-forward=false"]
    docker("run", "-d", "--name", name, *options, "-v", f"{name}:/var/lib/docker", f"{HOST_VM}:trixie", *engine)
    asked = ["docker", "exec", name, "docker", "info"]

    def answers() -> bool:
        return subprocess.run(asked, capture_output=True, check=False).returncode == 0

    wait_until(answers, clock=SystemClock(), deadline=60, every=0.2, what="the Docker of a seed")


def _folder(volume: str) -> Path:
    return Path(docker("volume", "inspect", "-f", "{{.Mountpoint}}", volume).strip())


def _copy(source: Path, target: Path) -> None:
    """Layers by hard links, for they take seconds to copy; not the engine's identity, which each host makes."""
    for path in source.iterdir():
        if path.name != "engine-id":
            how = "-al" if path.name == _LAYERS else "-a"
            subprocess.run(["cp", how, str(path), str(target)], check=True, capture_output=True)
