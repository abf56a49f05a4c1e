"""Swarms on machines that are not this one: their files, and what a look from outside finds on such a machine."""

import socket
from collections.abc import Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import yaml

from fakes.hosts import Host
from fakes.person import Person
from ground.places import OLLAMA_VULKAN, tiny, tiny_random
from swarmctl.errors import RunError

BASE = "/var/lib/swarmctl"
_WAIT = 0.5


def swarm(folder: Path, target: Mapping[str, Any], **more: Any) -> None:
    """A swarm file of a small team on processors: an orchestrator and a specialist that can do one simple task."""
    _write(folder, {
        "name": "team",
        "target": dict(target),
        "engine": {"kind": "ollama", "context": 2048},
        **_team(),
        **more,
    })  # fmt: skip


def processes(folder: Path, target: Mapping[str, Any], runtime: str | None = "process", **more: Any) -> None:
    """The same as processes, for machines that have no Docker; without a runtime, as who names none."""
    said = {} if runtime is None else {"runtime": runtime}
    _write(folder, {
        "name": "team",
        "target": dict(target),
        **said,
        "engine": {"context": 2048},
        **_team(),
        **more,
    })  # fmt: skip


def swarm_on_a_card(folder: Path) -> None:
    """The same with a further specialist on the machine's card; no target, so that flags say where."""
    _write(folder, {
        "name": "team",
        "runtime": "compose",
        "engine": {"kind": "ollama", "image": OLLAMA_VULKAN, "context": 2048},
        **_team(card=True),
    })  # fmt: skip


def processes_on_a_card(folder: Path, target: Mapping[str, Any]) -> None:
    """The same as processes of a machine that has a server for its card."""
    said = {"name": "team", "target": dict(target), "runtime": "process", "engine": {"context": 2048}}
    _write(folder, {**said, **_team(card=True)})


def _team(*, card: bool = False) -> dict[str, Any]:
    """Two roles whose models are on processors, and a third, which cannot do much, whose model is on a card."""
    models = {role: {"path": str(tiny(role)), "device": "cpu"} for role in ("orchestrator", "backend")}
    roles: dict[str, Any] = {role: {"model": role, "temperature": 0} for role in ("orchestrator", "backend")}
    if card:
        models["frontend"] = {"path": str(tiny_random("frontend")), "device": "gpu"}
        roles["frontend"] = {"model": "frontend", "temperature": 0, "context": 256, "output": 16}
    return {"models": models, "roles": roles, "limits": {"output": 512, "requests": 10, "time": "10m"}}


def inventory(folder: Path, machine: Host, name: str = "gpu1") -> None:
    """An inventory that knows this machine."""
    said = {
        "ansible_host": "127.0.0.1",
        "ansible_port": machine.port,
        "ansible_user": "root",
        "ansible_ssh_private_key_file": str(machine.key),
    }
    (folder / "inventory").mkdir(exist_ok=True)
    (folder / "inventory" / "hosts.yml").write_text(yaml.safe_dump({"swarmctl": {"hosts": {name: said}}}))


def branch_of_a_run(person: Person, repository: Path, task: str) -> str:
    """A task, worked on by the team there: the branch that came back, whole or in part, since models are tiny."""
    running = person.start("run", "--swarm", "team", "--agents", "backend", task, cwd=repository)
    out, err = running.communicate(timeout=400)
    assert running.returncode in {0, RunError.exit_code}, f"{out}\n{err}"
    return next(word for word in out.split() if word.startswith("swarm/"))


def open_ports(address: str, ports: Iterable[int]) -> list[int]:
    """Ports at which somebody outside the machine is let in."""

    def opens(port: int) -> bool:
        with socket.socket() as line:
            line.settimeout(_WAIT)
            return line.connect_ex((address, port)) == 0

    every = sorted(set(ports))
    with ThreadPoolExecutor(200) as pool:
        return [port for port, there in zip(every, pool.map(opens, every), strict=True) if there]


def _write(folder: Path, tree: Mapping[str, Any]) -> None:
    (folder / "swarm.yml").write_text(yaml.safe_dump(dict(tree)))
