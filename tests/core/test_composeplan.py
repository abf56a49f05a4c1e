"""What `up` does with containers: everything from nothing, nothing when all is well, and exactly what drifted."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from fakes.composedworlds import after_up, made, nothing, tiny
from swarmctl.core.composed import host_of
from swarmctl.core.composehost import OPEN, Resident, ServerSeen
from swarmctl.core.composeplan import reconcile_compose
from swarmctl.core.lock import Lock, Locked, Seen
from swarmctl.core.observed import Observed
from swarmctl.core.reconcile import reconcile, release
from swarmctl.errors import SpecError

ROLES = ("orchestrator", "frontend", "backend", "testing", "security", "docs", "devops")


def steps(observed: Observed, *overrides: tuple[str, object]) -> list[str]:
    """The plan's steps, each as verb, subject and cause."""
    plan = reconcile(tiny(*overrides), observed)
    assert plan.refusals == ()
    return [f"{step.verb} {step.subject}: {step.cause}" for step in plan.steps]


def test_from_nothing_everything_is_done_in_order() -> None:
    found = steps(nothing(tiny()))
    assert found[:3] == [
        "prepare local host: no state of this swarm here",
        "prepare ollama/ollama:0.32.15: not here",
        "prepare swarmctl/agent:1.2.3: not here",
    ]
    assert found[3] == "deploy 9 containers: does not run"
    assert sorted(found[4:-1]) == sorted(f"load model-{name}: ollama-cpu is made anew" for name in ("lead", *ROLES[1:]))
    assert found[-1] == "check all proofs: after #11"


@pytest.mark.parametrize("cards", [0, 1, 2])
@pytest.mark.parametrize("docker", ["20.10.24+dfsg1", "28.2.2"])
def test_the_law_of_up(cards: int, docker: str) -> None:
    """Planning changes nothing; after `up` there is nothing to do; `down` names all that runs."""
    spec = tiny(("engine.keep_alive", "30m"))
    before = nothing(spec, cards, docker)
    assert reconcile(spec, before) == reconcile(spec, before)
    up = after_up(spec, before)
    again = reconcile(spec, up)
    assert (again.steps, again.refusals) == ((), ()), again.text()
    assert again.ports == reconcile(spec, before).ports
    assert {step.subject for step in release(spec.name, up).steps} >= {s.name for s in up.services}


def _seen(observed: Observed, **changes: Any) -> Observed:
    return replace(observed, compose=replace(host_of(observed), **changes))


def _service(name: str, **changes: Any) -> Callable[[Observed], Observed]:
    def change(observed: Observed) -> Observed:
        services = [replace(s, **changes) if s.name == name else s for s in observed.services]
        return replace(observed, services=tuple(services))

    return change


def _without(name: str) -> Callable[[Observed], Observed]:
    return lambda observed: replace(observed, services=tuple(s for s in observed.services if s.name != name))


def _loaded(name: str, row: Resident | None) -> Callable[[Observed], Observed]:
    def change(observed: Observed) -> Observed:
        seen = host_of(observed).servers["ollama-cpu"]
        rows = {key: value for key, value in seen.loaded.items() if key != name} | ({name: row} if row else {})
        return _seen(observed, servers={"ollama-cpu": replace(seen, loaded=rows)})

    return change


def _created(name: str, **parameters: Any) -> Callable[[Observed], Observed]:
    def change(observed: Observed) -> Observed:
        seen = host_of(observed).servers["ollama-cpu"]
        there = seen.created[name]
        other = replace(there, parameters={**there.parameters, **parameters})
        return _seen(observed, servers={"ollama-cpu": replace(seen, created={**seen.created, name: other})})

    return change


def _written(path: str, text: str) -> Callable[[Observed], Observed]:
    return lambda observed: _seen(observed, written={**host_of(observed).written, path: text})


