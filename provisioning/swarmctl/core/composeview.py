"""Services as the templates under compose/ see them: images, command lines, limits and health."""

from collections.abc import Mapping
from pathlib import PurePosixPath
from typing import Any

from swarmctl.core.agentfile import AgentFile, Peer
from swarmctl.core.composesite import AGENT_PORT, GATEWAY_PORT, MODELS, OLLAMA_PORT, SERVER_PORT, ComposeSite
from swarmctl.core.engine import EngineFile
from swarmctl.core.engines.spinning import SPINNING
from swarmctl.core.llamacpp import server_argv
from swarmctl.core.parts.partspec import MODEL, RELAY
from swarmctl.core.sharing.gatewayfile import GatewayFile
from swarmctl.core.sharing.layout import gateway_file
from swarmctl.core.spec import ORCHESTRATOR
from swarmctl.core.stack import Service, Stack
from swarmctl.errors import SpecError

PROXIES = ("HTTP_PROXY", "HTTPS_PROXY", "FTP_PROXY", "ALL_PROXY", "NO_PROXY")
CLOSED = {"TZ": "UTC", "LANG": "C.UTF-8", "HOME": "/tmp"} | {  # noqa: S108 - the container's own
    name: "" for proxy in PROXIES for name in (proxy, proxy.lower())
}
"""Docker's client hands its own proxies to every container that does not set them; nothing else is inherited."""

_PIDS = {"engine": 2048, "agent": 256, "gateway": 64, "forwarder": 32, "relay": 32, "converter": 512}
_GRACE = {"engine": 30, "agent": 10, "gateway": 5, "forwarder": 3, "relay": 3, "converter": 3}
_SCRATCH = {"engine": 256, "agent": 128, "gateway": 1, "forwarder": 1, "relay": 1, "converter": 256}
"""MiB of /tmp; they count as the container's memory."""
_PATIENCE = {"engine": 120, "agent": 30, "gateway": 30, "forwarder": 10, "relay": 10, "converter": 0}


def view(stack: Stack, service: Service, site: ComposeSite) -> dict[str, Any]:
    """All that a template needs of one service. Raises SpecError for a source without a file, or a missing port."""
    kind = service.kind
    found = {
        "name": service.name,
        "template": f"{service.settings['engine'] if kind == 'engine' else kind}.yml.j2",
        "image": service.settings["image"],
        "labels": site.labels(stack, service),
        "needs": service.needs,
        "memory": service.settings["memory"] + _SCRATCH[kind],
        "pids": _PIDS[kind],
        "grace": _GRACE[kind],
        "scratch": _SCRATCH[kind],
        "patience": _PATIENCE[kind],
        "environment": dict(CLOSED),
        "gpu": stack.gpu.removeprefix("gpu") if service.settings.get("gpu") else None,
        "configs": [],
    }
    return found | _OWN[kind](stack, service, site)


def registered(stack: Stack, site: ComposeSite) -> list[str]:
    """The models of a stack that have a Modelfile."""
    return [s.subject for s in stack.services if s.kind == "model" and s.subject in site.modelfiles]


def container_url(service: str, engine: str | None = None) -> str:
    """Where an agent or a gateway listens, or with `engine` an engine, as neighbours on the agents' network say it."""
    port = AGENT_PORT if engine is None else listens(engine)
    return f"http://{service}:{port}"


def listens(engine: str) -> int:
    """The port of an engine inside its container."""
    return OLLAMA_PORT if engine == "ollama" else SERVER_PORT


def agent_settings(stack: Stack, service: Service, prompt: str) -> AgentFile:
    """The settings file of an agent in a container.

    It listens on its own name: that is the address on its card, and its loopback stays closed.
    """
    s = service.settings
    asked = stack.service(service.needs[0])
    return AgentFile.of(
        s,
        swarm=stack.swarm,
        host=service.name,
        port=AGENT_PORT,
        token_file="/run/secrets/agents.token",  # noqa: S106 - the name of a file
        data="/data",
        prompt=prompt,
        engine_url=f"{_model_url(asked, s['model'])}/v1",
        engine_key_file="/run/secrets/engine.key",
        tests="elsewhere",
        orchestrator=_peer(ORCHESTRATOR, s),
        peers=tuple(_peer(role, s) for role in s["peers"]),
    )


def _model_url(asked: Service, model: str) -> str:
    """Where an agent asks its model: an engine, a gateway, or the relay that leads to it."""
    if asked.kind == "relay":
        return f"http://{RELAY}:{asked.settings['ways'][MODEL + model]}"
    return container_url(asked.name, asked.settings.get("engine"))


def _peer(role: str, settings: Mapping[str, Any]) -> Peer:
    """Another agent: a neighbour, or one on another host behind this one's relay."""
    port = settings.get("beyond", {}).get(role)
    return Peer(role=role, url=f"http://{RELAY}:{port}" if port else container_url(f"agent-{role}"))


def gateway_settings(stack: Stack, service: Service, site: ComposeSite) -> GatewayFile:
    """The settings file of a gateway in a container; like an agent it listens on its own name alone."""
    engines = [stack.service(name) for name in service.needs]
    urls = {one.name: container_url(one.name, one.settings["engine"]) for one in engines}
    sources = [source for one in service.settings["engines"] for source in one["adapters"]]
    return gateway_file(
        service.settings,
        urls,
        {source: PurePosixPath(_file(source, site)).name for source in sources},
        swarm=stack.swarm,
        host=service.name,
        port=GATEWAY_PORT,
        key_file="/run/secrets/engine.key",
    )


