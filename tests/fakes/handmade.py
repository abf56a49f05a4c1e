"""Images made of given layers, without a builder: in this machine's Docker until they are removed."""

import hashlib
import io
import json
import os
import subprocess
import tarfile

from fakes.grounded import docker

LABEL = "swarmctl.test"


def layer(name: str, size: int) -> bytes:
    """An unpacked layer with one file of bytes that cannot be packed."""
    made = io.BytesIO()
    with tarfile.open(fileobj=made, mode="w") as archive:
        entry = tarfile.TarInfo(name)
        entry.size = size
        archive.addfile(entry, io.BytesIO(os.urandom(size)))
    return made.getvalue()


def digest(data: bytes) -> str:
    """sha256 in hexadecimal digits."""
    return hashlib.sha256(data).hexdigest()


def image(tag: str, *layers: bytes) -> None:
    """An image of these layers, lowest first."""
    config = {
        "architecture": "amd64",
        "os": "linux",
        "config": {"Cmd": ["/nothing"], "Labels": {LABEL: "layers"}},
        "rootfs": {"type": "layers", "diff_ids": [f"sha256:{digest(one)}" for one in layers]},
    }
    files = {f"{number}.tar": data for number, data in enumerate(layers)}
    listed = [{"Config": "config.json", "RepoTags": [tag], "Layers": list(files)}]
    files |= {"config.json": json.dumps(config).encode(), "manifest.json": json.dumps(listed).encode()}
    made = io.BytesIO()
    with tarfile.open(fileobj=made, mode="w") as archive:
        for name, data in files.items():
            entry = tarfile.TarInfo(name)
            entry.size = len(data)
            archive.addfile(entry, io.BytesIO(data))
    done = subprocess.run(["docker", "load", "-q"], input=made.getvalue(), capture_output=True, check=False)
    assert done.returncode == 0, done.stderr.decode()


def remove(*tags: str) -> None:
    """They are not here any more."""
    for tag in tags:
        docker("rmi", "-f", tag)
