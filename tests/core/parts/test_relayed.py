"""A part as containers: its relay is as sealed as any other, and agents know each other by it."""

from pathlib import Path

import pytest

from fakes.stacked import CASES, apart, site
from swarmctl.core.compose import parsed, render
from swarmctl.core.composecheck import check
from swarmctl.core.composeview import agent_settings
from swarmctl.core.parts.partspec import FIRST_PORT
from swarmctl.core.spec import ORCHESTRATOR
from swarmctl.core.stack import Stack

ONE = next(case for case in CASES if case.name == "two-gpus")


def _relay(stacks: tuple[Stack, ...]) -> dict[str, int]:
    (relay,) = [s for stack in stacks for s in stack.services if s.kind == "relay"]
    return dict(relay.settings["ways"])


def test_the_orchestrator_reaches_every_specialist_and_they_reach_it_alone() -> None:
    desk, cards = apart(ONE), apart(ONE, "cards")
    (lead,) = [s for stack in desk for s in stack.services if s.kind == "agent"]
    told = agent_settings(desk[0], lead, "…")
    ways = _relay(desk)
    assert {peer.role: peer.url for peer in told.peers} == {r: f"http://relay:{port}" for r, port in ways.items()}
    assert set(ways) == {s.subject for stack in cards for s in stack.services if s.kind == "agent"}
    assert told.orchestrator.url == "http://agent-orchestrator:8080"
    assert _relay(cards) == {ORCHESTRATOR: FIRST_PORT}
    for stack in cards:
        for service in (s for s in stack.services if s.kind == "agent"):
            assert agent_settings(stack, service, "…").orchestrator.url == f"http://relay:{FIRST_PORT}"
    assert told.slots == len(ways), "as many answer at once as if all were here"


@pytest.mark.parametrize("slot", ["desk", "cards"])
def test_the_relay_is_as_hard_as_an_agent_and_has_nothing_of_the_host(slot: str) -> None:
    found = apart(ONE, slot)
    services = parsed(render(found[0], site(ONE, found)))["services"]
    relay, agent = services["relay"], next(s for name, s in services.items() if name.startswith("agent-"))
    same = ("image", "user", "read_only", "cap_drop", "security_opt", "networks", "dns", "environment", "init")
    assert {key: relay[key] for key in same} == {key: agent[key] for key in same}
    assert not {"volumes", "ports", "secrets", "configs"} & relay.keys()
    assert relay["labels"]["swarmctl.slot"] == slot


def test_a_relay_that_published_or_stood_elsewhere_would_be_refused() -> None:
    found = apart(ONE)
    file = parsed(render(found[0], site(ONE, found)))
    file["services"]["relay"] |= {"ports": ["127.0.0.1:9001:9001"], "networks": ["agents", "door"]}
    said = "\n".join(check(file, found[0], site(ONE, found)))
    assert "relay: only the forwarder publishes" in said
    assert "relay: it stands on" in said


@pytest.mark.parametrize("case", CASES, ids=lambda p: Path(p).name)
def test_a_swarm_on_one_host_has_none(case: Path) -> None:
    from fakes.stacked import stacked

    assert all(s.kind != "relay" for stack in stacked(case) for s in stack.services)
