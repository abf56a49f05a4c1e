"""What `up` decides where two reasons meet: one sentence a case, and the whole of what follows from it."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cache
from typing import Any

import pytest

from fakes.composedworlds import after_up, made, nothing, tiny
from swarmctl.core.asmade import AsMade
from swarmctl.core.composed import host_of, running_services
from swarmctl.core.composehost import OPEN, Resident
from swarmctl.core.composeplan import reconcile_compose, spoilt
from swarmctl.core.lock import Seen
from swarmctl.core.observed import Observed, RunningService
from swarmctl.core.placement.demand import Known
from swarmctl.core.plan import Verb
from swarmctl.core.spec import SwarmSpec

Change = Callable[[Observed], Observed]
Override = tuple[str, object]

MODELS = ("backend", "devops", "docs", "frontend", "lead", "security", "testing")
AGENT = "swarmctl/agent:1.2.3"
FEWER_LOADED = (("engine.max_loaded", 2),)
"""On a card, two of the seven models may be loaded at once."""
ALTERED = AsMade({}, 0, frozenset())
"""No container of ours has nothing in its environment."""


@cache
def spec_of(overrides: tuple[Override, ...]) -> SwarmSpec:
    return tiny(*overrides)


@cache
def up(cards: int = 0, overrides: tuple[Override, ...] = ()) -> Observed:
    """A swarm that runs as its file says, and was proved."""
    spec = spec_of(overrides)
    return after_up(spec, nothing(spec, cards))


def steps(observed: Observed, overrides: tuple[Override, ...] = ()) -> list[str]:
    """The plan's steps, each as verb, subject and cause."""
    plan = reconcile_compose(spec_of(overrides), observed)
    assert plan.refusals == ()
    return [f"{step.verb} {step.subject}: {step.cause}" for step in plan.steps]


def host(observed: Observed, **changes: Any) -> Observed:
    return replace(observed, compose=replace(host_of(observed), **changes))


def loaded(*names: str, proved: bool) -> Change:
    """The first server has these models loaded, and no other."""

    def change(observed: Observed) -> Observed:
        ((server, seen),) = host_of(observed).servers.items()
        rows = {name: seen.loaded.get(name, Resident(2048, 300.0)) for name in names}
        now = host(observed, servers={server: replace(seen, loaded=rows)})
        return now if proved else replace(now, proved=None)

    return change


def not_held(file: str, *, known: bool) -> Change:
    """A model's file is not in the store. known: something is known of its source all the same."""
    key = f"hf:swarmctl/seven-tiny@main#{file}"

    def change(observed: Observed) -> Observed:
        others = {name: source for name, source in observed.sources.items() if name != key}
        there = {key: replace(observed.sources[key], held=False)} if known else {}
        digests = {name: digest for name, digest in host_of(observed).digests.items() if name != key}
        return host(replace(observed, sources=others | there), digests=digests)

    return change


def stale_image(observed: Observed) -> Observed:
    here = {name: one for name, one in host_of(observed).images.items() if name != AGENT}
    return host(observed, images=here, seen={AGENT: Seen(AGENT, "sha256:" + "1" * 64, "built")})


def runs(*more: RunningService) -> Change:
    return lambda observed: replace(observed, services=(*observed.services, *more))


@dataclass(frozen=True)
class Case:
    """A swarm that ran and was proved, what happened to it, and all that is done then (the last check left out)."""

    change: Change
    wanted: Sequence[str]
    overrides: tuple[Override, ...] = ()
    cards: int = 0


CASES: dict[str, Case] = {
    "an image of ours whose recipe changed is built anew, and its containers follow": Case(
        stale_image,
        [
            f"prepare {AGENT}: what it is built from changed",
            "deploy 8 of 9 containers: its image is another one by now",
        ],
    ),
    "a Compose file that is not there is no changed one": Case(
        lambda seen: host(seen, written={k: v for k, v in host_of(seen).written.items() if k != "cpu.yml"}), []
    ),
    "a container that somebody altered is made anew": Case(
        lambda seen: host(seen, made={"forwarder-cpu": ALTERED}),
        ["deploy forwarder-cpu: TZ is not set in it, but should be 'UTC'"],
    ),
    "a server that nobody saw in its container does not run, and each of its models says so": Case(
        lambda seen: host(seen, servers={}), [f"load model-{name}: its server does not run" for name in MODELS]
    ),
    "where all may be loaded, a stranger's model does not stand in for one of ours": Case(
        loaded(*(name for name in MODELS if name != "lead"), "stranger", proved=True),
        ["load model-lead: is not loaded"],
    ),
    "where two may be loaded and none is, two are loaded and no more": Case(
        loaded(proved=False),
        ["load model-backend: is not loaded", "load model-lead: is not loaded"],
        FEWER_LOADED,
        cards=1,
    ),
    "where two may be loaded and one other is, the two that were chosen are loaded": Case(
        loaded("docs", proved=False),
        ["load model-backend: is not loaded", "load model-lead: is not loaded"],
        FEWER_LOADED,
        cards=1,
    ),
    "a converter at work is left to end": Case(runs(RunningService("converter", "0" * 12, "running", 9)), []),
    "any other container that the file does not name is ended": Case(
        runs(RunningService("agent-painter", "0" * 12, "running", 9)), ["release agent-painter: not in the file"]
    ),
}


