"""Every way out that is named has been tried, and fits when it is taken."""

from typing import Any

import pytest

from fakes.seven import A100, A6000, LAPTOP, RTX4090, SMALL, box, seven
from swarmctl.core.hardware.box import Box
from swarmctl.core.placement.demand import demand
from swarmctl.core.placement.place import place
from swarmctl.core.placement.placement import Placement, Refused, Way
from swarmctl.core.spec import SwarmSpec

pytestmark = pytest.mark.slow

QUANTS = ("Q8_0", "Q6_K", "Q5_K_M", "Q4_K_M", "IQ4_XS", "Q3_K_M", "Q2_K")


def taken(spec: SwarmSpec, flags: tuple[str, ...]) -> SwarmSpec:
    """The swarm file with the flags of a way applied by hand, as a person would."""
    text = spec.model_dump()
    words = list(flags)
    while words:
        flag = words.pop(0)
        if flag == "--allow-swapping":
            continue
        value = words.pop(0)
        if flag in {"--kv", "--engine"}:
            text["engine"]["kind" if flag == "--engine" else "kv"] = value
        elif flag in {"--parallel", "--context"}:
            text["engine"][flag[2:]] = int(value)
        elif flag == "--architecture":
            text["placement"]["architecture"] = value
        elif flag == "--give":
            text["placement"]["give"] = value.split(",")
        elif flag == "--set":
            path, tokens = value.split("=")
            text["roles"][path.split(".")[1]]["context"] = int(tokens)
        else:
            name, wanted = value.split("=")
            text["models"][name][flag[2:]] = wanted
    return SwarmSpec.model_validate(text)


def check(made: tuple[SwarmSpec, Any], where: Box, way: Way) -> None:
    again = demand(taken(made[0], way.flags), made[1])
    found = place(again, where, allow_swapping="--allow-swapping" in way.flags)
    assert isinstance(found, Placement), way


@pytest.mark.parametrize("memory", [LAPTOP, SMALL, 16376, RTX4090])
@pytest.mark.parametrize("kind", ["llamacpp", "ollama"])
@pytest.mark.parametrize("more", [{}, {"context": 32768}, {"parallel": 8}, {"context": 16384, "parallel": 4}])
def test_ways_fit_when_taken(memory: int, kind: str, more: dict[str, Any]) -> None:
    own = {"orchestrator": {"context": 32768}, "docs": {"optional": True}}
    for based, roles in ((False, {}), (True, {}), (False, own)):
        quants = ("Q4_K_M", "IQ4_XS", "Q3_K_M", "Q2_K")
        made = seven(based=based, quants=quants, engine={"kind": kind, **more}, roles=roles)
        found = place(demand(*made), box(memory))
        if isinstance(found, Refused):
            assert len(found.ways) <= 3
            for way in found.ways:
                check(made, box(memory), way)


def test_the_cheapest_comes_first() -> None:
    made = seven(based=False, engine={"context": 32768})
    found = place(demand(*made), box(34000))
    assert isinstance(found, Refused)
    assert [way.flags for way in found.ways[:2]] == [("--kv", "q8_0"), ("--context", "16384")]


def test_another_machine_is_named_when_it_carries_the_swarm() -> None:
    made = seven(based=False)
    found = place(demand(*made), box(RTX4090), others=(box(SMALL), box(A6000)))
    assert isinstance(found, Refused)
    assert any(way.text.startswith(f"another machine: {box(A6000).name},") for way in found.ways)


def test_optional_roles_are_named_as_a_way() -> None:
    made = seven(based=False, roles={name: {"optional": True} for name in ("docs", "devops")})
    found = place(demand(*made), box(RTX4090))
    assert isinstance(found, Refused)
    assert any(way.flags == ("--give", "roles") for way in found.ways)


def test_where_nothing_helps_no_way_is_named() -> None:
    found = place(demand(*seven(based=False)), box(2000, ram=1000))
    assert isinstance(found, Refused)
    assert found.ways == ()


def test_plain_separate_comes_first_where_another_form_was_asked_for_and_cannot_be() -> None:
    made, facts = seven()
    shared = made.model_copy(update={"placement": made.placement.model_copy(update={"architecture": "shared-base"})})
    plain = shared.model_copy(
        update={"models": {n: m.model_copy(update={"base": None}) for n, m in shared.models.items()}}
    )
    found = place(demand(plain, facts), box(A100))
    assert isinstance(found, Refused)
    assert found.ways[0].flags == ("--architecture", "separate")
    assert ("--architecture", "hybrid") not in {way.flags for way in found.ways}