def _engine(stack: Stack, service: Service, site: ComposeSite) -> dict[str, Any]:
    if service.settings["engine"] == "llamacpp":
        return {
            "environment": {**CLOSED, **SPINNING},
            "command": list(_argv(service.settings, site)),
            "health": _answers("127.0.0.1", SERVER_PORT, "/health", "200"),
        }
    own = {
        "OLLAMA_HOST": f"0.0.0.0:{OLLAMA_PORT}",
        "OLLAMA_MODELS": f"{MODELS}/ollama",
        # Servers share the folder: none may throw away what another is about to name.
        "OLLAMA_NOPRUNE": "1",
    }
    return {
        "environment": {**CLOSED, **service.settings["environment"], **own},
        "health": _answers("127.0.0.1", OLLAMA_PORT, "/api/version", "200"),
        "configs": [
            {"source": f"modelfile-{name}", "target": f"/etc/swarmctl/modelfiles/{name}"}
            for name in registered(stack, site)
        ],
    }


def _agent(_stack: Stack, service: Service, _site: ComposeSite) -> dict[str, Any]:
    return {
        "data": f"data-{service.subject}",
        "health": _answers(service.name, AGENT_PORT, "/.well-known/agent-card.json", "200"),
    }


def _gateway(_stack: Stack, service: Service, _site: ComposeSite) -> dict[str, Any]:
    # Whether its engines are as they should be is for the proofs: it is not made anew for them.
    return {"health": _answers(service.name, GATEWAY_PORT, "/live", "200")}


def _forwarder(_stack: Stack, service: Service, site: ComposeSite) -> dict[str, Any]:
    to = {name: AGENT_PORT if name.startswith("agent-") else None for name in service.settings["services"]}
    missing = [name for name in to if name not in site.ports]
    if missing:
        raise SpecError(f"no port was given to {', '.join(missing)}")
    routes = [
        f"{site.ports[name]}={name}:{port or listens('ollama' if name.startswith('ollama-') else 'llamacpp')}"
        for name, port in to.items()
    ]
    ports = [site.ports[name] for name in to]
    return {
        "command": ["--marks", "/data", *routes],
        "data": f"marks-{service.subject}",
        "ports": ports,
        "health": ["CMD", "bash", "-c", f"exec 3<>/dev/tcp/127.0.0.1/{ports[0]}"],
    }


def _relay(_stack: Stack, service: Service, _site: ComposeSite) -> dict[str, Any]:
    ways = service.settings["ways"]
    return {
        "command": [f"{port}={role}" for role, port in ways.items()],
        "health": ["CMD", "bash", "-c", f"exec 3<>/dev/tcp/127.0.0.1/{min(ways.values())}"],
    }


def _converter(_stack: Stack, _service: Service, _site: ComposeSite) -> dict[str, Any]:
    return {}


_OWN = {
    "engine": _engine,
    "agent": _agent,
    "gateway": _gateway,
    "forwarder": _forwarder,
    "relay": _relay,
    "converter": _converter,
}


def _answers(host: str, port: int, path: str, status: str) -> list[str]:
    """A check by the shell alone: no image need carry a client, and nothing is loaded or renewed by it."""
    ask = f"printf 'GET {path} HTTP/1.0\\r\\n\\r\\n' >&3; head -n1 <&3 | grep -q ' {status} '"
    return ["CMD", "bash", "-c", f"exec 3<>/dev/tcp/{host}/{port}; {ask}"]


def _argv(s: Mapping[str, Any], site: ComposeSite) -> tuple[str, ...]:
    """Flags of llama-server, without the program's name."""
    engine = EngineFile(
        swarm="",
        model=s["model"],
        blob=_file(s["source"], site),
        host="0.0.0.0",  # noqa: S104 - inside the container; its network is internal
        port=SERVER_PORT,
        key_file="/run/secrets/engine.key",
        **{name: s[name] for name in ("context", "parallel", "kv", "flash_attention", "threads", "cache_ram")},
        **{name: s[name] for name in ("keep_alive", "gpu_layers", "batch", "ubatch")},
        adapters=tuple(_file(edit["source"], site) for edit in s["adapters"]),
    )
    more: list[str] = []
    if s["draft"]:
        more += [
            "--model-draft",
            _file(s["draft"], site),
            "--cache-type-k-draft",
            s["kv"],
            "--cache-type-v-draft",
            s["kv"],
        ]
        more += ["--gpu-layers-draft", "999" if s["gpu"] else "0"]
    if s["experts_on_cpu"]:
        more.append("--cpu-moe")
    if s["yarn"] > 1:
        more += ["--rope-scaling", "yarn", "--rope-scale", f"{s['yarn']:g}", "--yarn-orig-ctx", str(s["trained"])]
    return (*server_argv("llama-server", engine)[1:], *more)


def _file(source: str, site: ComposeSite) -> str:
    if source not in site.files:
        raise SpecError(f"no file is known for {source}", hint="swarmctl models show")
    return f"{MODELS}/{site.files[source]}"