CASES: dict[str, tuple[Callable[[Observed], Observed], list[str]]] = {
    "a container was removed": (_without("agent-docs"), ["deploy agent-docs: does not run"]),
    "a container ended": (
        _service("agent-docs", state="exited", last_exit="exit 137"),
        ["deploy agent-docs: is exited after exit 137"],
    ),
    "a container is unhealthy": (_service("agent-docs", state="unhealthy"), ["deploy agent-docs: is unhealthy"]),
    "a container was made from other settings": (
        _service("agent-docs", hash="0" * 12),
        ["deploy agent-docs: its settings changed"],
    ),
    "an image was built anew": (
        lambda seen: _seen(seen, running={**host_of(seen).running, "forwarder-cpu": "sha256:old"}),
        ["deploy forwarder-cpu: its image is another one by now"],
    ),
    "a settings file was edited": (
        _written("services/agent-docs.json", "{}"),
        ["deploy agent-docs: its settings file is not as it should be"],
    ),
    "the Compose file was edited": (_written("cpu.yml", "name: x"), ["deploy 9 containers: its Compose file changed"]),
    "a model is not loaded": (_loaded("lead", None), ["load model-lead: is not loaded"]),
    "a model that may sleep sleeps": (_loaded("docs", None), []),
    "all models went while the server was away": (
        lambda seen: _loaded("docs", None)(_loaded("lead", None)(seen)),
        ["load model-lead: is not loaded", "load model-docs: sleeps, and all are proved"],
    ),
    "a model sleeps while something else is mended": (
        lambda seen: _loaded("docs", None)(_without("agent-docs")(seen)),
        ["deploy agent-docs: does not run", "load model-docs: sleeps, and all are proved"],
    ),
    "a client loaded a model with its own context": (
        _loaded("docs", Resident(4096, 100.0)),
        ["load model-docs: a client had it loaded with 4096 tokens, not 2048"],
    ),
    "a client gave the orchestrator's model a keep-alive": (
        _loaded("lead", Resident(2048, 300.0)),
        ["load model-lead: a client had it sleep in 300 s"],
    ),
    "a client keeps a specialist's model for ever": (
        _loaded("docs", Resident(2048, float("inf"))),
        ["load model-docs: a client had it stay longer than planned"],
    ),
    "a model was made anew with another context": (
        _created("docs", num_ctx=512),
        ["load model-docs: changed: num_ctx 512 → 2048"],
    ),
    "its server does not answer": (
        lambda seen: _seen(seen, servers={"ollama-cpu": ServerSeen(problem="its server does not answer: x")}),
        [f"load model-{name}: its server does not answer: x" for name in sorted(("lead", *ROLES[1:]))],
    ),
}


@pytest.mark.parametrize("case", CASES)
def test_what_drifted_is_mended_and_nothing_else(case: str) -> None:
    spec = tiny()
    change, wanted = CASES[case]
    found = steps(change(after_up(spec, nothing(spec))))
    made_anew = [f"load model-{name}: ollama-cpu is made anew" for name in sorted(("lead", *ROLES[1:]))]
    wanted = wanted + (made_anew if "9 containers" in "".join(wanted) else [])
    assert found == [*wanted, *([f"check all proofs: after #{len(wanted)}"] if wanted else [])]


def test_a_role_that_left_the_file_takes_its_container_and_its_model_along() -> None:
    spec = tiny()
    up = after_up(spec, nothing(spec))
    fewer = spec.model_copy(update={"roles": {name: role for name, role in spec.roles.items() if name != "docs"}})
    found = [f"{step.verb} {step.subject}" for step in reconcile_compose(fewer, up).steps]
    assert found[-3:] == ["release agent-docs", "release model-docs", "check all proofs"]


def test_a_lost_card_has_its_roles_placed_on_what_is_left() -> None:
    spec = tiny(("placement.architecture", "separate"))
    two = after_up(spec, nothing(spec, cards=2))
    before = {s.name: s.gpu for s in two.services}
    assert set(before.values()) == {"gpu0", "gpu1"}
    one = nothing(spec, cards=1)
    left = replace(two, machine=one.machine, compose=replace(host_of(two), box=host_of(one).box))
    plan = reconcile_compose(spec, left)
    gone = {step.subject for step in plan.steps if step.verb == "release"}
    assert gone == {name for name, gpu in before.items() if gpu == "gpu1"}
    assert {stack.gpu for stack in plan.stacks} == {"gpu0"}
    assert [s.name for s in plan.stacks[0].services if s.kind == "agent"] == [f"agent-{role}" for role in ROLES]


