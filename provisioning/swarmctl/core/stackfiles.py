"""The files of a swarm's stacks that hold no secret, as texts: Compose files, agents' settings, Modelfiles."""

from collections.abc import Iterable, Iterator, Mapping, Sequence

from swarmctl.core.compose import render
from swarmctl.core.composesite import MODELS, ComposeSite
from swarmctl.core.composeview import agent_settings, gateway_settings
from swarmctl.core.modelfile import EngineModel, modelfile
from swarmctl.core.stack import Service, Stack

_TOLD = ("family", "context", "output", "batch", "temperature", "threads", "device")


def of_kind(stacks: Iterable[Stack], kind: str) -> list[Service]:
    """The services of one kind, in the stacks' order."""
    return [service for stack in stacks for service in stack.services if service.kind == kind]


def compose_file(stack: Stack) -> str:
    """Name of a stack's Compose file under the swarm's folder."""
    return f"{stack.gpu}.yml"


def settings_files(stacks: Iterable[Stack], prompts: Mapping[str, str], site: ComposeSite) -> Iterator[tuple[str, str]]:
    """The settings of every gateway and agent, by path."""
    for stack in stacks:
        for service in (s for s in stack.services if s.kind == "gateway"):
            told = gateway_settings(stack, service, site)
            yield f"services/{service.name}.json", told.model_dump_json(indent=1) + "\n"
        for service in (s for s in stack.services if s.kind == "agent"):
            settings = agent_settings(stack, service, prompts[service.subject])
            yield f"services/{service.name}.json", settings.model_dump_json(indent=1) + "\n"


def asked(service: Service, site: ComposeSite, digest: str) -> EngineModel:
    """What the Modelfile of a `model` service is written from. digest: sha256 of its file, "" where nobody knows it."""
    s = service.settings
    path = f"{MODELS}/{site.files[s['source']]}"
    return EngineModel(name=s["model"], source=path, origin=digest, **{key: s[key] for key in _TOLD})


def model_files(
    stacks: Iterable[Stack], site: ComposeSite, digests: Mapping[str, str], templates: Mapping[str, str]
) -> Iterator[tuple[str, str]]:
    """The Modelfile of every model, by path. digests: by source key. templates: by chat family."""
    for service in of_kind(stacks, "model"):
        model = asked(service, site, digests.get(service.settings["source"], ""))
        yield f"modelfiles/{service.subject}.Modelfile", modelfile(model, templates)


def stack_files(
    stacks: Sequence[Stack], site: ComposeSite, prompts: Mapping[str, str], known: Mapping[str, str] | None = None
) -> dict[str, str]:
    """What containers are made from: each stack's Compose file and each agent's settings, by path.

    known: such texts as they were written before.
    """
    before = known or {}
    found = {compose_file(stack): render(stack, site, before.get(compose_file(stack))) for stack in stacks}
    return found | dict(settings_files(stacks, prompts, site))
