"""Agents here and models there: every role is in both parts, and each agent asks its model through the relay."""

from typing import Any

import pytest

from core.parts.test_split import read, tree
from core.parts.test_together import service
from fakes.composedworlds import nothing, tiny
from swarmctl.core.clients import clients
from swarmctl.core.composed import Composed, composed
from swarmctl.core.composeplan import reconcile_compose
from swarmctl.core.composeview import agent_settings
from swarmctl.core.parts.names import part_name
from swarmctl.core.parts.partspec import FIRST_PORT, PartSpec
from swarmctl.core.parts.split import AGENTS, ENGINES, notes, slots_of, split
from swarmctl.core.parts.together import record_of, server_of
from swarmctl.core.record import SwarmRecord, record
from swarmctl.core.spec import ORCHESTRATOR, SwarmSpec
from swarmctl.core.stack import Stack
from swarmctl.core.target import SshTarget, Target
from swarmctl.errors import SpecError

ROLES = {ORCHESTRATOR: {"model": "a"}, "backend": {"model": "b"}, "docs": {"model": "b"}}


def here() -> SwarmSpec:
    return tiny().model_copy(update={"agents": "here", "target": Target(ssh=SshTarget(hosts=("gpu1",)))})


def _stacks(part: PartSpec) -> tuple[Stack, ...]:
    found = composed(part, nothing(part))
    assert isinstance(found, Composed), found
    return found.stacks


def test_one_part_has_the_engines_and_the_other_the_agents() -> None:
    engines, agents = split(here())
    assert (engines.target.is_here, agents.target.is_here) == (False, True)
    there, mine = _stacks(engines), _stacks(agents)
    kinds = {s.kind for stack in there for s in stack.services}
    assert kinds == {"engine", "model", "forwarder", "converter"}
    assert {s.kind for stack in mine for s in stack.services} == {"agent", "forwarder", "relay"}
    assert {s.subject for s in mine[0].services if s.kind == "agent"} == set(here().roles)
    assert agents.models == {}


def test_each_agent_asks_its_own_model_and_the_orchestrator_its_neighbours() -> None:
    spec = here()
    (stack,) = _stacks(split(spec)[1])
    ports = {role.model: FIRST_PORT + n for n, role in enumerate(spec.roles.values())}
    for one in (s for s in stack.services if s.kind == "agent"):
        told = agent_settings(stack, one, "…")
        assert told.engine_url == f"http://relay:{ports[spec.roles[one.subject].model]}/v1"
        assert told.orchestrator.url == "http://agent-orchestrator:8080"
        assert told.context == spec.context_of(one.subject)
    lead = agent_settings(stack, stack.service("agent-orchestrator"), "…")
    assert [peer.role for peer in lead.peers] == list(spec.specialists)
    assert lead.slots == len(lead.peers)


def test_what_was_planned_is_one_swarm_to_whoever_asks_for_it() -> None:
    parts: dict[str, SwarmRecord] = {}
    for part in split(here()):
        plan = reconcile_compose(part, nothing(part))
        assert not plan.refusals
        parts[part.slot] = record(part, plan)
    whole = record_of("team", parts)
    assert whole is not None
    found = {one.role: one for one in clients(whole)}
    assert set(found) == set(here().roles)
    assert {one.url for one in found.values()} == {parts[ENGINES].url("ollama-cpu")}
    assert server_of("backend", parts) == (ENGINES, "ollama-cpu")
    assert server_of("nobody", parts) is None


def test_a_llama_server_is_found_by_its_model() -> None:
    one = service("engine-coder", "engine", 21000, engine="llamacpp")
    record = SwarmRecord(swarm="team_engines", slot="slot-0", runtime="compose", services=(one,), floor=0.5, test=None)
    assert server_of("coder", {ENGINES: record}) == (ENGINES, "engine-coder")


def test_slots_have_names_of_their_own() -> None:
    assert list(slots_of(here())) == [ENGINES, AGENTS]
    assert slots_of(tiny()) == {}
    assert [part.name for part in split(here())] == [part_name(here().name, slot) for slot in (ENGINES, AGENTS)]
    assert "stay here" in " ".join(notes(here()))


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"target": {"local": {}}}, "where models are on one other machine"),
        ({"target": {"slots": {"a": {}, "b": {"vast": {}}}}}, "where models are on one other machine"),
        ({"runtime": "process"}, "agents: here runs in containers"),
        ({"placement": {"architecture": "shared-base"}}, "shared-base with agents: here"),
        ({"placement": {"give": ["kv", "context"]}}, "context cannot give way"),
        ({"roles": {**ROLES, "docs": {"model": "b", "optional": True}}}, "no optional roles"),
        ({"agents": "elsewhere"}, "'elsewhere' is not one of"),
    ],
)
def test_what_cannot_be_is_said(change: dict[str, Any], said: str) -> None:
    made = {**tree(ROLES, {}), "agents": "here", "target": {"ssh": {"hosts": ["gpu1"]}}}
    assert split(read(made))[0].placement.architecture == "separate"
    with pytest.raises(SpecError) as caught:
        read({**made, **change})
    assert said in caught.value.detail
