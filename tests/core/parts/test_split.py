"""A swarm over several hosts becomes a swarm for each: every role once, its models with it, and whom it talks to."""

from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from swarmctl.core.kept import Kept, KeptState
from swarmctl.core.parts.names import part_name, whole
from swarmctl.core.parts.partspec import RELAY, PartSpec, beyond
from swarmctl.core.parts.split import homes, notes, split
from swarmctl.core.spec import ORCHESTRATOR, SwarmSpec
from swarmctl.core.specfile import load
from swarmctl.errors import SpecError

NAMES = ("frontend", "backend", "testing", "security", "docs")


def read(tree: dict[str, Any]) -> SwarmSpec:
    return load(yaml.safe_dump(tree, sort_keys=False).encode(), source="x.yml").spec


def tree(roles: dict[str, dict[str, Any]], slots: dict[str, Any], **more: Any) -> dict[str, Any]:
    models = dict.fromkeys(role["model"] for role in roles.values())
    sources = {model: {"hf": "o/n", "file": f"{model}.gguf"} for model in models}
    return {"name": "team", "target": {"slots": slots}, "models": sources, "roles": roles, **more}


ROLES_OF_TWO: dict[str, dict[str, Any]] = {
    ORCHESTRATOR: {"model": "a", "slot": "desk", "context": 8192},
    "backend": {"model": "b", "slot": "cards", "context": 8192},
}
HOSTS: dict[str, Any] = {
    "desk": {"local": {}},
    "cards": {"ssh": {"hosts": ["gpu1"]}},
    "far": {"ssh": {"hosts": ["gpu2"]}},
}


@st.composite
def swarms(draw: st.DrawFn) -> SwarmSpec:
    slots = dict(list(HOSTS.items())[: draw(st.integers(2, 3))])
    count = draw(st.integers(len(slots), 5))
    roles = {name: {"model": draw(st.sampled_from("abc"))} for name in (ORCHESTRATOR, *NAMES[:count])}
    for name, slot in zip(draw(st.permutations(list(roles))), slots, strict=False):
        roles[name]["slot"] = slot  # each has one at least
    for role in roles.values():
        if draw(st.booleans()):
            role.setdefault("slot", draw(st.sampled_from(sorted(slots))))
    return read(tree(roles, slots))


@given(swarms())
@settings(max_examples=150, deadline=None)
def test_every_role_is_on_one_host_and_everybody_it_talks_to_is_known(spec: SwarmSpec) -> None:
    parts = split(spec)
    assert [part.name for part in parts] == [f"team_{slot}" for slot in spec.target.slots]
    assert sorted(role for part in parts for role in part.roles) == sorted(spec.roles)
    for part in parts:
        assert part.team == tuple(spec.roles)
        assert {role.model for role in part.roles.values()} <= set(part.models)
        others = {one.role for one in part.beyond}
        assert not others & set(part.roles)
        everybody = set(spec.roles) if part.leads else {*part.roles, ORCHESTRATOR}
        assert everybody == others | set(part.roles)
        for one in part.beyond:
            (there,) = [other for other in parts if one.role in other.roles]
            assert (one.slot, there.slot) == (there.slot, one.slot)
    ports = {(one.role, one.port) for part in parts for one in part.beyond}
    assert len({role for role, _ in ports}) == len(ports) == len({port for _, port in ports}), "one port a role"


@given(swarms())
@settings(max_examples=50, deadline=None)
def test_a_part_that_was_kept_is_the_same_when_it_is_read(spec: SwarmSpec) -> None:
    for part in split(spec):
        assert PartSpec.model_validate_json(part.model_dump_json()) == part
        state = KeptState.model_validate(
            {"schema": "swarmctl/kept/v1", "at": "2026-01-01T00:00:00Z", "stack": "x", "spec": part, "prompts": {}}
        )
        again = Kept.model_validate_json(Kept(current=state).model_dump_json(by_alias=True)).current
        assert again is not None
        assert again.spec == part
        assert beyond(again.spec) == beyond(part)


