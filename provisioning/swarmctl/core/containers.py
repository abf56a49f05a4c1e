"""What a Docker Engine says of one container, as a value."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from swarmctl.core.asmade import AsMade, as_made
from swarmctl.core.composesite import CARD
from swarmctl.core.stack import LABEL

CONFIG_FILES = "com.docker.compose.project.config_files"
_GATEWAY = "com.docker.network.bridge.gateway_mode_ipv4"


@dataclass(frozen=True, slots=True)
class Container:
    """One container of a stack. hash: its config hash. state: `running`, `exited`, `restarting`, `created`…

    health: `healthy`, `unhealthy`, `starting`, empty without a check. pid: on the host, None when it does not run.
    oom: it was ended by its memory limit. restarts: by its restart policy. image: ID. file: Compose file that it was
    made from. grace: seconds it is given to stop. published: ports of the host. card: UUID that it was made for.
    made: with what settings; None where nobody looked.
    """

    id: str
    service: str
    project: str
    slot: str
    gpu: str
    hash: str
    state: str
    health: str = ""
    exit_code: int = 0
    oom: bool = False
    restarts: int = 0
    pid: int | None = None
    image: str = ""
    file: str = ""
    error: str = ""
    grace: int = 10
    published: tuple[int, ...] = ()
    card: str = ""
    made: AsMade | None = None

    @property
    def said(self) -> str:
        """Its state in a word: `running`, or `unhealthy` where a check says so."""
        return self.health if self.state == "running" and self.health == "unhealthy" else self.state

    @property
    def ended(self) -> str:
        """Why it last ended; empty when it did not."""
        if self.state == "running":
            return ""
        return self.error or ("out of memory" if self.oom else f"exit {self.exit_code}")


def container(raw: Mapping[str, Any]) -> Container:
    """The answer of `docker inspect` for a container that carries our labels."""
    config, state = raw.get("Config") or {}, raw.get("State") or {}
    labels = config.get("Labels") or {}
    return Container(
        id=str(raw.get("Id", "")),
        service=labels.get(f"{LABEL}service", ""),
        project=labels.get("com.docker.compose.project", ""),
        slot=labels.get(f"{LABEL}slot", ""),
        gpu=labels.get(f"{LABEL}gpu", ""),
        hash=labels.get(f"{LABEL}config-hash", ""),
        state=str(state.get("Status", "")),
        health=str((state.get("Health") or {}).get("Status", "")),
        exit_code=int(state.get("ExitCode") or 0),
        oom=bool(state.get("OOMKilled")),
        restarts=int(raw.get("RestartCount") or 0),
        pid=int(state.get("Pid") or 0) or None,
        image=str(raw.get("Image", "")),
        file=labels.get(CONFIG_FILES, ""),
        error=str(state.get("Error") or ""),
        grace=int(config.get("StopTimeout") or 10),
        published=tuple(sorted(_published((raw.get("HostConfig") or {}).get("PortBindings") or {}))),
        card=labels.get(CARD, ""),
        made=as_made(raw),
    )


def _published(bindings: Mapping[str, Any]) -> Iterator[int]:
    for places in bindings.values():
        yield from (int(place["HostPort"]) for place in places or () if str(place.get("HostPort", "")).isdigit())


def bridge(network: Mapping[str, Any]) -> str:
    """Name of the host's interface of a bridge network, as the Engine lists it."""
    named = (network.get("Options") or {}).get("com.docker.network.bridge.name")
    return str(named or f"br-{str(network.get('Id', ''))[:12]}")


def isolated(network: Mapping[str, Any]) -> bool:
    """The host has no address on it."""
    return (network.get("Options") or {}).get(_GATEWAY) == "isolated"
