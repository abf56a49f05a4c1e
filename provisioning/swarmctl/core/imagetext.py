"""What Docker's client prints while it pulls and builds: how far it is, and why it stopped, in words."""

import re
from collections.abc import Sequence

_STEP = re.compile(r"#\d+ \[(?P<what>[^\]]+)\] (?P<step>[A-Z]+ .*)")
_LAYER = re.compile(r"[0-9a-f]{12}: (?P<what>Pull complete|Already exists)")

GONE, TAKEN = "no Docker Engine answers", "another program took a port"

_WHY = (
    ("no space left on device|not enough space|disk quota exceeded",
     "there is no space left", "docker system df; df -h"),
    ("access denied|daemon: denied|denied:|unauthorized|authentication required|403 Forbidden",
     "the registry refuses (no such image, or not for you)", "docker login, or name an image that you may pull"),
    ("toomanyrequests|429 Too Many",
     "the registry refuses: too many requests", "wait, or docker login"),
    ("manifest unknown|manifest for .* not found|404 Not Found.*manifest|: not found",
     "the registry has no such image", "check its name and version"),
    ("unexpected (HTTP )?status.*: 5[0-9][0-9]",
     "the registry is out of order", "wait, or load the image: docker load -i FILE"),
    ("x509:|certificate signed by|CERTIFICATE_VERIFY_FAILED",
     "a certificate is not trusted", "put its authority into /etc/docker/certs.d/<registry>/ca.crt"),
    ("server gave HTTP response to HTTPS client",
     "the registry speaks no TLS", "list it under insecure-registries in /etc/docker/daemon.json"),
    ("PACKAGES DO NOT MATCH THE HASHES",
     "a package is not the one that was locked", "do not use that package index"),
    ("no such host|dial tcp|i/o timeout|connection refused|network is unreachable|TLS handshake timeout|Client.Timeout",
     "the network does not carry it", "check the network and its proxy, or load the image: docker load -i FILE"),
    ("Temporary failure resolving|Could not resolve|Unable to fetch some archives|Max retries exceeded",
     "packages cannot be fetched", "check the network and its proxy"),
    ("buildx component is missing|'buildx' is not a docker command|unknown flag: --(load|progress)",
     "Docker's builder is missing", "install docker-buildx, then swarmctl up"),
    ("permission denied while trying to connect|dial unix .*permission denied",
     "this user may not talk to Docker", "sudo usermod -aG docker $USER, and log in again"),
    ("Cannot connect to the Docker daemon|Is the docker daemon running|error during connect|dial unix",
     GONE, "swarmctl doctor"),
    ("port is already allocated|address already in use|ports are not available",
     TAKEN, "swarmctl up, which takes a free one"),
    ("'compose' is not a docker command|unknown flag: --file",
     "Docker's Compose is missing, or too old", "swarmctl doctor"),
)  # fmt: skip


def progress(line: str) -> str:
    """What a line says of how far it is: a step of a build, a layer of a pull; "" for all other lines."""
    if step := _STEP.match(line):
        words = " ".join(step["step"].split())
        words = re.sub(r"--mount=\S+ ", "", words)
        return f"{step['what'].split()[-1]}: {words[:70]}{'…' if len(words) > 70 else ''}"
    if layer := _LAYER.match(line):
        return f"layer: {layer['what'].lower()}"
    return ""


def why(lines: Sequence[str]) -> tuple[str, str]:
    """The reason in words and what to type, from the last lines of a client that failed; ("", "") for an unknown one.

    The order of the table counts, not that of the lines: a full disk also breaks off a download.
    """
    text = "\n".join(lines)
    for pattern, reason, hint in _WHY:
        if re.search(pattern, text, re.IGNORECASE):
            return reason, hint
    return "", ""