@pytest.mark.parametrize("sentence", CASES)
def test_what_is_done_and_nothing_else(sentence: str) -> None:
    case = CASES[sentence]
    found = steps(case.change(up(case.cards, case.overrides)), case.overrides)
    assert found == [*case.wanted, *([f"check all proofs: after #{len(case.wanted)}"] if case.wanted else [])]


@pytest.mark.parametrize("proved", [None, "0" * 12])
def test_what_runs_as_its_file_says_and_was_proved_in_another_form_is_only_proved(proved: str | None) -> None:
    assert steps(replace(up(), proved=proved)) == ["check all proofs: not proved yet in this form"]


def test_where_fewer_may_be_loaded_than_there_are_any_of_them_will_do() -> None:
    """Who was asked last is loaded; to load the chosen two again would only drive those out."""
    swapped = loaded("docs", "testing", proved=False)(up(1, FEWER_LOADED))
    assert steps(swapped, FEWER_LOADED) == ["check all proofs: not proved yet in this form"]


SPARE = (("models.spare.hf", "swarmctl/seven-tiny"), ("models.spare.file", "spare.gguf"))
FETCHED = [("docs", "not in the store; from hf:swarmctl/seven-tiny@main#docs.gguf")]


@pytest.mark.parametrize(
    ("change", "wanted"),
    [
        (lambda seen: seen, []),
        (not_held("docs.gguf", known=True), FETCHED),
        (not_held("docs.gguf", known=False), FETCHED),
        (not_held("spare.gguf", known=True), []),
    ],
    ids=["all are held", "known and not held", "not known", "no role uses it"],
)
def test_the_store_is_given_what_a_role_uses_and_it_does_not_hold(
    change: Change, wanted: list[tuple[str, str]]
) -> None:
    plan = reconcile_compose(spec_of(SPARE), change(nothing(spec_of(SPARE))))
    fetched = [(s.subject, s.cause) for s in plan.steps if s.verb is Verb.LOAD and s.where == "slot-0"]
    assert fetched == wanted


def load_order(overrides: tuple[Override, ...], observed: Observed) -> list[str]:
    """Models in the order in which a plan gives them to their server."""
    plan = reconcile_compose(spec_of(overrides), observed)
    return [s.subject.removeprefix("model-") for s in plan.steps if s.verb is Verb.LOAD]


def test_the_largest_model_is_loaded_first() -> None:
    """A later one must fit wholly beside those before it."""
    before = nothing(spec_of(()))
    known = dict(host_of(before).known)
    for name, times in (("testing", 3), ("docs", 2)):
        (weights,) = known[name].weights.values()
        larger = replace(weights, rest=times * weights.rest)
        known[name] = Known(known[name].model, {weights.quant: larger})
    order = load_order((), host(before, known=known))
    assert order == ["testing", "docs", "backend", "devops", "frontend", "lead", "security"]


def test_models_that_are_to_stay_loaded_are_given_to_their_server_before_the_others() -> None:
    """The orchestrator's stays for ever, so it is among the two; what is only created comes behind them."""
    order = load_order(FEWER_LOADED, nothing(spec_of(FEWER_LOADED), 1))
    assert order[:2] == ["backend", "lead"]
    assert sorted(order) == sorted(MODELS)


def test_a_server_that_ends_is_not_told_to_forget_its_models_first() -> None:
    """Otherwise the step would go to the server that takes its place, which is none of Ollama's."""
    other = (("engine.kind", "llamacpp"),)
    ended = [step for step in steps(up(), other) if step.startswith("release ")]
    assert ended == ["release ollama-cpu: not in the file"]


def _docs(**changes: Any) -> Change:
    def change(observed: Observed) -> Observed:
        return replace(
            observed,
            services=tuple(replace(s, **changes) if s.name == "agent-docs" else s for s in observed.services),
        )

    return change


def _altered(observed: Observed) -> Observed:
    return host(observed, made={"agent-docs": ALTERED})


SPOILT: dict[str, tuple[Change, list[str] | None]] = {
    "what is well is left alone": (lambda seen: seen, []),
    "an unhealthy container runs, and Compose would leave it": (_docs(state="unhealthy"), ["agent-docs"]),
    "one that ended is started by Compose itself": (_docs(state="exited"), []),
    "all are on a network that is gone": (
        lambda seen: replace(seen, prepared=False, unprepared="its network is gone"),
        None,
    ),
    "an open host is closed around containers that go on": (
        lambda seen: replace(seen, prepared=False, unprepared=OPEN),
        [],
    ),
    "what somebody altered has the hash that Compose looks for": (_altered, ["agent-docs"]),
    "what is made from other settings anyway is Compose's to make, once": (
        lambda seen: _altered(_docs(hash="0" * 12)(seen)),
        [],
    ),
    "the same name on another card is none of this stack's": (
        runs(RunningService("agent-docs", "0" * 12, "unhealthy", 9, gpu="gpu1")),
        [],
    ),
}


@pytest.mark.parametrize("sentence", SPOILT)
def test_what_compose_would_leave_as_it_is(sentence: str) -> None:
    """None stands for every container of the stack."""
    change, wanted = SPOILT[sentence]
    composed = made(spec_of(()), up())
    (stack,) = composed.stacks
    every = [s.name for s in running_services(stack)]
    found = spoilt(stack, composed.site, change(up()))
    assert sorted(found) == sorted(every if wanted is None else wanted)
