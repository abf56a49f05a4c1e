"""Lines for clients: every role's address and model, quoted for a shell, on both runtimes."""

import shlex
from typing import Any

import pytest

from swarmctl.core.clients import chosen, clients, lines
from swarmctl.core.record import ServiceRecord, SwarmRecord
from swarmctl.errors import SpecError


def service(name: str, kind: Any, needs: tuple[str, ...] = (), port: int = 0, **settings: Any) -> ServiceRecord:
    return ServiceRecord(
        name=name, kind=kind, subject=name.partition("-")[2], settings=settings, needs=needs, port=port
    )


def swarm(*services: ServiceRecord) -> SwarmRecord:
    return SwarmRecord(swarm="s", slot="slot-0", services=services, floor=0.5, test=None)


PROCESSES = swarm(
    service("engine-tiny", "engine", port=21001, server="wheel"),
    service("agent-backend", "agent", ("engine-tiny",), 21002, model="tiny"),
    service("agent-orchestrator", "agent", ("engine-tiny",), 21003, model="tiny"),
)
CARDS = swarm(
    service("ollama-gpu0", "engine", port=21010, engine="ollama"),
    service("engine-base", "engine", port=21014, engine="llamacpp"),
    service("gateway-gpu0", "gateway", ("engine-base",), port=21011),
    service("model-lead", "model", ("ollama-gpu0",)),
    service("agent-orchestrator", "agent", ("ollama-gpu0",), 21012, model="lead"),
    service("agent-dev-ops", "agent", ("gateway-gpu0",), 21013, model="devops"),
)


def variables(record: SwarmRecord, role: str | None = None, key: str = "k") -> dict[str, str]:
    said = lines(chosen(clients(record), role), key)
    assert all(line.startswith("export ") for line in said)
    return dict(shlex.split(line)[1].split("=", 1) for line in said)


def test_the_process_runtime_speaks_openai_only() -> None:
    said = variables(PROCESSES)
    assert said["OPENAI_BASE_URL"] == said["SWARMCTL_ORCHESTRATOR_URL"] == "http://127.0.0.1:21001/v1"
    assert said["OPENAI_MODEL"] == "tiny"
    assert "OLLAMA_HOST" not in said


def test_each_role_leads_to_its_own_engine_or_to_the_gateway_before_it() -> None:
    said = variables(CARDS)
    assert said["OPENAI_BASE_URL"] == "http://127.0.0.1:21010/v1"
    assert said["OPENAI_MODEL"] == "lead", "the orchestrator's"
    assert said["OLLAMA_HOST"] == "http://127.0.0.1:21010"
    assert said["SWARMCTL_DEV_OPS_URL"] == "http://127.0.0.1:21011/v1"
    assert said["SWARMCTL_DEV_OPS_MODEL"] == "devops"
    assert variables(CARDS, "dev-ops") == {
        "OPENAI_BASE_URL": "http://127.0.0.1:21011/v1",
        "OPENAI_API_BASE": "http://127.0.0.1:21011/v1",
        "OPENAI_API_KEY": "k",
        "OPENAI_MODEL": "devops",
        "AIDER_MODEL": "openai/devops",
    }


def test_a_key_is_one_word_for_the_shell() -> None:
    nasty = "a'b\"; rm -rf $HOME `id`"
    assert variables(PROCESSES, key=nasty)["OPENAI_API_KEY"] == nasty


def test_a_role_that_is_not_there_is_refused_by_name() -> None:
    with pytest.raises(SpecError, match="orchestrator, dev-ops"):
        chosen(clients(CARDS), "nobody")