def test_ports_are_those_that_clients_look_for_where_they_are_free() -> None:
    spec = tiny()
    assert made(spec, nothing(spec)).site.ports["ollama-cpu"] == 11434
    taken = replace(nothing(spec), busy=frozenset((11434,)))
    assert made(spec, taken).site.ports["ollama-cpu"] != 11434


@pytest.mark.parametrize(
    ("change", "word"),
    [
        (lambda seen: _seen(seen, problem="no Docker Engine answers"), "no Docker Engine answers"),
        (lambda seen: _seen(seen, foreign=("agent-docs",)), "made from other files"),
    ],
)
def test_what_stands_in_the_way_is_said(change: Callable[[Observed], Observed], word: str) -> None:
    plan = reconcile_compose(tiny(), change(nothing(tiny())))
    assert plan.steps == ()
    assert word in plan.refusals[0]


@pytest.mark.parametrize(
    ("path", "value", "word"),
    [("engine.kind", "vllm", "not run"), ("placement.architecture", "shared-base", "adapters")],
)
def test_what_can_only_be_planned_is_refused(path: str, value: str, word: str) -> None:
    spec = tiny((path, value))
    assert word in "\n".join(reconcile_compose(spec, nothing(spec)).refusals)


@pytest.mark.parametrize("missing", ["its network is gone", "no state of this swarm here"])
def test_containers_do_not_outlive_what_they_stand_on(missing: str) -> None:
    spec = tiny()
    lost = replace(after_up(spec, nothing(spec)), prepared=False, unprepared=missing)
    found = steps(lost)
    assert found[:2] == [f"prepare local host: {missing}", f"deploy 9 containers: {missing}"]


def test_an_open_wall_is_closed_and_nothing_is_made_anew() -> None:
    spec = tiny()
    found = steps(replace(after_up(spec, nothing(spec)), prepared=False, unprepared=OPEN))
    assert found == [f"prepare local host: {OPEN}", "check all proofs: after #1"]


def test_an_image_that_is_not_the_locked_one_stands_in_the_way() -> None:
    spec = tiny()
    up = after_up(spec, nothing(spec))
    name = "ollama/ollama:0.32.15"
    lock = Lock({name: Locked(digest=f"sha256:{'1' * 64}")})
    refused = reconcile(spec, _seen(up, seen={name: Seen(name, f"sha256:{'2' * 64}")}, lock=lock)).refusals
    assert "another image than the one that swarm.lock holds" in refused[0]
    assert "--update-lock" in refused[0]


def test_an_image_of_ones_own_takes_the_place_of_the_servers() -> None:
    plan = reconcile(tiny(("engine.image", "mine/ollama:0.32.15-rocm")), nothing(tiny()))
    assert "mine/ollama:0.32.15-rocm" in {step.subject for step in plan.steps}
    with pytest.raises(SpecError, match="not pinned"):
        reconcile(tiny(("engine.image", "mine/ollama:latest")), nothing(tiny()))


def test_another_server_is_tried_beside_the_old_one_where_there_is_room() -> None:
    spec = tiny()
    up = after_up(spec, nothing(spec))
    longer = tiny(("engine.context", 4096))
    found = [f"{step.verb} {step.subject}" for step in reconcile(longer, up).steps]
    assert found[0] == "check trial"
    assert found[1].startswith("deploy ")
    tight = replace(up, machine=replace(up.machine, ram_free=900), services=tuple(
        replace(s, resident=4000.0) if s.name == "ollama-cpu" else s for s in up.services
    ))  # fmt: skip
    plan = reconcile(longer, tight)
    assert "check trial" not in [f"{step.verb} {step.subject}" for step in plan.steps]
    assert any("cannot be tried beside" in note for note in plan.warnings)


def test_a_first_swarm_and_a_mended_one_are_not_tried_twice() -> None:
    spec = tiny()
    for observed in (nothing(spec), _without("ollama-cpu")(after_up(spec, nothing(spec)))):
        assert "trial" not in {step.subject for step in reconcile(spec, observed).steps}


def test_other_weights_under_the_same_name_are_tried_first() -> None:
    spec = tiny()
    up = after_up(spec, nothing(spec))
    other = _seen(up, digests={**host_of(up).digests, spec.models["docs"].key: "cd" * 32})
    found = [f"{step.verb} {step.subject}" for step in reconcile(spec, other).steps]
    assert found == ["check trial", "load model-docs", "check all proofs"]