def test_a_role_without_a_slot_goes_beside_its_model_else_to_the_first() -> None:
    roles = {ORCHESTRATOR: {"model": "a"}, "backend": {"model": "b"}, "docs": {"model": "b", "slot": "cards"}}
    spec = read(tree(roles, {"desk": HOSTS["desk"], "cards": HOSTS["cards"]}))
    assert homes(spec) == {ORCHESTRATOR: "desk", "backend": "cards", "docs": "cards"}
    assert list(notes(spec)) == [
        "orchestrator names no slot and goes to desk, the first one",
        "backend names no slot and goes to cards, beside its model",
        "cards is reached from this computer: while it is off, steps for another host wait or fail",
    ]


def test_what_a_model_stands_on_goes_with_it() -> None:
    roles = {ORCHESTRATOR: {"model": "a", "slot": "desk"}, "backend": {"model": "b", "slot": "cards"}}
    made = tree(roles, {"desk": HOSTS["desk"], "cards": HOSTS["cards"]})
    made["models"]["c"] = {"hf": "o/n", "file": "c.gguf"}
    made["models"]["b"]["base"] = "c"
    assert [sorted(part.models) for part in split(read(made))] == [["a"], ["b", "c"]]


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"roles": {ORCHESTRATOR: {"model": "a", "slot": "dsk"}}}, "'dsk' is not in target.slots; did you mean"),
        ({"target": {"slots": {"desk": {"local": {}}}}}, "1 of them: 2 to 8"),
        ({"target": {"slots": {**HOSTS, "here": {}}}}, "this machine is slot 'desk' already"),
        ({"target": {"slots": {**HOSTS, "trial": {"vast": {}}}}}, "no slot can be called 'trial'"),
        ({"target": {"slots": {**HOSTS, "b_d": {"vast": {}}}}}, "target.slots.b_d"),
        ({"target": {"slots": HOSTS, "local": {}}}, "name one of"),
        ({"target": {"slots": {"desk": {"local": {}, "vast": {}}, "far": {"vast": {}}}}}, "local, ssh, vast (found"),
        ({"target": {"slots": {"desk": {"slots": {}}, "far": {"vast": {}}}}}, "unknown key"),
        ({"runtime": "process"}, "a swarm over several hosts runs in containers"),
        ({"privacy": "own-hardware", "target": {"slots": {**HOSTS, "far": {"vast": {}}}}}, "own-hardware refuses"),
        ({"target": {"local": {}}}, "'desk' is not in target.slots; there are none"),
    ],
)  # fmt: skip
def test_mistakes_are_said(change: dict[str, Any], said: str) -> None:
    roles = {ORCHESTRATOR: {"model": "a", "slot": "desk"}, "backend": {"model": "a", "slot": "cards"}}
    with pytest.raises(SpecError) as caught:
        read({**tree(roles, HOSTS), **change})
    assert said in caught.value.detail


def test_mistakes_come_all_at_once() -> None:
    roles: dict[str, dict[str, Any]] = {
        ORCHESTRATOR: {"model": "a", "slot": "x"},
        "docs": {"model": "a", "slot": "cards", "optional": True},
    }
    with pytest.raises(SpecError) as caught:
        read(tree(roles, HOSTS))
    for said in ("'x' is not in", "has no optional roles", "target.slots.desk: no role", "target.slots.far: no role"):
        assert said in caught.value.detail


@pytest.mark.parametrize(
    ("name", "expected"),
    [("team", None), ("team_a", ("team", "a")), ("team_trial", None), ("team_a_trial", ("team", "a")), ("_x", None)],
)  # fmt: skip
def test_names(name: str, expected: tuple[str, str] | None) -> None:
    assert whole(name) == expected
    assert whole(part_name("team", "desk")) == ("team", "desk")
    assert RELAY.isalpha()
