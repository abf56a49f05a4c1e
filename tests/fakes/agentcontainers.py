"""Agents alone in containers, as a stack runs them but for their engine: how long they take, and what they hold."""

import json
import os
import secrets
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from fakes.grounded import docker
from swarmctl.core.agentfile import AgentFile, Peer

USER = 10001
LABEL = "swarmctl.test=agent-image"
_WALLS = (
    "--read-only", "--cap-drop", "ALL", "--security-opt", "no-new-privileges:true", "--init", "--pids-limit", "256",
    "--memory", "512m", "--tmpfs", "/tmp:size=64m,mode=1777",
)  # fmt: skip


@contextmanager
def agents(image: str, folder: Path, count: int) -> Iterator[list[str]]:
    """Names of so many containers, made and not started; removed with their network at the end."""
    tag = secrets.token_hex(4)
    network = f"agents-{tag}"
    docker("network", "create", "--internal", "--label", LABEL, network)
    names = [f"agent-{tag}-{n}" for n in range(count)]
    try:
        for name in names:
            docker(
                "create", "--name", name, "--label", LABEL, "--network", network, *_WALLS, *_files(folder / name), image
            )
        yield names
    finally:
        docker("rm", "-f", *names)
        docker("network", "rm", network)


def started(names: list[str]) -> float:
    """Seconds from `docker start` of all of them until each lets a connection in."""
    begun = time.monotonic()
    docker("start", *names)
    waiting = {name: docker("inspect", "-f", "{{range .NetworkSettings.Networks}}{{.IPAddress}}{{end}}", name).strip()
               for name in names}  # fmt: skip
    while waiting:
        waiting = {name: address for name, address in waiting.items() if not _listens(address)}
        assert time.monotonic() < begun + 60, docker("logs", next(iter(waiting)))
        time.sleep(0.02)
    return time.monotonic() - begun


def resident(name: str) -> float:
    """MB of memory that the processes of a container have in RAM, files mapped in included."""
    rows = docker("top", name, "-o", "pid,rss").split("\n")[1:]
    return sum(int(row.split()[1]) for row in rows if row.strip()) * 1024 / 1e6


def processor(names: list[str]) -> float:
    """Seconds of processor that the processes in these containers have used so far, as the kernel counts them."""
    ticks = 0
    for name in names:
        for row in docker("top", name, "-o", "pid").split()[1:]:
            fields = Path(f"/proc/{row}/stat").read_text().rpartition(")")[2].split()
            ticks += int(fields[11]) + int(fields[12])
    return ticks / os.sysconf("SC_CLK_TCK")


def _listens(address: str) -> bool:
    with socket.socket() as probe:
        probe.settimeout(0.2)
        return probe.connect_ex((address, 8080)) == 0


def _files(folder: Path) -> list[str]:
    for name in ("data", "secrets"):
        (folder / name).mkdir(parents=True)
    for name in ("engine.key", "agents.token"):
        (folder / "secrets" / name).write_text(secrets.token_urlsafe(32))
        (folder / "secrets" / name).chmod(0o600)
    settings = AgentFile(
        swarm="image", role="backend", host="0.0.0.0", port=8080, token_file="/run/secrets/agents.token", data="/data",
        prompt="You test.", engine_url="http://127.0.0.1:9/v1", engine_key_file="/run/secrets/engine.key", model="none",
        context=2048, output=64, requests=3, time=60, temperature=0.0, slots=1,
        orchestrator=Peer(role="orchestrator", url="http://127.0.0.1:9"),
    )  # fmt: skip
    (folder / "agent.json").write_text(json.dumps(settings.model_dump(mode="json")))
    for path in (folder, *folder.rglob("*")):
        os.chown(path, USER, USER)
    mounts = {"agent.json": "/etc/swarmctl/agent.json:ro", "secrets": "/run/secrets:ro", "data": "/data"}
    return [word for name, place in mounts.items() for word in ("-v", f"{folder / name}:{place}")]
