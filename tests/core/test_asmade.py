"""Containers that somebody altered behind the back of their file are made anew, and none that is as it was made."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest

from fakes.composedworlds import after_up, made, nothing, tiny
from swarmctl.core.asmade import AsMade, altered, as_made
from swarmctl.core.composed import host_of, running_services
from swarmctl.core.composeview import view
from swarmctl.core.observed import Observed
from swarmctl.core.reconcile import reconcile

SPEC = tiny()
UP = after_up(SPEC, nothing(SPEC))
(STACK,), SITE = made(SPEC, UP).stacks, made(SPEC, UP).site


def inspected(name: str) -> dict[str, Any]:
    """What the Engine says of a container that was made as its file asks."""
    wanted = view(STACK, STACK.service(name), SITE)
    ports = {f"{port}/tcp": [{"HostIp": "127.0.0.1", "HostPort": str(port)}] for port in wanted.get("ports", ())}
    environment = ["PATH=/usr/bin", *(f"{key}={value}" for key, value in wanted["environment"].items())]
    host = {"Memory": wanted["memory"] << 20, "PortBindings": ports, "ReadonlyRootfs": True, "CapDrop": ["ALL"]}
    return {"Config": {"Env": environment}, "HostConfig": host}


def world(name: str, raw: Mapping[str, Any]) -> Observed:
    """All is as it was made, but for one container."""
    seen = {s.name: as_made(inspected(s.name)) for s in running_services(STACK)} | {name: as_made(raw)}
    return replace(UP, compose=replace(host_of(UP), made=seen))


def test_what_is_as_it_was_made_is_left_alone() -> None:
    assert reconcile(SPEC, world("ollama-cpu", inspected("ollama-cpu"))).is_empty


HOST: dict[str, tuple[str, dict[str, Any], str]] = {
    "a limit by docker update": (
        "ollama-cpu",
        {"Memory": 120 << 20},
        "its memory limit is 120 MiB, not 4480",
    ),
    "no limit": ("agent-docs", {"Memory": 0}, "its memory limit is 0 MiB, not "),
    "a port on all addresses": (
        "agent-docs",
        {"PortBindings": {"8080/tcp": [{"HostIp": "", "HostPort": "9"}]}},
        "it publishes 0.0.0.0:9, not nothing",
    ),
    "privileged": ("agent-docs", {"Privileged": True}, "it is privileged"),
    "the host's network": ("agent-docs", {"NetworkMode": "host"}, "it is on the host's own network"),
    "a root to write to": ("agent-docs", {"ReadonlyRootfs": False}, "it may write to its root"),
    "capabilities": ("agent-docs", {"CapAdd": ["NET_ADMIN"]}, "it has capabilities"),
    "capabilities that were not dropped": ("agent-docs", {"CapDrop": None}, "it has capabilities"),
}


@pytest.mark.parametrize("case", HOST)
def test_what_was_altered_is_named_and_made_anew(case: str) -> None:
    name, change, said = HOST[case]
    raw = inspected(name)
    raw["HostConfig"] |= change
    first = reconcile(SPEC, world(name, raw)).steps[0]
    assert (first.verb.value, first.subject) == ("deploy", name)
    assert first.cause.startswith(said.removesuffix("4480"))


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ("OLLAMA_MAX_LOADED_MODELS=1", "OLLAMA_MAX_LOADED_MODELS is '1' in it, not '7'"),
        ("OLLAMA_CONTEXT_LENGTH", "OLLAMA_CONTEXT_LENGTH is not set in it, but should be '2048'"),
    ],
)
def test_an_environment_that_was_altered(change: str, said: str) -> None:
    raw, key = inspected("ollama-cpu"), change.partition("=")[0]
    kept = [pair for pair in raw["Config"]["Env"] if not pair.startswith(f"{key}=")]
    raw["Config"]["Env"] = [*kept, change] if "=" in change else kept
    steps = reconcile(SPEC, world("ollama-cpu", raw)).steps
    assert (steps[0].subject, steps[0].cause) == ("ollama-cpu", said)
    assert {step.cause for step in steps[1:-1]} == {"ollama-cpu is made anew"}
    assert "trial" not in {step.subject for step in steps}


@pytest.mark.parametrize("raw", [{}, {"Config": None, "HostConfig": None}, {"Config": {"Env": [1, None]}}])
def test_nonsense_is_an_altered_container_and_no_error(raw: dict[str, Any]) -> None:
    assert altered(STACK, STACK.service("agent-docs"), as_made(raw), SITE)


def test_nobody_looked() -> None:
    assert altered(STACK, STACK.service("agent-docs"), None, SITE) == ""
    assert AsMade({}, 0, frozenset()).weak == ()
