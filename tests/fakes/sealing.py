"""A world to be sealed from: an outside that answers, another swarm, and stacks whose walls were taken down by hand."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from fakes.ejecting import AGENT, Ejected, running
from fakes.grounded import docker
from ground.places import tiny
from swarmctl.core.seal import Seal
from swarmctl.core.sealroads import bridge
from swarmctl.effects import hostwall
from swarmctl.effects.clock import SystemClock
from swarmctl.effects.runtimes.compose import ComposeRuntime
from swarmctl.effects.sealaround import Reach
from swarmctl.effects.sealing import Sealed, seal

WORLD, CREDENTIALS = "203.0.113.9", "203.0.113.10"
"""Addresses that belong to nobody; here they answer: pages on 80, names on 53."""
REACH = Reach(((WORLD, 80), (WORLD, 53)), ((CREDENTIALS, 80),), ("example.com",), control=True)
_LABEL = "swarmctl.test=seal"

_SERVER = """
import http.server, socket, threading
def names():
    s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); s.bind(("203.0.113.9", 53))
    while True:
        asked, who = s.recvfrom(512)
        s.sendto(asked[:2] + bytes((0x81, 0x83)) + asked[4:6] + bytes(6) + asked[12:], who)
threading.Thread(target=names, daemon=True).start()
http.server.HTTPServer(("0.0.0.0", 80), http.server.BaseHTTPRequestHandler).serve_forever()
"""


def team(name: str, *roles: str) -> str:
    """A swarm file; no model is ever loaded."""
    lines = "\n".join(f"  {role}: {{model: tiny}}" for role in ("orchestrator", *roles))
    return (
        f"name: {name}\nengine: {{kind: ollama, context: 1024}}\nmodels:\n  tiny: {{path: {tiny('docs')}}}\n"
        f"roles:\n{lines}\nlimits: {{output: 24, requests: 4, time: 3m}}\n"
    )


def allowed() -> bool:
    """This user may make a network of its own and rules for the host."""
    return os.geteuid() == 0 and bool(shutil.which("ip")) and hostwall.able()


@contextmanager
def world() -> Iterator[None]:
    """A network beyond this host, in which two addresses answer; Docker's containers reach it if nothing stops them."""
    name = f"seal{os.getpid()}"
    ends = (f"s{os.getpid()}a", f"s{os.getpid()}b")
    _ip("netns", "add", name)
    server = None
    try:
        _ip("link", "add", ends[0], "type", "veth", "peer", "name", ends[1], "netns", name)
        _ip("addr", "add", "203.0.113.1/24", "dev", ends[0])
        _ip("link", "set", ends[0], "up")
        for address in (WORLD, CREDENTIALS):
            _ip("-n", name, "addr", "add", f"{address}/24", "dev", ends[1])
        for end in ("lo", ends[1]):
            _ip("-n", name, "link", "set", end, "up")
        _ip("-n", name, "route", "add", "default", "via", "203.0.113.1")
        argv = ["ip", "netns", "exec", name, sys.executable, "-c", _SERVER]
        server = subprocess.Popen(argv, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        yield
    finally:
        if server:
            server.kill()
            server.wait()
        _ip("netns", "del", name)


def _ip(*words: str) -> None:
    subprocess.run(["ip", *words], check=True, capture_output=True)


@contextmanager
def stranger() -> Iterator[str]:
    """A container of another swarm on a network of its own, which answers on 8080; gives the network."""
    name = f"seal-stranger-{os.getpid()}"
    docker("network", "create", "--label", _LABEL, "--label", "swarmctl.swarm=another", name)
    try:
        argv = ("--entrypoint", "python3", AGENT, "-m", "http.server", "8080", "--directory", "/tmp")
        docker("run", "-d", "--name", name, "--label", _LABEL, "--network", name, *argv)
        yield name
    finally:
        docker("rm", "-f", name)
        docker("network", "rm", name)


@contextmanager
def wall(swarm: str) -> Iterator[None]:
    """The host closed to all bridges of a swarm."""
    try:
        for network in ComposeRuntime(swarm).networks():
            hostwall.close(swarm, bridge(network))
        yield
    finally:
        hostwall.open_again(swarm)


def sealed(swarm: str, folder: Path, **lock: str) -> Seal:
    """The seal of a stack that an ejected folder runs."""
    what = Sealed(swarm, ComposeRuntime(swarm), folder, lock, REACH)
    return seal(what, SystemClock(), tell=lambda _: None)


def failing(found: Seal) -> dict[str, set[str]]:
    """Names of rows with a hole → the services that have it."""
    return {row.name: {one.service for one in row.findings if one.verdict == "fail"} for row in found.failed}


@contextmanager
def weakened(folder: Path, name: str, *, network: str) -> Iterator[Ejected]:
    """A stack in which each agent has holes of its own, and whose network leads out; `network` is lent to one more."""
    roles = ("frontend", "backend", "testing", "security", "docs", "devops")
    swarm = Ejected(folder, team(name, *roles))
    image = f"swarmctl/seal-test:{os.getpid()}"
    _spoiled(folder, swarm, image)
    file: Any = json.loads(json.dumps(swarm.file))
    services = file["services"]
    services["agent-orchestrator"] |= {"read_only": False, "logging": {"driver": "json-file"}}
    for key in ("pids_limit", "mem_limit", "memswap_limit"):
        del services["agent-orchestrator"][key]
    services["agent-frontend"] |= {"user": "0:0", "cap_drop": [], "cap_add": ["NET_RAW"]}
    del services["agent-backend"]["security_opt"]
    services["agent-testing"]["volumes"] += ["/var/run/docker.sock:/var/run/docker.sock", "/etc:/mnt"]
    token = swarm.secret("agents.token")
    services["agent-security"]["environment"]["MY_TOKEN"] = token
    talks = ["bash", "-c", 'cat /run/secrets/agents.token; echo; exec "$$@"', "bash"]
    services["agent-security"]["entrypoint"] = [*talks, *services["agent-security"]["entrypoint"]]
    services["agent-docs"]["image"] = image
    services["agent-devops"]["dns"] = [WORLD]
    services["agent-devops"]["networks"] = ["agents", "lent"]
    file["networks"]["agents"]["internal"] = False
    file["networks"]["lent"] = {"name": network, "external": True}
    (swarm.folder / "compose.yml").write_text(json.dumps(file))
    try:
        swarm.compose("up", "-d")
        swarm.healthy()
        # Not before: an agent refuses to start with a key that others may read.
        (swarm.folder / "secrets" / "engine.key").chmod(0o644)
        yield swarm
    finally:
        swarm.compose("down", "-v", "-t", "2")
        docker("rmi", image)


def _spoiled(folder: Path, swarm: Ejected, image: str) -> None:
    """An agent image with a secret in a layer that a later one hides, and with packages that nobody locked."""
    place = folder / "spoiled"
    place.mkdir()
    (place / "token").write_text(swarm.secret("agents.token"))
    (place / "Dockerfile").write_text(
        f"FROM {AGENT}\nUSER 0:0\nCOPY token /opt/token\nRUN rm /opt/token && echo 'import os' > /opt/agent/more.pth"
        " && echo '# more' >> /opt/agent/h11/_state.py\nUSER 10001:10001\n"
    )
    env = {**os.environ, "DOCKER_BUILDKIT": "1", "BUILDX_NO_DEFAULT_ATTESTATIONS": "1"}
    subprocess.run(["docker", "build", "-q", "-t", image, str(place)], check=True, capture_output=True, env=env)


__all__ = ["REACH", "WORLD", "allowed", "failing", "running", "sealed", "stranger", "team", "wall", "weakened", "world"]
