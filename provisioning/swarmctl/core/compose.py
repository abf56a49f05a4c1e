"""A stack as a Compose file: rendered from the templates under compose/, read back and checked."""

import json
from collections.abc import Mapping
from typing import Any

from jinja2 import TemplateError

from swarmctl.core.composecheck import check
from swarmctl.core.composesite import ComposeSite
from swarmctl.core.composeview import registered, view
from swarmctl.core.stack import LABEL, Stack, config_hash
from swarmctl.core.templates import environment
from swarmctl.core.yamltree import Unreadable, read_tree
from swarmctl.errors import SwarmctlError

_KEPT = frozenset(("COMPOSE_PARALLEL_LIMIT", "DOCKER_CERT_PATH", "DOCKER_CONFIG", "DOCKER_CONTEXT", "DOCKER_HOST"))
_KEPT_TLS = "DOCKER_TLS_VERIFY"


def render(stack: Stack, site: ComposeSite, known: str | None = None) -> str:
    """The text of one stack's Compose file: same stack, same site, same bytes.

    known: a text that was read back and checked before; the same one need not be again.
    Raises SpecError for a source without a file or a service without a port, SwarmctlError for a template of ours
    that names what there is not, or whose result would not be sealed.
    """
    try:
        found = environment(site.templates, lstrip=True, filters=(("word", word),))
        text = found.get_template("stack.yml.j2").render(_values(stack, site))
    except TemplateError as e:
        raise SwarmctlError(f"a template under compose/ cannot be rendered: {type(e).__name__}: {e}") from None
    if text != known and (problems := check(parsed(text), stack, site)):
        raise SwarmctlError(f"the Compose file of {stack.project} would not be sealed", detail="\n".join(problems))
    return text


def parsed(text: str) -> dict[str, Any]:
    """A Compose file as a value. Raises SwarmctlError for text that is no YAML, or says something twice."""
    try:
        tree, mistakes = read_tree(text.encode(), fast=True)
    except Unreadable as e:
        mistakes, tree = e.mistakes, None
    if mistakes or tree is None:
        raise SwarmctlError("a Compose file cannot be read", detail="\n".join(m.text("compose.yml") for m in mistakes))
    found: dict[str, Any] = tree.plain()
    return found


def shared(stack: Stack, what: str) -> str:
    """The name of what all stacks of a swarm on one host share: `agents` (a network) or `models` (a volume)."""
    return f"{stack.swarm}-{stack.slot}-{what}"


def client_environment(environ: Mapping[str, str], keep: frozenset[str] = frozenset()) -> dict[str, str]:
    """What `docker compose` is run with: which daemon, and nothing that would change what a file says.

    A project's name, profiles or further files from COMPOSE_ variables, a platform from DOCKER_DEFAULT_PLATFORM, a
    build's switches: none of them, unless `keep` names it.
    """
    return {
        name: value
        for name, value in environ.items()
        if not name.startswith(("COMPOSE_", "DOCKER_")) or name in _KEPT | {_KEPT_TLS} | keep
    }


def labels(stack: Stack, settings: Mapping[str, Any], gpu: str | None = None) -> dict[str, str]:
    """The labels of a network or volume; what stacks share is of `all` cards."""
    found = {"swarm": stack.swarm, "slot": stack.marked, "gpu": gpu or stack.gpu, "config-hash": config_hash(settings)}
    return {f"{LABEL}{key}": value for key, value in found.items()}


def word(value: Any) -> str:
    """A value as YAML (JSON is YAML) that Compose reads as it stands: it would replace what a single `$` begins."""
    return json.dumps(value).replace("$", "$$")


def _values(stack: Stack, site: ComposeSite) -> dict[str, Any]:
    agents = [service for service in stack.services if service.kind == "agent"]
    gateways = [s for s in stack.services if s.kind == "gateway"]
    doors = [s for s in stack.services if s.kind == "forwarder"]
    isolated = site.dialect.isolated
    secrets = {"agents-token": "agents.token", "engine-key": "engine.key", "engine-keys": "engine.keys"}
    llama = any(s.settings.get("engine") == "llamacpp" for s in stack.services)
    used = [n for n in secrets if (n == "engine-keys" and llama) or (n != "engine-keys" and agents)]
    configs = {s.name: f"{site.root}/services/{s.name}.json" for s in (*gateways, *agents)}
    configs |= {f"modelfile-{name}": f"{site.root}/modelfiles/{name}.Modelfile" for name in registered(stack, site)}
    return {
        "stack": stack,
        "services": [view(stack, s, site) for s in stack.services if s.kind != "model"],
        "agents": {
            "name": shared(stack, "agents"),
            "owned": site.owns,
            "labels": labels(stack, {"internal": True, "isolated": isolated}, "all"),
        },
        "isolated": isolated,
        "gpu_form": site.dialect.gpu,
        "quick_start": site.dialect.quick_start,
        "door": {"labels": labels(stack, {"masquerade": False})},
        "volumes": [
            _volume(stack, "models", shared(stack, "models"), site.models, site.owns),
            *(_volume(stack, f"data-{s.subject}", "", f"{site.root}/data/{s.name}", True) for s in agents),
            *(_volume(stack, f"marks-{s.subject}", "", f"{site.root}/data/{s.name}", True) for s in doors),
        ],
        "secrets": {name: f"{site.root}/secrets/{secrets[name]}" for name in used},
        "configs": configs,
        "user": site.user,
    }


def _volume(stack: Stack, key: str, name: str, device: str, owned: bool) -> dict[str, Any]:
    return {
        "key": key,
        "name": name or f"{stack.project}-{key}",
        "device": device,
        "owned": owned,
        "labels": labels(stack, {"kind": "folder"}, "all" if name else None),
    }
