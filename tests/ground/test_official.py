"""On a machine that reaches the official images nothing is built: shown on a host whose Docker has a mirror of them."""

import io
import os
import shutil
import subprocess
import sys
import tarfile
from pathlib import Path

import pytest

from fakes.grounded import docker, stands
from fakes.hosts import Host, host
from ground.places import ADDRESS, OLLAMA, OLLAMA_OLD

pytestmark = [pytest.mark.ground, pytest.mark.scenario(seconds=40)]

HERE = Path(__file__).parent
PARTS = {
    "bookworm": "debian:bookworm-slim",
    "trixie": "debian:trixie-slim",
    "forky": "debian:forky-slim",
    "ollama": OLLAMA,
    "ollama-old": OLLAMA_OLD,
}
_REGISTRY = f"version: 0.1\nstorage: {{filesystem: {{rootdirectory: /root/registry}}}}\nhttp: {{addr: {ADDRESS}}}\n"


def test_official_images_are_pulled_and_nothing_is_built(tmp_path: Path) -> None:
    stands("engine", "host-vm")
    registry = shutil.which("docker-registry")
    if registry is None:
        pytest.skip("needs Debian's docker-registry: apt-get install docker-registry")
    with host("vm", mounts=[f"{registry}:/usr/bin/docker-registry:ro"]) as machine, machine.engine() as address:
        published = _published(machine, address)
        env = {**os.environ, "DOCKER_HOST": address, "XDG_CACHE_HOME": str(tmp_path)}
        first = _ground(env)
        for part, tag in PARTS.items():
            (line,) = [line for line in first.splitlines() if line.startswith(f"{part} ") and tag in line]
            assert "official: made" in line
            assert docker("-H", address, "image", "inspect", "-f", "{{.Id}}", tag).strip() == published[tag]
        again = _ground(env)
        assert again.count("official: there") == len(PARTS)
        assert not list((tmp_path / "swarmctl/ground/logs").glob("*")), "a build or debootstrap leaves a log"


def _published(machine: Host, address: str) -> dict[str, str]:
    """Digests of images that are not ours, by official names, in a registry that the host's Docker has for a mirror."""
    machine.put("/root/registry.yml", _REGISTRY)
    machine.ssh(["systemd-run", "-q", "--unit", "registry", "docker-registry", "serve", "/root/registry.yml"])
    base = docker("-H", address, "info", "-f", "{{.Images}}").strip()
    assert base == "0", "nothing is there before"
    published = {}
    for tag in PARTS.values():
        there = f"{ADDRESS}/{tag if '/' in tag else f'library/{tag}'}"
        argv = ["docker", "-H", address, "import", "-", there]
        done = subprocess.run(argv, input=_root(tag), check=True, capture_output=True)
        published[tag] = done.stdout.decode().strip()
        docker("-H", address, "push", there)
        docker("-H", address, "rmi", there)
    machine.put("/etc/docker/daemon.json", f'{{"registry-mirrors": ["http://{ADDRESS}"]}}')
    machine.ssh(["systemctl", "restart", "docker"])
    return published


def _root(tag: str) -> bytes:
    """The file system of an image: one file, which says what it is in."""
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w") as tar:
        entry = tarfile.TarInfo("official")
        entry.size = len(tag)
        tar.addfile(entry, io.BytesIO(tag.encode()))
    return packed.getvalue()


def _ground(env: dict[str, str]) -> str:
    done = subprocess.run([sys.executable, HERE, *PARTS], capture_output=True, text=True, env=env, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout
