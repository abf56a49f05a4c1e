"""The walls of a rendered Compose file, read back from the file itself."""

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from swarmctl.core.composesite import ComposeSite
from swarmctl.core.composeview import CLOSED
from swarmctl.core.stack import LABEL, Service, Stack

Tree = Mapping[str, Any]

_OPEN = (
    "privileged",
    "network_mode",
    "pid",
    "ipc",
    "userns_mode",
    "cap_add",
    "devices",
    "env_file",
    "extends",
    "build",
)
"""Keys that would open a wall, or bring in what this file does not show."""
_SECRET = re.compile(r"TOKEN|SECRET|PASSWORD|CREDENTIAL|(?:^|_)KEYS?$")
_IMAGE = re.compile(r"[a-z0-9][a-z0-9._/:-]*:(?!latest(?:@|$))[\w.-]+(@sha256:[0-9a-f]{64})?")
_TMPFS = re.compile(r"/tmp:size=[1-9]\d*m,mode=1777,nosuid,nodev,noexec")  # noqa: S108 - the container's own
_PORT = re.compile(r"127\.0\.0\.1:\d+:\d+")
_LIMIT = re.compile(r"[1-9]\d*m")
_USER = re.compile(r"[1-9]\d*:[1-9]\d*")
_NAMED = ("swarm", "slot", "gpu", "config-hash")


def check(tree: Tree, stack: Stack, site: ComposeSite) -> list[str]:
    """Every way in which a Compose file is not what the stack asks for, or not sealed; empty when it is whole."""
    return list(_file(tree, stack, site))


def _file(tree: Tree, stack: Stack, site: ComposeSite) -> Iterator[str]:
    if tree.get("name") != stack.project:
        yield f"the project is called {tree.get('name')!r}, not {stack.project}"
    services, wanted = tree.get("services") or {}, {s.name: s for s in stack.services if s.kind != "model"}
    for name in sorted(wanted.keys() ^ services.keys()):
        yield f"{name}: in the {'stack' if name in wanted else 'file'} alone"
    for name in sorted(wanted.keys() & services.keys()):
        for problem in _service(services[name], stack, wanted[name], site):
            yield f"{name}: {problem}"
    yield from _shared(tree, site)
    for path, text in _texts(tree):
        if "$" in text.replace("$$", ""):
            yield f"{path}: {text[:60]!r} has a single $, which Compose would replace"


def _service(found: Tree, stack: Stack, service: Service, site: ComposeSite) -> Iterator[str]:
    if found.get("labels") != site.labels(stack, service):
        yield "its labels are not those of the stack"
    for key, said in _ALWAYS.items():
        if not said(found.get(key)):
            yield f"{key} is {found.get(key)!r}"
    if service.kind != "converter":
        if not (found.get("healthcheck") or {}).get("test"):
            yield "it has no healthcheck"
        if found.get("dns") != ["127.0.0.1"]:
            yield "it may ask a resolver outside"
    yield from _opened(found, service)
    yield from _environment(found.get("environment") or {})
    yield from _gpu(found, stack, service, site)


def _options(logging: Any) -> bool:
    options = (logging or {}).get("options") or {}
    return "max-size" in options and "max-file" in options


_ALWAYS: dict[str, Callable[[Any], bool]] = {
    "image": lambda v: bool(_IMAGE.fullmatch(str(v))),
    "user": lambda v: bool(_USER.fullmatch(str(v))),
    "read_only": lambda v: v is True,
    "init": lambda v: v is True,
    "cap_drop": lambda v: v == ["ALL"],
    "security_opt": lambda v: v == ["no-new-privileges:true"],
    "pids_limit": lambda v: isinstance(v, int) and 0 < v <= 4096,
    "mem_limit": lambda v: bool(_LIMIT.fullmatch(str(v))),
    "memswap_limit": lambda v: bool(_LIMIT.fullmatch(str(v))),
    "tmpfs": lambda v: bool(v) and all(_TMPFS.fullmatch(str(one)) for one in v),
    "logging": _options,
    "stop_grace_period": lambda v: bool(re.fullmatch(r"[1-9]\d*s", str(v))),
}


def _opened(found: Tree, service: Service) -> Iterator[str]:
    alone = service.kind == "converter" and found.get("network_mode") == "none"
    for key in _OPEN:
        if key in found and not (key == "network_mode" and alone):
            yield f"{key} is set"
    networks = ["agents", "door"] if service.kind == "forwarder" else ["agents"]
    if not alone and found.get("networks") != networks:
        yield f"it stands on {found.get('networks')}, not on {networks}"
    ports = found.get("ports") or []
    if ports and service.kind != "forwarder":
        yield "only the forwarder publishes"
    yield from (f"the port {port!r} is not on loopback alone" for port in ports if not _PORT.fullmatch(str(port)))
    for volume in found.get("volumes") or []:
        if not re.fullmatch(r"[a-z][a-z0-9-]*:/(models(:ro)?|data)", str(volume)):
            yield f"the volume {volume!r} is none of ours"


def _environment(found: Tree) -> Iterator[str]:
    for name, value in CLOSED.items():
        if found.get(name) != value:
            yield f"{name} would come from outside"
    for name, value in found.items():
        if _SECRET.search(name) and value:
            yield f"{name} looks like a secret; secrets are files"
        if value is None:
            yield f"{name} would be taken from whoever runs this"


def _gpu(found: Tree, stack: Stack, service: Service, site: ComposeSite) -> Iterator[str]:
    resources = (found.get("deploy") or {}).get("resources") or {}
    devices = (resources.get("reservations") or {}).get("devices") or []
    card = stack.gpu.removeprefix("gpu")
    name = f"nvidia.com/gpu={card}" if site.dialect.gpu == "cdi" else card
    asked = {"driver": site.dialect.gpu, "device_ids": [name], "capabilities": ["gpu"]}
    wanted = [asked] if service.kind == "engine" and stack.gpu != "cpu" else []
    if devices != wanted:
        yield f"it asks for the devices {devices}, not {wanted}"


def _shared(tree: Tree, site: ComposeSite) -> Iterator[str]:
    networks = tree.get("networks") or {}
    agents = networks.get("agents") or {}
    if site.owns and agents.get("internal") is not True:
        yield "networks.agents: it has a way out"
    if bool(agents.get("external")) is site.owns:
        yield f"networks.agents: {'made elsewhere' if site.owns else 'made here too'}"
    for kind in ("networks", "volumes"):
        for name, found in (tree.get(kind) or {}).items():
            missing = [key for key in _NAMED if not (found.get("labels") or {}).get(f"{LABEL}{key}")]
            if missing and not found.get("external"):
                yield f"{kind}.{name}: no label {', '.join(missing)}"
    for name, found in (tree.get("secrets") or {}).items():
        if set(found) != {"file"}:
            yield f"secrets.{name}: not a file"


def _texts(value: Any, path: str = "") -> Iterator[tuple[str, str]]:
    if isinstance(value, Mapping):
        for key, inner in value.items():
            yield from _texts(inner, f"{path}.{key}" if path else str(key))
    elif isinstance(value, list):
        for n, inner in enumerate(value):
            yield from _texts(inner, f"{path}[{n}]")
    elif isinstance(value, str):
        yield path, value
