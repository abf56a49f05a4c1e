"""A stack, rendered for the process runtime: settings files and the supervisor's configuration as values."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import PurePath

from swarmctl.core.agentfile import AgentFile, Peer
from swarmctl.core.engine import EngineFile
from swarmctl.core.engines.spinning import SPINNING
from swarmctl.core.labels import HOME
from swarmctl.core.llamacpp import server_argv
from swarmctl.core.places import Places
from swarmctl.core.program import Program, SupervisorConfig
from swarmctl.core.sharing.gatewayfile import GatewayFile
from swarmctl.core.sharing.layout import gateway_file
from swarmctl.core.spec import ORCHESTRATOR
from swarmctl.core.stack import Service, Stack

HOST = "127.0.0.1"


@dataclass(frozen=True, slots=True)
class Site:
    """What of a host a stack is rendered with: files, ports, programs, and the model files by source key."""

    places: Places
    socket: str
    ports: Mapping[str, int]
    blobs: Mapping[str, str]
    prompts: Mapping[str, str]
    python: str
    home: str = ""
    server: str = ""
    """A llama-server of the machine's own; the wheel's own server when empty."""
    cards: tuple[str, ...] = ()
    """UUIDs of the machine's cards in the order of their numbers; empty words where the driver did not say."""


def url(site: Site, service: str) -> str:
    """Where a service listens."""
    return f"http://{HOST}:{site.ports[service]}"


def engine_file(stack: Stack, service: Service, site: Site) -> EngineFile:
    """The settings file of an engine."""
    s = service.settings
    return EngineFile(
        swarm=stack.swarm,
        model=s["model"],
        blob=site.blobs[s["source"]],
        host=HOST,
        port=site.ports[service.name],
        key_file=str(site.places.engine_key),
        context=s["context"],
        parallel=s["parallel"],
        kv=s["kv"],
        flash_attention=s["flash_attention"],
        threads=s["threads"],
        cache_ram=s["cache_ram"],
        keep_alive=s["keep_alive"],
        gpu_layers=s["gpu_layers"],
        adapters=tuple(site.blobs[edit["source"]] for edit in s.get("adapters", ())),
        **{name: s[name] for name in ("batch", "ubatch") if name in s},
    )


def gateway_settings(stack: Stack, service: Service, site: Site) -> GatewayFile:
    """The settings file of a gateway."""
    sources = [source for one in service.settings["engines"] for source in one["adapters"]]
    return gateway_file(
        service.settings,
        {name: url(site, name) for name in service.needs},
        {source: PurePath(site.blobs[source]).name for source in sources},
        swarm=stack.swarm,
        host=HOST,
        port=site.ports[service.name],
        key_file=str(site.places.engine_key),
    )


def agent_file(stack: Stack, service: Service, site: Site) -> AgentFile:
    """The settings file of an agent."""
    s = service.settings
    return AgentFile.of(
        s,
        swarm=stack.swarm,
        host=HOST,
        port=site.ports[service.name],
        token_file=str(site.places.agent_token),
        data=str(site.places.data(service.name)),
        prompt=site.prompts[s["role"]],
        engine_url=f"{url(site, service.needs[0])}/v1",
        engine_key_file=str(site.places.engine_key),
        orchestrator=_peer(ORCHESTRATOR, site),
        peers=tuple(_peer(role, site) for role in s["peers"]),
    )


def _peer(role: str, site: Site) -> Peer:
    return Peer(role=role, url=url(site, f"agent-{role}"))


def settings_file(stack: Stack, service: Service, site: Site) -> EngineFile | AgentFile | GatewayFile:
    """The settings file of a service of any kind."""
    if service.kind == "gateway":
        return gateway_settings(stack, service, site)
    return engine_file(stack, service, site) if service.kind == "engine" else agent_file(stack, service, site)


def program(stack: Stack, service: Service, site: Site) -> Program:
    """How the supervisor keeps a service alive: engines and gateways are started, agents forked from one preloaded
    parent.
    """
    file, labels = str(site.places.service(service.name)), {**stack.labels(service), HOME: site.home}
    if service.kind == "agent":
        return Program(service.name, "fork", (file,), labels, service.hash, entry="swarmctl.agent.serve:main", cwd="/")
    if service.kind == "engine" and site.server:
        argv = server_argv(site.server, engine_file(stack, service, site))
        return Program(service.name, "exec", argv, labels, service.hash, env={**SPINNING, **_card(service, site)})
    module = "swarmctl.embedded" if service.kind == "engine" else "swarmctl.gateway"
    argv = (site.python, "-P", "-m", module, file)
    return Program(service.name, "exec", argv, labels, service.hash, label_argv=True)


def _card(service: Service, site: Site) -> dict[str, str]:
    """Which card it sees, and no other: by its UUID, else by the number that nvidia-smi gives it.

    One that is kept to the processors sees none: it would take memory of each for prompts.
    """
    number = service.settings.get("card")
    if number is None:
        return {"CUDA_VISIBLE_DEVICES": ""} if site.cards else {}
    uuid = site.cards[number] if number < len(site.cards) else ""
    return {"CUDA_DEVICE_ORDER": "PCI_BUS_ID", "CUDA_VISIBLE_DEVICES": uuid or str(number)}


def supervisor_config(stack: Stack, services: list[Service], site: Site) -> SupervisorConfig:
    """What the supervisor runs, in the stack's order."""
    return SupervisorConfig(
        swarm=stack.swarm,
        socket=site.socket,
        logs=str(site.places.logs),
        home=site.home,
        programs=tuple(program(stack, service, site) for service in services),
    )
